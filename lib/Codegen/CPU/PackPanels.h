// Weights of contractions, packed at compile time.
#ifndef LIGATURE_CODEGEN_CPU_PACKPANELS_H
#define LIGATURE_CODEGEN_CPU_PACKPANELS_H

#include "Emitter.h"
#include "KernelPlan.h"

#include "mlir/IR/BuiltinOps.h"

namespace lig::codegen::cpu {

/// Gives every frozen parameter of `module` that only contractions read the
/// order in which they read it, one for all uses, and lets the parts of `plans`
/// read that; filters of three by three taps transformed by the one of
/// `winogradTiles` that gains most, if one does. Returns the number of
/// parameters packed.
unsigned packPanels(mlir::ModuleOp module,
                    llvm::MutableArrayRef<KernelPlan> plans,
                    const Machine &machine,
                    llvm::ArrayRef<int64_t> winogradTiles);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_PACKPANELS_H
