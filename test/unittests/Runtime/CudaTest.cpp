// Models for a GPU on a driver that is none: where data lies, what is shared,
// what a run asks of the driver, and what happens when it refuses.

#include "CudaModel.h"
#include "DeviceBuffer.h"

using namespace lig::test;

//===-- Without a GPU ----------------------------------------------------===//

// The first of the file: a driver that was found stays.
TEST(CudaDriver, SaysWhatIsMissing) {
  DeviceModel test;
  TemporaryFolder folder;
  folder.write("model.params", test.goodFile());
  lig_library *library;
  lig_weights *weights;
  lig_context *context;
  ASSERT_EQ(lig_library_from_model(&test.model, folder.path.c_str(), &library),
            LIG_OK);
  ASSERT_EQ(lig_weights_open(library, nullptr, &weights), LIG_OK);
  setenv("LIG_CUDA_DRIVER", "/nowhere/libcuda.so", 1);
  EXPECT_EQ(lig_context_create(weights, nullptr, &context), LIG_NO_DEVICE);
  EXPECT_NE(strstr(lig_last_error(), "/nowhere/libcuda.so"), nullptr)
      << lig_last_error();
  setenv("LIG_CUDA_DRIVER", LIGATURE_TEST_NO_MODEL, 1);
  EXPECT_EQ(lig_context_create(weights, nullptr, &context), LIG_NO_DEVICE);
  EXPECT_NE(strstr(lig_last_error(), "has no cuInit"), nullptr)
      << lig_last_error();
  EXPECT_EQ(context, nullptr);
  lig_weights_close(weights);
  lig_library_close(library);
}

TEST_F(Cuda, RefusesAnOrdinalBeyondTheLast) {
  options.ordinal = 1;
  EXPECT_EQ(create(), LIG_NO_DEVICE);
  EXPECT_STREQ(lig_last_error(), "no GPU 1, the driver knows 1");
}

TEST_F(Cuda, RefusesCodeOfAnotherChip) {
  test.code.ptx = "BAD";
  test.code.ptx_bytes = 4;
  EXPECT_EQ(create(), LIG_NO_DEVICE);
  EXPECT_NE(strstr(lig_last_error(), "for sm_90a, the GPU is sm_90"), nullptr)
      << lig_last_error();
}

TEST_F(Cuda, CompilesPtxWhereMachineCodeDoesNotFit) {
  test.code.cubin = reinterpret_cast<const uint8_t *>("OLD");
  test.code.cubin_bytes = 4;
  EXPECT_EQ(create(), LIG_OK) << lig_last_error();
}

TEST_F(Cuda, RefusesKernelsThatDoNotFit) {
  test.kernels[1].max_block = 2048;
  EXPECT_EQ(create(), LIG_NO_DEVICE);
  test.kernels[1].max_block = 32;
  test.kernels[1].name = "absent";
  EXPECT_EQ(create(), LIG_NOT_A_MODEL);
}

/// A matrix of 100 rows of 40 numbers, in boxes of 64 by 32.
const lig_tensor_map matrix = {LIG_F32,      2,        {40, 100}, {4, 160},
                               {32, 64}, 128};

TEST_F(Cuda, DescribesTensorsToTheDriver) {
  ASSERT_EQ(create(), LIG_OK);
  struct alignas(LIG_TENSOR_MAP_ALIGNMENT) Map {
    uint64_t words[LIG_TENSOR_MAP_BYTES / 8];
  };
  static Map map;
  alignas(16) static uint8_t data[16];
  static int32_t statuses[2];
  beforeLaunch = [](const lig_device *device) {
    statuses[0] = device->map(device, &matrix, data, &map);
    Map other;
    statuses[1] = device->map(device, &matrix, data + 4, &other);
  };
  float x[2] = {}, y[2];
  run(0, x, y);
  beforeLaunch = nullptr;
  EXPECT_EQ(statuses[0], LIG_OK);
  EXPECT_EQ(statuses[1], LIG_DEVICE_ERROR);
  fake->counts.errors = 0; // of the second
  // Rank, type and swizzle as the driver counts them, and the row's stride.
  EXPECT_EQ(map.words[0], reinterpret_cast<uint64_t>(data));
  EXPECT_EQ(map.words[1], 2u);
  EXPECT_EQ(map.words[2], 7u);
  EXPECT_EQ(map.words[3], 3u);
  EXPECT_EQ(map.words[4], 160u);
}

