// Views are written with the operations that the importer also uses for moves,
// so whatever reads an imported transpose reads these.

#include "Views.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;
using namespace lig::share;

ViewOp lig::share::replaceByView(ParamOp param, ParamOp root, ViewBody body) {
  OpBuilder b(param);
  Location loc = param.getLoc();
  RankedTensorType type = param.getTensorType();
  auto view = ViewOp::create(b, loc, param.getSymName(), type);
  for (NamedAttribute attr : param->getDiscardableAttrs())
    view->setAttr(attr.getName(), attr.getValue());
  b.createBlock(&view.getBody());
  Value get =
      GetOp::create(b, loc, root.getTensorType(), root.getSymName());
  YieldOp::create(b, loc, body(b, loc, get));
  param.erase();
  return view;
}

Value lig::share::makeReshape(OpBuilder &b, Location loc, Value value,
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

Value lig::share::makeTranspose(OpBuilder &b, Location loc, Value value,
                                ArrayRef<int64_t> permutation) {
  auto from = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(from.getDimSize(dim));
  Value room = tensor::EmptyOp::create(b, loc, shape, from.getElementType());
  return linalg::TransposeOp::create(b, loc, value, room, permutation)
      ->getResult(0);
}

Value lig::share::makeLeadingSlice(OpBuilder &b, Location loc, Value value,
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
