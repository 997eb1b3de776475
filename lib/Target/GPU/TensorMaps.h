// Tensor maps of buffers, which the host makes for kernels.
#pragma once

#include "Ligature/ABI/Model.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace lig::target::gpu {

/// Names the parameters of a kernel that are tensor maps, by their numbers.
inline constexpr char kMapsAttr[] = "lig.tensor_maps";

/// The buffer that a map shows.
mlir::TypedValue<mlir::MemRefType> getMapped(mlir::nvgpu::TmaCreateDescriptorOp map);
/// What a driver is told about it.
lig_tensor_map describe(mlir::nvgpu::TmaCreateDescriptorOp map);

/// Moves the maps that a launch makes in front of it.
llvm::LogicalResult hoistMaps(mlir::gpu::LaunchOp launch);
/// Makes pointers of the parameters of a kernel that are maps; whether any are.
bool takeMaps(mlir::gpu::GPUFuncOp kernel, mlir::ValueRange operands);

/// Where a buffer begins, as a number.
mlir::Value addressOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value buffer);
/// The address of a lig_tensor_map in the host's constants.
mlir::Value describeOnHost(mlir::OpBuilder &b, mlir::Location loc,
                           mlir::ModuleOp module,
                           mlir::nvgpu::TmaCreateDescriptorOp map);

} // namespace lig::target::gpu
