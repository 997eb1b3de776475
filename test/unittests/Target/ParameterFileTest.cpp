// Parameter files: what is written opens in the runtime, equal parameters give
// equal files, and nothing is left behind where writing fails.

#include "Ligature/Target/ParameterFile.h"
#include "Ligature/ABI/Runtime.h"
#include "Ligature/Support/SafetensorsFile.h"
#include "Ligature/Target/OutputFile.h"
#include "TemporaryFolder.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace lig::target;
using lig::test::TemporaryFolder;

namespace {

const char bytes[64] = "parameters";

ParameterInfo make(llvm::StringRef name, uint64_t offset, int64_t count) {
  return {name.str(),
          LIG_U8,
          {count},
          offset,
          llvm::ArrayRef(bytes, static_cast<size_t>(count)),
          1};
}

std::string refusal(std::vector<ParameterInfo> parameters, uint64_t size) {
  auto file = ParameterFile::create(parameters, size);
  return file ? "accepted" : llvm::toString(file.takeError());
}

} // namespace

TEST(ParameterFile, OpensInTheRuntime) {
  TemporaryFolder folder;
  std::vector<ParameterInfo> parameters = {make("b\"\n", 64, 10),
                                           make("a", 0, 3)};
  auto file = ParameterFile::create(parameters, 128);
  ASSERT_TRUE(bool(file));
  EXPECT_EQ(file->getDataOffset() % 64, 0u);
  ASSERT_FALSE(bool(file->write(folder / "m.params")));
  EXPECT_EQ(TemporaryFolder::read(folder / "m.params").size(),
            file->getDataOffset() + 128);

  int64_t dims[2] = {3, 10};
  lig_param_desc descs[2] = {{"a", dims, 0, 3, LIG_U8, 1, 1, 0},
                             {"b\"\n", dims + 1, 64, 10, LIG_U8, 1, 1, 0}};
  lig_params_desc params = {
      nullptr, "m.params", file->getDataOffset(), 128, {0}, descs, 2, 0};
  memcpy(params.digest, file->getDigest().data(), 32);
  lig_model_desc model = {LIG_ABI_VERSION, 0,       "m",    "test",
                          &params,        nullptr, nullptr};
  lig_library *library;
  lig_weights *weights;
  ASSERT_EQ(lig_library_from_model(&model, (folder / "").c_str(), &library),
            LIG_OK);
  ASSERT_EQ(lig_weights_open(library, nullptr, &weights), LIG_OK)
      << lig_last_error();
  EXPECT_EQ(memcmp(lig_weights_data(weights) + 64, bytes, 10), 0);
  EXPECT_EQ(lig_weights_data(weights)[3], 0);
  lig_weights_close(weights);
  lig_library_close(library);
}

TEST(ParameterFile, DoesNotDependOnOrder) {
  std::vector<ParameterInfo> one = {make("a", 0, 3), make("b", 64, 10)};
  std::vector<ParameterInfo> two = {make("b", 64, 10), make("a", 0, 3)};
  TemporaryFolder folder;
  ASSERT_FALSE(bool(ParameterFile::create(one, 74)->write(folder / "one")));
  ASSERT_FALSE(bool(ParameterFile::create(two, 74)->write(folder / "two")));
  EXPECT_EQ(TemporaryFolder::read(folder / "one"),
            TemporaryFolder::read(folder / "two"));
  std::string data;
  llvm::raw_string_ostream out(data);
  ParameterFile::create(one, 74)->writeData(out);
  EXPECT_EQ(data.size(), 74u);
  EXPECT_EQ(data.substr(64), std::string(bytes, 10));
}

TEST(ParameterFile, DigestIsOfTheData) {
  std::vector<ParameterInfo> parameters = {make("a", 0, 3)};
  // printf 'par' | sha256sum
  auto file = ParameterFile::create(parameters, 3);
  EXPECT_EQ(file->getDigest()[0], 0xc9);
  EXPECT_EQ(file->getDigest()[31], 0xdf);
}

