// A model for a GPU with kernels that are functions of the host, and tests' road to
// the driver that runs them.
#ifndef LIGATURE_TEST_UNITTESTS_RUNTIME_CUDAMODEL_H
#define LIGATURE_TEST_UNITTESTS_RUNTIME_CUDAMODEL_H

#include "FakeCuda.h"
#include "TestModel.h"

#include <cstdlib>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <vector>

namespace lig::test {

//===-- A model and its kernels ------------------------------------------===//

template <typename T> T argument(void **args, int index) {
  T value;
  memcpy(&value, args[index], sizeof(value));
  return value;
}

inline void multiply(void **args) {
  auto *x = argument<const float *>(args, 0);
  auto *w = argument<const float *>(args, 1);
  auto *y = argument<float *>(args, 2);
  for (int i = 0; i < 2; ++i)
    y[i] = w[2 * i] * x[0] + w[2 * i + 1] * x[1];
}
inline void addBias(void **args) {
  auto *x = argument<const float *>(args, 0);
  auto *b = argument<const float *>(args, 1);
  auto *y = argument<float *>(args, 2);
  for (int i = 0; i < 2; ++i)
    y[i] = x[i] + b[i];
}
inline void findNonzero(void **args) {
  auto *x = argument<const float *>(args, 0);
  auto *indices = argument<int64_t *>(args, 1);
  auto *dims = argument<int64_t *>(args, 2);
  int64_t count = 0;
  // Only what lies below the bound it was given may be reported.
  for (int64_t i = 0; i < dims[0]; ++i)
    if (x[i] != 0)
      indices[count++] = i;
  dims[0] = count;
}
inline void reportStatus(void **args) {
  memcpy(argument<void *>(args, 1), argument<const void *>(args, 0), 4);
}

inline const uint32_t pointers[] = {8, 8, 8};
inline const FakeKernel kernels[] = {{"multiply", multiply, pointers, 3, 1024},
                                     {"add_bias", addBias, pointers, 3, 1024},
                                     {"nonzero", findNonzero, pointers, 3, 1024},
                                     {"report", reportStatus, pointers, 2, 1024}};

/// What the next run does first.
inline void (*beforeLaunch)(const lig_device *device) = nullptr;

inline int32_t launch(const lig_device *device, uint32_t kernel,
                      std::vector<const void *> values, uint32_t flags = 0,
                      uint32_t shared = 0, uint32_t grid = 1) {
  if (beforeLaunch)
    beforeLaunch(device);
  std::vector<void *> args;
  for (const void *&value : values)
    args.push_back(&value);
  lig_launch launch = {kernel, {grid, 1, 1}, {32, 1, 1}, shared,
                       flags,  0,            args.data()};
  int32_t status = device->launch(device, &launch);
  // What a launch was given is its own from then on.
  for (const void *&value : values)
    value = nullptr;
  return status;
}

inline int32_t runLinear(const void *const *inputs, void *const *outputs,
                         const uint8_t *params, uint8_t *arena, int64_t *dims,
                         const lig_device *device) {
  if (dims)
    return LIG_INTERNAL_ERROR;
  if (int32_t status = launch(device, 0, {inputs[0], params, arena + 64},
                              LIG_LAUNCH_COOPERATIVE, 64 << 10,
                              device->cooperative_blocks))
    return status;
  // By way of a copy, which must wait for the kernel.
  if (int32_t status = device->copy(device, arena + 96, arena + 64, 8))
    return status;
  return launch(device, 1, {arena + 96, params + 64, outputs[0]});
}
inline int32_t runNonzero(const void *const *inputs, void *const *outputs,
                          const uint8_t *, uint8_t *, int64_t *dims,
                          const lig_device *device) {
  return launch(device, 2, {inputs[0], outputs[0], dims});
}
inline int32_t runStatus(const void *const *inputs, void *const *,
                         const uint8_t *, uint8_t *arena, int64_t *,
                         const lig_device *device) {
  return launch(device, 3, {inputs[0], arena});
}

struct DeviceModel : TestModel {
  lig_kernel_desc kernels[4] = {{"multiply", pointers, 3, 32, 64 << 10,
                                 LIG_LAUNCH_COOPERATIVE},
                                {"add_bias", pointers, 3, 32, 0, 0},
                                {"nonzero", pointers, 3, 32, 0, 0},
                                {"report", pointers, 2, 32, 0, 0}};
  lig_device_code code = {"sm_90a", nullptr, 0, "FAKE", 5, kernels, 4, 0};
  DeviceModel() {
    lig_device_entry_fn runs[] = {runLinear, runNonzero, runStatus};
    for (int i = 0; i < 3; ++i) {
      entries[i].run = nullptr;
      entries[i].run_device = runs[i];
      entries[i].arena_bytes = 128;
    }
    model.device_code = &code;
  }
};

//===-- Fixture ----------------------------------------------------------===//

struct Cuda : testing::Test {
  DeviceModel test;
  TemporaryFolder folder;
  lig_library *library = nullptr;
  lig_weights *weights = nullptr;
  lig_context *context = nullptr;
  FakeCuda *fake = nullptr;
  lig_context_options options = {};

  void SetUp() override {
    setenv("LIG_CUDA_DRIVER", LIGATURE_TEST_FAKE_CUDA, 1);
    void *handle = dlopen(LIGATURE_TEST_FAKE_CUDA, RTLD_NOW);
    ASSERT_TRUE(handle) << dlerror();
    fake = static_cast<FakeCuda *>(dlsym(handle, "fakeCuda"));
    ASSERT_TRUE(fake);
    *fake = {};
    fake->kernels = kernels;
    fake->kernelCount = 4;
    options.size = sizeof(options);
    folder.write("model.params", test.goodFile());
    open(test, &library, &weights);
  }
  void TearDown() override {
    lig_context_close(context);
    lig_weights_close(weights);
    lig_library_close(library);
    const FakeCounts &counts = fake->counts;
    EXPECT_EQ(counts.contexts + counts.modules + counts.streams + counts.graphs +
                  counts.executables + counts.memory + counts.hostMemory,
              0)
        << "something was not given back";
    EXPECT_EQ(counts.errors, 0) << "the driver had to refuse something";
  }
  void open(DeviceModel &model, lig_library **library, lig_weights **weights) {
    ASSERT_EQ(
        lig_library_from_model(&model.model, folder.path.c_str(), library),
        LIG_OK);
    ASSERT_EQ(lig_weights_open(*library, nullptr, weights), LIG_OK);
  }
  lig_status create() {
    return lig_context_create(weights, &options, &context);
  }
  lig_status run(uint32_t entry, const void *input, void *output) {
    return lig_run(context, entry, &input, &output);
  }
};

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_RUNTIME_CUDAMODEL_H
