/// Machine code of kernels: from the LLVM and NVVM dialects to PTX, and to a
/// cubin where `ptxas` is at hand.
#ifndef LIGATURE_TARGET_GPU_DEVICECODE_H
#define LIGATURE_TARGET_GPU_DEVICECODE_H

#include "Ligature/Target/ModelInfo.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace lig::target::gpu {

struct DeviceOptions {
  /// "sm_80", "sm_90a", ...
  std::string chip = "sm_90a";
  /// 0 to 3, as clang's -O.
  unsigned optimization = 3;
  /// The program `ptxas`. Empty looks in the folders of PATH and in
  /// $CUDA_HOME/bin and $CUDA_PATH/bin; "none" makes no cubin.
  std::string ptxas;
};

/// The kernels of the module's `gpu.module`, in the order in which launches
/// count them, with their code. A kernel's most threads are its `nvvm.maxntid`
/// or `nvvm.reqntid` (else 1024), the most dynamic shared memory its
/// `lig.max_shared` (else 0); `lig.cooperative` says that its blocks wait for
/// each other. Fails if a kernel calls what no one defines.
llvm::Expected<DeviceInfo> makeDeviceCode(mlir::ModuleOp module,
                                          const DeviceOptions &options);

/// The same without code, for the emulator.
DeviceInfo describeKernels(mlir::ModuleOp module, llvm::StringRef chip);

/// Shared memory that a block of a chip may ask for, in bytes.
unsigned getSharedBytes(llvm::StringRef chip);

/// Multiprocessors of the GPU for computing that has this chip. Others may have
/// fewer: kernels run on as many as there are, but what was meant to stay on chip
/// may not have room.
unsigned getMultiprocessors(llvm::StringRef chip);

/// The program `ptxas` that `options` mean; empty if there is none.
std::string findPtxas(const DeviceOptions &options);

} // namespace lig::target::gpu

#endif // LIGATURE_TARGET_GPU_DEVICECODE_H
