// Loops over the same weights, as one loop whose states hold all of theirs.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINSCANS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINSCANS_H

#include "WeightUses.h"

#include "Ligature/Dialect/Net/IR/Net.h"

namespace lig::net {

/// A loop as a use of the first weight that its steps read: its states can lie
/// one after another along their leading dimension, and everything in its body
/// keeps them apart. Nothing for loops that may end early.
std::optional<WeightUse> findScanUse(ScanOp scan);

/// `scan` on joint operands, those of alike loops one after another; its results
/// have `extents` along their dimensions.
ScanOp cloneJointScan(mlir::OpBuilder &b, ScanOp scan,
                      mlir::ValueRange operands, const CallDims &dims,
                      llvm::ArrayRef<int64_t> extents);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINSCANS_H
