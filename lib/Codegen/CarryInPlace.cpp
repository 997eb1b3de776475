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

/// True if `value`, carried by a loop, is nothing but what a loop in its body
/// starts from and hands on as the next value.
static bool isHandedOn(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || !argument.hasOneUse())
    return false;
  auto outer = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
  OpOperand &use = *argument.use_begin();
  auto inner = dyn_cast<scf::ForOp>(use.getOwner());
  if (!outer || !inner || inner->getBlock() != outer.getBody() ||
      argument.getArgNumber() < outer.getNumInductionVars())
    return false;
  OpResult result = inner.getTiedLoopResult(&use);
  return result && result.hasOneUse() &&
         outer.getTiedLoopYieldedValue(argument)->get() == result;
}

/// Makes `yielded` values end in the tensors `carried`.
static void writeBack(Operation *terminator, MutableOperandRange yielded,
                      ArrayRef<Value> carried) {
  OpBuilder b(terminator);
  Location loc = terminator->getLoc();
  SmallVector<std::pair<OpOperand *, Value>> writes;
  for (auto [operand, own] : llvm::zip(yielded, carried)) {
    Value value = operand.get();
    if (!isa<RankedTensorType>(value.getType()) || value == own ||
        isHandedOn(own))
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
        !isa<LoopLikeOpInterface>(argument.getOwner()->getParentOp()) ||
        isHandedOn(init.get()))
      continue;
    OpBuilder b(init.getOwner());
    auto copy = bufferization::AllocTensorOp::create(
        b, init.getOwner()->getLoc(),
        cast<RankedTensorType>(init.get().getType()), ValueRange{}, init.get());
    init.set(copy);
  }
}

/// Makes the condition pass on exactly what the loop carries, in order, so that
/// both regions and the results speak of the same tensors. Canonicalization
/// drops and reorders what is passed on; what it passes on that was computed
/// before the condition cannot be aligned.
static FailureOr<scf::WhileOp> passAllOn(scf::WhileOp loop,
                                         IRRewriter &rewriter) {
  scf::ConditionOp condition = loop.getConditionOp();
  Block *before = loop.getBeforeBody(), *after = loop.getAfterBody();
  SmallVector<unsigned> sources;
  for (Value passed : condition.getArgs()) {
    auto argument = dyn_cast<BlockArgument>(passed);
    if (!argument || argument.getOwner() != before)
      return failure();
    sources.push_back(argument.getArgNumber());
  }
  if (llvm::equal(condition.getArgs(), before->getArguments()))
    return loop;

  Location loc = loop.getLoc();
  SmallVector<Type> types(before->getArgumentTypes());
  rewriter.setInsertionPoint(loop);
  auto aligned = scf::WhileOp::create(rewriter, loc, types, loop.getInits());
  SmallVector<Location> locations(types.size(), loc);
  Block *newAfter =
      rewriter.createBlock(&aligned.getAfter(), {}, types, locations);
  rewriter.setInsertionPoint(condition);
  rewriter.replaceOpWithNewOp<scf::ConditionOp>(
      condition, condition.getCondition(), before->getArguments());
  rewriter.inlineRegionBefore(loop.getBefore(), aligned.getBefore(),
                              aligned.getBefore().end());
  SmallVector<Value> arguments, results;
  for (unsigned source : sources) {
    arguments.push_back(newAfter->getArgument(source));
    results.push_back(aligned.getResult(source));
  }
  rewriter.mergeBlocks(after, newAfter, arguments);
  rewriter.replaceOp(loop, results);
  return aligned;
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
    SmallVector<scf::WhileOp> loops;
    getOperation()->walk([&](scf::WhileOp loop) { loops.push_back(loop); });
    IRRewriter rewriter(&getContext());
    for (scf::WhileOp loop : loops) {
      FailureOr<scf::WhileOp> aligned = passAllOn(loop, rewriter);
      if (failed(aligned))
        continue;
      loop = *aligned;
      copyOuterStates(loop.getInitsMutable());
      SmallVector<Value> carried(loop.getAfterArguments());
      scf::YieldOp yield = loop.getYieldOp();
      writeBack(yield, yield.getResultsMutable(), carried);
    }
  }
};
} // namespace
