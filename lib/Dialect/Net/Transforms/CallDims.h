// Along which dimension calls of an operation can lie one after another.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_CALLDIMS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_CALLDIMS_H

#include "mlir/IR/Operation.h"

#include <optional>

namespace lig::net {

/// The dimension of each operand and of each result along which calls lie one
/// after another; no element of a result depends on another call's elements.
struct CallDims {
  /// Stands for an operand that all calls have in common.
  static constexpr int64_t kSame = -1;

  llvm::SmallVector<int64_t> operands;
  llvm::SmallVector<int64_t> results;
};

/// The dimensions of `op` if its operand number `operand` is joined along
/// `dim`; nothing if calls of `op` cannot be joined so.
std::optional<CallDims> findCallDims(mlir::Operation *op, unsigned operand,
                                     int64_t dim);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_CALLDIMS_H
