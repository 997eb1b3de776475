// The function of a model: its inputs, outputs and their names.
#pragma once

#include "GraphImporter.h"

#include "Ligature/Import/Onnx.h"

namespace lig::onnx_import {

/// Builds the entry point of the model's graph at the builder's insertion
/// point.
llvm::LogicalResult importEntryPoint(ModelContext &model,
                                     const OnnxImportOptions &options,
                                     mlir::OpBuilder &builder);

} // namespace lig::onnx_import
