// Attention and the rotation of its queries and keys by their place.
#pragma once

#include "Node.h"

namespace lig::onnx_import {
llvm::LogicalResult translateAttention(Node &node);
llvm::LogicalResult translateRotaryEmbedding(Node &node);
} // namespace lig::onnx_import
