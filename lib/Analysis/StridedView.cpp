// A chain of moves is followed from the parameter outwards. Each move maps
// dimensions of its result to steps over the parameter's flat elements; the
// chain has a strided form as long as these steps stay constant.

#include "Ligature/Analysis/StridedView.h"

#include "Ligature/Analysis/ParameterMoves.h"

#include "mlir/Analysis/FlatLinearValueConstraints.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig;

SmallVector<int64_t> lig::getRowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

static StridedView startAt(share::GetOp get) {
  auto type = cast<RankedTensorType>(get.getResult().getType());
  return {get, type, 0, getRowMajorStrides(type.getShape())};
}

static void expand(StridedView &view, tensor::ExpandShapeOp op) {
  ArrayRef<int64_t> shape = op.getResultType().getShape();
  SmallVector<int64_t> strides(shape.size(), 0);
  for (auto [source, group] : llvm::enumerate(op.getReassociationIndices())) {
    int64_t step = view.strides[source];
    for (int64_t dim : llvm::reverse(group)) {
      strides[dim] = step;
      step *= shape[dim];
    }
  }
  view.strides = strides;
}

/// False if elements that become neighbours do not lie at equal distances.
static bool collapse(StridedView &view, tensor::CollapseShapeOp op) {
  ArrayRef<int64_t> shape = op.getSrcType().getShape();
  SmallVector<int64_t> strides;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    int64_t step = 0;
    std::optional<int64_t> next; // a repeated element has steps of 0
    for (int64_t dim : llvm::reverse(group)) {
      if (shape[dim] == 1)
        continue;
      if (!next)
        step = view.strides[dim];
      else if (view.strides[dim] != *next)
        return false;
      next = view.strides[dim] * shape[dim];
    }
    strides.push_back(step);
  }
  view.strides = strides;
  return true;
}

static bool cut(StridedView &view, tensor::ExtractSliceOp op) {
  if (op->getNumOperands() != 1)
    return false;
  SmallVector<int64_t> strides;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [dim, step] : llvm::enumerate(view.strides)) {
    view.offset += op.getStaticOffsets()[dim] * step;
    if (!dropped.test(dim))
      strides.push_back(step * op.getStaticStrides()[dim]);
  }
  view.strides = strides;
  return true;
}

static void transpose(StridedView &view, ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> strides;
  for (int64_t dim : permutation)
    strides.push_back(view.strides[dim]);
  view.strides = strides;
}

/// A linalg copy: the source through its map, the result in order.
static bool copy(StridedView &view, linalg::GenericOp op) {
  AffineMap to = op.getIndexingMapsArray().back();
  OpOperand *source = nullptr;
  for (OpOperand *input : op.getDpsInputOperands())
    if (input->get() == lig::getMovedOperand(op))
      source = input;
  if (!source || !to.isPermutation())
    return false;
  AffineMap from = op.getMatchingIndexingMap(source);
  SmallVector<int64_t> ofLoop(from.getNumDims(), 0);
  for (auto [dim, expr] : llvm::enumerate(from.getResults())) {
    SmallVector<int64_t> flat;
    if (failed(getFlattenedAffineExpr(expr, from.getNumDims(), 0, &flat)) ||
        flat.size() != from.getNumDims() + 1)
      return false;
    for (unsigned loop = 0; loop < from.getNumDims(); ++loop)
      ofLoop[loop] += flat[loop] * view.strides[dim];
    view.offset += flat.back() * view.strides[dim];
  }
  SmallVector<int64_t> strides;
  for (AffineExpr expr : to.getResults())
    strides.push_back(ofLoop[cast<AffineDimExpr>(expr).getPosition()]);
  view.strides = strides;
  return true;
}

