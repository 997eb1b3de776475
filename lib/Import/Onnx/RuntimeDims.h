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

/// True if some extent is not the type's: then a translation that reads across
/// it must know where the contents end.
bool isDynamic(const Tensor &tensor);

/// Fails with an error if an input of the node is dynamic and the operator
/// neither carries extents along itself nor works element by element.
llvm::LogicalResult checkDynamicInputs(Node &node);
/// Gives the result of an elementwise operator the extents of its inputs.
void carryThroughElementwise(Node &node);

/// The contents moved together: row-major by the run-time extents, as a caller
/// reads them, in a tensor of the same type.
mlir::Value packed(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                   llvm::ArrayRef<mlir::Value> dims);

} // namespace lig::onnx_import
