// The last conversions of code that a host runs, whatever its kernels run on.
#ifndef LIGATURE_TARGET_FUNCTIONSTOLLVM_H
#define LIGATURE_TARGET_FUNCTIONSTOLLVM_H

namespace mlir {
class OpPassManager;
}

namespace lig::target {

/// Functions, branches and numbers become the llvm dialect's, what they need no
/// more goes, and no cast between converted types is left. Buffers are passed as
/// bare pointers, so what uses them is converted before.
void addFunctionsToLLVM(mlir::OpPassManager &pm);

} // namespace lig::target

#endif // LIGATURE_TARGET_FUNCTIONSTOLLVM_H
