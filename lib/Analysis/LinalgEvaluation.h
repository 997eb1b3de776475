// One linalg operation on tensors that are known.
#ifndef LIGATURE_LIB_ANALYSIS_LINALGEVALUATION_H
#define LIGATURE_LIB_ANALYSIS_LINALGEVALUATION_H

#include "Ligature/Analysis/TensorBytes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig {
/// True if evaluateLinalg can compute the operation and is quick about it.
bool canEvaluateLinalg(mlir::linalg::LinalgOp op);

/// The result, given all operands in order, the scalars among them as tensors
/// of rank zero.
TensorBytes evaluateLinalg(mlir::linalg::LinalgOp op,
                           llvm::ArrayRef<TensorBytes> operands);
} // namespace lig

#endif // LIGATURE_LIB_ANALYSIS_LINALGEVALUATION_H
