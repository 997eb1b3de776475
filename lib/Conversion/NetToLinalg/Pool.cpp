// Pooling as a reduction over channels-last windows. The input is padded with
// what can never matter (the lowest value for a maximum, zero for a sum), also
// where rounding up lets the last window hang over. An average divides by a
// count that differs per position only when windows leave the input; then the
// counts are a small constant tensor.

#include "Builders.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace lig::net_to_linalg {

/// The value that loses every maximum.
static Value lowest(ImplicitLocOpBuilder &b, Type type) {
  if (isa<FloatType>(type))
    return constant(b, type, -std::numeric_limits<double>::infinity());
  unsigned width = type.getIntOrFloatBitWidth();
  return arith::ConstantOp::create(
      b, b.getIntegerAttr(type, APInt::getSignedMinValue(width)));
}

static Value maximum(ImplicitLocOpBuilder &b, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return arith::MaximumFOp::create(b, x, y);
  return arith::MaxSIOp::create(b, x, y);
}

/// |x|^p, in plain arithmetic for the norms in use.
static Value power(ImplicitLocOpBuilder &b, Value x, int64_t p) {
  if (p == 1)
    return math::AbsFOp::create(b, x);
  if (p == 2)
    return arith::MulFOp::create(b, x, x);
  return math::PowFOp::create(b, math::AbsFOp::create(b, x),
                              constant(b, x.getType(), p));
}

static Value root(ImplicitLocOpBuilder &b, Value x, int64_t p) {
  if (p == 1)
    return x;
  if (p == 2)
    return math::SqrtOp::create(b, x);
  return math::PowFOp::create(b, x, constant(b, x.getType(), 1.0 / p));
}

/// For every output position of one dimension, how many taps count.
static SmallVector<int64_t> countTaps(net::PoolOp op, unsigned axis) {
  RankedTensorType type = typeOf(op.getInput());
  unsigned spatial = type.getRank() - 2;
  int64_t low = 0, high = type.getDimSize(axis + 2);
  if (op.getCountIncludePad()) {
    low -= op.getPads()[axis];
    high += op.getPads()[axis + spatial];
  }
  SmallVector<int64_t> counts;
  for (int64_t o = 0; o < typeOf(op.getResult()).getDimSize(axis + 2); ++o) {
    int64_t count = 0;
    for (int64_t k = 0; k < op.getKernel()[axis]; ++k) {
      int64_t x = o * op.getStrides()[axis] - op.getPads()[axis] +
                  k * op.getDilations()[axis];
      count += x >= low && x < high;
    }
    // A window wholly outside has a sum of zero; it stays zero.
    counts.push_back(std::max<int64_t>(count, 1));
  }
  return counts;
}

/// Divides the sums [N, O.., C] by the taps that counted.
static Value divideByCount(ImplicitLocOpBuilder &b, net::PoolOp op, Value sums,
                           Type element) {
  RankedTensorType type = typeOf(sums);
  unsigned rank = type.getRank(), spatial = rank - 2;
  Type accumulator = type.getElementType();
  SmallVector<double> counts = {1};
  bool uniform = true;
  for (unsigned i = 0; i < spatial; ++i) {
    SmallVector<int64_t> taps = countTaps(op, i);
    uniform &= llvm::all_equal(taps);
    SmallVector<double> product;
    for (double outer : counts)
      for (int64_t inner : taps)
        product.push_back(outer * inner);
    counts = std::move(product);
  }
  AffineMap identity = b.getMultiDimIdentityMap(rank);
  auto divide = [&](ImplicitLocOpBuilder &s, Value sum, Value count) {
    return convertFloat(s, arith::DivFOp::create(s, sum, count), element);
  };
  if (uniform) {
    Value count = constant(b, accumulator, counts.front());
    return elementwise(b, sums, identity, type.getShape(), element,
                       [&](ImplicitLocOpBuilder &s, ValueRange in) {
                         return divide(s, in[0], count);
                       });
  }
  SmallVector<Attribute> values;
  for (double count : counts)
    values.push_back(b.getFloatAttr(accumulator, count));
  auto countType = RankedTensorType::get(
      type.getShape().drop_front().drop_back(), accumulator);
  Value table =
      arith::ConstantOp::create(b, DenseElementsAttr::get(countType, values));
  AffineMap positions = AffineMap::get(
      rank, 0, identity.getResults().drop_front().drop_back(), b.getContext());
  return elementwise(b, {sums, table}, {identity, positions}, type.getShape(),
                     element, [&](ImplicitLocOpBuilder &s, ValueRange in) {
                       return divide(s, in[0], in[1]);
                     });
}

