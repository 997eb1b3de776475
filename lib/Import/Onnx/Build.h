// Building blocks that translations of every family use: tensors in, tensors
// out, static shapes, upstream operations only.
#pragma once

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"

#include <functional>

namespace lig::onnx_import {

/// Builds the scalar computation of one element from its scalar operands.
using ScalarBody = std::function<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                             mlir::ValueRange)>;

/// The numpy broadcast of two shapes; failure if extents clash.
llvm::FailureOr<llvm::SmallVector<int64_t>>
broadcastShapes(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

/// One linalg.generic over `shape`: inputs are broadcast to it by numpy's rules
/// (missing leading and unit dimensions), the result has `elementType`.
mlir::Value elementwise(mlir::OpBuilder &b, mlir::Location loc,
                        llvm::ArrayRef<int64_t> shape, mlir::Type elementType,
                        mlir::ValueRange inputs, const ScalarBody &body);
/// The same in the shape of the first input.
mlir::Value elementwise(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Type elementType, mlir::ValueRange inputs,
                        const ScalarBody &body);

/// An arith.constant of a float or integer scalar type.
mlir::Value scalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type,
                   double value);
/// The least or greatest value of a type (floats: infinities).
mlir::Value extreme(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type,
                    bool greatest, bool isUnsigned);
/// A tensor of one repeated scalar value.
mlir::Value filled(mlir::OpBuilder &b, mlir::Location loc,
                   llvm::ArrayRef<int64_t> shape, mlir::Value scalarValue);

/// Reduces `axes` (sorted) with `combine(b, loc, {element, accumulator})`,
/// starting from the scalar `init`; reduced dimensions are dropped.
mlir::Value reduce(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                   llvm::ArrayRef<int64_t> axes, mlir::Value init,
                   const ScalarBody &combine);

/// The same elements in row-major order under another static shape.
mlir::Value reshape(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                    llvm::ArrayRef<int64_t> shape);
mlir::Value transpose(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                      llvm::ArrayRef<int64_t> permutation);
/// input[offsets : offsets + sizes * strides : strides], strides positive.
mlir::Value slice(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                  llvm::ArrayRef<int64_t> offsets,
                  llvm::ArrayRef<int64_t> sizes,
                  llvm::ArrayRef<int64_t> strides = {});
/// Broadcast copy to `shape` by numpy's rules.
mlir::Value broadcastTo(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value input, llvm::ArrayRef<int64_t> shape);
/// A scalar of one numeric type as another, with C semantics as ONNX Cast has
/// them: float to bool is `!= 0`, float to int truncates.
mlir::Value castScalar(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Value value, mlir::Type to, bool fromUnsigned,
                       bool toUnsigned);
/// The same for every element of a tensor; no operation if nothing changes.
mlir::Value castTensor(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Value value, mlir::Type to, bool fromUnsigned,
                       bool toUnsigned);

} // namespace lig::onnx_import
