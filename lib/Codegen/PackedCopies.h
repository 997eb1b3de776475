// Which packed parameters store elements that are stored already.
#ifndef LIGATURE_LIB_CODEGEN_PACKEDCOPIES_H
#define LIGATURE_LIB_CODEGEN_PACKEDCOPIES_H

#include "Ligature/Dialect/Share/IR/Share.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace lig::codegen {

/// Calls `visit` with the operands of `op` and what its regions read besides.
void forEachValueRead(mlir::Operation *op,
                      llvm::function_ref<void(mlir::Value)> visit);

class PackedCopies {
public:
  /// How many elements of each parameter can be in a value.
  using Reads = llvm::MapVector<mlir::StringAttr, int64_t>;
  static Reads countReads(mlir::Value value);

  void add(share::ParamOp packed, Reads reads) {
    forms.push_back({packed, std::move(reads)});
  }

  /// Records a broken tie (share::recordBrokenTie) on each of the packed
  /// parameters that is a copy. `stored` names the parameters that stay.
  void record(const llvm::DenseSet<mlir::StringAttr> &stored,
              const mlir::SymbolTable &symbols, llvm::StringRef pass);

private:
  struct Form {
    share::ParamOp packed;
    Reads reads;
  };
  std::vector<Form> forms;
};

} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_PACKEDCOPIES_H
