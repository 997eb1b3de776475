// Five operations make a softmax: the greatest of a row, exp of the distance
// from it, the sum of those, and a product with its inverse, which may be two.
// They are matched from the last to the first; reshapes that only add or take
// away dimensions of one element do not count.

#include "SoftmaxChain.h"

#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using lig::typeOf;

namespace lig::net {

bool isFilledWith(Value value, function_ref<bool(const APFloat &)> number) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    value = fill.getInputs()[0];
  FloatAttr scalar;
  DenseFPElementsAttr elements;
  if (matchPattern(value, m_Constant(&scalar)))
    return number(scalar.getValue());
  return matchPattern(value, m_Constant(&elements)) && elements.isSplat() &&
         number(elements.getSplatValue<APFloat>());
}

/// A shape without dimensions of one element.
static SmallVector<int64_t> essence(Value value) {
  SmallVector<int64_t> shape(typeOf(value).getShape());
  llvm::erase(shape, 1);
  return shape;
}

/// `value` before reshapes by dimensions of one element.
static Value skipUnitReshapes(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op) ||
        essence(op->getOperand(0)) != essence(value))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// A generic operation with one result and no other reader than those counted.
static linalg::GenericOp genericOf(Value value, unsigned uses, unsigned inputs,
                                   unsigned reductions) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op->getNumResults() != 1 || op.getNumDpsInputs() != inputs ||
      op.getNumReductionLoops() != reductions ||
      !llvm::hasNItems(value.getUses(), uses))
    return {};
  return op;
}

static bool isIdentity(linalg::GenericOp op, unsigned operand) {
  return op.getIndexingMapsArray()[operand].isIdentity();
}

/// Whether the operand is read (or written) along all dimensions but the last.
static bool isPerRow(linalg::GenericOp op, unsigned operand) {
  AffineMap map = op.getIndexingMapsArray()[operand];
  unsigned last = op.getNumLoops() - 1;
  return map ==
         AffineMap::getMultiDimIdentityMap(op.getNumLoops(), op.getContext())
             .dropResult(last);
}

static Value yielded(linalg::GenericOp op) {
  return op.getBody()->getTerminator()->getOperand(0);
}

static bool isArgument(linalg::GenericOp op, Value value, unsigned number) {
  return value == op.getBody()->getArgument(number);
}

/// Whether `value` reduces the rows of `of` by an operation of type `Op`.
template <typename... Op>
static bool reducesRows(Value value, Value of,
                        function_ref<bool(const APFloat &)> init) {
  linalg::GenericOp op = genericOf(value, 1, 1, 1);
  if (!op || op.getInputs()[0] != of || !isIdentity(op, 0) ||
      !isPerRow(op, 1) || !isFilledWith(op.getOutputs()[0], init))
    return false;
  Operation *join = yielded(op).getDefiningOp();
  if (!join || !isa<Op...>(join) || op.getBody()->getOperations().size() != 2)
    return false;
  return (isArgument(op, join->getOperand(0), 0) &&
          isArgument(op, join->getOperand(1), 1)) ||
         (isArgument(op, join->getOperand(0), 1) &&
          isArgument(op, join->getOperand(1), 0));
}

/// Whether `value`, which others divide by or multiply with, is the sum of the
/// rows of `powers`, or its inverse.
static bool isScale(Value value, Value powers, bool inverted) {
  ArrayRef<int64_t> rows = typeOf(powers).getShape().drop_back();
  auto isZero = [](const APFloat &x) { return x.isZero(); };
  if (typeOf(value).getShape() != rows)
    return false;
  value = skipUnitReshapes(value);
  if (inverted) {
    linalg::GenericOp op = genericOf(value, 1, 1, 0);
    if (!op || !isIdentity(op, 0) || !isIdentity(op, 1))
      return false;
    auto divide = yielded(op).getDefiningOp<arith::DivFOp>();
    if (!divide || !matchPattern(divide.getLhs(), m_OneFloat()) ||
        !isArgument(op, divide.getRhs(), 0))
      return false;
    value = skipUnitReshapes(op.getInputs()[0]);
  }
  return typeOf(value).getShape() == rows &&
         reducesRows<arith::AddFOp>(value, powers, isZero);
}

/// The elements before exp(x - greatest of the row).
static Value matchPowers(Value powers) {
  linalg::GenericOp op = genericOf(powers, 2, 2, 0);
  if (!op || !isIdentity(op, 0) || !isPerRow(op, 1) || !isIdentity(op, 2))
    return {};
  auto exp = yielded(op).getDefiningOp<math::ExpOp>();
  auto distance =
      exp ? exp.getOperand().getDefiningOp<arith::SubFOp>() : arith::SubFOp();
  if (!distance || !isArgument(op, distance.getLhs(), 0) ||
      !isArgument(op, distance.getRhs(), 1))
    return {};
  Value scores = op.getInputs()[0];
  auto isLowest = [](const APFloat &x) {
    return x.isNegative() && (x.isInfinity() || x.isLargest());
  };
  Value most = skipUnitReshapes(op.getInputs()[1]);
  if (!llvm::hasNItems(scores.getUses(), 2) ||
      typeOf(most).getShape() != typeOf(scores).getShape().drop_back() ||
      !reducesRows<arith::MaximumFOp, arith::MaxNumFOp>(most, scores, isLowest))
    return {};
  return scores;
}

/// Softmax of rows, all dimensions standing as they are.
static Value matchRows(Value weights) {
  linalg::GenericOp op = genericOf(weights, 1, 2, 0);
  if (!op || !isIdentity(op, 2))
    return {};
  Operation *scale = yielded(op).getDefiningOp();
  if (!scale || !isa<arith::MulFOp, arith::DivFOp>(scale))
    return {};
  bool divides = isa<arith::DivFOp>(scale);
  for (unsigned powers : {0u, 1u}) {
    Value left = scale->getOperand(0), right = scale->getOperand(1);
    if (!divides && isArgument(op, right, powers))
      std::swap(left, right);
    if (!isArgument(op, left, powers) || !isIdentity(op, powers) ||
        !isPerRow(op, 1 - powers))
      continue;
    // The inverse may have been fused into the product.
    bool inverted = !divides && isArgument(op, right, 1 - powers);
    auto inverse = right.getDefiningOp<arith::DivFOp>();
    bool inside = !divides && inverse &&
                  matchPattern(inverse.getLhs(), m_OneFloat()) &&
                  isArgument(op, inverse.getRhs(), 1 - powers);
    if (!inverted && !inside && !isArgument(op, right, 1 - powers))
      continue;
    Value rows = op.getInputs()[powers];
    if (isScale(op.getInputs()[1 - powers], rows, inverted))
      return matchPowers(rows);
  }
  return {};
}

/// Whether a reshape leaves the last dimension alone.
static bool keepsRows(ArrayRef<ReassociationIndices> groups) {
  return !groups.empty() && groups.back().size() == 1;
}

Value matchSoftmax(Value weights) {
  if (!isa<RankedTensorType>(weights.getType()))
    return {};
  // Until opset 12 softmax was one of matrices.
  auto expand = weights.getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand)
    return matchRows(weights);
  if (!weights.hasOneUse() || !keepsRows(expand.getReassociationIndices()))
    return {};
  Value scores = matchRows(expand.getSrc());
  auto collapse =
      scores ? scores.getDefiningOp<tensor::CollapseShapeOp>() : nullptr;
  if (!collapse || !keepsRows(collapse.getReassociationIndices()) ||
      collapse.getSrcType() != weights.getType())
    return {};
  return collapse.getSrc();
}

} // namespace lig::net
