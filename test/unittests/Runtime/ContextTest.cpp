// Contexts and runs: results, dims of dynamic outputs, statuses of compiled
// code, arenas from the caller, many contexts on one weights handle.

#include "TestModel.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

using namespace lig::test;

namespace {

struct Context : testing::Test {
  TestModel test;
  TemporaryFolder folder;
  lig_library *library = nullptr;
  lig_weights *weights = nullptr;
  lig_context *context = nullptr;

  void SetUp() override {
    folder.write("model.params", test.goodFile());
    ASSERT_EQ(
        lig_library_from_model(&test.model, folder.path.c_str(), &library),
        LIG_OK);
    ASSERT_EQ(lig_weights_open(library, nullptr, &weights), LIG_OK);
    ASSERT_EQ(lig_context_create(weights, nullptr, &context), LIG_OK);
  }
  void TearDown() override {
    lig_context_close(context);
    lig_weights_close(weights);
    lig_library_close(library);
  }
  lig_status run(uint32_t entry, const void *input, void *output) {
    return lig_run(context, entry, &input, &output);
  }
};

} // namespace

TEST_F(Context, Runs) {
  float x[2] = {1, 2}, y[2] = {};
  ASSERT_EQ(run(0, x, y), LIG_OK);
  EXPECT_EQ(y[0], 15);
  EXPECT_EQ(y[1], 31);
  EXPECT_EQ(lig_output_dims(context, 0, 0)[0], 2);
}

TEST_F(Context, AnswersQueries) {
  EXPECT_EQ(lig_entry_count(library), 3u);
  EXPECT_STREQ(lig_entry_name(library, 1), "nonzero");
  EXPECT_EQ(lig_entry_name(library, 3), nullptr);
  uint32_t entry = 9;
  EXPECT_EQ(lig_entry_find(library, "broken", &entry), LIG_OK);
  EXPECT_EQ(entry, 2u);
  EXPECT_EQ(lig_entry_find(library, "none", &entry), LIG_NO_SUCH_ENTRY);
  EXPECT_EQ(lig_input_count(library, 0), 1u);
  EXPECT_EQ(lig_output_count(library, 2), 0u);
  EXPECT_STREQ(lig_entry_input(library, 0, 0)->name, "x");
  EXPECT_EQ(lig_entry_output(library, 0, 1), nullptr);
  EXPECT_EQ(lig_dtype_bytes(LIG_BF16), 2u);
  EXPECT_EQ(lig_dtype_bytes(0), 0u);
  EXPECT_STREQ(lig_dtype_name(LIG_BOOL), "bool");
}

TEST_F(Context, ReportsDynamicDims) {
  EXPECT_EQ(lig_output_dims(context, 1, 0)[0], 4);
  float x[4] = {0, 5, 0, 7};
  int64_t indices[4];
  ASSERT_EQ(run(1, x, indices), LIG_OK);
  EXPECT_EQ(lig_output_dims(context, 1, 0)[0], 2);
  EXPECT_EQ(indices[1], 3);
  // Another entry point's run leaves them alone.
  float y[2];
  ASSERT_EQ(run(0, x, y), LIG_OK);
  EXPECT_EQ(lig_output_dims(context, 1, 0)[0], 2);
  EXPECT_EQ(lig_output_dims(context, 1, 1), nullptr);
  EXPECT_EQ(lig_output_dims(context, 3, 0), nullptr);
}

TEST_F(Context, PassesStatusesOn) {
  int32_t status = LIG_INDEX_OUT_OF_RANGE;
  EXPECT_EQ(run(2, &status, nullptr), LIG_INDEX_OUT_OF_RANGE);
  EXPECT_STREQ(lig_last_error(), "broken: an index is out of range");
  status = 1234;
  EXPECT_EQ(run(2, &status, nullptr), LIG_INTERNAL_ERROR);
  status = LIG_OK;
  EXPECT_EQ(run(2, &status, nullptr), LIG_OK);
}

TEST_F(Context, RefusesDimsBeyondTheBound) {
  test.entries[1].run = [](const void *const *, void *const *, const uint8_t *,
                           uint8_t *, int64_t *dims,
                           const lig_parallel *) -> int32_t {
    dims[0] = 5;
    return LIG_OK;
  };
  float x[4] = {};
  int64_t indices[4];
  EXPECT_EQ(run(1, x, indices), LIG_INTERNAL_ERROR);
  EXPECT_EQ(lig_output_dims(context, 1, 0)[0], 4);
}

