// Indices of one element in two shapes of the same data.
#ifndef LIGATURE_CODEGEN_GPU_RESHAPEDINDEX_H
#define LIGATURE_CODEGEN_GPU_RESHAPEDINDEX_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/Support/LLVM.h"

namespace lig::codegen::gpu {

/// What `index` in a buffer of shape `from` is in one of shape `to`, which has
/// the same elements in the same order.
llvm::SmallVector<mlir::AffineExpr>
reshapeIndex(llvm::ArrayRef<mlir::AffineExpr> index,
             llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to,
             mlir::MLIRContext *context);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_RESHAPEDINDEX_H
