// Opening parameters: a file beside the library or by path, one mapping for
// several openings, and a status for every file that is not the model's.

#include "TestModel.h"

#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

using namespace lig::test;

namespace {

struct Weights : testing::Test {
  TestModel test;
  TemporaryFolder folder;
  lig_library *library = nullptr;
  lig_weights *weights = nullptr;

  void openLibrary() {
    ASSERT_EQ(
        lig_library_from_model(&test.model, folder.path.c_str(), &library),
        LIG_OK);
  }
  /// Opens the given contents as the model's file.
  lig_status open(const std::string &contents) {
    if (!library)
      openLibrary();
    folder.write("model.params", contents);
    return lig_weights_open(library, nullptr, &weights);
  }
  void TearDown() override {
    lig_weights_close(weights);
    lig_library_close(library);
  }
};

/// How many mappings of the file this process has.
int countMappings(const std::string &path) {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);)
    count += line.find(path) != std::string::npos;
  return count;
}

std::string replace(std::string text, const std::string &from,
                    const std::string &to) {
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

} // namespace

TEST_F(Weights, OpensBesideTheLibrary) {
  ASSERT_EQ(open(test.goodFile()), LIG_OK) << lig_last_error();
  EXPECT_EQ(lig_weights_bytes(weights), 72u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(lig_weights_data(weights)) % 64, 0u);
  EXPECT_EQ(memcmp(lig_weights_data(weights), test.goodData().data(), 72), 0);
}

TEST_F(Weights, TwoOpeningsShareAMapping) {
  ASSERT_EQ(open(test.goodFile()), LIG_OK);
  std::string link = folder.path + "/second.params";
  ASSERT_EQ(symlink("model.params", link.c_str()), 0);
  lig_library *other;
  ASSERT_EQ(lig_library_from_model(&test.model, "/nowhere", &other), LIG_OK);
  lig_weights *second;
  ASSERT_EQ(lig_weights_open(other, link.c_str(), &second), LIG_OK);
  EXPECT_EQ(lig_weights_data(weights), lig_weights_data(second));
  // What is left open stays mapped.
  lig_weights_close(weights);
  weights = nullptr;
  EXPECT_EQ(memcmp(lig_weights_data(second), test.goodData().data(), 72), 0);
  lig_weights_close(second);
  lig_library_close(other);
}

TEST_F(Weights, TwoModelsAndManyContextsMapOnce) {
  std::string path = folder.write("model.params", test.goodFile());
  TestModel other;
  lig_library *libraries[2];
  lig_weights *opened[2];
  std::vector<lig_context *> contexts(8);
  openLibrary();
  libraries[0] = library;
  ASSERT_EQ(lig_library_from_model(&other.model, folder.path.c_str(),
                                   &libraries[1]),
            LIG_OK);
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(lig_weights_open(libraries[i], nullptr, &opened[i]), LIG_OK);
  EXPECT_EQ(lig_weights_data(opened[0]), lig_weights_data(opened[1]));
  for (size_t i = 0; i < contexts.size(); ++i)
    ASSERT_EQ(lig_context_create(opened[i % 2], nullptr, &contexts[i]), LIG_OK);
  for (lig_weights *handle : opened)
    lig_weights_close(handle);
  lig_library_close(libraries[1]);
  for (lig_context *context : contexts) {
    EXPECT_EQ(countMappings(path), 1);
    lig_context_close(context);
  }
  EXPECT_EQ(countMappings(path), 0);
}

TEST_F(Weights, ThreadsOpenAndCloseAtOnce) {
  std::string path = folder.write("model.params", test.goodFile());
  openLibrary();
  auto work = [&](int &wrong) {
    for (int i = 0; i < 500; ++i) {
      lig_weights *handle;
      wrong += lig_weights_open(library, nullptr, &handle) != LIG_OK ||
               memcmp(lig_weights_data(handle), test.goodData().data(), 72) != 0;
      lig_weights_close(handle);
    }
  };
  int wrong[2] = {0, 0};
  std::thread first(work, std::ref(wrong[0])), second(work, std::ref(wrong[1]));
  first.join();
  second.join();
  EXPECT_EQ(wrong[0] + wrong[1], 0);
  EXPECT_EQ(countMappings(path), 0);
}

TEST_F(Weights, RefusedFilesStayUnmapped) {
  EXPECT_EQ(open(replace(test.goodFile(), "\"ab0", "\"cd0")),
            LIG_PARAMS_MISMATCH);
  EXPECT_EQ(open(test.goodFile() + "x"), LIG_FILE_BROKEN);
  EXPECT_EQ(countMappings(folder.path + "/model.params"), 0);
}

