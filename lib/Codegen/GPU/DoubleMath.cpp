// Arguments are reduced to a short interval, where a Taylor polynomial reaches
// f64; special values come out of the arithmetic, or of a comparison at the end
// that says so.

#include "DoubleMath.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <limits>

using namespace mlir;
using Predicate = arith::CmpFPredicate;

namespace lig::codegen::gpu {

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double ln2 = 0x1.62e42fefa39efp-1;
/// ln 2 in two parts, the first with zeros at its end; pi / 2 in three.
static constexpr double ln2Parts[] = {0x1.62e42feep-1, 0x1.a39ef35793c76p-33};
static constexpr double halfPiParts[] = {0x1.921fb544p0, 0x1.0b4611a6p-34,
                                         0x1.3198a2e037073p-69};
static constexpr double halfPi = 0x1.921fb54442d18p0;

DoubleMath::DoubleMath(ImplicitLocOpBuilder &b, Type type)
    : b(b), type(type), whole(b.getI64Type()) {
  if (auto vector = dyn_cast<VectorType>(type))
    whole = vector.clone(whole);
}

//===-- Arithmetic -------------------------------------------------------===//

static Value makeConstant(ImplicitLocOpBuilder &b, Type type, TypedAttr value) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    value = DenseElementsAttr::get(shaped, Attribute(value));
  return arith::ConstantOp::create(b, value);
}

Value DoubleMath::number(double value) {
  return makeConstant(b, type, b.getF64FloatAttr(value));
}
Value DoubleMath::integer(int64_t value) {
  return makeConstant(b, whole, b.getI64IntegerAttr(value));
}
Value DoubleMath::add(Value x, Value y) {
  return arith::AddFOp::create(b, x, y);
}
Value DoubleMath::sub(Value x, Value y) {
  return arith::SubFOp::create(b, x, y);
}
Value DoubleMath::mul(Value x, Value y) {
  return arith::MulFOp::create(b, x, y);
}
Value DoubleMath::div(Value x, Value y) {
  return arith::DivFOp::create(b, x, y);
}
Value DoubleMath::fma(Value x, Value y, Value z) {
  return math::FmaOp::create(b, x, y, z);
}
Value DoubleMath::sqrt(Value x) { return math::SqrtOp::create(b, x); }
Value DoubleMath::abs(Value x) { return math::AbsFOp::create(b, x); }
Value DoubleMath::withSignOf(Value x, Value sign) {
  return math::CopySignOp::create(b, x, sign);
}
Value DoubleMath::compare(Predicate how, Value x, double y) {
  return arith::CmpFOp::create(b, how, x, number(y));
}
Value DoubleMath::select(Value is, Value x, Value y) {
  return arith::SelectOp::create(b, is, x, y);
}
Value DoubleMath::bits(Value x) {
  return arith::BitcastOp::create(b, whole, x);
}
Value DoubleMath::fromBits(Value x) {
  return arith::BitcastOp::create(b, type, x);
}

Value DoubleMath::polynomial(Value x, ArrayRef<double> coefficients) {
  Value sum = number(coefficients.front());
  for (double coefficient : coefficients.drop_front())
    sum = fma(sum, x, number(coefficient));
  return sum;
}

Value DoubleMath::nearZero(Value x, ArrayRef<double> series, Value far) {
  SmallVector<double> coefficients(llvm::reverse(series));
  coefficients.push_back(0);
  Value square = mul(x, x);
  Value near = fma(x, polynomial(square, coefficients), x);
  return select(compare(Predicate::OLT, abs(x), 0.01), near, far);
}

std::pair<Value, Value> DoubleMath::reduce(Value x, double perUnit,
                                           ArrayRef<double> unit) {
  // Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits.
  Value magic = number(0x1.8p52);
  Value shifted = fma(x, number(perUnit), magic);
  Value n = sub(shifted, magic);
  for (double part : unit)
    x = fma(n, number(-part), x);
  return {bits(shifted), x};
}

//===-- Exponentials and logarithms --------------------------------------===//

Value DoubleMath::exp(Value x) {
  // Comparisons that leave NaN as it is.
  x = select(compare(Predicate::OGT, x, 710), number(710), x);
  x = select(compare(Predicate::OLT, x, -746), number(-746), x);
  auto [n, r] = reduce(x, 1 / ln2, ln2Parts);
  SmallVector<double> coefficients;
  double factorial = 1;
  for (int i = 0; i <= 13; ++i) {
    factorial *= i ? i : 1;
    coefficients.insert(coefficients.begin(), 1 / factorial);
  }
  Value result = polynomial(r, coefficients);
  // 2^n in two halves, which both are normal numbers.
  n = arith::SubIOp::create(b, n, bits(number(0x1.8p52)));
  Value half = arith::ShRSIOp::create(b, n, integer(1));
  for (Value power : {half, arith::SubIOp::create(b, n, half).getResult()}) {
    Value exponent = arith::AddIOp::create(b, power, integer(1023));
    exponent = arith::ShLIOp::create(b, exponent, integer(52));
    result = mul(result, fromBits(exponent));
  }
  return result;
}