/// In a process that is started anew: a driver that was loaded stays.
TEST_F(Cuda, SaysThatAnOldDriverMakesNoTensorMaps) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto tryOldDriver = [&] {
    setenv("LIG_CUDA_DRIVER", LIGATURE_TEST_OLD_CUDA, 1);
    lig_status plain = create();
    lig_context_close(context);
    context = nullptr;
    test.kernels[1].flags = LIG_KERNEL_TENSOR_MAPS;
    bool said = create() == LIG_NO_DEVICE &&
                strstr(lig_last_error(), "has no cuTensorMapEncodeTiled");
    fprintf(stderr, "%s", lig_last_error());
    exit(plain == LIG_OK && said ? 0 : 1);
  };
  EXPECT_EXIT(tryOldDriver(), testing::ExitedWithCode(0), "older than CUDA 12");
}

TEST_F(Cuda, SaysThatSharedMemoryDoesNotDo) {
  fake->sharedBytes = 48 << 10;
  EXPECT_EQ(create(), LIG_NO_DEVICE);
  EXPECT_STREQ(lig_last_error(),
               "kernel 'multiply' needs 65536 bytes of shared memory a block, "
               "the GPU has 49152: it was compiled for sm_90a");
  // Each chip's is enough if it is just so.
  fake->sharedBytes = 64 << 10;
  EXPECT_EQ(create(), LIG_OK) << lig_last_error();
}

/// Whoever planned for more; the driver refuses a grid that does not fit.
TEST_F(Cuda, RunsOnAsManyMultiprocessorsAsThereAre) {
  for (int multiprocessors : {1, 2, 7, 132}) {
    fake->multiprocessors = multiprocessors;
    int before = fake->counts.cooperative;
    ASSERT_EQ(create(), LIG_OK) << lig_last_error();
    lig_device_usage usage;
    ASSERT_EQ(lig_context_usage(context, &usage), LIG_OK);
    EXPECT_EQ(usage.cooperative_blocks, uint32_t(multiprocessors));
    float x[2] = {1, 2}, y[2] = {};
    ASSERT_EQ(run(0, x, y), LIG_OK) << lig_last_error();
    EXPECT_EQ(y[1], 31);
    EXPECT_EQ(fake->counts.cooperative, before + (multiprocessors > 1));
    lig_context_close(context);
    context = nullptr;
  }
}

TEST_F(Cuda, LetsAsManyBlocksWaitAsAreResident) {
  lig_device_usage usage;
  fake->residentBlocks = 0;
  EXPECT_EQ(create(), LIG_NO_DEVICE);
  EXPECT_STREQ(lig_last_error(), "kernel 'multiply' does not fit on the GPU");
  fake->residentBlocks = 1;
  ASSERT_EQ(create(), LIG_OK);
  ASSERT_EQ(lig_context_usage(context, &usage), LIG_OK);
  EXPECT_EQ(usage.cooperative_blocks, 4u);
}

TEST_F(Cuda, LetsOneBlockWorkWhereNoneMayWait) {
  fake->cooperative = 0;
  ASSERT_EQ(create(), LIG_OK) << lig_last_error();
  lig_device_usage usage;
  ASSERT_EQ(lig_context_usage(context, &usage), LIG_OK);
  EXPECT_EQ(usage.cooperative_blocks, 1u);
  float x[2] = {1, 2}, y[2] = {};
  ASSERT_EQ(run(0, x, y), LIG_OK) << lig_last_error();
  EXPECT_EQ(y[1], 31);
  EXPECT_EQ(fake->counts.cooperative, 0);
}

