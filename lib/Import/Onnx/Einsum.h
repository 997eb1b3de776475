// Einstein summation.
#pragma once

#include "Node.h"

namespace lig::onnx_import {
llvm::LogicalResult translateEinsum(Node &node);
} // namespace lig::onnx_import
