// The ways to write a kernel by hand, tried in order; each says whether facts
// of the operation suit it, and if so replaces the operation, and neighbours
// that can run with it, by one launch.
#ifndef LIGATURE_CODEGEN_GPU_STRATEGIES_H
#define LIGATURE_CODEGEN_GPU_STRATEGIES_H

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig::codegen::gpu {

/// What products are computed in; sums are f32.
enum class Precision { F32, TF32, BF16, F16 };

/// What kernels are written for.
struct Machine {
  int64_t multiprocessors = 132;
  Precision precision = Precision::F32;
  /// Whether groups of four warps multiply from shared memory, of which a block
  /// may have so many bytes; and from how many products on that is worth it.
  bool hasWarpgroups = false;
  int64_t sharedBytes = 0, groupWork = 0;
};

/// Large sums of products by warpgroups, unless the precision is f32.
mlir::LogicalResult emitGroupContraction(mlir::RewriterBase &rewriter,
                                         mlir::linalg::GenericOp op,
                                         const Machine &machine);

/// Whether tensor cores multiply what the host reaches of such operations, in any
/// precision that they have.
bool suitsTensorCores(mlir::linalg::GenericOp op);

/// Sums of products on tensor cores, unless the precision is f32.
mlir::LogicalResult emitTensorContraction(mlir::RewriterBase &rewriter,
                                          mlir::linalg::GenericOp op,
                                          const Machine &machine);

/// f32 sums of products, matrix products and convolutions alike, by tiles in
/// shared memory and blocks of registers.
mlir::LogicalResult emitContraction(mlir::RewriterBase &rewriter,
                                    mlir::linalg::GenericOp op,
                                    const Machine &machine);

/// Attention of static extents. Emits an error where it cannot.
mlir::LogicalResult emitAttention(mlir::RewriterBase &rewriter,
                                  net::AttentionOp op, const Machine &machine);

/// Other reductions, and element by element what is around them or stands by
/// itself: several operations in one kernel.
mlir::LogicalResult emitRowKernel(mlir::RewriterBase &rewriter,
                                  mlir::linalg::GenericOp op,
                                  const Machine &machine);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_STRATEGIES_H
