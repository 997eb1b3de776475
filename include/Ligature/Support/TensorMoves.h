/// Writes moves of a tensor's elements, each in as few operations as it needs.
///
/// These are the operations that the importer also writes for moves, so
/// whatever reads an imported transpose reads these. Shapes are static.
#ifndef LIGATURE_SUPPORT_TENSORMOVES_H
#define LIGATURE_SUPPORT_TENSORMOVES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace lig {

/// `value` with another shape of equally many elements, in row-major order.
mlir::Value makeReshape(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value value, llvm::ArrayRef<int64_t> shape);

/// Dimension i of the result is dimension `permutation[i]`.
mlir::Value makeTranspose(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Value value,
                          llvm::ArrayRef<int64_t> permutation);

/// `count` slices along the leading dimension, from `first` on.
mlir::Value makeLeadingSlice(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Value value, int64_t first, int64_t count);

} // namespace lig

#endif // LIGATURE_SUPPORT_TENSORMOVES_H
