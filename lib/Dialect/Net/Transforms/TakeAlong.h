// What follows a joint operation, joined too.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_TAKEALONG_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_TAKEALONG_H

#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"

namespace lig::net {

/// The slices of one result of a joint operation, one a call, along `dim`.
struct JointSlices {
  llvm::SmallVector<mlir::Value> slices;
  int64_t dim;
};

/// Joins operations that do the same to all slices, and what follows them, as
/// long as all they read is joint or in common. Concatenations of slices become
/// what they were sliced from. Uses of weights stay as they are: whether these
/// gain is asked for each. Returns how many joint operations there are more.
unsigned takeAlong(mlir::RewriterBase &rewriter, JointSlices joint,
                   mlir::DominanceInfo &dominance);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_TAKEALONG_H
