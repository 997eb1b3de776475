/// Reading a parameter in place: every chain of transposes, slices, reversals
/// and reshapes that needs no division is one offset and one stride per
/// dimension of the parameter's row-major elements.
#ifndef LIGATURE_ANALYSIS_STRIDEDVIEW_H
#define LIGATURE_ANALYSIS_STRIDEDVIEW_H

#include "Ligature/Dialect/Share/IR/Share.h"

namespace lig {

/// Element (i0, i1, ...) of `type` is element offset + sum of i*strides[i] of
/// the parameter.
struct StridedView {
  share::GetOp get;
  mlir::RankedTensorType type;
  int64_t offset = 0;
  llvm::SmallVector<int64_t> strides;

  /// The elements as they lie: contiguous, in order.
  bool isContiguous() const;
  /// Every element of the parameter once, in any order.
  bool isWhole() const;
  /// The same elements for a reader that knows them in the order that `stored`
  /// (which is whole) reads them in; nothing where a step of some dimension
  /// would need a division.
  std::optional<StridedView> relativeTo(const StridedView &stored) const;
};

/// How `value` reads a parameter, or nothing: it computes elements, repeats
/// them, or has no such form. Steps along dimensions of extent one are 0.
std::optional<StridedView> getStridedView(mlir::Value value);

/// Row-major strides of a shape.
llvm::SmallVector<int64_t> getRowMajorStrides(llvm::ArrayRef<int64_t> shape);

} // namespace lig

#endif // LIGATURE_ANALYSIS_STRIDEDVIEW_H
