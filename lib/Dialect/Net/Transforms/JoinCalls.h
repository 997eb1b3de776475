// Making one operation of several that differ only in their data.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINCALLS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINCALLS_H

#include "CallDims.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"

namespace lig::net {

/// `type` with another extent.
mlir::RankedTensorType withExtent(mlir::Type type, int64_t dim, int64_t extent);

/// The sum of the extents of `values` along `dim`.
int64_t countExtent(mlir::ValueRange values, int64_t dim);

/// Operand number `i` of each call.
llvm::SmallVector<mlir::Value>
operandsOf(llvm::ArrayRef<mlir::Operation *> calls, unsigned i);

/// True if two operations do the same to other data: they differ in nothing
/// but the operands that are joined, and in extents along their dimensions.
bool areAlike(mlir::Operation *a, mlir::Operation *b, const CallDims &dims);

/// Notes how many uses of its parameters `joint` stands for, which was made of
/// `calls`.
void noteCalls(mlir::Operation *joint, llvm::ArrayRef<mlir::Operation *> calls);

/// `call` on joint operands; its results have `extents` along their dimensions.
mlir::Operation *cloneJoint(mlir::OpBuilder &b, mlir::Operation *call,
                            mlir::ValueRange operands, const CallDims &dims,
                            llvm::ArrayRef<int64_t> extents);

/// Puts alike calls in the order in which what they read lies in one tensor, if
/// it does.
void orderAsData(llvm::SmallVectorImpl<mlir::Operation *> &calls,
                 const CallDims &dims);

/// True if one value that holds `values` one after another along `dim` is at
/// hand: they are consecutive slices of it, or each is a destination whose
/// content does not depend on the call.
bool areJoint(mlir::ValueRange values, int64_t dim);

/// That value where areJoint holds, else a concatenation.
mlir::Value joinValues(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::ValueRange values, int64_t dim);

/// Replaces calls, which must be alike and in one block, by one operation in
/// the place of the first and slices of its results: for each result, one slice
/// a call. Fails, changing nothing, if a call needs another's result.
llvm::FailureOr<llvm::SmallVector<llvm::SmallVector<mlir::Value>>>
joinCalls(mlir::RewriterBase &rewriter, llvm::ArrayRef<mlir::Operation *> calls,
          const CallDims &dims, mlir::DominanceInfo &dominance);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINCALLS_H
