// Which parameters stay in the order they are stored in.
#ifndef LIGATURE_LIB_CODEGEN_PARAMETERREADS_H
#define LIGATURE_LIB_CODEGEN_PARAMETERREADS_H

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

namespace lig::codegen {

class ParameterReads {
public:
  explicit ParameterReads(mlir::ModuleOp module);

  /// The `share.get` below `value` if only reshapes and consecutive slices of
  /// the leading dimension lie between: its elements lie together as they are.
  static share::GetOp getRoot(mlir::Value value);

  /// True if the parameter stays as it is: something reads all of it in its
  /// order, or its slices that are read make up as much, or its value is not
  /// known at compile time.
  bool isKept(mlir::StringAttr symbol) const { return kept.contains(symbol); }

  /// True if reading `value` needs no other bytes than those of a parameter
  /// that is stored.
  bool isFree(mlir::Value value) const;

private:
  void countReads(mlir::Value value, mlir::StringAttr symbol);

  llvm::DenseSet<mlir::StringAttr> kept;
  llvm::DenseMap<mlir::StringAttr, int64_t> elementsRead;
};

} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_PARAMETERREADS_H
