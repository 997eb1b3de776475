// Kernels as functions of their own, each written once.
#ifndef LIGATURE_CODEGEN_CPU_OUTLINEKERNEL_H
#define LIGATURE_CODEGEN_CPU_OUTLINEKERNEL_H

#include "KernelPlan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"

namespace lig::codegen::cpu {

/// Makes functions of kernels and finds those that are there already.
class KernelOutliner {
public:
  explicit KernelOutliner(mlir::ModuleOp module) : symbols(module) {}

  /// Lets the nests of `plan` reach each buffer by its first element and an
  /// offset, so that kernels differ in nothing but what they compute. Writes
  /// what that needs in front of the operation.
  void detach(KernelPlan &plan, mlir::RewriterBase &rewriter);

  /// Replaces `region`, which holds a kernel, by a call of a function that
  /// does the same. True if that function had been there before.
  bool outline(mlir::scf::ExecuteRegionOp region, mlir::RewriterBase &rewriter);

private:
  mlir::func::FuncOp makeFunction(mlir::scf::ExecuteRegionOp region,
                                  llvm::ArrayRef<mlir::Value> captured,
                                  mlir::RewriterBase &rewriter);

  mlir::SymbolTable symbols;
  llvm::DenseMap<llvm::hash_code, llvm::SmallVector<mlir::func::FuncOp, 1>>
      kernels;
};

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_OUTLINEKERNEL_H
