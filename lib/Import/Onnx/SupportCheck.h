// Finds the operators of a model that no translation and no function covers,
// before any of it is imported, so that one error can name them all.
#pragma once

#include "Functions.h"

#include "mlir/IR/Location.h"
#include "llvm/Support/LogicalResult.h"

namespace lig::onnx_import {

/// Fails with one error that names the first node with an unsupported operator
/// and all other unsupported operators.
llvm::LogicalResult checkSupport(const onnx::ModelProto &model,
                                 const FunctionLibrary &functions,
                                 mlir::Location loc);

} // namespace lig::onnx_import
