// The op families of the lowering, one function each.
#ifndef LIGATURE_LIB_CONVERSION_NETTOLINALG_PATTERNS_H
#define LIGATURE_LIB_CONVERSION_NETTOLINALG_PATTERNS_H

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::net_to_linalg {
/// Each builds the operation's value before it and returns it.
mlir::Value lowerConv(mlir::ImplicitLocOpBuilder &b, net::ConvOp op);
mlir::Value lowerConvTranspose(mlir::ImplicitLocOpBuilder &b,
                               net::ConvTransposeOp op);
mlir::Value lowerPool(mlir::ImplicitLocOpBuilder &b, net::PoolOp op);
mlir::Value lowerNormalize(mlir::ImplicitLocOpBuilder &b, net::NormalizeOp op);
mlir::Value lowerAttention(mlir::ImplicitLocOpBuilder &b, net::AttentionOp op);

/// Where accumulation starts: zero, or `bias` along the last dimensions.
mlir::Value startFrom(mlir::ImplicitLocOpBuilder &b, mlir::Value bias,
                      llvm::ArrayRef<int64_t> shape, mlir::Type element);

/// The convolution both families end in: `input` [N, X.., C] already padded,
/// `filter` [G, K.., C/G, F/G], `bias` [F] or null, result [N, O.., F] with
/// spatial extents `outer` and elements of type `element`, or the input's.
mlir::Value convolve(mlir::ImplicitLocOpBuilder &b, mlir::Value input,
                     mlir::Value filter, mlir::Value bias,
                     llvm::ArrayRef<int64_t> outer,
                     llvm::ArrayRef<int64_t> strides,
                     llvm::ArrayRef<int64_t> dilations,
                     mlir::Type element = {});
} // namespace lig::net_to_linalg

#endif // LIGATURE_LIB_CONVERSION_NETTOLINALG_PATTERNS_H
