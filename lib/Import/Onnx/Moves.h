// Moves of whole slices that several families build on.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

/// The input with its order along `axes` turned around.
mlir::Value reversed(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                     llvm::ArrayRef<int64_t> axes);
/// The parts behind each other along `axis`; at least one.
mlir::Value concat(mlir::OpBuilder &b, mlir::Location loc, int64_t axis,
                   llvm::ArrayRef<mlir::Value> parts);

/// How a tensor goes on beyond its borders.
enum class Border { Constant, Edge, Reflect, Wrap };
/// Grows the input by `low` and `high` elements at the ends of each dimension;
/// negative ones cut. `fill` is the scalar of a constant border.
mlir::Value padded(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                   llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
                   Border border, mlir::Value fill);

/// The mode of Pad, and the scalar of its constant border.
llvm::FailureOr<Border> borderOf(Node &node);
mlir::Value padFill(Node &node);

llvm::LogicalResult translatePad(Node &node);
llvm::LogicalResult translateRuntimePad(Node &node, Border border);
llvm::LogicalResult translateCenterCropPad(Node &node);
llvm::LogicalResult translateRuntimeSlice(Node &node);
llvm::LogicalResult translateReverseSequence(Node &node);

} // namespace lig::onnx_import