TEST_F(Weights, AnotherFileIsAnotherMapping) {
  ASSERT_EQ(open(test.goodFile()), LIG_OK);
  std::string path = folder.write("second.params", test.goodFile());
  lig_weights *second;
  ASSERT_EQ(lig_weights_open(library, path.c_str(), &second), LIG_OK);
  EXPECT_NE(lig_weights_data(weights), lig_weights_data(second));
  lig_weights_close(second);
}

TEST_F(Weights, TakesEmbeddedParameters) {
  alignas(64) uint8_t data[72] = {};
  test.params.embedded = data;
  test.params.file = nullptr;
  openLibrary();
  ASSERT_EQ(lig_weights_open(library, nullptr, &weights), LIG_OK);
  EXPECT_EQ(lig_weights_data(weights), data);
}

TEST_F(Weights, TakesAModelWithoutParameters) {
  test.model.params = nullptr;
  openLibrary();
  ASSERT_EQ(lig_weights_open(library, nullptr, &weights), LIG_OK);
  EXPECT_EQ(lig_weights_data(weights), nullptr);
  EXPECT_EQ(lig_weights_bytes(weights), 0u);
}

TEST_F(Weights, MissingFile) {
  openLibrary();
  EXPECT_EQ(lig_weights_open(library, nullptr, &weights), LIG_FILE_MISSING);
  EXPECT_EQ(weights, nullptr);
  EXPECT_NE(std::string(lig_last_error()).find("/model.params: No such file"),
            std::string::npos);
  EXPECT_EQ(lig_weights_open(library, "/tmp", &weights), LIG_FILE_MISSING);
  EXPECT_EQ(lig_weights_open(library, "/dev/null", &weights), LIG_FILE_MISSING);
}

TEST_F(Weights, EveryTruncationIsRefused) {
  std::string good = test.goodFile();
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(open(good.substr(0, size)), LIG_FILE_BROKEN) << size;
    EXPECT_EQ(weights, nullptr);
  }
}

TEST_F(Weights, TrailingBytesAreRefused) {
  EXPECT_EQ(open(test.goodFile() + "x"), LIG_FILE_BROKEN);
}

TEST_F(Weights, AnotherDigestIsRefused) {
  std::string good = test.goodFile();
  EXPECT_EQ(open(replace(good, "\"ab0", "\"cd0")), LIG_PARAMS_MISMATCH);
  EXPECT_EQ(open(replace(good, "\"ab0", "\"AB0")), LIG_PARAMS_MISMATCH);
  EXPECT_EQ(open(replace(good, "ligature.digest", "ligature.digesT")),
            LIG_PARAMS_MISMATCH);
}

TEST_F(Weights, OtherTensorsAreRefused) {
  std::string good = test.goodFile();
  EXPECT_EQ(open(replace(good, "\"w\"", "\"v\"")), LIG_PARAMS_MISMATCH);
  EXPECT_NE(std::string(lig_last_error()).find("parameter 'w' is missing"),
            std::string::npos);
  EXPECT_EQ(open(replace(good, "F32", "I32")), LIG_PARAMS_MISMATCH);
  EXPECT_EQ(open(replace(good, "[2,2]", "[4,1]")), LIG_PARAMS_MISMATCH);
  test.params.data_offset += 64;
  EXPECT_EQ(open(good), LIG_PARAMS_MISMATCH);
}

TEST_F(Weights, AnyChangedByteOfTheHeaderIsSurvived) {
  std::string good = test.goodFile();
  for (size_t at = 0; at < test.params.data_offset; ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    if (open(bad) == LIG_OK) {
      lig_weights_close(weights);
      weights = nullptr;
    }
  }
}

TEST_F(Weights, HandlesCloseInAnyOrder) {
  ASSERT_EQ(open(test.goodFile()), LIG_OK);
  lig_context *context;
  ASSERT_EQ(lig_context_create(weights, nullptr, &context), LIG_OK);
  lig_library_close(library);
  lig_weights_close(weights);
  library = nullptr;
  weights = nullptr;
  float x[2] = {1, 1}, y[2];
  const void *inputs[] = {x};
  void *outputs[] = {y};
  EXPECT_EQ(lig_run(context, 0, inputs, outputs), LIG_OK);
  EXPECT_EQ(y[1], 27);
  lig_context_close(context);
}
