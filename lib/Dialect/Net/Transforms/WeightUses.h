// Operations that read a weight, as calls that could be joined.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_WEIGHTUSES_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_WEIGHTUSES_H

#include "CallDims.h"

#include "Ligature/Analysis/CallCost.h"
#include "Ligature/Dialect/Share/IR/Share.h"

namespace lig::net {

/// A use of a weight, and how it may be joined with others.
struct WeightUse {
  mlir::Operation *op;
  share::GetOp weight;
  CallDims dims;
  CallWork work;
};

/// True if no dimension before `dim` is longer than one: calls that lie one
/// after another along it are contiguous.
bool isLeading(mlir::Type type, int64_t dim);

/// The value that `value` is, in another shape.
mlir::Value shapedFrom(mlir::Value value);

/// `op` as a use of a weight: a convolution, or a reduction of data with a
/// parameter, whose calls can lie one after another without gaps.
std::optional<WeightUse> findWeightUse(mlir::Operation *op);

/// Bytes that are moved only because calls are joined: of data that nobody can
/// write where the joint call reads it, and of results that leave the function.
double countCopiedBytes(llvm::ArrayRef<mlir::Operation *> calls,
                        const CallDims &dims);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_WEIGHTUSES_H
