// Normalisation per channel by given statistics, or by those of the batch.
#pragma once

#include "Node.h"

namespace lig::onnx_import {
llvm::LogicalResult translateBatchNormalization(Node &node);
} // namespace lig::onnx_import
