// Scalar computations that take more than one operation.
#pragma once

#include "mlir/IR/Builders.h"

namespace lig::onnx_import {

/// Products and sums of either kind of number.
mlir::Value multiply(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                     mlir::Value y);
mlir::Value addNumbers(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                       mlir::Value y);

/// Integer division towards zero. No divisor traps: by zero the result is the
/// dividend, and the least number by -1 wraps.
mlir::Value divideInts(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                       mlir::Value y, bool isUnsigned);

/// The remainder, with the sign of the dividend if `truncates` (C's fmod), else
/// of the divisor (Python's %).
mlir::Value remainder(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                      mlir::Value y, bool isUnsigned, bool truncates);

/// `base` to the power of `exponent`, which may be of another type.
mlir::Value power(mlir::OpBuilder &b, mlir::Location loc, mlir::Value base,
                  mlir::Value exponent, bool baseUnsigned,
                  bool exponentUnsigned);

/// -1, 0 or 1; NaN stays.
mlir::Value sign(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                 bool isUnsigned);

/// The nearest integer type value of a float, ties to even, within `to`.
mlir::Value roundSaturated(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::Value x, mlir::Type to, bool isUnsigned);

/// 1 / (1 + exp(-x)).
mlir::Value sigmoid(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
/// log(1 + exp(x)) without overflow.
mlir::Value softplus(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);

} // namespace lig::onnx_import
