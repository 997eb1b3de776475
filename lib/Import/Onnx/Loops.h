// Loop and Scan.
#pragma once

#include "Node.h"

namespace lig::onnx_import {
llvm::LogicalResult translateLoop(Node &node);
/// From operator set 9 on, and the batched one of operator set 8.
llvm::LogicalResult translateScan(Node &node);
llvm::LogicalResult translateBatchedScan(Node &node);
} // namespace lig::onnx_import
