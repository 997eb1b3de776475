// Tensors that several values are consecutive parts of.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_TENSORPARTS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_TENSORPARTS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace lig::net {

/// A range along one dimension of a tensor, over all of the others.
struct TensorPart {
  mlir::Value whole;
  int64_t dim, offset, extent;
  /// What the part is reshaped to.
  mlir::RankedTensorType type;
};

/// What `values`, one after another along `dim`, are together, if they are
/// slices of one tensor along it, or rows of one tensor in another shape.
std::optional<TensorPart> findPart(mlir::ValueRange values, int64_t dim);

mlir::Value takePart(mlir::OpBuilder &b, mlir::Location loc,
                     const TensorPart &part);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_TENSORPARTS_H
