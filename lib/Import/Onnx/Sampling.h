// Reading an image at places between its elements that data names.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

llvm::LogicalResult translateGridSample(Node &node);
llvm::LogicalResult translateRoiAlign(Node &node);

} // namespace lig::onnx_import
