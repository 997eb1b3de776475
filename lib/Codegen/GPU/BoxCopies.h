// Tensor maps of buffers, and the machine's own copies of boxes of them, which
// become rows of 128 bytes in shared memory.
#ifndef LIGATURE_CODEGEN_GPU_BOXCOPIES_H
#define LIGATURE_CODEGEN_GPU_BOXCOPIES_H

#include "Kernel.h"

namespace lig::codegen::gpu {

/// Bytes of a row in shared memory; pieces of 16 in it are swizzled.
inline constexpr int64_t kRowBytes = 128;

/// The operand's map without the loops of one step, which move nothing.
mlir::AffineMap mapOfSteps(mlir::linalg::GenericOp op,
                           mlir::OpOperand &operand);

/// A new buffer of `shape` with what `from` shows of `buffer`, as numbers of
/// `element`: rounded to nearest, f32 to tf32. An operation of its own.
mlir::Value copyRounded(mlir::RewriterBase &rewriter, mlir::Location loc,
                        mlir::Value buffer, mlir::AffineMap from,
                        llvm::ArrayRef<int64_t> shape, mlir::Type element);

/// A map of `buffer` for boxes of this shape, made in the kernel.
mlir::Value makeTensorMap(Kernel &kernel, mlir::Value buffer,
                          llvm::ArrayRef<int64_t> box);

/// Starts the copy of the box that begins at `at`, the innermost dimension
/// last, to `to`; `barrier` counts its bytes.
void copyBox(Kernel &kernel, mlir::Value tensorMap,
             llvm::ArrayRef<mlir::Value> at, mlir::Value to,
             mlir::Value barrier);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_BOXCOPIES_H
