// The signature every entry point ends in.
#ifndef LIGATURE_LIB_CODEGEN_ENTRYSIGNATURE_H
#define LIGATURE_LIB_CODEGEN_ENTRYSIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lig::codegen {
struct EntryBlocks {
  mlir::Value params, arena, dims;
};

/// Appends `params`, `arena` and `dims`, stores scalar results marked
/// `net.dim_of = [output, dimension]` into `dims` (the dimensions of all
/// outputs, one after another), and returns 0 as i32.
EntryBlocks completeSignature(mlir::func::FuncOp function, int64_t paramsBytes,
                              int64_t arenaBytes);
} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_ENTRYSIGNATURE_H
