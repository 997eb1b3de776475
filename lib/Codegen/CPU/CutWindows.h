// Windows over a padded copy that need not be made.
#ifndef LIGATURE_CODEGEN_CPU_CUTWINDOWS_H
#define LIGATURE_CODEGEN_CPU_CUTWINDOWS_H

#include "Nest.h"

#include "llvm/ADT/DenseSet.h"

namespace lig::codegen::cpu {

/// The parts of `nest` that read what was copied to the middle of a padded
/// buffer where it was, each with the taps that lie inside, if that is cheaper
/// than the copy: taps outside add nothing. The copy and the fill of the border
/// are added to `joined`. Empty where it is not so.
std::vector<Nest>
cutWindows(const Nest &nest,
           const llvm::SmallDenseSet<mlir::Operation *> &taken,
           llvm::SmallVectorImpl<mlir::Operation *> &joined);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_CUTWINDOWS_H
