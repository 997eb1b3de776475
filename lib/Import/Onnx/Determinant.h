// The determinant of square matrices.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

llvm::LogicalResult translateDet(Node &node);

} // namespace lig::onnx_import
