// Softmax and its kin.
#pragma once

#include "Node.h"

namespace lig::onnx_import {
llvm::LogicalResult translateSoftmax(Node &node);
llvm::LogicalResult translateLogSoftmax(Node &node);
llvm::LogicalResult translateHardmax(Node &node);
} // namespace lig::onnx_import
