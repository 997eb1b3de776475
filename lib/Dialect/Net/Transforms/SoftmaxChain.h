// Softmax as importers and exporters write it.
#ifndef LIGATURE_DIALECT_NET_TRANSFORMS_SOFTMAXCHAIN_H
#define LIGATURE_DIALECT_NET_TRANSFORMS_SOFTMAXCHAIN_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig::net {

/// What `weights` is the softmax of, over the last dimension, if that and all
/// between are read by nothing else; of the same shape. Null where it is none.
mlir::Value matchSoftmax(mlir::Value weights);

/// Whether `value` is `number` in every element.
bool isFilledWith(mlir::Value value,
                  llvm::function_ref<bool(const llvm::APFloat &)> number);

} // namespace lig::net

#endif // LIGATURE_DIALECT_NET_TRANSFORMS_SOFTMAXCHAIN_H
