// Sums and moments.

#include "Statistics.h"

#include "Build.h"
#include "Moves.h"

#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;
using lig::typeOf;

Type lig::onnx_import::accumulatorOf(Type element) {
  auto type = dyn_cast<FloatType>(element);
  if (type && type.getWidth() < 32)
    return Float32Type::get(element.getContext());
  return element;
}

/// Sums `term(x)` over axes; `others` take part in the term, broadcast.
static Value sum(OpBuilder &b, Location loc, Value input,
                 ArrayRef<int64_t> axes, const ScalarBody &term) {
  RankedTensorType type = typeOf(input);
  Type wide = accumulatorOf(type.getElementType());
  Value total = reduce(
      b, loc, input, axes, scalar(b, loc, wide, 0),
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value x = castScalar(nested, at, in[0], wide, false, false);
        return arith::AddFOp::create(nested, at, in[1], term(nested, at, x));
      });
  SmallVector<int64_t> kept(type.getShape());
  for (int64_t axis : axes)
    kept[axis] = 1;
  return reshape(b, loc, total, kept);
}

static Value divided(OpBuilder &b, Location loc, Value value, double by) {
  return elementwise(
      b, loc, typeOf(value).getElementType(), value,
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value divisor = scalar(nested, at, in[0].getType(), by);
        return arith::DivFOp::create(nested, at, in[0], divisor);
      });
}

static double countOver(Value input, ArrayRef<int64_t> axes) {
  double count = 1;
  for (int64_t axis : axes)
    count *= static_cast<double>(typeOf(input).getDimSize(axis));
  return count;
}

Value lig::onnx_import::sumOfPowers(OpBuilder &b, Location loc, Value input,
                                    ArrayRef<int64_t> axes, int64_t power) {
  return sum(b, loc, input, axes,
             [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
               if (power == 1)
                 return math::AbsFOp::create(nested, at, in[0]);
               return arith::MulFOp::create(nested, at, in[0], in[0]);
             });
}

Value lig::onnx_import::meanOfPowers(OpBuilder &b, Location loc, Value input,
                                     ArrayRef<int64_t> axes, int64_t power) {
  return divided(b, loc, sumOfPowers(b, loc, input, axes, power),
                 countOver(input, axes));
}

Moments lig::onnx_import::momentsOf(OpBuilder &b, Location loc, Value input,
                                    ArrayRef<int64_t> axes) {
  Value total = sum(b, loc, input, axes,
                    [](OpBuilder &, Location, ValueRange in) { return in[0]; });
  Value mean = divided(b, loc, total, countOver(input, axes));
  Type wide = typeOf(mean).getElementType();
  Value centred =
      elementwise(b, loc, wide, {input, mean},
                  [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
                    Value x = castScalar(nested, at, in[0], wide, false, false);
                    return arith::SubFOp::create(nested, at, x, in[1]);
                  });
  return {mean, meanOfPowers(b, loc, centred, axes, 2)};
}

Value lig::onnx_import::inverseDeviation(OpBuilder &b, Location loc,
                                         Value variance, double epsilon) {
  return elementwise(
      b, loc, typeOf(variance).getElementType(), variance,
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Type type = in[0].getType();
        Value shifted = arith::AddFOp::create(
            nested, at, in[0], scalar(nested, at, type, epsilon));
        return arith::DivFOp::create(nested, at, scalar(nested, at, type, 1),
                                     math::SqrtOp::create(nested, at, shifted));
      });
}

Value lig::onnx_import::neighbourSquares(OpBuilder &b, Location loc,
                                         Value input, int64_t before,
                                         int64_t after) {
  RankedTensorType type = typeOf(input);
  unsigned rank = type.getRank();
  Type wide = accumulatorOf(type.getElementType());
  SmallVector<int64_t> low(rank, 0), high(rank, 0);
  low[1] = before;
  high[1] = after;
  Value surrounded = padded(b, loc, input, low, high, Border::Constant,
                            scalar(b, loc, type.getElementType(), 0));
  SmallVector<AffineExpr> from;
  for (unsigned d = 0; d < rank; ++d)
    from.push_back(b.getAffineDimExpr(d));
  from[1] = from[1] + b.getAffineDimExpr(rank);
  AffineMap maps[] = {AffineMap::get(rank + 1, 0, from, b.getContext()),
                      AffineMap::get(rank + 1, 0, b.getAffineDimExpr(rank)),
                      b.getMultiDimIdentityMap(rank + 1).getMajorSubMap(rank)};
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
  loops.push_back(utils::IteratorType::reduction);
  // The second operand only carries the neighbourhood's extent.
  Value extent = tensor::EmptyOp::create(b, loc, before + after + 1, wide);
  Value init = filled(b, loc, type.getShape(), scalar(b, loc, wide, 0));
  return linalg::GenericOp::create(
             b, loc, init.getType(), ValueRange{surrounded, extent}, init, maps,
             loops,
             [&](OpBuilder &nested, Location at, ValueRange in) {
               Value x = castScalar(nested, at, in[0], wide, false, false);
               x = arith::MulFOp::create(nested, at, x, x);
               Value total = arith::AddFOp::create(nested, at, in[2], x);
               linalg::YieldOp::create(nested, at, total);
             })
      .getResult(0);
}
