// What is known of a kernel before it is written.
#ifndef LIGATURE_CODEGEN_CPU_KERNELPLAN_H
#define LIGATURE_CODEGEN_CPU_KERNELPLAN_H

#include "Winograd.h"

namespace lig::codegen::cpu {

/// An operation, described where that is possible, and what joined it.
struct KernelPlan {
  mlir::linalg::GenericOp op;
  mlir::FailureOr<Nest> nest;
  llvm::SmallVector<mlir::Operation *> joined;
  /// The nest, or the parts that it was cut into, to be written one after
  /// another.
  std::vector<Nest> parts;
  /// The parts if it has gates, but its weight is not packed by them.
  std::vector<Nest> separate;
  /// Set if the only part is a convolution whose filters were transformed: it
  /// reads panels of them in this order.
  struct Transformed {
    WinogradConv conv;
    PanelLayout layout;
  };
  std::optional<Transformed> winograd;
};

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_KERNELPLAN_H
