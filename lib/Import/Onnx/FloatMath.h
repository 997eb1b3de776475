// Arithmetic on float scalars, in the words of the formulas it is used for.
#pragma once

#include "Build.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace lig::onnx_import {

class FloatMath {
public:
  FloatMath(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type)
      : b(b), loc(loc), type(type) {}
  mlir::Value constant(double x) { return scalar(b, loc, type, x); }
  mlir::Value add(mlir::Value x, mlir::Value y) {
    return mlir::arith::AddFOp::create(b, loc, x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) {
    return mlir::arith::SubFOp::create(b, loc, x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) {
    return mlir::arith::MulFOp::create(b, loc, x, y);
  }
  mlir::Value div(mlir::Value x, mlir::Value y) {
    return mlir::arith::DivFOp::create(b, loc, x, y);
  }
  mlir::Value abs(mlir::Value x) {
    return mlir::math::AbsFOp::create(b, loc, x);
  }
  mlir::Value floor(mlir::Value x) {
    return mlir::math::FloorOp::create(b, loc, x);
  }
  mlir::Value roundEven(mlir::Value x) {
    return mlir::math::RoundEvenOp::create(b, loc, x);
  }
  mlir::Value negate(mlir::Value x) {
    return mlir::arith::NegFOp::create(b, loc, x);
  }
  mlir::Value exp(mlir::Value x) {
    return mlir::math::ExpOp::create(b, loc, x);
  }
  mlir::Value tanh(mlir::Value x) {
    return mlir::math::TanhOp::create(b, loc, x);
  }
  /// A NaN stays one.
  mlir::Value minimum(mlir::Value x, mlir::Value y) {
    return mlir::arith::MinimumFOp::create(b, loc, x, y);
  }
  mlir::Value maximum(mlir::Value x, mlir::Value y) {
    return mlir::arith::MaximumFOp::create(b, loc, x, y);
  }
  /// The other one where one is a NaN.
  mlir::Value max(mlir::Value x, mlir::Value y) {
    return mlir::arith::MaxNumFOp::create(b, loc, x, y);
  }
  /// Within [low, high]; a NaN becomes `low`.
  mlir::Value clamp(mlir::Value x, double low, double high) {
    return mlir::arith::MinNumFOp::create(b, loc, max(x, constant(low)),
                                          constant(high));
  }
  mlir::Value less(mlir::Value x, mlir::Value y) {
    return mlir::arith::CmpFOp::create(b, loc, mlir::arith::CmpFPredicate::OLT,
                                       x, y);
  }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }
  /// A whole number of moderate size as an index, and back.
  mlir::Value toIndex(mlir::Value x) {
    return mlir::arith::IndexCastOp::create(
        b, loc, b.getIndexType(),
        castScalar(b, loc, x, b.getI64Type(), false, false));
  }
  mlir::Value fromIndex(mlir::Value x) {
    return castScalar(
        b, loc, mlir::arith::IndexCastOp::create(b, loc, b.getI64Type(), x),
        type, false, false);
  }

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type type;
};

} // namespace lig::onnx_import
