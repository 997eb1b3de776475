// What the host of a GPU cannot do, because it would have to look into device
// memory: loads, everything computed from them, and control flow that depends
// on that.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace lig::codegen::gpu {

/// A range of operations of one block that must run on the device together:
/// what is computed from memory is used by no operation outside.
struct DeviceRange {
  mlir::Operation *first, *last;
};

class DataDependence {
public:
  explicit DataDependence(mlir::func::FuncOp function);

  /// The ranges of a block, in order, without those inside its operations.
  llvm::SmallVector<DeviceRange> findRanges(mlir::Block &block) const;

  /// Whether an operation is in a range, of its block or of one around it.
  bool isOnDevice(mlir::Operation *op) const { return onDevice.contains(op); }

  /// Whether the host may step through the regions of this operation.
  static bool isHostControl(mlir::Operation *op);

private:
  void propagate(mlir::Block &block);
  bool mark(mlir::Value value);
  bool isDependent(mlir::Value value) const { return values.contains(value); }
  /// Whether an operation uses or makes what comes from memory, or writes
  /// memory itself.
  bool needsDevice(mlir::Operation *op) const;
  void collect(mlir::Block &block);

  llvm::DenseSet<mlir::Value> values;
  llvm::DenseSet<mlir::Operation *> onDevice;
  bool changed = false;
};

} // namespace lig::codegen::gpu