TEST(ParameterFile, KnowsItsOwnBytes) {
  std::vector<ParameterInfo> parameters = {make("a", 0, 3), make("b", 64, 10)};
  auto file = ParameterFile::create(parameters, 128);
  TemporaryFolder folder;
  ASSERT_FALSE(bool(file->write(folder / "one")));
  std::string good = TemporaryFolder::read(folder / "one");
  EXPECT_TRUE(file->equals(good));
  EXPECT_FALSE(file->equals(""));
  EXPECT_FALSE(file->equals(good + "x"));
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= 1;
    EXPECT_FALSE(file->equals(bad)) << at;
    EXPECT_FALSE(file->equals(good.substr(0, at))) << at;
  }
}

TEST(ParameterFile, CarriesMetadata) {
  std::vector<ParameterInfo> parameters = {make("a", 0, 3)};
  auto create = [&](std::vector<std::pair<std::string, std::string>> metadata) {
    return ParameterFile::create(parameters, 3, metadata);
  };
  auto file = create({{"note", "\"quoted\""}});
  TemporaryFolder folder;
  ASSERT_FALSE(bool(file->write(folder / "one")));
  auto read = lig::SafetensorsFile::open(folder / "one");
  ASSERT_TRUE(bool(read));
  ASSERT_EQ((*read)->getMetadata().size(), 2u);
  EXPECT_EQ((*read)->getMetadata()[1].first, "note");
  EXPECT_EQ((*read)->getMetadata()[1].second, "\"quoted\"");
  EXPECT_FALSE(bool((*read)->checkLayout()));
  for (const char *key : {"ligature.digest", "\xff"}) {
    auto refused = create({{key, ""}});
    EXPECT_FALSE(bool(refused)) << key;
    llvm::consumeError(refused.takeError());
  }
}

TEST(ParameterFile, Refuses) {
  EXPECT_EQ(refusal({make("a", 8, 3)}, 128), "parameter 'a' is not aligned");
  EXPECT_EQ(refusal({make("a", 0, 3), make("b", 0, 4)}, 128),
            "parameter 'b' overlaps another");
  EXPECT_EQ(refusal({make("a", 64, 10)}, 73),
            "parameter 'a' lies outside the data");
  EXPECT_EQ(refusal({make("a", 0, 3), make("a", 64, 3)}, 128),
            "parameter 'a' is there twice");
  EXPECT_EQ(refusal({make("ligature.pad.0", 0, 3)}, 3),
            "parameter 'ligature.pad.0' has a name that parameter files "
            "reserve");
  EXPECT_EQ(refusal({make("\xff", 0, 3)}, 3),
            "parameter '\xff' has a name that is no text");
  ParameterInfo wrong = make("a", 0, 3);
  wrong.dims = {INT64_MAX, 4};
  EXPECT_EQ(refusal({wrong}, 3),
            "parameter 'a' has contents that do not fit its type");
}

TEST(ParameterFile, LeavesNothingBehindOnFailure) {
  TemporaryFolder folder;
  std::vector<ParameterInfo> parameters = {make("a", 0, 3)};
  auto file = ParameterFile::create(parameters, 3);
  // A folder in the way: the temporary file is written, the rename fails.
  ASSERT_FALSE(llvm::sys::fs::create_directory(folder / "there"));
  llvm::Error error = file->write(folder / "there");
  EXPECT_TRUE(bool(error));
  llvm::consumeError(std::move(error));
  error = file->write(folder / "missing/file");
  EXPECT_NE(llvm::toString(std::move(error)).find("missing/file"),
            std::string::npos);
  EXPECT_EQ(folder.countFiles(), 1u);
}

TEST(OutputFile, FullDiskIsAnError) {
  if (!llvm::sys::fs::exists("/dev/full"))
    GTEST_SKIP();
  llvm::Error error = writeFile("/dev/full", [](llvm::raw_ostream &out) {
    out << std::string(1 << 20, 'x');
  });
  EXPECT_EQ(llvm::toString(std::move(error)),
            "'/dev/full': No space left on device");
  EXPECT_TRUE(llvm::sys::fs::exists("/dev/full"));
}
