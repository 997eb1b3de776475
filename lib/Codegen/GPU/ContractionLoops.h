// What a sum of products is, whatever it is called: loops sorted by the
// operands that they move. A matrix product and a convolution differ only in
// how an index follows from the loops.
#ifndef LIGATURE_CODEGEN_GPU_CONTRACTIONLOOPS_H
#define LIGATURE_CODEGEN_GPU_CONTRACTIONLOOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig::codegen::gpu {

struct ContractionLoops {
  /// In both inputs and the output; in the left input and the output; in the
  /// right one and the output; summed up.
  llvm::SmallVector<unsigned> batch, rows, columns, sums;
  /// Whether the contiguous dimension of an input is summed up.
  bool leftAlongSums = false, rightAlongSums = false;
  mlir::OpOperand *left = nullptr, *right = nullptr, *output = nullptr;
};

/// Fails for anything but static f32 sums of products of two buffers, which may
/// hold narrower floats.
mlir::FailureOr<ContractionLoops> matchContraction(mlir::linalg::GenericOp op);

/// The same for any body and element type of the inputs.
mlir::FailureOr<ContractionLoops> sortContraction(mlir::linalg::GenericOp op);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_CONTRACTIONLOOPS_H
