/// From planned kernels to the LLVM dialect.
#ifndef LIGATURE_TARGET_CPU_LOWERTOLLVM_H
#define LIGATURE_TARGET_CPU_LOWERTOLLVM_H

#include "Ligature/Target/Passes.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace lig::target::cpu {
/// Appends the passes that turn a module of the memory phase into LLVM dialect
/// whose only public functions are `<entry>_run`, of the type `lig_entry_fn`
/// (Ligature/ABI/Model.h). Parameters are dropped: the code reaches them
/// through a pointer.
void buildLowerToLLVMPipeline(mlir::OpPassManager &pm);
} // namespace lig::target::cpu

#endif // LIGATURE_TARGET_CPU_LOWERTOLLVM_H
