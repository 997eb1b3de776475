// What the host of a GPU cannot do, because it would have to look into device
// memory: loads, everything computed from them, and control flow that depends
// on that.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace lig::codegen::gpu {

/// A range of operations of one block that run on the device together: no
/// kernel is among them, or what is computed from memory is used behind it.
struct DeviceRange {
  mlir::Operation *first, *last;
};

class DataDependence {
public:
  explicit DataDependence(mlir::func::FuncOp function);

  /// The ranges of a block, in order, without those inside its operations.
  llvm::SmallVector<DeviceRange> findRanges(mlir::Block &block) const;

  /// Whether a value comes from memory.
  bool isDependent(mlir::Value value) const { return values.contains(value); }
  /// Whether an operation uses or makes what comes from memory, or accesses
  /// memory without being a kernel.
  bool needsDevice(mlir::Operation *op) const;

  /// Whether the host steps through a loop or branch: it knows what decides
  /// about it, and finds kernels in it. Numbers from memory may be carried.
  bool isStepped(mlir::Operation *op) const;
  /// Whether the host steps through all control flow around an operation.
  bool isReached(mlir::Operation *op) const;
  /// Whether an operation is a kernel, or becomes one, wherever the host
  /// reaches it.
  bool isKernel(mlir::Operation *op) const;

private:
  void propagate(mlir::Block &block);
  bool mark(mlir::Value value);
  /// Whether what decides about a loop or branch comes from memory.
  bool isDecidedByData(mlir::Operation *op) const;

  llvm::DenseSet<mlir::Value> values;
  bool changed = false;
};

} // namespace lig::codegen::gpu
