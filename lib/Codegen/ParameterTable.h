// New parameters of a module, merged where they are the same.
#ifndef LIGATURE_LIB_CODEGEN_PARAMETERTABLE_H
#define LIGATURE_LIB_CODEGEN_PARAMETERTABLE_H

#include "PackedCopies.h"

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"

namespace lig::codegen {

class ParameterTable {
public:
  explicit ParameterTable(mlir::ModuleOp module)
      : module(module), symbols(module) {}

  struct Entry {
    share::ParamOp param;
    /// False if a parameter with these bytes had been made before.
    bool isNew;
  };
  /// A frozen parameter that holds `bytes`, called `name` or nearly so.
  Entry getOrCreate(const TensorBytes &bytes, llvm::StringRef name,
                    mlir::Location loc);

  /// The same for bytes that were computed from parameter `root`; with `anyShape`
  /// it may have some dimensions taken as one, or one as several.
  Entry getOrCreatePacked(const TensorBytes &bytes, mlir::StringAttr root,
                          mlir::Location loc, bool anyShape = false);

  /// Drops frozen parameters that nothing in the module reads; says how many.
  /// `copies` of others among those that stay are recorded as such, as the
  /// doing of `pass`.
  unsigned eraseUnread(PackedCopies &copies, llvm::StringRef pass);

  mlir::SymbolTable &getSymbols() { return symbols; }

private:
  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  /// What this table made, by hash; bytes decide.
  llvm::DenseMap<uint64_t, std::vector<std::pair<share::ParamOp, TensorBytes>>>
      made;
  mlir::Operation *last = nullptr;
};

/// Makes all uses of `value` read `param`, which holds its elements.
void replaceByParameter(mlir::Value value, share::ParamOp param);

} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_PARAMETERTABLE_H
