// Sums and moments over axes, in f32 or wider, with the reduced axes kept as
// extents of one.
#pragma once

#include "mlir/IR/Builders.h"

namespace lig::onnx_import {

/// The type to add numbers of a float type up in.
mlir::Type accumulatorOf(mlir::Type element);

/// The sum of |x|^power, power 1 or 2.
mlir::Value sumOfPowers(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value input, llvm::ArrayRef<int64_t> axes,
                        int64_t power);
mlir::Value meanOfPowers(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value input, llvm::ArrayRef<int64_t> axes,
                         int64_t power);

struct Moments {
  mlir::Value mean, variance;
};
/// Mean and biased variance, in two passes: the one-pass formula loses all
/// digits where the mean is large beside the deviation.
Moments momentsOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                  llvm::ArrayRef<int64_t> axes);
/// 1 / sqrt(variance + epsilon).
mlir::Value inverseDeviation(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Value variance, double epsilon);

/// For each element of [N, C, ...], the sum of squares over channels
/// [c - before, c + after].
mlir::Value neighbourSquares(mlir::OpBuilder &b, mlir::Location loc,
                             mlir::Value input, int64_t before, int64_t after);

} // namespace lig::onnx_import
