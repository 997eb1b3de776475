// Turning a square of vectors in registers.
#ifndef LIGATURE_CODEGEN_CPU_TRANSPOSE_H
#define LIGATURE_CODEGEN_CPU_TRANSPOSE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::codegen::cpu {

/// `lines` are as many vectors as each has lanes, a power of two. Returns the
/// columns as vectors.
llvm::SmallVector<mlir::Value>
transposeSquare(mlir::ImplicitLocOpBuilder &b,
                llvm::ArrayRef<mlir::Value> lines);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_TRANSPOSE_H
