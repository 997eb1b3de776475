// Which dimension of a value counts the steps of its function's recurrences.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_TIMEAXIS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_TIMEAXIS_H

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace lig::net {

/// Dimension `dim` has `inner` elements for each step, one step's behind
/// another's.
struct TimeAxis {
  int64_t dim;
  int64_t inner;
  bool operator==(const TimeAxis &other) const {
    return dim == other.dim && inner == other.inner;
  }
  bool operator!=(const TimeAxis &other) const { return !(*this == other); }
};

/// Follows the steps from what the recurrences of a function read and write to
/// everything that is computed for each step alone.
class TimeAxes {
public:
  /// Scans that are not inside of other regions, not conditional, and read
  /// something in each step are recurrences.
  explicit TimeAxes(mlir::func::FuncOp function);

  /// Fails, with an error at the operation, where recurrences have different
  /// numbers of steps or run backwards.
  llvm::LogicalResult find();

  llvm::ArrayRef<ScanOp> getScans() const { return scans; }
  int64_t getSteps() const { return steps; }
  std::optional<TimeAxis> lookup(mlir::Value value) const;
  /// The type that `value` has for one step.
  mlir::Type getStepType(mlir::Value value) const;

private:
  bool visit(mlir::Operation *op);
  bool visitStructured(mlir::Operation *op);
  bool visitReshape(mlir::Value wide, mlir::Value narrow,
                    llvm::ArrayRef<mlir::ReassociationIndices> groups);
  bool visitSame(mlir::ValueRange values);
  bool visitSlice(mlir::Value part, mlir::Value whole,
                  const llvm::SmallBitVector &dropped);
  bool visitLoop(mlir::Operation *op);
  /// Whether that is news. What contradicts is left to whoever uses it.
  bool set(mlir::Value value, TimeAxis axis);

  mlir::func::FuncOp function;
  llvm::SmallVector<ScanOp> scans;
  int64_t steps = 0;
  llvm::DenseMap<mlir::Value, TimeAxis> axes;
};

/// Places in a counted loop where its counter is the index of one row of a
/// tensor: (the tensor, the dimension). Nothing if the counter is used
/// otherwise, or the loop does not run from 0 in steps of one.
std::optional<llvm::SmallVector<std::pair<mlir::Value, int64_t>>>
findRows(mlir::Operation *loop);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_TIMEAXIS_H
