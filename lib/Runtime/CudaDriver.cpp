// A driver that cannot be loaded is looked for again at the next call: a program
// may start before its GPU does. One that was loaded stays for good, because
// the driver leaves threads and handlers behind that cannot be unloaded.

#include "CudaDriver.h"
#include "Error.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <pthread.h>

namespace lig::runtime::cuda {
namespace {

pthread_mutex_t driverMutex = PTHREAD_MUTEX_INITIALIZER;
Driver loaded;
bool isLoaded = false;

lig_status findFunctions(void *handle, const char *path, Driver &driver) {
#define LIG_CUDA_FIND(member, symbol, parameters)                              \
  {                                                                            \
    void *found = dlsym(handle, #symbol);                                      \
    if (!found)                                                                \
      return fail(LIG_NO_DEVICE, "%s: has no " #symbol ", too old a driver",   \
                  path);                                                       \
    memcpy(&driver.member, &found, sizeof(found));                             \
  }
  LIG_CUDA_FUNCTIONS(LIG_CUDA_FIND)
#undef LIG_CUDA_FIND
#define LIG_CUDA_FIND(member, symbol, parameters)                              \
  {                                                                            \
    void *found = dlsym(handle, #symbol);                                      \
    memcpy(&driver.member, &found, sizeof(found));                             \
  }
  LIG_CUDA_NEWER_FUNCTIONS(LIG_CUDA_FIND)
#undef LIG_CUDA_FIND
  return LIG_OK;
}

lig_status load(Driver &driver) {
  const char *path = getenv("LIG_CUDA_DRIVER");
  if (!path || !*path)
    path = "libcuda.so.1";
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *reason = dlerror();
    return fail(LIG_NO_DEVICE, "no CUDA driver: %s", reason ? reason : path);
  }
  lig_status status = findFunctions(handle, path, driver);
  if (status == LIG_OK)
    status = check(driver, driver.init(0), "starting the CUDA driver",
                   LIG_NO_DEVICE);
  if (status != LIG_OK)
    dlclose(handle);
  return status;
}

} // namespace

lig_status loadDriver(const Driver **driver) {
  pthread_mutex_lock(&driverMutex);
  lig_status status = isLoaded ? LIG_OK : load(loaded);
  isLoaded = status == LIG_OK;
  pthread_mutex_unlock(&driverMutex);
  *driver = status == LIG_OK ? &loaded : nullptr;
  return status;
}

lig_status check(const Driver &driver, Result result, const char *what,
                 lig_status status) {
  if (result == 0)
    return LIG_OK;
  const char *reason = nullptr;
  if (driver.getErrorString(result, &reason) != 0 || !reason)
    reason = "unknown error";
  return fail(result == OutOfMemory ? LIG_OUT_OF_MEMORY : status,
              "%s: %s (CUDA error %d)", what, reason, result);
}

} // namespace lig::runtime::cuda
