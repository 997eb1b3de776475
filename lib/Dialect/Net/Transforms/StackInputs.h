// One tensor out of the values that the steps of a loop read one after another.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_STACKINPUTS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_STACKINPUTS_H

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Dialect/Share/IR/Share.h"

namespace lig::net {

class InputStacker {
public:
  explicit InputStacker(mlir::ModuleOp module);

  struct Stack {
    /// Step i reads slice i of the leading dimension, or slice i from the end.
    mlir::Value tensor;
    bool isReversed = false;
  };

  /// True if the values can be stacked: tensors of one static shape; and if
  /// they are parameters, those that no one changes or stacked otherwise.
  bool canStack(llvm::ArrayRef<mlir::Value> values) const;

  /// Parameters become one parameter, stored in their place; regular slices of
  /// one tensor are that tensor in another shape; other values are copied.
  Stack stack(mlir::OpBuilder &b, mlir::Location loc,
              llvm::ArrayRef<mlir::Value> values);

  /// Parameters made so far.
  unsigned getNumStacked() const { return stacks.size(); }

private:
  mlir::Value stackParameters(mlir::OpBuilder &b, mlir::Location loc,
                              llvm::ArrayRef<mlir::Value> values);
  bool isAtHand(share::GetOp get, ConstantEvaluator &evaluator) const;
  share::ParamOp makeParameter(llvm::MutableArrayRef<share::ParamOp> parts);

  /// How many `share.get` read a symbol.
  llvm::DenseMap<mlir::StringAttr, unsigned> numReads;
  /// Symbols that views read.
  llvm::DenseSet<mlir::StringAttr> viewed;
  /// Without parts of stacks.
  mlir::SymbolTable symbols;
  /// By the names of the parts, since several operands may read the same.
  llvm::DenseMap<mlir::ArrayAttr, share::ParamOp> stacks;
};

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_STACKINPUTS_H
