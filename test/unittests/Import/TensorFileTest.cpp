// Tensor files of every type go round unchanged, and broken ones give words.

#include "Ligature/Import/TensorFile.h"

#include "Ligature/ABI/Model.h"
#include "Ligature/Target/OutputFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace lig;

namespace {

class TensorFileTest : public testing::Test {
protected:
  TensorFileTest() : context(mlir::MLIRContext::Threading::DISABLED) {
    llvm::sys::fs::createUniqueDirectory("ligature-tensors", folder);
  }
  ~TensorFileTest() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) {
    llvm::SmallString<128> file(folder);
    llvm::sys::path::append(file, name);
    return file.str().str();
  }

  std::string put(llvm::StringRef contents) {
    std::string file = path("tensor");
    EXPECT_FALSE(target::writeFile(
        file, [&](llvm::raw_ostream &out) { out << contents; }));
    return file;
  }

  std::string print(TensorFormat format, llvm::StringRef name, int dtype,
                    llvm::ArrayRef<int64_t> dims, llvm::ArrayRef<char> bytes) {
    std::string text;
    llvm::raw_string_ostream out(text);
    EXPECT_FALSE(writeTensor(out, format, name, dtype, dims, bytes));
    return text;
  }

  std::string errorOf(llvm::StringRef contents) {
    llvm::Expected<TensorFile> file = loadTensorFile(put(contents), &context);
    return file ? "no error" : llvm::toString(file.takeError());
  }

  /// A .npy file of version 1.
  std::string npy(llvm::StringRef descr, llvm::StringRef order,
                  llvm::StringRef shape, llvm::StringRef data) {
    std::string header =
        ("{'descr': '" + descr + "', 'fortran_order': " + order +
         ", 'shape': " + shape + ", }\n")
            .str();
    std::string text("\x93NUMPY\1\0", 8);
    text += static_cast<char>(header.size());
    text += '\0';
    return text + header + data.str();
  }

  mlir::MLIRContext context;
  llvm::SmallString<128> folder;
};

constexpr std::pair<int, int> types[] = {
    {LIG_F32, 4}, {LIG_U8, 1},  {LIG_I8, 1},   {LIG_U16, 2}, {LIG_I16, 2},
    {LIG_I32, 4}, {LIG_I64, 8}, {LIG_BOOL, 1}, {LIG_F16, 2}, {LIG_F64, 8},
    {LIG_U32, 4}, {LIG_U64, 8}, {LIG_BF16, 2}};

TEST_F(TensorFileTest, RoundTripsEveryType) {
  for (TensorFormat format : {TensorFormat::Npy, TensorFormat::OnnxTensor})
    for (auto [dtype, width] : types)
      // More elements than print in full, and none at all.
      for (int64_t rows : {1, 40, 0}) {
        std::string bytes(rows * 3 * width, 0);
        for (size_t i = 0; i < bytes.size(); ++i)
          bytes[i] = dtype == LIG_BOOL ? i % 2 : i * 7;
        std::string text = print(format, "x", dtype, {rows, 3}, bytes);
        llvm::Expected<TensorFile> file = loadTensorFile(put(text), &context);
        ASSERT_TRUE(static_cast<bool>(file))
            << llvm::toString(file.takeError());
        EXPECT_EQ(file->dtype, dtype);
        EXPECT_EQ(file->dims, (llvm::SmallVector<int64_t>{rows, 3}));
        EXPECT_EQ(llvm::StringRef(file->bytes.data(), file->bytes.size()),
                  bytes);
        EXPECT_EQ(file->name, format == TensorFormat::Npy ? "" : "x");
        EXPECT_EQ(file->elements.getNumElements(), rows * 3);
      }
}

TEST_F(TensorFileTest, RoundTripsScalars) {
  const char bytes[] = {0, 0, 0, 64};
  for (TensorFormat format : {TensorFormat::Npy, TensorFormat::OnnxTensor}) {
    std::string text = print(format, "", LIG_F32, {}, bytes);
    llvm::Expected<TensorFile> file = loadTensorFile(put(text), &context);
    ASSERT_TRUE(static_cast<bool>(file)) << llvm::toString(file.takeError());
    EXPECT_TRUE(file->dims.empty());
    EXPECT_EQ(file->elements.getValues<float>()[0], 2.0f);
  }
}

TEST_F(TensorFileTest, TurnsFortranOrderAround) {
  // [[1, 2, 3], [4, 5, 6]] by columns.
  std::string text = npy("|i1", "True", "(2, 3)", "\1\4\2\5\3\6");
  llvm::Expected<TensorFile> file = loadTensorFile(put(text), &context);
  ASSERT_TRUE(static_cast<bool>(file)) << llvm::toString(file.takeError());
  EXPECT_EQ(llvm::StringRef(file->bytes.data(), file->bytes.size()),
            "\1\2\3\4\5\6");
}

TEST_F(TensorFileTest, MakesBooleansZeroOrOne) {
  llvm::Expected<TensorFile> file =
      loadTensorFile(put(npy("|b1", "False", "(3,)", {"\0\1\7", 3})), &context);
  ASSERT_TRUE(static_cast<bool>(file)) << llvm::toString(file.takeError());
  EXPECT_EQ(llvm::StringRef(file->bytes.data(), 3),
            llvm::StringRef("\0\1\1", 3));
}

TEST_F(TensorFileTest, RefusesBrokenArrays) {
  auto says = [&](const std::string &contents, const char *words) {
    std::string error = errorOf(contents);
    EXPECT_NE(error.find(words), std::string::npos) << error;
  };
  std::string good = npy("<f4", "False", "(2,)", "12345678");
  says(good, "no error");
  for (size_t size = 6; size < good.size(); ++size)
    EXPECT_NE(errorOf(good.substr(0, size)), "no error") << size;
  says(good + "9", "but 9 follow the header");
  says(npy(">f4", "False", "(2,)", "12345678"), "'>f4' is not supported");
  says(npy("|O", "False", "(2,)", "12345678"), "'|O' is not supported");
  says(npy("<f4", "False", "(-2,)", "12345678"), "no shape of sane size");
  says(npy("<f4", "False", "(4611686018427387904, 4)", ""),
       "no shape of sane size");
  says(npy("<f4", "False", "2", "12345678"), "no shape of sane size");
  says(npy("", "False", "(2,)", ""), "'' is not supported");
  says(std::string("\x93NUMPY\7\0\0\0\0\0", 12), "unknown version");
}

TEST_F(TensorFileTest, RefusesBrokenMessages) {
  std::string good = print(TensorFormat::OnnxTensor, "x", LIG_I64, {1},
                           {0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(errorOf(good), "no error");
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_NE(errorOf(good.substr(0, size)), "no error") << size;
  EXPECT_NE(errorOf("no tensor at all").find("neither a .npy file"),
            std::string::npos);
  llvm::Expected<TensorFile> missing = loadTensorFile(path("none"), &context);
  ASSERT_FALSE(missing);
  EXPECT_NE(llvm::toString(missing.takeError()).find("cannot read"),
            std::string::npos);
}

} // namespace
