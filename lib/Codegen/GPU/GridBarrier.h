// How blocks of a cooperative launch wait for each other.
#ifndef LIGATURE_CODEGEN_GPU_GRIDBARRIER_H
#define LIGATURE_CODEGEN_GPU_GRIDBARRIER_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::codegen::gpu {

/// The counter of barriers of the entry point that `launch` is in: 32 bits that
/// are zero when the entry point is called, and may serve any number of
/// launches, one after the other.
mlir::Value getBarrierCounter(mlir::Operation *launch);

/// Marks a launch whose blocks wait for each other.
void setCooperative(mlir::gpu::LaunchOp launch);

/// All threads of all blocks of `launch` have to come here before one goes on;
/// what any of them stored before, all load behind.
void emitGridBarrier(mlir::ImplicitLocOpBuilder &b, mlir::gpu::LaunchOp launch,
                     mlir::Value counter);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_GRIDBARRIER_H
