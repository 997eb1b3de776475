/// From planned kernels of a GPU to the LLVM and NVVM dialects.
#ifndef LIGATURE_TARGET_GPU_LOWERTONVVM_H
#define LIGATURE_TARGET_GPU_LOWERTONVVM_H

#include "Ligature/Target/Passes.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace lig::target::gpu {
/// Appends the passes that turn a module of the memory phase into host code in
/// the LLVM dialect, with `<entry>_run` of the type `lig_device_entry_fn`
/// (Ligature/ABI/Device.h), and one `gpu.module` of kernels in LLVM and NVVM.
void buildLowerToNVVMPipeline(mlir::OpPassManager &pm);
} // namespace lig::target::gpu

#endif // LIGATURE_TARGET_GPU_LOWERTONVVM_H
