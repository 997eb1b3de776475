// Elementwise neighbours of a reduction, joined to its kernel.
#ifndef LIGATURE_CODEGEN_CPU_JOINSTAGES_H
#define LIGATURE_CODEGEN_CPU_JOINSTAGES_H

#include "Emitter.h"

#include "llvm/ADT/DenseSet.h"

namespace lig::codegen::cpu {

/// Joins to `nest` the operations before it that only give its outputs their
/// first values, and those after it that only change its result. `nest.op` and
/// the former move to where the last of the latter stands; all that is joined
/// is added to `joined`, to be erased with `nest.op`. What is `taken` belongs to
/// another kernel.
void joinStages(Nest &nest, const Machine &machine,
                const llvm::SmallDenseSet<mlir::Operation *> &taken,
                llvm::SmallVectorImpl<mlir::Operation *> &joined);

/// Whether `op` may read or write, or may write the buffer under `root`.
bool touches(mlir::Operation *op, mlir::Value root);
bool mayWrite(mlir::Operation *op, mlir::Value root);

/// Whether nothing after `last` wants what the buffer `root` holds.
bool isDeadAfter(mlir::Value root, mlir::Operation *last);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_JOINSTAGES_H
