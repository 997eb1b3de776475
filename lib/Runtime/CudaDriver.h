// The CUDA driver, found at run time: one build of the runtime serves machines
// with and without a GPU, and building it takes no header of CUDA's. The
// functions and numbers used are declared here as the driver's stable ABI has
// them.
#ifndef LIGATURE_LIB_RUNTIME_CUDADRIVER_H
#define LIGATURE_LIB_RUNTIME_CUDADRIVER_H

#include "Ligature/ABI/Runtime.h"

namespace lig::runtime::cuda {

using Result = int; // CUresult; 0 is success
using Device = int;
using Pointer = unsigned long long; // CUdeviceptr
struct ContextRecord;
struct ModuleRecord;
struct FunctionRecord;
struct StreamRecord;
struct GraphRecord;
struct ExecutableRecord;
using Context = ContextRecord *;
using Module = ModuleRecord *;
using Function = FunctionRecord *;
using Stream = StreamRecord *;
using Graph = GraphRecord *;
using Executable = ExecutableRecord *; // CUgraphExec

enum : int {
  OutOfMemory = 2,
  AttributeMultiprocessors = 16,
  AttributeMajor = 75,
  AttributeMinor = 76,
  AttributeCooperativeLaunch = 95,
  AttributeMaxShared = 97, // of a block that asks for it
  FunctionMaxThreads = 0,
  FunctionMaxDynamicShared = 8,
  StreamNonBlocking = 1,
  CaptureThreadLocal = 1,
  CaptureNone = 0,
  TensorFloat16 = 6,
  TensorFloat32 = 7,
  TensorBFloat16 = 9,
  TensorPromote256 = 3, // what is fetched into the second cache around a box
};

// Name of the member, name in the library, parameters.
#define LIG_CUDA_FUNCTIONS(F)                                                  \
  F(init, cuInit, (unsigned))                                                  \
  F(getErrorString, cuGetErrorString, (Result, const char **))                 \
  F(countDevices, cuDeviceGetCount, (int *))                                   \
  F(getDevice, cuDeviceGet, (Device *, int))                                   \
  F(getAttribute, cuDeviceGetAttribute, (int *, int, Device))                  \
  F(retainContext, cuDevicePrimaryCtxRetain, (Context *, Device))              \
  F(releaseContext, cuDevicePrimaryCtxRelease_v2, (Device))                    \
  F(pushContext, cuCtxPushCurrent_v2, (Context))                               \
  F(popContext, cuCtxPopCurrent_v2, (Context *))                               \
  F(loadModule, cuModuleLoadData, (Module *, const void *))                    \
  F(unloadModule, cuModuleUnload, (Module))                                    \
  F(getFunction, cuModuleGetFunction, (Function *, Module, const char *))      \
  F(getFunctionAttribute, cuFuncGetAttribute, (int *, int, Function))          \
  F(setFunctionAttribute, cuFuncSetAttribute, (Function, int, int))            \
  F(countResidentBlocks, cuOccupancyMaxActiveBlocksPerMultiprocessor,          \
    (int *, Function, int, size_t))                                            \
  F(allocate, cuMemAlloc_v2, (Pointer *, size_t))                              \
  F(free, cuMemFree_v2, (Pointer))                                             \
  F(allocateHost, cuMemHostAlloc, (void **, size_t, unsigned))                 \
  F(freeHost, cuMemFreeHost, (void *))                                         \
  F(upload, cuMemcpyHtoD_v2, (Pointer, const void *, size_t))                  \
  F(uploadAsync, cuMemcpyHtoDAsync_v2,                                         \
    (Pointer, const void *, size_t, Stream))                                   \
  F(downloadAsync, cuMemcpyDtoHAsync_v2, (void *, Pointer, size_t, Stream))    \
  F(copyAsync, cuMemcpyDtoDAsync_v2, (Pointer, Pointer, size_t, Stream))       \
  F(fillAsync, cuMemsetD8Async, (Pointer, unsigned char, size_t, Stream))      \
  F(createStream, cuStreamCreate, (Stream *, unsigned))                        \
  F(destroyStream, cuStreamDestroy_v2, (Stream))                               \
  F(synchronize, cuStreamSynchronize, (Stream))                                \
  F(isCapturing, cuStreamIsCapturing, (Stream, int *))                         \
  F(beginCapture, cuStreamBeginCapture_v2, (Stream, int))                      \
  F(endCapture, cuStreamEndCapture, (Stream, Graph *))                         \
  F(instantiate, cuGraphInstantiateWithFlags,                                  \
    (Executable *, Graph, unsigned long long))                                 \
  F(launchGraph, cuGraphLaunch, (Executable, Stream))                          \
  F(destroyExecutable, cuGraphExecDestroy, (Executable))                       \
  F(destroyGraph, cuGraphDestroy, (Graph))                                     \
  F(launch, cuLaunchKernel,                                                    \
    (Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,     \
     unsigned, Stream, void **, void **))                                      \
  F(launchCooperative, cuLaunchCooperativeKernel,                              \
    (Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,     \
     unsigned, Stream, void **))

// The same for what drivers older than CUDA 12 lack; null there.
#define LIG_CUDA_NEWER_FUNCTIONS(F)                                            \
  F(encodeTiledMap, cuTensorMapEncodeTiled,                                    \
    (void *, int, uint32_t, void *, const uint64_t *, const uint64_t *,        \
     const uint32_t *, const uint32_t *, int, int, int, int))

/// The driver's functions.
struct Driver {
#define LIG_CUDA_MEMBER(member, symbol, parameters) Result(*member) parameters;
  LIG_CUDA_FUNCTIONS(LIG_CUDA_MEMBER)
  LIG_CUDA_NEWER_FUNCTIONS(LIG_CUDA_MEMBER)
#undef LIG_CUDA_MEMBER
};

/// Loads and initialises the driver once per process. The environment variable
/// LIG_CUDA_DRIVER names another library than libcuda.so.1. LIG_NO_DEVICE with
/// a text that says what was missing. Any thread may call.
lig_status loadDriver(const Driver **driver);

/// LIG_OK for a result of 0, else a failure that says what was tried:
/// LIG_OUT_OF_MEMORY, or `status`.
lig_status check(const Driver &driver, Result result, const char *what,
                 lig_status status = LIG_DEVICE_ERROR);

/// Makes a context current for a scope.
class Scope {
public:
  Scope(const Driver &driver, Context context)
      : driver(driver), result(driver.pushContext(context)) {}
  Scope(const Scope &) = delete;
  Scope &operator=(const Scope &) = delete;
  ~Scope() {
    Context popped;
    if (result == 0)
      driver.popContext(&popped);
  }
  lig_status enter() const {
    return check(driver, result, "entering the device's context");
  }

private:
  const Driver &driver;
  Result result;
};

} // namespace lig::runtime::cuda

#endif // LIGATURE_LIB_RUNTIME_CUDADRIVER_H