//===-- Running ----------------------------------------------------------===//

TEST_F(Cuda, RunsOnHostData) {
  ASSERT_EQ(create(), LIG_OK) << lig_last_error();
  EXPECT_EQ(fake->counts.mostDynamicShared, 64 << 10);
  float x[2] = {1, 2}, y[2] = {};
  ASSERT_EQ(run(0, x, y), LIG_OK) << lig_last_error();
  EXPECT_EQ(y[0], 15);
  EXPECT_EQ(y[1], 31);
  EXPECT_EQ(fake->counts.cooperative, 1);
  EXPECT_EQ(lig_output_dims(context, 0, 0)[0], 2);
}

TEST_F(Cuda, ReportsShapesAndStatuses) {
  ASSERT_EQ(create(), LIG_OK);
  for (int round = 0; round < 2; ++round) {
    float x[4] = {0, 5, 0, 7};
    int64_t indices[4];
    ASSERT_EQ(run(1, x, indices), LIG_OK) << lig_last_error();
    EXPECT_EQ(lig_output_dims(context, 1, 0)[0], 2);
    EXPECT_EQ(indices[1], 3);
    int32_t status = LIG_INDEX_OUT_OF_RANGE;
    EXPECT_EQ(run(2, &status, nullptr), LIG_INDEX_OUT_OF_RANGE);
    EXPECT_STREQ(lig_last_error(), "broken: an index is out of range");
    status = 1234;
    EXPECT_EQ(run(2, &status, nullptr), LIG_INTERNAL_ERROR);
    // A status does not outlive its run.
    float y[2];
    EXPECT_EQ(run(0, x, y), LIG_OK);
  }
}

TEST_F(Cuda, RunsOnDeviceDataWithoutWaiting) {
  options.flags = LIG_CONTEXT_DEVICE_POINTERS;
  ASSERT_EQ(create(), LIG_OK);
  EXPECT_EQ(lig_synchronize(context), LIG_OK);
  {
    DeviceBuffer x(16), y(32);
    float values[4] = {0, 5, 0, 7};
    memcpy(x.data, values, sizeof(values));
    FakeCounts before = fake->counts;
    ASSERT_EQ(run(1, x.data, y.data), LIG_OK) << lig_last_error();
    EXPECT_EQ(fake->counts.launches, before.launches) << "the run waited";
    EXPECT_EQ(fake->counts.allocations, before.allocations);
    EXPECT_EQ(fake->counts.synchronizations, before.synchronizations);
    EXPECT_EQ(lig_output_dims(context, 1, 0)[0], 4);
    ASSERT_EQ(lig_synchronize(context), LIG_OK);
    EXPECT_EQ(lig_output_dims(context, 1, 0)[0], 2);
    EXPECT_EQ(y.as<int64_t>()[1], 3);
    *x.as<int32_t>() = LIG_INVALID_DATA;
    EXPECT_EQ(run(2, x.data, nullptr), LIG_OK);
    EXPECT_EQ(lig_synchronize(context), LIG_INVALID_DATA);
  }
}

TEST_F(Cuda, RefusesDeviceDataThatIsNotAligned) {
  options.flags = LIG_CONTEXT_DEVICE_POINTERS;
  ASSERT_EQ(create(), LIG_OK);
  DeviceBuffer buffer(64);
  EXPECT_EQ(run(0, buffer.data, static_cast<char *>(buffer.data) + 20),
            LIG_INVALID_ARGUMENT);
  EXPECT_NE(strstr(lig_last_error(), "is not at a multiple of 16 bytes"),
            nullptr)
      << lig_last_error();
}