TEST_F(Context, RefusesBadArguments) {
  float x[3] = {1, 2, 3}, y[2];
  const void *inputs[] = {x};
  void *outputs[] = {y};
  EXPECT_EQ(lig_run(nullptr, 0, inputs, outputs), LIG_INVALID_ARGUMENT);
  EXPECT_EQ(lig_run(context, 3, inputs, outputs), LIG_NO_SUCH_ENTRY);
  EXPECT_EQ(lig_run(context, 0, nullptr, outputs), LIG_INVALID_ARGUMENT);
  EXPECT_EQ(run(0, nullptr, y), LIG_INVALID_ARGUMENT);
  EXPECT_STREQ(lig_last_error(), "linear: input 0 ('x') is null");
  EXPECT_EQ(run(0, reinterpret_cast<char *>(x) + 1, y), LIG_INVALID_ARGUMENT);
}

TEST_F(Context, UsesTheCallersArena) {
  uint64_t bytes = 0;
  ASSERT_EQ(lig_arena_bytes(library, 0, nullptr, &bytes), LIG_OK);
  EXPECT_EQ(bytes, 128u);
  EXPECT_EQ(lig_context_arena_bytes(context), 128u);
  int64_t dims[1] = {3};
  EXPECT_EQ(lig_arena_bytes(library, 0, dims, &bytes), LIG_INVALID_ARGUMENT);

  alignas(64) uint8_t arena[192] = {};
  lig_context_options options = {};
  options.size = sizeof(options);
  options.arena = arena;
  options.arena_bytes = 128;
  lig_context *own;
  ASSERT_EQ(lig_context_create(weights, &options, &own), LIG_OK);
  float x[2] = {1, 2}, y[2];
  const void *inputs[] = {x};
  void *outputs[] = {y};
  EXPECT_EQ(lig_run(own, 0, inputs, outputs), LIG_OK);
  float scratch;
  memcpy(&scratch, arena, sizeof(scratch));
  EXPECT_EQ(scratch, 5);
  lig_context_close(own);

  options.arena_bytes = 127;
  EXPECT_EQ(lig_context_create(weights, &options, &own), LIG_INVALID_ARGUMENT);
  options.arena_bytes = 128;
  options.arena = arena + 8;
  EXPECT_EQ(lig_context_create(weights, &options, &own), LIG_INVALID_ARGUMENT);
  options.size = sizeof(options) + 8;
  EXPECT_EQ(lig_context_create(weights, &options, &own), LIG_INVALID_ARGUMENT);
  EXPECT_EQ(own, nullptr);
}

TEST_F(Context, HugeArenaIsOutOfMemory) {
  test.entries[0].arena_bytes = UINT64_MAX;
  lig_context *own;
  EXPECT_EQ(lig_context_create(weights, nullptr, &own), LIG_OUT_OF_MEMORY);
}

TEST_F(Context, ManyContextsOnManyThreads) {
  std::vector<std::thread> threads;
  std::vector<int> failures(8, 1);
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      lig_context *own;
      if (lig_context_create(weights, nullptr, &own) != LIG_OK)
        return;
      failures[t] = 0;
      for (int i = 0; i < 1000; ++i) {
        float x[2] = {float(t), float(i)}, y[2];
        const void *inputs[] = {x};
        void *outputs[] = {y};
        if (lig_run(own, 0, inputs, outputs) != LIG_OK ||
            y[0] != x[0] + 2 * x[1] + 10)
          ++failures[t];
      }
      lig_context_close(own);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures, std::vector<int>(8, 0));
}

TEST(Library, RefusesWrongDescriptions) {
  lig_library *library;
  auto open = [&](const TestModel &test) {
    return lig_library_from_model(&test.model, nullptr, &library);
  };
  TestModel version;
  version.model.abi_version = LIG_ABI_VERSION + 1;
  EXPECT_EQ(open(version), LIG_UNSUPPORTED_VERSION);
  TestModel bytes;
  bytes.x.bytes = 12;
  EXPECT_EQ(open(bytes), LIG_NOT_A_MODEL);
  TestModel beyond;
  beyond.paramDescs[1].offset = UINT64_MAX;
  EXPECT_EQ(open(beyond), LIG_NOT_A_MODEL);
  TestModel path;
  path.params.file = "../model.params";
  EXPECT_EQ(open(path), LIG_NOT_A_MODEL);
  EXPECT_EQ(library, nullptr);
  EXPECT_EQ(lig_library_from_model(nullptr, nullptr, &library),
            LIG_INVALID_ARGUMENT);
}

