// Floats that were made of integers by a scale and a zero point.
#ifndef LIGATURE_DIALECT_NET_TRANSFORMS_DEQUANTIZED_H
#define LIGATURE_DIALECT_NET_TRANSFORMS_DEQUANTIZED_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::net {

/// `numbers` times `scale`, which is an f32 of rank 0, or of rank 1 along
/// `axis`.
struct Dequantized {
  /// Integers less their zero point: bytes in 16 bits, others in 32.
  mlir::Value numbers;
  mlir::Value scale;
  int axis = -1;
};

/// What `value` was made of, through transposes and reshapes, written at `b`.
std::optional<Dequantized> findDequantized(mlir::ImplicitLocOpBuilder &b,
                                           mlir::Value value);

/// Where `axis` is behind a reshape; -1 if other dimensions joined it. An axis
/// of -1 is none and stays so; `fits` says whether it is there.
int moveAxis(mlir::Operation *reshape, int axis, bool &fits);

/// An elementwise operation over `shape`; a scale's map is along its axis.
mlir::Value
writeElementwise(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange inputs,
                 llvm::ArrayRef<mlir::AffineMap> maps,
                 llvm::ArrayRef<int64_t> shape, mlir::Type element,
                 llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                                mlir::ValueRange)>
                     body);
mlir::AffineMap alongAxis(mlir::MLIRContext *context, unsigned rank, int axis);

} // namespace lig::net

#endif // LIGATURE_DIALECT_NET_TRANSFORMS_DEQUANTIZED_H
