// Sums of products, written so that the code generator sees them: batch
// dimensions, rows, columns, then what is summed over.
#pragma once

#include "Build.h"

namespace lig::onnx_import {

/// One dimension of a result or operand: its number in the iteration space.
using Subscripts = llvm::SmallVector<int64_t>;

/// result[out] = sum over the rest of product(operands[subscripts]).
/// `extents` has one entry per dimension of the iteration space, whose last
/// ones are summed. Operands are indexed by their subscripts; a dimension of
/// extent 1 broadcasts. 16-bit floats are summed in f32; integers in
/// `accumulator`, if that is given.
mlir::Value contract(mlir::OpBuilder &b, mlir::Location loc,
                     mlir::ValueRange operands,
                     llvm::ArrayRef<Subscripts> subscripts,
                     llvm::ArrayRef<int64_t> extents, int64_t resultRank,
                     mlir::Type resultType);

/// numpy's matmul of `a` and `b2` (ranks of 1 and more, batches broadcast).
/// Failure if inner extents or batches clash.
llvm::FailureOr<mlir::Value> matmul(mlir::OpBuilder &b, mlir::Location loc,
                                    mlir::Value a, mlir::Value b2);

} // namespace lig::onnx_import
