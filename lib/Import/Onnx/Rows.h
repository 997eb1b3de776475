// Gathering and scattering whole rows at places that the run computes.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

/// The indices in input `i`, one a dimension of extent `extents` in its last
/// dimension (or all for one dimension where `extents` has one entry and
/// `isTuple` is false), none negative. Constant ones are checked here, others
/// by the run, which then ends with LIG_INDEX_OUT_OF_RANGE; what the result
/// holds is in range whatever the data.
llvm::FailureOr<mlir::Value> checkedIndices(Node &node, unsigned i,
                                            llvm::ArrayRef<int64_t> extents,
                                            bool isTuple);

/// data[:, rows, :] for `data` [O, N, I] and `rows` [K]: [O, K, I].
mlir::Value gatherRows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value data,
                       mlir::Value rows);

/// How scattered values meet what is there.
enum class Meeting { Replace, Add, Multiply, Minimum, Maximum };
/// `data` [N, I] with the rows of `updates` [K, I] brought in at `rows` [K],
/// in order.
mlir::Value scatterRows(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value data, mlir::Value rows, mlir::Value updates,
                        Meeting meeting, bool isUnsigned);

/// Row numbers [K] from index tuples [K, R] into dimensions `extents`:
/// the row-major number of each tuple. Batches, if more than one, split the
/// tuples evenly and come first.
mlir::Value rowNumbers(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Value tuples, llvm::ArrayRef<int64_t> extents,
                       int64_t batches);

llvm::LogicalResult translateScatterElements(Node &node);
llvm::LogicalResult translateScatterND(Node &node);
llvm::LogicalResult translateTensorScatter(Node &node);
llvm::LogicalResult translateCompress(Node &node);
llvm::LogicalResult translateNonZero(Node &node);
llvm::LogicalResult translateUnique(Node &node);

} // namespace lig::onnx_import
