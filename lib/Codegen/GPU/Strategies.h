// The ways to write a kernel by hand, tried in order; each says whether facts
// of the operation suit it, and if so replaces the operation by one launch.
#ifndef LIGATURE_CODEGEN_GPU_STRATEGIES_H
#define LIGATURE_CODEGEN_GPU_STRATEGIES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig::codegen::gpu {

/// What products are computed in; sums are f32.
enum class Precision { F32, TF32, BF16, F16 };

/// What kernels are written for.
struct Machine {
  int64_t multiprocessors = 132;
  Precision precision = Precision::F32;
};

/// Sums of products on tensor cores, unless the precision is f32.
mlir::LogicalResult emitTensorContraction(mlir::RewriterBase &rewriter,
                                          mlir::linalg::GenericOp op,
                                          const Machine &machine);

/// f32 sums of products, matrix products and convolutions alike, by tiles in
/// shared memory and blocks of registers.
mlir::LogicalResult emitContraction(mlir::RewriterBase &rewriter,
                                    mlir::linalg::GenericOp op,
                                    const Machine &machine);

/// Reductions along contiguous data: the lanes of a warp, or all threads of a
/// block, share the elements of one result.
mlir::LogicalResult emitRowReduction(mlir::RewriterBase &rewriter,
                                     mlir::linalg::GenericOp op);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_STRATEGIES_H
