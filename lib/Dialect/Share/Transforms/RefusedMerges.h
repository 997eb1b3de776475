// Ties that merging saw and left alone.
#ifndef LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_REFUSEDMERGES_H
#define LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_REFUSEDMERGES_H

#include "mlir/IR/BuiltinOps.h"

namespace lig::share {

/// Records a broken tie on each parameter of at least `minBytes` that equals one
/// before it in the module and yet may not be merged with it: one of the two is
/// trainable or mutable, or they are the same numbers in another float type.
/// Parameters that repeat one element, as biases do before training, are equal
/// by chance. Returns how many there are.
unsigned recordRefusedMerges(mlir::ModuleOp module, int64_t minBytes,
                             llvm::StringRef pass);

} // namespace lig::share

#endif // LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_REFUSEDMERGES_H
