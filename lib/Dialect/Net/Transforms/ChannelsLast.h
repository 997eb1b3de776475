// The two layouts that networks move between, and where transposes from one to
// the other meet.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_CHANNELSLAST_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_CHANNELSLAST_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace lig::net {

/// The transpose that makes `value`, or null.
inline mlir::linalg::TransposeOp transposeOf(mlir::Value value) {
  return value.getDefiningOp<mlir::linalg::TransposeOp>();
}

/// From the model's order to channels-last. Where readers or loops choose a
/// layout only that direction counts: both would take turns for ever.
bool isChannelsLast(llvm::ArrayRef<int64_t> permutation);

/// Whether `value` is transposed so, to channels-last, for a reader already.
bool existsChannelsLast(mlir::Value value, llvm::ArrayRef<int64_t> permutation);

/// States of loops in the layout that their bodies compute them in.
void populateScanLayoutPatterns(mlir::RewritePatternSet &patterns);

/// Turns layers that begin and end channels-first to that order, where a vector
/// has `lanes` and the transposes around them cost more; returns how many.
unsigned keepChannelsFirst(mlir::Operation *root, int64_t lanes);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_CHANNELSLAST_H
