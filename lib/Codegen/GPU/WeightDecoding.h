// How a sum of products makes an f32 of each weight that is stored otherwise.
#ifndef LIGATURE_CODEGEN_GPU_WEIGHTDECODING_H
#define LIGATURE_CODEGEN_GPU_WEIGHTDECODING_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <array>

namespace lig::codegen::gpu {

struct WeightDecoding {
  /// A conversion of a float or integer, or of a code to an index; null where
  /// nothing is converted.
  mlir::Operation *conversion = nullptr;
  /// What a code is looked up in, f32, or null.
  mlir::Value table;

  /// Whether this is of floats alone.
  bool isOfFloats() const;
  /// `stored`, a vector, as f32; `table` may be a copy.
  mlir::Value apply(mlir::ImplicitLocOpBuilder &b, mlir::Value stored,
                    mlir::Value table) const;
};

/// What the body of a sum of products does to each of its two inputs; fails for
/// any other body.
mlir::FailureOr<std::array<WeightDecoding, 2>>
matchDecodings(mlir::linalg::GenericOp op);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_WEIGHTDECODING_H