Value DoubleMath::expm1(Value x) {
  // Between, both ways lose the same few bits.
  SmallVector<double> coefficients{0};
  double factorial = 1;
  for (int i = 2; i <= 10; ++i)
    coefficients.insert(coefficients.begin(), 1 / (factorial *= i));
  Value near = fma(x, polynomial(x, coefficients), x);
  Value far = sub(exp(x), number(1));
  return select(compare(Predicate::OLT, abs(x), 0.1), near, far);
}

Value DoubleMath::log(Value x) {
  // Numbers below the normal ones are raised to them.
  Value isSmall = compare(Predicate::OLT, x, 0x1p-1022);
  Value m = select(isSmall, mul(x, number(0x1p54)), x);
  Value e = arith::ShRSIOp::create(b, bits(m), integer(52));
  Value fraction =
      arith::AndIOp::create(b, bits(m), integer((int64_t(1) << 52) - 1));
  m = fromBits(arith::OrIOp::create(b, fraction, integer(int64_t(1023) << 52)));
  Value exponent = sub(arith::SIToFPOp::create(b, type, e), number(1023));
  exponent = select(isSmall, sub(exponent, number(54)), exponent);
  // m between the roots of 1/2 and 2, then as (1 + s) / (1 - s).
  Value isHigh = compare(Predicate::OGT, m, 1.4142135623730951);
  m = select(isHigh, mul(m, number(0.5)), m);
  exponent = select(isHigh, add(exponent, number(1)), exponent);
  Value s = div(sub(m, number(1)), add(m, number(1)));
  SmallVector<double> coefficients;
  for (int i = 10; i >= 1; --i)
    coefficients.push_back(2.0 / (2 * i + 1));
  coefficients.push_back(0);
  Value tail = mul(s, polynomial(mul(s, s), coefficients));
  Value low = fma(exponent, number(ln2Parts[1]), tail);
  Value result = add(fma(exponent, number(ln2Parts[0]), add(s, s)), low);
  result = select(compare(Predicate::OEQ, x, infinity), x, result);
  result = select(compare(Predicate::OEQ, x, 0), number(-infinity), result);
  result = select(compare(Predicate::OLT, x, 0), number(std::nan("")), result);
  return select(compare(Predicate::UNO, x, 0), x, result);
}

Value DoubleMath::log1p(Value x) {
  // What rounding 1 + x lost comes back as a factor.
  Value u = add(x, number(1));
  Value rest = sub(u, number(1));
  Value is = arith::CmpFOp::create(b, Predicate::OEQ, rest, number(0));
  Value result = mul(log(u), div(x, rest));
  result = select(compare(Predicate::OEQ, x, infinity), x, result);
  result = select(compare(Predicate::OEQ, x, -1), number(-infinity), result);
  return select(is, x, result);
}

//===-- Angles -----------------------------------------------------------===//

Value DoubleMath::sinOrCos(Value x, int64_t quadrant) {
  auto [nearest, r] = reduce(x, 1 / halfPi, halfPiParts);
  Value n = arith::AddIOp::create(b, nearest, integer(quadrant));
  Value square = mul(r, r);
  SmallVector<double> forSin, forCos;
  double factorial = 1;
  for (int i = 1; i <= 18; ++i) {
    factorial *= i;
    double sign = i / 2 % 2 ? -1 : 1;
    if (i >= 2)
      (i % 2 ? forSin : forCos)
          .insert(i % 2 ? forSin.begin() : forCos.begin(), sign / factorial);
  }
  forSin.push_back(0);
  forCos.push_back(1);
  Value sin = fma(r, polynomial(square, forSin), r);
  Value cos = polynomial(square, forCos);
  auto has = [&](int64_t bit) -> Value {
    Value masked = arith::AndIOp::create(b, n, integer(bit));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, masked,
                                 integer(0));
  };
  Value result = select(has(1), cos, sin);
  return select(has(2), arith::NegFOp::create(b, result), result);
}

Value DoubleMath::sin(Value x) {
  // The sign of a zero is lost in the reduction.
  return select(compare(Predicate::OEQ, x, 0), x, sinOrCos(x, 0));
}
Value DoubleMath::cos(Value x) { return sinOrCos(x, 1); }
Value DoubleMath::tan(Value x) { return div(sin(x), cos(x)); }

