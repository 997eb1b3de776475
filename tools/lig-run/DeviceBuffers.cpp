// The driver is found as the runtime finds it, which has loaded it before: a context
// of the model is there already.

#include "DeviceBuffers.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/DynamicLibrary.h"

#include <cstdlib>

using namespace lig::run;
using llvm::Error;

static Error failed(const llvm::Twine &what, int result) {
  return llvm::createStringError(what + ": CUDA error " + llvm::Twine(result));
}

llvm::Expected<std::unique_ptr<DeviceBuffers>>
DeviceBuffers::create(uint32_t ordinal) {
  const char *path = getenv("LIG_CUDA_DRIVER");
  std::string reason;
  auto library = llvm::sys::DynamicLibrary::getPermanentLibrary(
      path && *path ? path : "libcuda.so.1", &reason);
  if (!library.isValid())
    return llvm::createStringError(reason);
  std::unique_ptr<DeviceBuffers> made(new DeviceBuffers);
  const char *missing = nullptr;
  auto find = [&](auto &function, const char *name) {
    using Function = std::remove_reference_t<decltype(function)>;
    function =
        reinterpret_cast<Function>(library.getAddressOfSymbol(name));
    if (!function)
      missing = name;
  };
  int (*init)(unsigned), (*getDevice)(int *, int), (*retain)(void **, int);
  find(init, "cuInit");
  find(getDevice, "cuDeviceGet");
  find(retain, "cuDevicePrimaryCtxRetain");
  find(made->release, "cuDevicePrimaryCtxRelease_v2");
  find(made->push, "cuCtxPushCurrent_v2");
  find(made->pop, "cuCtxPopCurrent_v2");
  find(made->allocate, "cuMemAlloc_v2");
  find(made->deallocate, "cuMemFree_v2");
  find(made->upload, "cuMemcpyHtoD_v2");
  if (missing)
    return llvm::createStringError(llvm::Twine("the CUDA driver has no ") +
                                   missing);
  int result = init(0);
  if (!result)
    result = getDevice(&made->device, static_cast<int>(ordinal));
  if (!result)
    result = retain(&made->context, made->device);
  if (result)
    return failed("opening the GPU", result);
  return made;
}

DeviceBuffers::~DeviceBuffers() {
  if (!context)
    return;
  if (push(context) == 0) {
    for (Pointer buffer : buffers)
      deallocate(buffer);
    pop(&context);
  }
  release(device);
}

llvm::Expected<void *> DeviceBuffers::add(const void *data, uint64_t bytes) {
  if (int result = push(context))
    return failed("entering the GPU's context", result);
  Pointer buffer = 0;
  int result = allocate(&buffer, bytes);
  if (!result)
    buffers.push_back(buffer);
  if (!result && data)
    result = upload(buffer, data, bytes);
  pop(&context);
  if (result)
    return failed("memory for inputs and outputs", result);
  return reinterpret_cast<void *>(buffer);
}
