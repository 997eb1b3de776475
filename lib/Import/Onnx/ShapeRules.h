// The shapes and ranges that operators of the shape and movement families give,
// for their translations and for constant folding alike. Each reports its own
// errors on the node.
#pragma once

#include "Node.h"

namespace lig::onnx_import {
using Extents = llvm::SmallVector<int64_t>;

/// The result's shape of Reshape, Flatten, Squeeze and Unsqueeze.
llvm::FailureOr<Extents> reshapedShape(Node &node);
llvm::FailureOr<Extents> flattenedShape(Node &node);
llvm::FailureOr<Extents> squeezedShape(Node &node);
llvm::FailureOr<Extents> unsqueezedShape(Node &node);

/// The permutation of Transpose.
llvm::FailureOr<Extents> transposePermutation(Node &node);

/// What Slice reads, one entry a dimension: element i of the result is element
/// `start + i * step` of the input; steps may be negative, sizes may be 0.
struct SliceRange {
  Extents starts, sizes, steps;
};
llvm::FailureOr<SliceRange> sliceRange(Node &node);

/// The axis of Split and the extents of its outputs along it.
struct SplitParts {
  int64_t axis;
  Extents sizes;
};
llvm::FailureOr<SplitParts> splitParts(Node &node);

/// The common axis of Concat and the result's shape.
struct Joined {
  int64_t axis;
  Extents shape;
};
llvm::FailureOr<Joined> joinedShape(Node &node);

/// The shape of Expand and Tile.
llvm::FailureOr<Extents> expandedShape(Node &node);
llvm::FailureOr<Extents> tileRepeats(Node &node);

/// Row-major strides of a shape, in elements.
Extents rowMajorStrides(llvm::ArrayRef<int64_t> shape);
/// Advances `index` through `shape` in row-major order; false past the end.
bool nextIndex(llvm::MutableArrayRef<int64_t> index,
               llvm::ArrayRef<int64_t> shape);

} // namespace lig::onnx_import
