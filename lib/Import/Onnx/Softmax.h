// Softmax and its kin.
#pragma once

#include "Node.h"

namespace lig::onnx_import {
/// exp(x - max) / sum(exp(x - max)) along `axis`, in the type of `rows`.
mlir::Value softmax(mlir::OpBuilder &b, mlir::Location loc, mlir::Value rows,
                    int64_t axis);
llvm::LogicalResult translateSoftmax(Node &node);
llvm::LogicalResult translateLogSoftmax(Node &node);
llvm::LogicalResult translateHardmax(Node &node);
} // namespace lig::onnx_import
