// What translations ask of their inputs before they build anything: ONNX files
// carry no types inside, so a broken one is found here.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

/// Inputs [0, count) that are there must be of the float type of input 0.
llvm::LogicalResult checkFloats(const Node &node, unsigned count);
/// Input `i`, if it is there, must have the shape. `what` names it.
llvm::LogicalResult checkShape(const Node &node, unsigned i,
                               llvm::ArrayRef<int64_t> shape,
                               llvm::StringRef what);
/// Input `i`, if it is there, must hold one number. `what` names it.
llvm::LogicalResult checkSingle(const Node &node, unsigned i,
                                llvm::StringRef what);
/// A shape as people write it: [1, 2, 3].
std::string describe(llvm::ArrayRef<int64_t> shape);

} // namespace lig::onnx_import
