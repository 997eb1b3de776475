// (x - zero) * scale, as ONNX writes it with integers of 32 bits. Bytes less a
// zero point of their kind fit into 16 bits.

#include "Dequantized.h"

#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using lig::typeOf;

namespace lig::net {

AffineMap alongAxis(MLIRContext *context, unsigned rank, int axis) {
  SmallVector<AffineExpr> exprs;
  if (axis >= 0)
    exprs.push_back(getAffineDimExpr(axis, context));
  return AffineMap::get(rank, 0, exprs, context);
}

Value writeElementwise(
    ImplicitLocOpBuilder &b, ValueRange inputs, ArrayRef<AffineMap> maps,
    ArrayRef<int64_t> shape, Type element,
    function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  SmallVector<AffineMap> all(maps);
  all.push_back(b.getMultiDimIdentityMap(shape.size()));
  Value init = tensor::EmptyOp::create(b, shape, element);
  SmallVector<utils::IteratorType> loops(shape.size(),
                                         utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, inputs, init, all, loops,
             [&](OpBuilder &inner, Location loc, ValueRange in) {
               ImplicitLocOpBuilder s(loc, inner);
               linalg::YieldOp::create(s, body(s, in));
             })
      .getResult(0);
}

namespace {
/// The parts of a body that dequantizes.
struct Formula {
  linalg::GenericOp op;
  /// The integer, in its own type; its extension, or null for 32 bits.
  unsigned input = 0;
  Operation *extension = nullptr;
  /// Null without one.
  Value zero;
  Value scale;
};
} // namespace

static std::optional<Formula> matchFormula(Value value) {
  Formula f;
  f.op = value.getDefiningOp<linalg::GenericOp>();
  if (!f.op || f.op->getNumResults() != 1 || f.op.getNumReductionLoops() ||
      !typeOf(value).getElementType().isF32())
    return std::nullopt;
  auto product = f.op.getBody()
                     ->getTerminator()
                     ->getOperand(0)
                     .getDefiningOp<arith::MulFOp>();
  auto number = product ? product.getLhs().getDefiningOp<arith::SIToFPOp>()
                        : arith::SIToFPOp();
  if (!number || !number.getIn().getType().isInteger(32))
    return std::nullopt;
  f.scale = product.getRhs();
  Value integer = number.getIn();
  if (auto difference = integer.getDefiningOp<arith::SubIOp>()) {
    integer = difference.getLhs();
    f.zero = difference.getRhs();
  }
  f.extension = integer.getDefiningOp();
  if (f.extension) {
    if (!isa<arith::ExtSIOp, arith::ExtUIOp>(f.extension) ||
        !f.extension->getOperand(0).getType().isInteger(8))
      return std::nullopt;
    integer = f.extension->getOperand(0);
  }
  auto argument = dyn_cast<BlockArgument>(integer);
  if (!argument || argument.getOwner() != f.op.getBody() ||
      !f.op.getIndexingMapsArray()[argument.getArgNumber()].isIdentity())
    return std::nullopt;
  f.input = argument.getArgNumber();
  return f;
}

/// The scale as a tensor of rank 0 or 1, and its axis; false if it is another.
static bool readScale(ImplicitLocOpBuilder &b, const Formula &f,
                      Dequantized &result) {
  FloatAttr constant;
  if (matchPattern(f.scale, m_Constant(&constant))) {
    auto type = RankedTensorType::get({}, b.getF32Type());
    result.scale = arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, constant.getValue()));
    return true;
  }
  auto argument = dyn_cast<BlockArgument>(f.scale);
  linalg::GenericOp op = f.op;
  if (!argument || argument.getOwner() != op.getBody())
    return false;
  Value scale = op->getOperand(argument.getArgNumber());
  AffineMap map = op.getIndexingMapsArray()[argument.getArgNumber()];
  if (!map.isProjectedPermutation())
    return false;
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < typeOf(scale).getRank(); ++i) {
    if (typeOf(scale).getDimSize(i) != 1) {
      if (result.axis >= 0)
        return false;
      result.axis = cast<AffineDimExpr>(map.getResult(i)).getPosition();
    }
    if (groups.empty())
      groups.emplace_back();
    groups.back().push_back(i);
  }
  int64_t rank = result.axis >= 0;
  if (typeOf(scale).getRank() != rank) {
    if (!rank)
      groups.clear();
    scale = tensor::CollapseShapeOp::create(b, scale, groups);
  }
  result.scale = scale;
  return true;
}

