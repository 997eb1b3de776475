// Tensors whose extents only the run knows, inside tensors of their upper
// bounds: operators that move dimensions around carry the extents along.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

/// The run-time extent of dimension `d`, or null where the type has it.
mlir::Value runtimeDim(const Tensor &tensor, unsigned d);

/// Sets output `i` to `value` with these extents (null: the type's); all null
/// is a tensor of static shape.
void setOutputWithDims(Node &node, unsigned i, mlir::Value value,
                       bool isUnsigned, llvm::ArrayRef<mlir::Value> dims);

/// True if the first `rank` extents of an input are not all static: then a
/// translation that reads across them must know where the contents end.
bool isDynamic(const Tensor &tensor);

} // namespace lig::onnx_import