TEST_F(Cuda, ReplaysAGraphOnTheSameBuffers) {
  options.flags = LIG_CONTEXT_DEVICE_POINTERS | LIG_CONTEXT_GRAPH;
  ASSERT_EQ(create(), LIG_OK);
  {
    DeviceBuffer x(8), y(8), z(8);
    for (int i = 0; i < 4; ++i) {
      x.as<float>()[0] = float(i);
      x.as<float>()[1] = 2;
      ASSERT_EQ(run(0, x.data, y.data), LIG_OK) << lig_last_error();
      ASSERT_EQ(lig_synchronize(context), LIG_OK);
      EXPECT_EQ(y.as<float>()[0], i + 14);
    }
    EXPECT_EQ(fake->counts.captures, 1);
    EXPECT_EQ(fake->counts.graphLaunches, 4);
    lig_device_usage usage;
    ASSERT_EQ(lig_context_usage(context, &usage), LIG_OK);
    EXPECT_EQ(usage.graph_runs, 3u);
    // Other buffers, another graph; the old one is given back.
    ASSERT_EQ(run(0, x.data, z.data), LIG_OK);
    ASSERT_EQ(lig_synchronize(context), LIG_OK);
    EXPECT_EQ(z.as<float>()[0], 17);
    EXPECT_EQ(fake->counts.captures, 2);
    EXPECT_EQ(fake->counts.executables, 1);
  }
}

TEST_F(Cuda, ReplaysAGraphOnHostData) {
  options.flags = LIG_CONTEXT_GRAPH;
  ASSERT_EQ(create(), LIG_OK);
  for (int i = 0; i < 3; ++i) {
    float x[2] = {float(i), 2}, y[2];
    ASSERT_EQ(run(0, x, y), LIG_OK) << lig_last_error();
    EXPECT_EQ(y[0], i + 14);
  }
  EXPECT_EQ(fake->counts.captures, 1);
}

TEST_F(Cuda, WorksInTheCallersStreamAndCapture) {
  auto createStream =
      DeviceBuffer::find<int (*)(void **, unsigned)>("cuStreamCreate");
  auto destroyStream =
      DeviceBuffer::find<int (*)(void *)>("cuStreamDestroy_v2");
  auto beginCapture =
      DeviceBuffer::find<int (*)(void *, int)>("cuStreamBeginCapture_v2");
  auto endCapture =
      DeviceBuffer::find<int (*)(void *, void **)>("cuStreamEndCapture");
  auto destroyGraph = DeviceBuffer::find<int (*)(void *)>("cuGraphDestroy");
  DeviceBuffer x(8), y(8);
  x.inContext([&] { createStream(&options.stream, 0); });
  options.flags = LIG_CONTEXT_DEVICE_POINTERS | LIG_CONTEXT_GRAPH;
  ASSERT_EQ(create(), LIG_OK);
  EXPECT_EQ(fake->counts.streams, 1);
  x.inContext([&] { beginCapture(options.stream, 1); });
  EXPECT_EQ(run(0, x.data, y.data), LIG_OK) << lig_last_error();
  void *graph = nullptr;
  EXPECT_EQ(endCapture(options.stream, &graph), 0);
  EXPECT_EQ(fake->counts.captures, 1);
  destroyGraph(graph);
  lig_context_close(context);
  context = nullptr;
  EXPECT_EQ(fake->counts.streams, 1) << "the stream is the caller's";
  destroyStream(options.stream);
}

TEST_F(Cuda, WorksInTheCallersArena) {
  DeviceBuffer arena(128);
  options.arena = arena.data;
  options.arena_bytes = 127;
  EXPECT_EQ(create(), LIG_INVALID_ARGUMENT);
  options.arena_bytes = 128;
  ASSERT_EQ(create(), LIG_OK);
  float x[2] = {1, 2}, y[2];
  ASSERT_EQ(run(0, x, y), LIG_OK);
  EXPECT_EQ(arena.as<float>()[16], 5);
}

