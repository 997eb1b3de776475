// One rule a kind of operation. For a linalg operation it follows from the
// maps: the dimension is one parallel loop, and whatever that loop moves, it
// moves by itself.

#include "CallDims.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using lig::net::CallDims;

static constexpr int64_t kSame = CallDims::kSame;

/// The first `joined` operands along `dim`, the rest in common.
static CallDims alongBoth(Operation *op, unsigned joined, int64_t dim) {
  CallDims dims;
  dims.operands.assign(op->getNumOperands(), kSame);
  std::fill_n(dims.operands.begin(), joined, dim);
  dims.results.assign(op->getNumResults(), dim);
  return dims;
}

static std::optional<CallDims> followMaps(linalg::LinalgOp op, unsigned operand,
                                          int64_t dim) {
  if (!op.hasPureTensorSemantics() ||
      !isa<RankedTensorType>(op->getOperand(operand).getType()))
    return std::nullopt;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto loop = dyn_cast<AffineDimExpr>(maps[operand].getResult(dim));
  if (!loop || !linalg::isParallelIterator(
                   op.getIteratorTypesArray()[loop.getPosition()]))
    return std::nullopt;
  // A body that asks where it is sees another place in the joint operation.
  auto asks = op->walk([&](linalg::IndexOp index) {
    return index.getDim() == loop.getPosition() ? WalkResult::interrupt()
                                                : WalkResult::advance();
  });
  if (asks.wasInterrupted())
    return std::nullopt;
  CallDims dims;
  for (AffineMap map : maps) {
    int64_t place = kSame;
    for (auto [i, result] : llvm::enumerate(map.getResults())) {
      if (!result.isFunctionOfDim(loop.getPosition()))
        continue;
      if (result != loop || place != kSame)
        return std::nullopt;
      place = i;
    }
    dims.operands.push_back(place);
  }
  for (OpOperand &init : op.getDpsInitsMutable()) {
    int64_t place = dims.operands[init.getOperandNumber()];
    if (place == kSame)
      return std::nullopt;
    dims.results.push_back(place);
  }
  return dims;
}

/// A reshape keeps calls apart where nothing in their group of dimensions
/// counts slower than they do.
static std::optional<int64_t> followExpand(tensor::ExpandShapeOp op,
                                           int64_t dim) {
  RankedTensorType type = op.getResultType();
  ReassociationIndices group = op.getReassociationIndices()[dim];
  for (int64_t place : group)
    if (type.getDimSize(place) != 1)
      return place;
  return group.front();
}

static std::optional<int64_t> followCollapse(tensor::CollapseShapeOp op,
                                             int64_t dim) {
  RankedTensorType from = op.getSrcType();
  for (auto [place, group] : llvm::enumerate(op.getReassociationIndices()))
    for (int64_t source : group) {
      if (source == dim)
        return place;
      if (llvm::is_contained(group, dim) && from.getDimSize(source) != 1)
        return std::nullopt;
    }
  return std::nullopt;
}

static std::optional<CallDims> alongReshape(Operation *op, int64_t dim,
                                            std::optional<int64_t> result) {
  auto isStatic = [](Value value) {
    return cast<RankedTensorType>(value.getType()).hasStaticShape();
  };
  if (!result || op->getNumOperands() != 1 || !isStatic(op->getOperand(0)) ||
      !isStatic(op->getResult(0)))
    return std::nullopt;
  CallDims dims = alongBoth(op, 1, dim);
  dims.results[0] = *result;
  return dims;
}

static std::optional<CallDims> followSlice(tensor::ExtractSliceOp op,
                                           unsigned operand, int64_t dim) {
  RankedTensorType from = op.getSourceType();
  if (operand != 0 || op->getNumOperands() != 1 ||
      op.getType().getRank() != from.getRank() ||
      op.getStaticOffsets()[dim] != 0 || op.getStaticStrides()[dim] != 1 ||
      op.getStaticSizes()[dim] != from.getDimSize(dim))
    return std::nullopt;
  return alongBoth(op, 1, dim);
}

std::optional<CallDims> lig::net::findCallDims(Operation *op, unsigned operand,
                                               int64_t dim) {
  using Result = std::optional<CallDims>;
  auto alongFirst = [&](bool holds) -> Result {
    if (operand != 0 || !holds)
      return std::nullopt;
    return alongBoth(op, 1, dim);
  };
  return TypeSwitch<Operation *, Result>(op)
      .Case<ConvOp, ConvTransposeOp, PoolOp>(
          [&](Operation *) { return alongFirst(dim == 0); })
      .Case([&](NormalizeOp normalize) {
        return alongFirst(!llvm::is_contained(normalize.getAxes(), dim));
      })
      .Case([&](linalg::SoftmaxOp softmax) -> Result {
        if (int64_t(softmax.getDimension()) == dim)
          return std::nullopt;
        return alongBoth(op, 2, dim);
      })
      .Case([&](linalg::LinalgOp linalgOp) {
        return followMaps(linalgOp, operand, dim);
      })
      .Case([&](tensor::PadOp pad) {
        return alongFirst(pad->getNumOperands() == 1 &&
                          pad.getStaticLow()[dim] == 0 &&
                          pad.getStaticHigh()[dim] == 0);
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        return followSlice(slice, operand, dim);
      })
      .Case([&](tensor::ConcatOp concat) -> Result {
        if (int64_t(concat.getDim()) == dim)
          return std::nullopt;
        return alongBoth(op, op->getNumOperands(), dim);
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        return alongReshape(op, dim, followExpand(expand, dim));
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        return alongReshape(op, dim, followCollapse(collapse, dim));
      })
      .Default([](Operation *) { return Result(); });
}
