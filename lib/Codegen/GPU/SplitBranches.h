// Branches that data decide about, kernel by kernel.
#ifndef LIGATURE_CODEGEN_GPU_SPLITBRANCHES_H
#define LIGATURE_CODEGEN_GPU_SPLITBRANCHES_H

#include "DataDependence.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace lig::codegen::gpu {

/// Whether a branch is a matter of each kernel in it: nothing but kernels,
/// what the host may compute either way, and accesses whose values stay
/// between two kernels.
bool canSplit(mlir::scf::IfOp branch, const DataDependence &dependence);

/// Lets the kernels of branches without results that data decide about, of
/// those the host reaches, ask themselves. Loops of kernels stay loops. Returns
/// the number of branches.
unsigned splitBranches(mlir::func::FuncOp function);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_SPLITBRANCHES_H
