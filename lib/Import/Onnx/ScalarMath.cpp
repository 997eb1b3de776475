// Scalar computations of several operations.

#include "ScalarMath.h"

#include "Build.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace lig::onnx_import;

Value lig::onnx_import::multiply(OpBuilder &b, Location loc, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return arith::MulFOp::create(b, loc, x, y);
  return arith::MulIOp::create(b, loc, x, y);
}

Value lig::onnx_import::addNumbers(OpBuilder &b, Location loc, Value x,
                                   Value y) {
  if (isa<FloatType>(x.getType()))
    return arith::AddFOp::create(b, loc, x, y);
  return arith::AddIOp::create(b, loc, x, y);
}

static Value equals(OpBuilder &b, Location loc, Value x, double value) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x,
                               scalar(b, loc, x.getType(), value));
}

Value lig::onnx_import::divideInts(OpBuilder &b, Location loc, Value x, Value y,
                                   bool isUnsigned) {
  Value one = scalar(b, loc, x.getType(), 1);
  Value safe = arith::SelectOp::create(b, loc, equals(b, loc, y, 0), one, y);
  if (isUnsigned)
    return arith::DivUIOp::create(b, loc, x, safe);
  Value isMinusOne = equals(b, loc, y, -1);
  safe = arith::SelectOp::create(b, loc, isMinusOne, one, safe);
  Value quotient = arith::DivSIOp::create(b, loc, x, safe);
  Value zero = scalar(b, loc, x.getType(), 0);
  Value negated = arith::SubIOp::create(b, loc, zero, x);
  return arith::SelectOp::create(b, loc, isMinusOne, negated, quotient);
}

/// x - trunc(x / y) * y, adjusted to the divisor's sign if asked for.
Value lig::onnx_import::remainder(OpBuilder &b, Location loc, Value x, Value y,
                                  bool isUnsigned, bool truncates) {
  if (isa<FloatType>(x.getType()))
    return arith::RemFOp::create(b, loc, x, y);
  Value quotient = divideInts(b, loc, x, y, isUnsigned);
  Value rest = arith::SubIOp::create(
      b, loc, x, arith::MulIOp::create(b, loc, quotient, y));
  if (isUnsigned || truncates)
    return rest;
  Value zero = scalar(b, loc, x.getType(), 0);
  Value nonzero =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest, zero);
  Value signs = arith::XOrIOp::create(b, loc, rest, y);
  Value differ =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, signs, zero);
  Value adjusts = arith::AndIOp::create(b, loc, nonzero, differ);
  Value adjusted = arith::AddIOp::create(b, loc, rest, y);
  return arith::SelectOp::create(b, loc, adjusts, adjusted, rest);
}

Value lig::onnx_import::power(OpBuilder &b, Location loc, Value base,
                              Value exponent, bool baseUnsigned,
                              bool exponentUnsigned) {
  Type type = base.getType();
  bool isFloat = isa<FloatType>(type);
  // Integers up to 2^53 are exact in f64.
  Type through = isFloat && type.getIntOrFloatBitWidth() <= 32
                     ? Type(b.getF32Type())
                     : b.getF64Type();
  Value result = math::PowFOp::create(
      b, loc, castScalar(b, loc, base, through, baseUnsigned, false),
      castScalar(b, loc, exponent, through, exponentUnsigned, false));
  return castScalar(b, loc, result, type, false, baseUnsigned);
}

Value lig::onnx_import::sign(OpBuilder &b, Location loc, Value x,
                             bool isUnsigned) {
  Type type = x.getType();
  Value zero = scalar(b, loc, type, 0), one = scalar(b, loc, type, 1);
  Value minusOne = scalar(b, loc, type, -1);
  auto select = [&](Value condition, Value yes, Value no) -> Value {
    return arith::SelectOp::create(b, loc, condition, yes, no);
  };
  if (isa<FloatType>(type)) {
    Value positive =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, zero);
    Value negative =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, zero);
    return select(positive, one, select(negative, minusOne, x));
  }
  Value isZero = equals(b, loc, x, 0);
  if (isUnsigned)
    return select(isZero, zero, one);
  Value negative =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, zero);
  return select(isZero, zero, select(negative, minusOne, one));
}

Value lig::onnx_import::roundSaturated(OpBuilder &b, Location loc, Value x,
                                       Type to, bool isUnsigned) {
  unsigned width = to.getIntOrFloatBitWidth();
  double least = isUnsigned ? 0 : -std::ldexp(1.0, width - 1);
  double greatest = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
  Value rounded = math::RoundEvenOp::create(b, loc, x);
  Value above = arith::MaximumFOp::create(b, loc, rounded,
                                          scalar(b, loc, x.getType(), least));
  Value within = arith::MinimumFOp::create(
      b, loc, above, scalar(b, loc, x.getType(), greatest));
  return castScalar(b, loc, within, to, false, isUnsigned);
}

Value lig::onnx_import::sigmoid(OpBuilder &b, Location loc, Value x) {
  Value one = scalar(b, loc, x.getType(), 1);
  Value exponential =
      math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, x));
  Value divisor = arith::AddFOp::create(b, loc, one, exponential);
  return arith::DivFOp::create(b, loc, one, divisor);
}

Value lig::onnx_import::softplus(OpBuilder &b, Location loc, Value x) {
  Value zero = scalar(b, loc, x.getType(), 0);
  Value magnitude = math::AbsFOp::create(b, loc, x);
  Value small =
      math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, magnitude));
  Value positive = arith::MaximumFOp::create(b, loc, x, zero);
  return arith::AddFOp::create(b, loc, positive,
                               math::Log1pOp::create(b, loc, small));
}