//===-- Sharing ----------------------------------------------------------===//

TEST_F(Cuda, UploadsParametersOnce) {
  lig_device_usage usage;
  ASSERT_EQ(create(), LIG_OK);
  ASSERT_EQ(lig_context_usage(context, &usage), LIG_OK);
  uint64_t uploads = usage.uploads;
  EXPECT_EQ(usage.param_bytes, 72u);
  DeviceModel another;
  lig_library *secondLibrary = nullptr;
  lig_weights *secondWeights = nullptr;
  open(another, &secondLibrary, &secondWeights);
  lig_context *contexts[3];
  for (lig_context *&made : contexts)
    ASSERT_EQ(lig_context_create(&made == contexts ? weights : secondWeights,
                                 &options, &made),
              LIG_OK);
  ASSERT_EQ(lig_context_usage(contexts[2], &usage), LIG_OK);
  EXPECT_EQ(usage.uploads, uploads);
  EXPECT_EQ(usage.param_bytes, 72u);
  EXPECT_EQ(fake->counts.modules, 2) << "one for each model";
  // Other parameters are others, whatever their size.
  DeviceModel other;
  other.params.digest[31] = 1;
  std::string digest = other.digest().substr(0, 62) + "01";
  std::string file = other.goodFile();
  file.replace(file.find(other.digest()), digest.size(), digest);
  folder.write("other.params", file);
  other.params.file = "other.params";
  lig_library *thirdLibrary = nullptr;
  lig_weights *thirdWeights = nullptr;
  open(other, &thirdLibrary, &thirdWeights);
  lig_context *third;
  ASSERT_EQ(lig_context_create(thirdWeights, &options, &third), LIG_OK);
  ASSERT_EQ(lig_context_usage(third, &usage), LIG_OK);
  EXPECT_EQ(usage.uploads, uploads + 1);
  EXPECT_EQ(usage.param_bytes, 144u);
  lig_context_close(third);
  for (lig_context *made : contexts)
    lig_context_close(made);
  lig_weights_close(thirdWeights);
  lig_library_close(thirdLibrary);
  lig_weights_close(secondWeights);
  lig_library_close(secondLibrary);
}

//===-- Failures ---------------------------------------------------------===//

TEST_F(Cuda, GivesEverythingBackWhenACallFails) {
  // Lets each call of the driver fail in turn, until a run needs none of them.
  DeviceBuffer x(8), y(8);
  const int before = fake->counts.alive();
  for (uint32_t flags : {0u, LIG_CONTEXT_GRAPH, LIG_CONTEXT_DEVICE_POINTERS,
                         LIG_CONTEXT_DEVICE_POINTERS | LIG_CONTEXT_GRAPH})
    for (int call = 0;; ++call) {
      ASSERT_LT(call, 200);
      fake->failAfter = call;
      options.flags = flags;
      lig_status status = create();
      float input[2] = {1, 2}, output[2];
      bool isOnDevice = flags & LIG_CONTEXT_DEVICE_POINTERS;
      if (status == LIG_OK)
        status = isOnDevice ? run(0, x.data, y.data) : run(0, input, output);
      if (status == LIG_OK)
        status = lig_synchronize(context);
      bool failed = fake->failAfter < 0;
      fake->failAfter = -1;
      EXPECT_EQ(status != LIG_OK, failed) << call;
      if (failed) {
        EXPECT_NE(strstr(lig_last_error(), "CUDA error 700"), nullptr)
            << lig_last_error();
      }
      lig_context_close(context);
      context = nullptr;
      EXPECT_EQ(fake->counts.alive(), before) << call;
      if (!failed)
        break;
    }
}

