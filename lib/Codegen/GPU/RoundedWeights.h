// Which buffers hold numbers of tf32 as they stand, so that kernels that multiply
// in tf32 need not round what they read.
#ifndef LIGATURE_CODEGEN_GPU_ROUNDEDWEIGHTS_H
#define LIGATURE_CODEGEN_GPU_ROUNDEDWEIGHTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig::codegen::gpu {

/// On `share.address`: all elements of the parameter are numbers of tf32.
inline constexpr llvm::StringLiteral kTF32Attr = "lig.tf32";

/// Whether every element that the buffer shows is a number of tf32: it shows a
/// parameter that was rounded, or has a narrower type, whose numbers all are.
bool holdsTF32(mlir::Value buffer);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_ROUNDEDWEIGHTS_H
