// Elementwise operations on two tensors, by what their body does.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_BINARYOPS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_BINARYOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig::net {

/// The two operands of an elementwise operation whose body is one `BodyOp` of
/// them; failure for every other value.
template <typename BodyOp>
llvm::FailureOr<std::array<mlir::OpOperand *, 2>>
matchBinary(mlir::Value value) {
  auto op = value.getDefiningOp<mlir::linalg::LinalgOp>();
  if (!op || op.getNumDpsInputs() != 2 || op->getNumResults() != 1 ||
      op.getNumReductionLoops() != 0 || !op.hasPureTensorSemantics() ||
      !op.getIndexingMapsArray().back().isIdentity())
    return llvm::failure();
  mlir::Block *body = op.getBlock();
  auto inner =
      body->getTerminator()->getOperand(0).template getDefiningOp<BodyOp>();
  if (!inner || body->getOperations().size() != 2)
    return llvm::failure();
  std::array<mlir::OpOperand *, 2> operands;
  for (unsigned i : {0u, 1u}) {
    auto argument = mlir::dyn_cast<mlir::BlockArgument>(inner->getOperand(i));
    if (!argument || argument.getArgNumber() > 1)
      return llvm::failure();
    operands[i] = op.getDpsInputOperand(argument.getArgNumber());
  }
  return operands;
}

/// True if `operand` of a linalg operation is read element for element.
inline bool isReadInOrder(mlir::OpOperand *operand) {
  return mlir::cast<mlir::linalg::LinalgOp>(operand->getOwner())
      .getMatchingIndexingMap(operand)
      .isIdentity();
}

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_BINARYOPS_H
