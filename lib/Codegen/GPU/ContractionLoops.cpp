// The body has to be a product of both inputs, maybe widened, added to the
// output: then zeros may stand for what lies beyond an edge.

#include "ContractionLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"

using namespace mlir;

namespace lig::codegen::gpu {

static bool hasSuitableBody(linalg::GenericOp op) {
  if (!linalg::detail::isContractionBody(
          *op.getBody(), [](Operation *product, Operation *sum) {
            return isa<arith::MulFOp>(product) && isa<arith::AddFOp>(sum) &&
                   product->getResult(0).getType().isF32();
          }))
    return false;
  return llvm::all_of(op.getBody()->without_terminator(), [](Operation &inner) {
    return isa<arith::MulFOp, arith::AddFOp, arith::ExtFOp>(inner);
  });
}

/// Whether the contiguous dimension of `operand` moves with one of `loops`.
static bool liesAlong(linalg::GenericOp op, OpOperand &operand,
                      ArrayRef<unsigned> loops) {
  auto type = cast<MemRefType>(operand.get().getType());
  auto [strides, offset] = type.getStridesAndOffset();
  AffineMap map = op.getMatchingIndexingMap(&operand);
  for (auto [stride, expr] : llvm::zip(strides, map.getResults()))
    if (stride == 1)
      for (unsigned loop : loops)
        if (expr == getAffineDimExpr(loop, op.getContext()) &&
            op.getStaticLoopRanges()[loop] > 1)
          return true;
  return false;
}

FailureOr<ContractionLoops> matchContraction(linalg::GenericOp op) {
  if (!hasSuitableBody(op))
    return failure();
  return sortContraction(op);
}

FailureOr<ContractionLoops> sortContraction(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.hasDynamicShape() || op.getNumReductionLoops() == 0 ||
      !llvm::all_of(op->getOperandTypes(), llvm::IsaPred<MemRefType>) ||
      !cast<MemRefType>(op.getDpsInits()[0].getType()).getElementType().isF32())
    return failure();
  ContractionLoops loops;
  loops.left = op.getDpsInputOperand(0);
  loops.right = op.getDpsInputOperand(1);
  loops.output = op.getDpsInitOperand(0);
  AffineMap left = op.getMatchingIndexingMap(loops.left);
  AffineMap right = op.getMatchingIndexingMap(loops.right);
  AffineMap output = op.getMatchingIndexingMap(loops.output);
  for (auto [i, extent] : llvm::enumerate(op.getStaticLoopRanges())) {
    bool inLeft = left.isFunctionOfDim(i), inRight = right.isFunctionOfDim(i);
    if (extent == 0 || !(inLeft || inRight))
      return failure();
    if (!output.isFunctionOfDim(i))
      loops.sums.push_back(i);
    else
      (inLeft && inRight ? loops.batch
       : inLeft          ? loops.rows
                         : loops.columns)
          .push_back(i);
  }
  loops.leftAlongSums = liesAlong(op, *loops.left, loops.sums);
  loops.rightAlongSums = liesAlong(op, *loops.right, loops.sums);
  return loops;
}

} // namespace lig::codegen::gpu
