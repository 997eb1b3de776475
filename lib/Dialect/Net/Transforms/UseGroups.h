// Which uses of one weight do not wait for each other.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_USEGROUPS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_USEGROUPS_H

#include "mlir/IR/Operation.h"

namespace lig::net {

/// Splits operations of one block, in its order, into groups of two or more of
/// which none needs the result of another, by whatever way. Takes one walk from
/// the first to the last.
llvm::SmallVector<llvm::SmallVector<mlir::Operation *>>
groupIndependent(llvm::ArrayRef<mlir::Operation *> uses);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_USEGROUPS_H
