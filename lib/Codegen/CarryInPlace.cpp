// A loop that yields a buffer made in its step would need two places for every
// carried tensor and a swap, and a static arena has neither. So the new value
// is written into the tensor carried in. Usually that costs nothing: empty
// tensor elimination lets the producer write there at once.
//
// The writes stand at the end of the step, one after another. A yielded value
// that is still another carried tensor (or a slice of one) would be read after
// it was overwritten, so it is copied before the first write.

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_CARRYINPLACEPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// The value that `value` is a part or a reshape of.
static Value rootOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp,
             tensor::CollapseShapeOp, tensor::CastOp, tensor::ReshapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Makes `yielded` values end in the tensors `carried`.
static void writeBack(Operation *terminator, MutableOperandRange yielded,
                      ArrayRef<Value> carried) {
  OpBuilder b(terminator);
  Location loc = terminator->getLoc();
  SmallVector<std::pair<OpOperand *, Value>> writes;
  for (auto [operand, own] : llvm::zip(yielded, carried)) {
    Value value = operand.get();
    if (!isa<RankedTensorType>(value.getType()) || value == own)
      continue;
    if (llvm::is_contained(carried, rootOf(value))) {
      auto copy = bufferization::AllocTensorOp::create(
          b, loc, cast<RankedTensorType>(value.getType()), ValueRange{}, value);
      operand.set(copy);
    }
    writes.push_back({&operand, own});
  }
  for (auto [operand, own] : writes)
    operand->set(bufferization::MaterializeInDestinationOp::create(
                     b, loc, own.getType(), operand->get(), own)
                     ->getResult(0));
}

/// Starts a loop inside a loop from a copy, where it would start from what the
/// outer loop carries: both would claim the one buffer for the whole step.
static void copyOuterStates(MutableOperandRange inits) {
  for (OpOperand &init : inits) {
    auto argument = dyn_cast<BlockArgument>(rootOf(init.get()));
    if (!isa<RankedTensorType>(init.get().getType()) || !argument ||
        !isa<LoopLikeOpInterface>(argument.getOwner()->getParentOp()))
      continue;
    OpBuilder b(init.getOwner());
    auto copy = bufferization::AllocTensorOp::create(
        b, init.getOwner()->getLoc(),
        cast<RankedTensorType>(init.get().getType()), ValueRange{}, init.get());
    init.set(copy);
  }
}

namespace {
struct CarryInPlace : lig::codegen::impl::CarryInPlacePassBase<CarryInPlace> {
  void runOnOperation() override {
    getOperation()->walk([](scf::ForOp loop) {
      copyOuterStates(loop.getInitArgsMutable());
      SmallVector<Value> carried(loop.getRegionIterArgs());
      auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
      writeBack(yield, yield.getResultsMutable(), carried);
    });
    getOperation()->walk([](scf::WhileOp loop) {
      copyOuterStates(loop.getInitsMutable());
      // Both regions must speak of the same carried tensors.
      if (!llvm::equal(loop.getConditionOp().getArgs(),
                       loop.getBeforeArguments()))
        return;
      SmallVector<Value> carried(loop.getAfterArguments());
      scf::YieldOp yield = loop.getYieldOp();
      writeBack(yield, yield.getResultsMutable(), carried);
    });
  }
};
} // namespace
