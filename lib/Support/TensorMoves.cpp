// Moves in the operations of the tensor dialects, none where nothing moves.

#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;

Value lig::makeReshape(OpBuilder &b, Location loc, Value value,
                       ArrayRef<int64_t> shape) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from.getShape() == shape)
    return value;
  auto to = RankedTensorType::get(shape, from.getElementType());
  if (auto groups = getReassociationIndicesForReshape(from, to)) {
    if (from.getRank() > to.getRank())
      return tensor::CollapseShapeOp::create(b, loc, to, value, *groups);
    return tensor::ExpandShapeOp::create(b, loc, to, value, *groups);
  }
  // Neither joins nor splits alone: by way of one dimension.
  return makeReshape(
      b, loc, makeReshape(b, loc, value, {from.getNumElements()}), shape);
}

Value lig::makeTranspose(OpBuilder &b, Location loc, Value value,
                         ArrayRef<int64_t> permutation) {
  auto from = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(from.getDimSize(dim));
  Value room = tensor::EmptyOp::create(b, loc, shape, from.getElementType());
  return linalg::TransposeOp::create(b, loc, value, room, permutation)
      ->getResult(0);
}

Value lig::makeLeadingSlice(OpBuilder &b, Location loc, Value value,
                            int64_t first, int64_t count) {
  auto from = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets(from.getRank(), b.getIndexAttr(0)),
      sizes, strides(from.getRank(), b.getIndexAttr(1));
  for (int64_t extent : from.getShape())
    sizes.push_back(b.getIndexAttr(extent));
  offsets[0] = b.getIndexAttr(first);
  sizes[0] = b.getIndexAttr(count);
  return tensor::ExtractSliceOp::create(b, loc, value, offsets, sizes, strides);
}
