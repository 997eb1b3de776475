// Where in the input a pool found its maxima, and putting them back there.
#pragma once

#include "Window.h"

namespace lig::onnx_import {

/// MaxPool's second output for a result of type `type`: the place of each
/// maximum in the whole input, row-major, or with storage_order 1 counted
/// column-major inside each image.
mlir::Value poolIndices(Node &node, const Window &window,
                        mlir::RankedTensorType type);

llvm::LogicalResult translateMaxUnpool(Node &node);

} // namespace lig::onnx_import
