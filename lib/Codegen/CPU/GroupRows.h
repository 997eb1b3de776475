// Kernels that hand each other rows, as one loop over blocks of rows.
#ifndef LIGATURE_CODEGEN_CPU_GROUPROWS_H
#define LIGATURE_CODEGEN_CPU_GROUPROWS_H

#include "Emitter.h"
#include "KernelPlan.h"

namespace lig::codegen::cpu {

/// Kernels of one block, in order. Loop `row` of each member counts the same
/// rows: no row of one member touches what another row writes.
struct RowGroup {
  struct Member {
    KernelPlan *plan;
    Nest nest;
    unsigned row;
  };
  std::vector<Member> members;
  int64_t rows = 0;
  /// Rows that one step takes through all members.
  int64_t block = 0;

  mlir::Operation *last() const { return members.back().plan->op; }
};

/// The groups that are worth a loop of their own; no plan is in two of them.
std::vector<RowGroup> groupRows(llvm::MutableArrayRef<KernelPlan> plans);

/// Writes the loop at the builder; `write` writes a member's nest for the rows
/// of one step.
void emitRowGroup(
    mlir::OpBuilder &builder, Constants &constants, const RowGroup &group,
    const Machine &machine,
    llvm::function_ref<void(Emitter &emitter)> write);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_GROUPROWS_H