/// The input as channels-last, padded so that every window fits.
static Value padWindows(ImplicitLocOpBuilder &b, net::PoolOp op, Value fill) {
  Value input = toChannelsLast(b, op.getInput());
  RankedTensorType type = typeOf(input);
  unsigned spatial = type.getRank() - 2;
  SmallVector<int64_t> low(type.getRank(), 0), high(type.getRank(), 0);
  for (unsigned i = 0; i < spatial; ++i) {
    int64_t last = typeOf(op.getResult()).getDimSize(i + 2) - 1;
    int64_t end = last * op.getStrides()[i] +
                  (op.getKernel()[i] - 1) * op.getDilations()[i] + 1;
    low[1 + i] = op.getPads()[i];
    high[1 + i] =
        std::max<int64_t>(0, end - op.getPads()[i] - type.getDimSize(1 + i));
  }
  return pad(b, input, low, high, fill);
}

Value lowerPool(ImplicitLocOpBuilder &b, net::PoolOp op) {
  RankedTensorType type = typeOf(op.getResult());
  unsigned spatial = type.getRank() - 2, rank = type.getRank();
  Type element = type.getElementType();
  bool isMax = op.getKind() == net::PoolKind::Max;
  Type accumulator = isMax ? element : accumulatorOf(element);
  Value input =
      padWindows(b, op, isMax ? lowest(b, element) : constant(b, element, 0));

  // Loops: n, o.., c, then k..; the window operand only carries its extents.
  SmallVector<AffineExpr> in = {b.getAffineDimExpr(0)}, window, out;
  for (unsigned i = 0; i < spatial; ++i) {
    window.push_back(b.getAffineDimExpr(rank + i));
    in.push_back(b.getAffineDimExpr(1 + i) * op.getStrides()[i] +
                 window.back() * op.getDilations()[i]);
  }
  in.push_back(b.getAffineDimExpr(rank - 1));
  for (unsigned i = 0; i < rank; ++i)
    out.push_back(b.getAffineDimExpr(i));
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(rank + spatial, 0, exprs, b.getContext());
  };

  SmallVector<int64_t> shape = {type.getDimSize(0)};
  llvm::append_range(shape, type.getShape().drop_front(2));
  shape.push_back(type.getDimSize(1));
  Value init = filled(b, shape,
                      isMax ? lowest(b, element) : constant(b, accumulator, 0));
  Value result = reduce(b, {input, empty(b, op.getKernel(), element)}, init,
                        {map(in), map(window), map(out)}, spatial,
                        [&](ImplicitLocOpBuilder &s, ValueRange arguments) {
                          Value x = convertFloat(s, arguments[0], accumulator);
                          if (isMax)
                            return maximum(s, arguments[2], x);
                          if (op.getKind() == net::PoolKind::Lp)
                            x = power(s, x, op.getP());
                          return add(s, arguments[2], x);
                        });
  if (op.getKind() == net::PoolKind::Average)
    result = divideByCount(b, op, result, element);
  if (op.getKind() == net::PoolKind::Lp)
    result =
        elementwise(b, result, b.getMultiDimIdentityMap(rank), shape, element,
                    [&](ImplicitLocOpBuilder &s, ValueRange arguments) {
                      Value norm = root(s, arguments[0], op.getP());
                      return convertFloat(s, norm, element);
                    });
  return toChannelsFirst(b, result);
}

} // namespace lig::net_to_linalg
