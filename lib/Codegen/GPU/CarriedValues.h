// What loops and branches of the host would hand on, kept in device memory.
#ifndef LIGATURE_CODEGEN_GPU_CARRIEDVALUES_H
#define LIGATURE_CODEGEN_GPU_CARRIEDVALUES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lig::codegen::gpu {

/// Numbers from device memory that loops and branches of the host carry or
/// yield become stores and loads of buffers. Returns how many.
unsigned storeCarriedValues(mlir::func::FuncOp function);

/// Whether a buffer that data choose may be a copy of what they chose.
bool canCopyChosen(mlir::OpResult result);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_CARRIEDVALUES_H
