// Floats of one width from floats of another, in a kernel.
#ifndef LIGATURE_CODEGEN_GPU_CONVERT_H
#define LIGATURE_CODEGEN_GPU_CONVERT_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::codegen::gpu {

/// `values`, a vector of f32, f16 or bf16, as one of `element`, rounded to
/// nearest with ties to even.
mlir::Value convertFloats(mlir::ImplicitLocOpBuilder &b, mlir::Value values,
                          mlir::Type element);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_CONVERT_H
