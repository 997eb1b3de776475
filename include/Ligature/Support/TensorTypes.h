/// Types of tensors by their values.
#ifndef LIGATURE_SUPPORT_TENSORTYPES_H
#define LIGATURE_SUPPORT_TENSORTYPES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace lig {

/// The type of a value that is known to be a ranked tensor.
inline mlir::RankedTensorType typeOf(mlir::Value tensor) {
  return mlir::cast<mlir::RankedTensorType>(tensor.getType());
}

} // namespace lig

#endif // LIGATURE_SUPPORT_TENSORTYPES_H
