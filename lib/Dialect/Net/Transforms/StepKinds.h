// What the values of a function depend on, seen from its recurrences.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_STEPKINDS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_STEPKINDS_H

#include "TimeAxis.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig::net {

/// Of a value: the same in all steps, one part for each step, what is there
/// after the last step, or several steps in one.
enum class StepKind { Steady, EachStep, Final, Mixed };

class StepKinds {
public:
  StepKinds(mlir::func::FuncOp function, const TimeAxes &axes);

  StepKind of(mlir::Value value) const { return kinds.lookup(value); }
  /// The operation that mixes steps into `value`.
  mlir::Operation *getCulprit(mlir::Value value) const {
    return culprits.lookup(value);
  }

private:
  StepKind classify(mlir::Operation *op);
  StepKind classifyScan(ScanOp scan);
  bool keepsSteps(mlir::Operation *op) const;
  bool keepsSteps(mlir::linalg::LinalgOp op) const;
  bool keepsRows(mlir::Operation *loop) const;
  bool isWholeAlong(mlir::Operation *slice, mlir::Value whole) const;

  const TimeAxes &axes;
  llvm::DenseMap<mlir::Value, StepKind> kinds;
  llvm::DenseMap<mlir::Value, mlir::Operation *> culprits;
};

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_STEPKINDS_H
