// What the evaluators of constant folding share.
#pragma once

#include "ShapeRules.h"

namespace lig::onnx_import {

/// Evaluates a node on its constants; see foldNode for the result.
using Evaluator = llvm::FailureOr<bool> (*)(Node &node);

/// The evaluator for an operator of the default domain, or null.
Evaluator findArithmeticEvaluator(llvm::StringRef op);
Evaluator findMovementEvaluator(llvm::StringRef op);

/// True if a tensor of this type may be held as a folded constant.
bool mayFold(mlir::RankedTensorType type);
bool mayFold(llvm::ArrayRef<int64_t> shape, mlir::Type elementType);

/// The element number in an input of `shape` that numpy's broadcast pairs with
/// `index` of the result.
int64_t broadcastOffset(llvm::ArrayRef<int64_t> index,
                        llvm::ArrayRef<int64_t> shape);

} // namespace lig::onnx_import
