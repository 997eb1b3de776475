// Named elementwise operations as generic ones, so that patterns meet one form.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_GENERALIZEELEMENTWISE_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_GENERALIZEELEMENTWISE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig::net {
/// Rewrites linalg.add, linalg.exp, linalg.map and their like under `root`.
/// Fills, copies, transposes and broadcasts keep their names.
void generalizeElementwise(mlir::Operation *root);
} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_GENERALIZEELEMENTWISE_H