TEST_F(Cuda, CountsWhatEachContextHolds) {
  // Arenas and buffers are each context's own, parameters are all contexts'.
  lig_device_usage alone, onDevice, beside;
  ASSERT_EQ(create(), LIG_OK);
  ASSERT_EQ(lig_context_usage(context, &alone), LIG_OK);
  options.flags = LIG_CONTEXT_DEVICE_POINTERS;
  lig_context *second = nullptr;
  ASSERT_EQ(lig_context_create(weights, &options, &second), LIG_OK);
  ASSERT_EQ(lig_context_usage(second, &onDevice), LIG_OK);
  ASSERT_EQ(lig_context_usage(context, &beside), LIG_OK);
  EXPECT_EQ(beside.context_bytes, alone.context_bytes);
  // What is for host data: the largest entry point's inputs and outputs.
  EXPECT_EQ(onDevice.context_bytes + 512, alone.context_bytes);
  EXPECT_EQ(beside.param_bytes, alone.param_bytes);
  EXPECT_EQ(onDevice.param_bytes, alone.param_bytes);
  EXPECT_EQ(fake->counts.memory, 3) << "two contexts and the parameters";
  // Parameters stay until the last context goes.
  lig_context_close(context);
  context = nullptr;
  ASSERT_EQ(lig_context_usage(second, &onDevice), LIG_OK);
  EXPECT_EQ(onDevice.param_bytes, alone.param_bytes);
  EXPECT_EQ(onDevice.uploads, alone.uploads);
  lig_context_close(second);
  EXPECT_EQ(fake->counts.memory, 0);
}

TEST_F(Cuda, SaysThatMemoryRanOut) {
  test.entries[0].arena_bytes = uint64_t(1) << 50;
  EXPECT_EQ(create(), LIG_OUT_OF_MEMORY);
}

TEST_F(Cuda, RefusesLaunchesThatWereNotDescribed) {
  ASSERT_EQ(create(), LIG_OK);
  float x[2] = {}, y[2];
  test.kernels[0].max_shared = 1;
  EXPECT_EQ(run(0, x, y), LIG_INTERNAL_ERROR);
  test.kernels[0].max_shared = 64 << 10;
  test.kernels[1].max_block = 31;
  EXPECT_EQ(run(0, x, y), LIG_INTERNAL_ERROR);
  test.kernels[1].max_block = 32;
  test.code.kernel_count = 1;
  EXPECT_EQ(run(0, x, y), LIG_INTERNAL_ERROR);
  EXPECT_STREQ(lig_last_error(), "no kernel 1 of 1");
}

//===-- In host memory ---------------------------------------------------===//

TEST_F(Cuda, RunsOnADeviceOfTheCaller) {
  // No driver is asked: what stands in for a GPU works in host memory.
  static int launches;
  launches = 0;
  lig_device device = {
      [](const lig_device *, const lig_launch *launch) -> int32_t {
        ++launches;
        kernels[launch->kernel].run(const_cast<void **>(launch->args));
        return LIG_OK;
      },
      [](const lig_device *, void *to, const void *from,
         uint64_t bytes) -> int32_t {
        memcpy(to, from, bytes);
        return LIG_OK;
      },
      1, 1, nullptr};
  options.device = &device;
  ASSERT_EQ(create(), LIG_OK);
  float x[4] = {0, 1, 0, 3}, y[2];
  ASSERT_EQ(run(0, x, y), LIG_OK) << lig_last_error();
  EXPECT_EQ(y[0], 12);
  EXPECT_EQ(launches, 2);
  int64_t indices[4];
  ASSERT_EQ(run(1, x, indices), LIG_OK);
  EXPECT_EQ(lig_output_dims(context, 1, 0)[0], 2);
  int32_t status = LIG_INDEX_OUT_OF_RANGE;
  EXPECT_EQ(run(2, &status, nullptr), LIG_INDEX_OUT_OF_RANGE);
  EXPECT_EQ(run(0, x, y), LIG_OK);
  EXPECT_EQ(fake->counts.contexts, 0);
}