/// The integers less their zero point: bytes in 16 bits, others in 32, where
/// the difference wraps around as the model's does.
static Value writeNumbers(ImplicitLocOpBuilder &b, const Formula &f) {
  linalg::GenericOp op = f.op;
  Value input = op->getOperand(f.input);
  if (!f.extension && !f.zero)
    return input;
  unsigned bits = f.extension ? 16 : 32;
  auto extend = [&](ImplicitLocOpBuilder &s, Value number) -> Value {
    if (!f.extension)
      return number;
    if (isa<arith::ExtUIOp>(f.extension))
      return arith::ExtUIOp::create(s, s.getI16Type(), number);
    return arith::ExtSIOp::create(s, s.getI16Type(), number);
  };
  SmallVector<Value> inputs = {input};
  SmallVector<AffineMap> maps = {op.getIndexingMapsArray()[f.input]};
  APInt known;
  bool isConstant = f.zero && matchPattern(f.zero, m_ConstantInt(&known));
  if (f.zero && !isConstant) {
    Value narrow = f.zero;
    if (Operation *extension = narrow.getDefiningOp();
        extension && f.extension &&
        extension->getName() == f.extension->getName())
      narrow = extension->getOperand(0);
    auto argument = dyn_cast<BlockArgument>(narrow);
    if (!argument || argument.getOwner() != op.getBody() ||
        (narrow == f.zero) == bool(f.extension))
      return {};
    inputs.push_back(op->getOperand(argument.getArgNumber()));
    maps.push_back(op.getIndexingMapsArray()[argument.getArgNumber()]);
  }
  ArrayRef<int64_t> shape = typeOf(op.getResult(0)).getShape();
  return writeElementwise(
      b, inputs, maps, shape, b.getIntegerType(bits),
      [&](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        Value number = extend(s, in[0]);
        if (!f.zero)
          return number;
        Value zero;
        if (isConstant)
          zero = arith::ConstantOp::create(
              s,
              s.getIntegerAttr(s.getIntegerType(bits), known.getSExtValue()));
        else
          zero = extend(s, in[1]);
        return arith::SubIOp::create(s, number, zero);
      });
}

int moveAxis(Operation *reshape, int axis, bool &fits) {
  fits = true;
  if (axis < 0)
    return axis;
  auto expand = dyn_cast<tensor::ExpandShapeOp>(reshape);
  auto collapse = dyn_cast<tensor::CollapseShapeOp>(reshape);
  auto groups = expand ? expand.getReassociationIndices()
                       : collapse.getReassociationIndices();
  auto split = typeOf(expand ? expand.getResult() : collapse.getSrc());
  for (auto [joint, group] : llvm::enumerate(groups)) {
    bool isHere =
        expand ? int(joint) == axis : llvm::is_contained(group, int64_t(axis));
    if (!isHere)
      continue;
    int64_t other = -1;
    for (int64_t i : group)
      if (split.getDimSize(i) != 1) {
        fits &= other < 0;
        other = i;
      }
    if (collapse)
      fits &= other < 0 || other == axis;
    return expand ? std::max<int64_t>(other, group.front()) : int(joint);
  }
  fits = false;
  return -1;
}

std::optional<Dequantized> findDequantized(ImplicitLocOpBuilder &b,
                                           Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (std::optional<Formula> formula = matchFormula(value)) {
    Dequantized result;
    result.numbers = writeNumbers(b, *formula);
    if (!result.numbers || !readScale(b, *formula, result))
      return std::nullopt;
    return result;
  }
  auto transpose = dyn_cast<linalg::TransposeOp>(op);
  if (!transpose && !isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return std::nullopt;
  std::optional<Dequantized> result = findDequantized(b, op->getOperand(0));
  if (!result)
    return std::nullopt;
  Type element = typeOf(result->numbers).getElementType();
  auto type = cast<RankedTensorType>(typeOf(value).clone(element));
  if (transpose) {
    Value init = tensor::EmptyOp::create(b, type.getShape(), element);
    result->numbers = linalg::TransposeOp::create(b, result->numbers, init,
                                                  transpose.getPermutation())
                          .getResult()[0];
    if (result->axis >= 0)
      result->axis = llvm::find(transpose.getPermutation(), result->axis) -
                     transpose.getPermutation().begin();
    return result;
  }
  bool fits;
  result->axis = moveAxis(op, result->axis, fits);
  if (!fits)
    return std::nullopt;
  IRMapping values;
  values.map(op->getOperand(0), result->numbers);
  Operation *clone = b.clone(*op, values);
  clone->getResult(0).setType(type);
  result->numbers = clone->getResult(0);
  return result;
}

} // namespace lig::net