/// Applies one move; `view` describes its operand.
static bool applyMove(StridedView &view, Operation *op) {
  if (auto reshape = dyn_cast<tensor::ExpandShapeOp>(op))
    expand(view, reshape);
  else if (auto reshape = dyn_cast<tensor::CollapseShapeOp>(op)) {
    if (!collapse(view, reshape))
      return false;
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    if (!cut(view, slice))
      return false;
  } else if (auto transposed = dyn_cast<linalg::TransposeOp>(op))
    transpose(view, transposed.getPermutation());
  else if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    if (!copy(view, generic))
      return false;
  } else if (!isa<tensor::CastOp>(op))
    return false;
  view.type = cast<RankedTensorType>(op->getResult(0).getType());
  return true;
}

std::optional<StridedView> lig::getStridedView(Value value) {
  share::GetOp get = getMovedParameter(value);
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!get || !type || !type.hasStaticShape() || type.getNumElements() == 0)
    return std::nullopt;
  SmallVector<Operation *> chain;
  for (Operation *op = value.getDefiningOp(); op != get;
       op = getMovedOperand(op).getDefiningOp())
    chain.push_back(op);
  StridedView view = startAt(get);
  for (Operation *op : llvm::reverse(chain))
    if (!applyMove(view, op))
      return std::nullopt;
  for (auto [extent, stride] : llvm::zip(type.getShape(), view.strides)) {
    if (extent == 1)
      stride = 0;
    else if (stride == 0)
      return std::nullopt;
  }
  return view;
}

bool StridedView::isContiguous() const {
  for (auto [extent, stride, wanted] :
       llvm::zip(type.getShape(), strides, getRowMajorStrides(type.getShape())))
    if (extent != 1 && stride != wanted)
      return false;
  return true;
}

bool StridedView::isWhole() const {
  auto source = cast<RankedTensorType>(share::GetOp(get).getResult().getType());
  if (type.getNumElements() != source.getNumElements() || offset != 0)
    return false;
  // With the steps in order, each must be the product of the extents below.
  SmallVector<std::pair<int64_t, int64_t>> steps;
  for (auto [extent, stride] : llvm::zip(type.getShape(), strides))
    if (extent != 1)
      steps.push_back({stride, extent});
  llvm::sort(steps);
  int64_t product = 1;
  for (auto [stride, extent] : steps) {
    if (stride != product)
      return false;
    product *= extent;
  }
  return true;
}

std::optional<StridedView>
StridedView::relativeTo(const StridedView &stored) const {
  SmallVector<int64_t> places = getRowMajorStrides(stored.type.getShape());
  StridedView result = *this;
  result.offset = 0;
  // Positions along each stored dimension that are reached, of which none may
  // leave its extent: a digit that overflows would carry into another.
  SmallVector<int64_t> lowest(places.size(), 0), highest(places.size(), 0);
  SmallVector<unsigned> order;
  for (unsigned dim = 0; dim < places.size(); ++dim)
    if (stored.type.getDimSize(dim) != 1)
      order.push_back(dim);
  llvm::sort(order, [&](unsigned a, unsigned b) {
    return stored.strides[a] > stored.strides[b];
  });
  int64_t left = offset;
  for (unsigned dim : order) {
    lowest[dim] = highest[dim] = left / stored.strides[dim];
    result.offset += lowest[dim] * places[dim];
    left %= stored.strides[dim];
  }
  for (size_t dim = 0; dim < strides.size(); ++dim) {
    int64_t stride = strides[dim];
    if (stride == 0)
      continue;
    // The largest stored step that divides this one.
    auto *place = llvm::find_if(order, [&](unsigned candidate) {
      return stride % stored.strides[candidate] == 0;
    });
    if (place == order.end())
      return std::nullopt;
    int64_t steps = stride / stored.strides[*place];
    int64_t reach = steps * (type.getDimSize(dim) - 1);
    (reach < 0 ? lowest : highest)[*place] += reach;
    result.strides[dim] = steps * places[*place];
  }
  for (unsigned dim : order)
    if (lowest[dim] < 0 || highest[dim] >= stored.type.getDimSize(dim))
      return std::nullopt;
  return result;
}