Value DoubleMath::atan(Value x) {
  Value a = abs(x);
  Value isLarge = compare(Predicate::OGT, a, 1);
  Value t = select(isLarge, div(number(1), a), a);
  // Above tan(pi / 8) the difference to pi / 4.
  Value isHigh = compare(Predicate::OGT, t, 0.41421356237309503);
  t = select(isHigh, div(sub(t, number(1)), add(t, number(1))), t);
  SmallVector<double> coefficients;
  for (int i = 21; i >= 1; --i)
    coefficients.push_back((i % 2 ? -1.0 : 1.0) / (2 * i + 1));
  coefficients.push_back(0);
  Value result = fma(t, polynomial(mul(t, t), coefficients), t);
  result = select(isHigh, add(result, number(halfPi / 2)), result);
  result = select(isLarge, sub(number(halfPi), result), result);
  return withSignOf(result, x);
}

Value DoubleMath::asin(Value x) {
  Value one = number(1);
  return atan(div(x, sqrt(mul(sub(one, x), add(one, x)))));
}

Value DoubleMath::acos(Value x) {
  Value one = number(1);
  return mul(number(2), atan(sqrt(div(sub(one, x), add(one, x)))));
}

//===-- Hyperbolic functions ---------------------------------------------===//

Value DoubleMath::sinh(Value x) {
  Value e = exp(x);
  Value far = mul(number(0.5), sub(e, div(number(1), e)));
  return nearZero(x, {1.0 / 6, 1.0 / 120, 1.0 / 5040}, far);
}

Value DoubleMath::cosh(Value x) {
  Value e = exp(x);
  return mul(number(0.5), add(e, div(number(1), e)));
}

Value DoubleMath::tanh(Value x) {
  Value e = exp(mul(abs(x), number(-2)));
  Value far = div(sub(number(1), e), add(number(1), e));
  return nearZero(x, {-1.0 / 3, 2.0 / 15, -17.0 / 315, 62.0 / 2835},
                  withSignOf(far, x));
}

Value DoubleMath::asinh(Value x) {
  Value a = abs(x);
  Value far = log(add(a, sqrt(fma(a, a, number(1)))));
  return nearZero(x, {-1.0 / 6, 3.0 / 40, -15.0 / 336, 105.0 / 3456},
                  withSignOf(far, x));
}

Value DoubleMath::acosh(Value x) {
  Value t = sub(x, number(1));
  return log1p(add(t, sqrt(mul(t, add(t, number(2))))));
}

Value DoubleMath::atanh(Value x) {
  Value one = number(1);
  Value far = mul(number(0.5), log(div(add(one, x), sub(one, x))));
  return nearZero(x, {1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9}, far);
}

//===-- Two arguments ----------------------------------------------------===//

Value DoubleMath::pow(Value x, Value y) {
  Value result = exp(mul(y, log(abs(x))));
  // A negative base wants a whole exponent, whose last bit is the sign.
  Value half = mul(y, number(0.5));
  auto isWhole = [&](Value z) -> Value {
    return arith::CmpFOp::create(b, Predicate::OEQ, math::TruncOp::create(b, z),
                                 z);
  };
  Value wholeY = isWhole(y), even = isWhole(half);
  Value isBelow =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, bits(x), integer(0));
  Value negated = arith::NegFOp::create(b, result);
  Value signedResult = select(even, result, negated);
  Value isNegative = compare(Predicate::OLT, x, 0);
  Value other = select(isNegative, number(std::nan("")), result);
  result = select(isBelow, select(wholeY, signedResult, other), result);
  Value isOne = compare(Predicate::OEQ, x, 1);
  Value isUnit =
      arith::AndIOp::create(b, compare(Predicate::OEQ, abs(x), 1),
                            compare(Predicate::OEQ, abs(y), infinity));
  Value isZero = compare(Predicate::OEQ, y, 0);
  for (Value is : {isOne, isUnit, isZero})
    result = select(is, number(1), result);
  return result;
}

Value DoubleMath::remainder(Value x, Value y) {
  Value quotient = math::TruncOp::create(b, div(x, y));
  Value rest = fma(arith::NegFOp::create(b, quotient), y, x);
  // The quotient may have been rounded up to the next integer.
  Value isOver =
      arith::CmpFOp::create(b, Predicate::OLT, mul(rest, x), number(0));
  rest = select(isOver, add(rest, withSignOf(abs(y), x)), rest);
  Value isFar = compare(Predicate::OEQ, abs(y), infinity);
  Value isFinite = compare(Predicate::OLT, abs(x), infinity);
  rest = select(arith::AndIOp::create(b, isFar, isFinite), x, rest);
  return withSignOf(rest, x);
}

} // namespace lig::codegen::gpu
