// Lists behind one lock. It is held while code is loaded and parameters are
// uploaded, so that of two threads that want the same the second finds it.

#include "CudaResources.h"
#include "Error.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <pthread.h>

namespace lig::runtime::cuda {
namespace {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
OpenDevice *devices = nullptr;
LoadedCode *codes = nullptr;
UploadedParameters *parameters = nullptr;
uint64_t uploadCount = 0;

struct Lock {
  Lock() { pthread_mutex_lock(&mutex); }
  ~Lock() { pthread_mutex_unlock(&mutex); }
};

//===-- Lists ------------------------------------------------------------===//

/// Gives back what an item holds, which may be half made.
void destroy(OpenDevice &device);
void destroy(LoadedCode &loaded);
void destroy(UploadedParameters &uploaded);

/// Gives a reference to the item that `isSame` finds, or to a new one: zeroed,
/// with `extra` bytes behind it, that `initialize` has filled.
template <typename T, typename Same, typename Initialize>
lig_status acquire(T *&list, T **result, const char *what, size_t extra,
                   Same isSame, Initialize initialize) {
  Lock lock;
  for (T *item = list; item; item = item->next)
    if (isSame(*item)) {
      ++item->references;
      *result = item;
      return LIG_OK;
    }
  *result = nullptr;
  auto *item = static_cast<T *>(calloc(1, sizeof(T) + extra));
  if (!item)
    return fail(LIG_OUT_OF_MEMORY, "no memory for %s", what);
  if (lig_status status = initialize(*item)) {
    destroy(*item);
    free(item);
    return status;
  }
  item->references = 1;
  item->next = list;
  *result = list = item;
  return LIG_OK;
}

/// Takes the item off its list if that was its last reference.
template <typename T> void release(T *&list, T *item) {
  if (!item)
    return;
  Lock lock;
  if (--item->references)
    return;
  T **link = &list;
  while (*link != item)
    link = &(*link)->next;
  *link = item->next;
  destroy(*item);
  free(item);
}

//===-- Devices ----------------------------------------------------------===//

lig_status describe(OpenDevice &device) {
  const Driver &driver = *device.driver;
  const struct {
    int *value, attribute;
  } wanted[] = {{&device.multiprocessors, AttributeMultiprocessors},
                {&device.major, AttributeMajor},
                {&device.minor, AttributeMinor},
                {&device.cooperative, AttributeCooperativeLaunch},
                {&device.sharedBytes, AttributeMaxShared}};
  Result result = 0;
  for (auto [value, attribute] : wanted)
    if (result == 0)
      result = driver.getAttribute(value, attribute, device.device);
  return check(driver, result, "asking for the GPU's attributes",
               LIG_NO_DEVICE);
}

lig_status initialize(OpenDevice &device, uint32_t ordinal) {
  if (lig_status status = loadDriver(&device.driver))
    return status;
  const Driver &driver = *device.driver;
  int count = 0;
  if (lig_status status = check(driver, driver.countDevices(&count),
                                "counting GPUs", LIG_NO_DEVICE))
    return status;
  if (ordinal >= static_cast<uint32_t>(count))
    return fail(LIG_NO_DEVICE, "no GPU %u, the driver knows %d", ordinal,
                count);
  device.ordinal = static_cast<int>(ordinal);
  if (lig_status status =
          check(driver, driver.getDevice(&device.device, device.ordinal),
                "opening the GPU", LIG_NO_DEVICE))
    return status;
  if (lig_status status = describe(device))
    return status;
  return check(driver, driver.retainContext(&device.context, device.device),
               "opening the GPU's context", LIG_NO_DEVICE);
}

void destroy(OpenDevice &device) {
  if (device.context)
    device.driver->releaseContext(device.device);
}

//===-- Kernels ----------------------------------------------------------===//

/// Machine code, else PTX, which the driver compiles.
lig_status loadModule(LoadedCode &loaded) {
  const OpenDevice &device = *loaded.device;
  const lig_device_code &code = *loaded.code;
  const Driver &driver = *device.driver;
  if (!code.cubin && !code.ptx)
    return fail(LIG_NO_DEVICE, "the model has no code for a GPU");
  Result result = -1;
  if (code.cubin)
    result = driver.loadModule(&loaded.module, code.cubin);
  if (result != 0 && code.ptx)
    result = driver.loadModule(&loaded.module, code.ptx);
  if (result == 0 || result == OutOfMemory)
    return check(driver, result, "loading kernels");
  char what[96];
  snprintf(what, sizeof(what),
           "the kernels are for %.32s, the GPU is sm_%d%d; loading them",
           code.chip, device.major, device.minor);
  return check(driver, result, what, LIG_NO_DEVICE);
}

/// Lowers the number of blocks that wait for each other to those of `kernel`
/// that are resident at once.
lig_status countResident(LoadedCode &loaded, const lig_kernel_desc &kernel,
                         Function function) {
  const OpenDevice &device = *loaded.device;
  int blocks = 0;
  if (lig_status status = check(
          *device.driver,
          device.driver->countResidentBlocks(&blocks, function,
                                             static_cast<int>(kernel.max_block),
                                             kernel.max_shared),
          kernel.name))
    return status;
  if (blocks < 1)
    return fail(LIG_NO_DEVICE, "kernel '%s' does not fit on the GPU",
                kernel.name);
  uint64_t all = uint64_t(blocks) * device.multiprocessors;
  if (all < loaded.cooperativeBlocks)
    loaded.cooperativeBlocks = static_cast<uint32_t>(all);
  return LIG_OK;
}

/// Asking for an attribute also makes the driver load a kernel now, and not at
/// its first launch, which may be captured.
lig_status prepareKernel(LoadedCode &loaded, uint32_t index) {
  const Driver &driver = *loaded.device->driver;
  const lig_kernel_desc &kernel = loaded.code->kernels[index];
  Function &function = loaded.functions[index];
  if ((kernel.flags & LIG_KERNEL_TENSOR_MAPS) && !driver.encodeTiledMap)
    return fail(LIG_NO_DEVICE,
                "kernel '%s' takes tensor maps, the driver has no "
                "cuTensorMapEncodeTiled, it is older than CUDA 12",
                kernel.name);
  if (lig_status status =
          check(driver,
                driver.getFunction(&function, loaded.module, kernel.name),
                kernel.name, LIG_NOT_A_MODEL))
    return status;
  int most = 0;
  if (lig_status status = check(
          driver,
          driver.getFunctionAttribute(&most, FunctionMaxThreads, function),
          kernel.name))
    return status;
  if (kernel.max_block > static_cast<uint32_t>(most))
    return fail(LIG_NO_DEVICE,
                "kernel '%s' needs blocks of %u threads, the GPU has room for "
                "%d",
                kernel.name, kernel.max_block, most);
  uint32_t shared = static_cast<uint32_t>(loaded.device->sharedBytes);
  if (kernel.max_shared > shared)
    return fail(LIG_NO_DEVICE,
                "kernel '%s' needs %u bytes of shared memory a block, the GPU "
                "has %u: it was compiled for %.32s",
                kernel.name, kernel.max_shared, shared, loaded.code->chip);
  if (kernel.max_shared)
    if (lig_status status = check(
            driver,
            driver.setFunctionAttribute(function, FunctionMaxDynamicShared,
                                        static_cast<int>(kernel.max_shared)),
            kernel.name, LIG_NO_DEVICE))
      return status;
  return kernel.flags & LIG_LAUNCH_COOPERATIVE
             ? countResident(loaded, kernel, function)
             : LIG_OK;
}

lig_status initialize(LoadedCode &loaded) {
  const OpenDevice &device = *loaded.device;
  loaded.functions = reinterpret_cast<Function *>(&loaded + 1);
  loaded.cooperativeBlocks =
      device.cooperative ? uint32_t(device.multiprocessors) : 1;
  Scope scope(*device.driver, device.context);
  lig_status status = scope.enter();
  if (status == LIG_OK)
    status = loadModule(loaded);
  for (uint32_t i = 0; status == LIG_OK && i < loaded.code->kernel_count; ++i)
    status = prepareKernel(loaded, i);
  return status;
}

void destroy(LoadedCode &loaded) {
  if (!loaded.module)
    return;
  const OpenDevice &device = *loaded.device;
  Scope scope(*device.driver, device.context);
  device.driver->unloadModule(loaded.module);
}

//===-- Parameters -------------------------------------------------------===//

lig_status initialize(UploadedParameters &uploaded, const uint8_t *data) {
  const OpenDevice &device = *uploaded.device;
  const Driver &driver = *device.driver;
  Scope scope(driver, device.context);
  lig_status status = scope.enter();
  if (status == LIG_OK)
    status = check(driver, driver.allocate(&uploaded.data, uploaded.bytes),
                   "allocating the parameters");
  if (status == LIG_OK)
    status = check(driver, driver.upload(uploaded.data, data, uploaded.bytes),
                   "uploading the parameters");
  uploadCount += status == LIG_OK;
  return status;
}

void destroy(UploadedParameters &uploaded) {
  if (!uploaded.data)
    return;
  const OpenDevice &device = *uploaded.device;
  Scope scope(*device.driver, device.context);
  device.driver->free(uploaded.data);
}

} // namespace

lig_status openDevice(uint32_t ordinal, OpenDevice **device) {
  return acquire(
      devices, device, "a device", 0,
      [&](const OpenDevice &known) {
        return static_cast<uint32_t>(known.ordinal) == ordinal;
      },
      [&](OpenDevice &made) { return initialize(made, ordinal); });
}

void closeDevice(OpenDevice *device) { release(devices, device); }

lig_status loadCode(OpenDevice &device, const lig_device_code &code,
                    LoadedCode **loaded) {
  return acquire(
      codes, loaded, "kernels", code.kernel_count * sizeof(Function),
      [&](const LoadedCode &known) {
        return known.device == &device && known.code == &code;
      },
      [&](LoadedCode &made) {
        made.device = &device;
        made.code = &code;
        return initialize(made);
      });
}

void unloadCode(LoadedCode *loaded) { release(codes, loaded); }

lig_status uploadParameters(OpenDevice &device, const lig_params_desc &params,
                            const uint8_t *data,
                            UploadedParameters **uploaded) {
  *uploaded = nullptr;
  if (params.data_bytes == 0)
    return LIG_OK;
  return acquire(
      parameters, uploaded, "parameters", 0,
      [&](const UploadedParameters &known) {
        return known.device == &device && known.bytes == params.data_bytes &&
               memcmp(known.digest, params.digest, sizeof(params.digest)) == 0;
      },
      [&](UploadedParameters &made) {
        made.device = &device;
        made.bytes = params.data_bytes;
        memcpy(made.digest, params.digest, sizeof(params.digest));
        return initialize(made, data);
      });
}

void dropParameters(UploadedParameters *uploaded) {
  release(parameters, uploaded);
}

void countParameters(const OpenDevice &device, uint64_t &uploads,
                     uint64_t &bytes) {
  Lock lock;
  uploads = uploadCount;
  bytes = 0;
  for (const UploadedParameters *item = parameters; item; item = item->next)
    if (item->device == &device)
      bytes += item->bytes;
}

} // namespace lig::runtime::cuda
