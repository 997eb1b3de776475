// Normalisation in two passes over the data, mean first: the one-pass formula
// (mean of squares minus square of mean) loses all digits where the mean is
// large beside the deviation.

#include "Builders.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace lig::net_to_linalg {

Value lowerNormalize(ImplicitLocOpBuilder &b, net::NormalizeOp op) {
  RankedTensorType type = typeOf(op.getInput());
  unsigned rank = type.getRank();
  Type element = type.getElementType();
  Type accumulator = accumulatorOf(element);

  // Loops in the input's order; the statistics drop the reduced ones.
  SmallVector<AffineExpr> kept;
  SmallVector<int64_t> shape;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  double count = 1;
  for (unsigned i = 0; i < rank; ++i) {
    if (llvm::is_contained(op.getAxes(), i)) {
      iterators[i] = utils::IteratorType::reduction;
      count *= type.getDimSize(i);
    } else {
      kept.push_back(b.getAffineDimExpr(i));
      shape.push_back(type.getDimSize(i));
    }
  }
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  AffineMap statistic = AffineMap::get(rank, 0, kept, b.getContext());
  auto sum = [&](ValueRange inputs, ArrayRef<AffineMap> maps, Body term) {
    SmallVector<AffineMap> all(maps);
    all.push_back(statistic);
    Value init = filled(b, shape, constant(b, accumulator, 0));
    return linalg::GenericOp::create(
               b, TypeRange{init.getType()}, inputs, ValueRange{init}, all,
               iterators,
               [&](OpBuilder &inner, Location loc, ValueRange arguments) {
                 ImplicitLocOpBuilder s(loc, inner);
                 Value value = term(s, arguments);
                 linalg::YieldOp::create(
                     s, ValueRange{add(s, arguments.back(), value)});
               })
        ->getResult(0);
  };
  AffineMap flat = b.getMultiDimIdentityMap(shape.size());
  Value total =
      sum(op.getInput(), identity, [&](ImplicitLocOpBuilder &s, ValueRange in) {
        return convertFloat(s, in[0], accumulator);
      });
  Value divisor = constant(b, accumulator, count);
  Value mean = elementwise(b, total, flat, shape, accumulator,
                           [&](ImplicitLocOpBuilder &s, ValueRange in) {
                             return arith::DivFOp::create(s, in[0], divisor);
                           });
  Value squares = sum({op.getInput(), mean}, {identity, statistic},
                      [&](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
                        Value x = convertFloat(s, in[0], accumulator);
                        Value d = arith::SubFOp::create(s, x, in[1]);
                        return arith::MulFOp::create(s, d, d);
                      });
  Value epsilon = constant(b, accumulator, op.getEpsilon().convertToDouble());
  Value one = constant(b, accumulator, 1);
  Value scale = elementwise(
      b, squares, flat, shape, accumulator,
      [&](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        Value variance = arith::DivFOp::create(s, in[0], divisor);
        Value shifted = arith::AddFOp::create(s, variance, epsilon);
        return arith::DivFOp::create(s, one, math::SqrtOp::create(s, shifted));
      });
  return elementwise(b, {op.getInput(), mean, scale},
                     {identity, statistic, statistic}, type.getShape(), element,
                     [&](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
                       Value x = convertFloat(s, in[0], accumulator);
                       Value centred = arith::SubFOp::create(s, x, in[1]);
                       Value scaled = arith::MulFOp::create(s, centred, in[2]);
                       return convertFloat(s, scaled, element);
                     });
}

} // namespace lig::net_to_linalg
