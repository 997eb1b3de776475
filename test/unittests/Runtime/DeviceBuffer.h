// Memory of the fake driver that belongs to a test, as a program has it that keeps
// its data on the GPU.
#ifndef LIGATURE_TEST_UNITTESTS_RUNTIME_DEVICEBUFFER_H
#define LIGATURE_TEST_UNITTESTS_RUNTIME_DEVICEBUFFER_H

#include <cstddef>
#include <dlfcn.h>

namespace lig::test {

/// Device memory of the test's own; the driver gives it out in a context.
struct DeviceBuffer {
  template <typename F> static F find(const char *name) {
    return reinterpret_cast<F>(
        dlsym(dlopen(LIGATURE_TEST_FAKE_CUDA, RTLD_NOW), name));
  }
  explicit DeviceBuffer(size_t bytes) {
    find<int (*)(void **, int)>("cuDevicePrimaryCtxRetain")(&record, 0);
    inContext([&] {
      find<int (*)(void **, size_t)>("cuMemAlloc_v2")(&data, bytes);
    });
  }
  ~DeviceBuffer() {
    inContext([&] { find<int (*)(void *)>("cuMemFree_v2")(data); });
    find<int (*)(int)>("cuDevicePrimaryCtxRelease_v2")(0);
  }
  template <typename F> void inContext(F body) {
    find<int (*)(void *)>("cuCtxPushCurrent_v2")(record);
    body();
    find<int (*)(void **)>("cuCtxPopCurrent_v2")(&record);
  }
  template <typename T> T *as() { return static_cast<T *>(data); }
  void *data = nullptr, *record = nullptr;
};

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_RUNTIME_DEVICEBUFFER_H
