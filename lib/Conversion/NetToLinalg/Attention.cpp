// Attention in its plain form: all scores, their softmax, and the product with
// the values. What the target can do better is recognised later, from this form
// as from that of an exporter.

#include "Builders.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace lig::net_to_linalg {

namespace {
/// Dimensions of the operation in the order of a loop nest.
struct Order {
  SmallVector<unsigned> dims;

  AffineMap apply(AffineMap map) const {
    SmallVector<AffineExpr> exprs;
    for (AffineExpr expr : map.getResults()) {
      auto at = llvm::find(dims, cast<AffineDimExpr>(expr).getPosition());
      exprs.push_back(getAffineDimExpr(at - dims.begin(), map.getContext()));
    }
    return AffineMap::get(dims.size(), 0, exprs, map.getContext());
  }
};
} // namespace

/// The region on every score.
static Value finishScores(ImplicitLocOpBuilder &b, net::AttentionOp op,
                          Value scores, const Order &order) {
  RankedTensorType type = typeOf(scores);
  SmallVector<Value> inputs = {scores};
  SmallVector<AffineMap> maps = {b.getMultiDimIdentityMap(type.getRank())};
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    inputs.push_back(input);
    maps.push_back(order.apply(op.getMap(3 + i)));
  }
  return elementwise(
      b, inputs, maps, type.getShape(), type.getElementType(),
      [&](ImplicitLocOpBuilder &s, ValueRange in) {
        Block &body = op.getRegion().front();
        IRMapping values;
        for (unsigned i = 0; i < inputs.size(); ++i)
          values.map(body.getArgument(i), in[i]);
        for (unsigned i : {0u, 1u})
          values.map(body.getArgument(inputs.size() + i),
                     linalg::IndexOp::create(s, op.getRowDim() + i));
        for (Operation &inner : body.without_terminator())
          s.clone(inner, values);
        return values.lookupOrDefault(op.getYield().getOperand(0));
      });
}

static Value softmaxOfRows(ImplicitLocOpBuilder &b, Value scores) {
  RankedTensorType type = typeOf(scores);
  Type element = type.getElementType();
  ArrayRef<int64_t> shape = type.getShape();
  AffineMap all = b.getMultiDimIdentityMap(type.getRank());
  AffineMap row = all.dropResult(type.getRank() - 1);
  Value lowest = arith::ConstantOp::create(
      b,
      b.getFloatAttr(
          element, APFloat::getInf(cast<FloatType>(element).getFloatSemantics(),
                                   /*Negative=*/true)));
  Value most =
      reduce(b, scores, filled(b, shape.drop_back(), lowest), {all, row}, 1,
             [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
               return arith::MaximumFOp::create(s, in[0], in[1]);
             });
  Value powers = elementwise(
      b, {scores, most}, {all, row}, shape, element,
      [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        return math::ExpOp::create(s, arith::SubFOp::create(s, in[0], in[1]));
      });
  Value sums = reduce(
      b, powers, filled(b, shape.drop_back(), constant(b, element, 0)),
      {all, row}, 1, [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        return arith::AddFOp::create(s, in[0], in[1]);
      });
  Value one = constant(b, element, 1);
  Value scales = elementwise(
      b, sums, b.getMultiDimIdentityMap(type.getRank() - 1), shape.drop_back(),
      element, [&](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        return arith::DivFOp::create(s, one, in[0]);
      });
  return elementwise(b, {powers, scales}, {all, row}, shape, element,
                     [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
                       return arith::MulFOp::create(s, in[0], in[1]);
                     });
}

Value lowerAttention(ImplicitLocOpBuilder &b, net::AttentionOp op) {
  Type element = typeOf(op.getInit()).getElementType();
  SmallVector<int64_t> extents = op.getExtents();
  unsigned numBatch = op.getNumBatch();
  Order rows; // batch, m
  for (unsigned i = 0; i <= numBatch; ++i)
    rows.dims.push_back(i);
  Order scored = rows, summed = rows, mixed = rows;
  scored.dims.push_back(op.getKeyDim());
  summed.dims.append({op.getKeyDim(), op.getSumDim()});
  mixed.dims.append({op.getColumnDim(), op.getKeyDim()});
  auto term = [&](ImplicitLocOpBuilder &s, ValueRange in) {
    Value x = convertFloat(s, in[0], element);
    Value y = convertFloat(s, in[1], element);
    return add(s, in[2], multiply(s, x, y));
  };
  SmallVector<AffineExpr> identity;
  for (unsigned dim : scored.dims)
    identity.push_back(b.getAffineDimExpr(dim));
  AffineMap ofScores =
      AffineMap::get(numBatch + 4, 0, identity, b.getContext());
  Value zero = constant(b, element, 0);
  Value scores =
      reduce(b, {op.getQuery(), op.getKey()},
             filled(b, ArrayRef(extents).take_front(numBatch + 2), zero),
             {summed.apply(op.getMap(0)), summed.apply(op.getMap(1)),
              summed.apply(ofScores)},
             1, term);
  Value weights = softmaxOfRows(b, finishScores(b, op, scores, scored));
  return reduce(b, {weights, op.getValue()},
                filled(b, typeOf(op.getInit()).getShape(), zero),
                {mixed.apply(ofScores), mixed.apply(op.getMap(2)),
                 mixed.apply(op.getMap(op.getNumOperands() - 1))},
                1, term);
}

} // namespace lig::net_to_linalg
