// A product whose result is cut into gates, and what combines them, as one
// kernel.
#ifndef LIGATURE_CODEGEN_CPU_GATES_H
#define LIGATURE_CODEGEN_CPU_GATES_H

#include "Emitter.h"

#include "llvm/ADT/DenseSet.h"

namespace lig::codegen::cpu {

/// Joins to the contraction `nest` the elementwise operations after it that read
/// equal slices of its result. `nest.op` moves to where the last of them stands;
/// they are added to `joined`. `separate` gets the same work as kernels of their
/// own, for where the weight cannot be packed by gates.
bool joinGates(Nest &nest, const Machine &machine,
               const llvm::SmallDenseSet<mlir::Operation *> &taken,
               llvm::SmallVectorImpl<mlir::Operation *> &joined,
               std::vector<Nest> &separate);

/// Writes the kernel: all gates of a vector of units in one tile.
void emitGates(Emitter &emitter);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_GATES_H
