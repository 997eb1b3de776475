// Slices that follow one another in a tensor are that tensor in another shape.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINSLICES_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINSLICES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace lig::net {

inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
}

/// [count, shape...]
llvm::SmallVector<int64_t> prepend(int64_t count,
                                   llvm::ArrayRef<int64_t> shape);

/// `count` values of one shape that are slices of `source`, one behind the
/// other along `dim`; or, reversed, one before the other.
struct RegularSlices {
  mlir::Value source;
  unsigned dim = 0;
  bool isReversed = false;
  /// Of the one with the smallest offset.
  llvm::SmallVector<int64_t> offsets, sizes;
  int64_t count = 0;
  llvm::SmallVector<int64_t> shape;
};

std::optional<RegularSlices> findSlices(llvm::ArrayRef<mlir::Value> values);

/// The slices as one tensor [count, shape...]: a reshape if nothing but extents
/// of one comes before the dimension they follow one another in.
mlir::Value joinSlices(mlir::OpBuilder &b, mlir::Location loc,
                       const RegularSlices &slices);

/// `stacked` [count, d0, ..] as the concatenation of its slices along `dim`.
mlir::Value joinAlong(mlir::OpBuilder &b, mlir::Location loc,
                      mlir::Value stacked, int64_t dim);

/// Concatenations of consecutive slices of one tensor, also of slices in
/// another shape, become reshapes of it.
void simplifyConcatenations(mlir::Block &block);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINSLICES_H
