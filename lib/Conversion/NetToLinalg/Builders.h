// What every lowering to linalg says again and again: transposes between the
// two layouts, padding, filling, and generic ops with a one-line body.
#ifndef LIGATURE_LIB_CONVERSION_NETTOLINALG_BUILDERS_H
#define LIGATURE_LIB_CONVERSION_NETTOLINALG_BUILDERS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::net_to_linalg {

/// Writes the body of a generic op: block arguments in, yielded value out.
using Body = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                            mlir::ValueRange)>;

mlir::RankedTensorType typeOf(mlir::Value value);

/// A scalar constant of `type` (int or float) with the given value.
mlir::Value constant(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                     double value);
mlir::Value empty(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<int64_t> shape,
                  mlir::Type element);
/// A tensor that holds `value` everywhere.
mlir::Value filled(mlir::ImplicitLocOpBuilder &b, llvm::ArrayRef<int64_t> shape,
                   mlir::Value value);

/// `value` with dimension i taken from dimension `permutation[i]`.
mlir::Value transpose(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                      llvm::ArrayRef<int64_t> permutation);
/// [N, C, X..] to [N, X.., C] and back.
mlir::Value toChannelsLast(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
mlir::Value toChannelsFirst(mlir::ImplicitLocOpBuilder &b, mlir::Value value);

/// Adds `low[i]` and `high[i]` positions that hold `fill` around dimension i.
mlir::Value pad(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
                mlir::Value fill);

/// Reshape by row-major order; both shapes hold equally many elements.
mlir::Value splitDim(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                     unsigned dim, int64_t outer, int64_t inner);
mlir::Value joinDims(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                     unsigned first);

/// An elementwise generic op over `inputs`, each read through its map; the
/// result has `shape` and is written through the identity.
mlir::Value elementwise(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange inputs,
                        llvm::ArrayRef<mlir::AffineMap> maps,
                        llvm::ArrayRef<int64_t> shape, mlir::Type element,
                        Body body);

/// A generic op that starts from `init`, `maps` ends with init's map, and the
/// trailing `numReductions` loops are reductions.
mlir::Value reduce(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange inputs,
                   mlir::Value init, llvm::ArrayRef<mlir::AffineMap> maps,
                   unsigned numReductions, Body body);

/// f32 for narrower floats, else the type itself.
mlir::Type accumulatorOf(mlir::Type element);
/// `scalar` as `type`: extends or truncates a float, extends a signed integer, or
/// is it already.
mlir::Value convertFloat(mlir::ImplicitLocOpBuilder &b, mlir::Value scalar,
                         mlir::Type type);
/// The whole tensor with `element` as its type; see convertFloat.
mlir::Value convertTensor(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor,
                          mlir::Type element);
/// Product and sum in the scalar's own arithmetic.
mlir::Value multiply(mlir::ImplicitLocOpBuilder &b, mlir::Value x,
                     mlir::Value y);
mlir::Value add(mlir::ImplicitLocOpBuilder &b, mlir::Value x, mlir::Value y);

} // namespace lig::net_to_linalg

#endif // LIGATURE_LIB_CONVERSION_NETTOLINALG_BUILDERS_H
