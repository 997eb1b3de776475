// One linalg operation on tensors that are known.
#ifndef LIGATURE_LIB_ANALYSIS_LINALGEVALUATION_H
#define LIGATURE_LIB_ANALYSIS_LINALGEVALUATION_H

#include "Ligature/Analysis/TensorBytes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig {
/// True if evaluateLinalg can compute the operation and is quick about it.
bool canEvaluateLinalg(mlir::linalg::LinalgOp op);

/// What the operation reads: its operands, then tensors that its body extracts
/// elements of.
llvm::SmallVector<mlir::Value> valuesReadBy(mlir::linalg::LinalgOp op);

/// The result, given all that is read in the order of valuesReadBy, the scalars
/// among them as tensors of rank zero. Nothing if an element is asked for that
/// lies outside its tensor.
std::optional<TensorBytes>
evaluateLinalg(mlir::linalg::LinalgOp op, llvm::ArrayRef<TensorBytes> values);
} // namespace lig

#endif // LIGATURE_LIB_ANALYSIS_LINALGEVALUATION_H