TEST(Library, RefusesCodeOfTwoKinds) {
  lig_library *library;
  auto open = [&](const TestModel &test) {
    return lig_library_from_model(&test.model, nullptr, &library);
  };
  lig_device_entry_fn run = [](const void *const *, void *const *,
                               const uint8_t *, uint8_t *, int64_t *,
                               const lig_device *) -> int32_t { return 0; };
  TestModel both;
  both.entries[0].run_device = run;
  EXPECT_EQ(open(both), LIG_NOT_A_MODEL);
  TestModel none;
  none.entries[0].run = nullptr;
  EXPECT_EQ(open(none), LIG_NOT_A_MODEL);

  lig_device_code code = {"sm_80", nullptr, 0, "", 1, nullptr, 0, 0};
  TestModel device;
  device.model.device_code = &code;
  EXPECT_EQ(open(device), LIG_NOT_A_MODEL);
  for (lig_entry_desc &entry : device.entries) {
    entry.run = nullptr;
    entry.run_device = run;
    entry.arena_bytes = LIG_DEVICE_HEADER_BYTES;
  }
  ASSERT_EQ(open(device), LIG_OK) << lig_last_error();
  lig_library_close(library);
  code.ptx_bytes = 0;
  EXPECT_EQ(open(device), LIG_NOT_A_MODEL);
  code.kernel_count = 1;
  code.ptx_bytes = 1;
  EXPECT_EQ(open(device), LIG_NOT_A_MODEL);
  code.kernel_count = 0;
  device.entries[1].arena_bytes = LIG_DEVICE_HEADER_BYTES - 1;
  EXPECT_EQ(open(device), LIG_NOT_A_MODEL);
}

TEST(Library, RefusesFilesThatAreNone) {
  lig_library *library;
  EXPECT_EQ(lig_library_open("/nowhere/model.so", &library), LIG_FILE_MISSING);
  EXPECT_EQ(lig_library_open("libc.so.6", &library), LIG_FILE_MISSING);
  EXPECT_EQ(lig_library_open(LIGATURE_TEST_NO_MODEL, &library),
            LIG_NOT_A_MODEL);
}

TEST(Library, LeavesNothingLoadedOfABrokenPackage) {
  lig_library *library;
  EXPECT_EQ(lig_library_open(LIGATURE_TEST_BROKEN_PACKAGE, &library),
            LIG_NOT_A_MODEL);
  EXPECT_EQ(library, nullptr);
  EXPECT_EQ(dlopen(LIGATURE_TEST_BROKEN_PACKAGE, RTLD_NOW | RTLD_NOLOAD),
            nullptr);
}

TEST(Library, OpensASharedLibrary) {
  lig_library *library;
  lig_weights *weights;
  lig_context *context;
  ASSERT_EQ(lig_library_open(LIGATURE_TEST_MODEL, &library), LIG_OK)
      << lig_last_error();
  ASSERT_EQ(lig_weights_open(library, nullptr, &weights), LIG_OK);
  ASSERT_EQ(lig_context_create(weights, nullptr, &context), LIG_OK);
  int32_t in = 20, out = 0;
  const void *inputs[] = {&in};
  void *outputs[] = {&out};
  EXPECT_EQ(lig_run(context, 0, inputs, outputs), LIG_OK);
  EXPECT_EQ(out, 21);
  lig_library_close(library);
  lig_context_close(context);
  lig_weights_close(weights);
}

TEST_F(Context, HandsItsThreadsToTheCode) {
  test.entries[2].run = [](const void *const *, void *const *, const uint8_t *,
                           uint8_t *, int64_t *,
                           const lig_parallel *parallel) -> int32_t {
    if (!parallel)
      return LIG_INVALID_DATA;
    return parallel->threads == 3 ? LIG_OK : LIG_INTERNAL_ERROR;
  };
  int32_t status = LIG_OK;
  EXPECT_EQ(run(2, &status, nullptr), LIG_INVALID_DATA);
  lig_context_options options = {};
  options.size = sizeof(options);
  options.threads = 3;
  lig_context *threaded = nullptr;
  ASSERT_EQ(lig_context_create(weights, &options, &threaded), LIG_OK);
  const void *inputs[] = {&status};
  EXPECT_EQ(lig_run(threaded, 2, inputs, nullptr), LIG_OK);
  lig_context_close(threaded);
  options.threads = 5000;
  EXPECT_EQ(lig_context_create(weights, &options, &threaded),
            LIG_INVALID_ARGUMENT);
}
