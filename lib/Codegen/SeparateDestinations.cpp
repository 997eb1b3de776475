// Equal fills, biases spread over a layer's output, and empty tensors are one
// value after common-subexpression elimination, and that is right for values. As
// destinations they are places: a shared zero would be filled once and copied to
// every accumulator, a layer whose filter is used again would read its bias from
// a tensor as large as its output, and a shared empty tensor ties its users together for the analysis (400 operations
// took minutes; with one each they take no time). A place that only a loop's
// body writes is the body's own: filled before the loop, it would be copied in
// each step, and its buffer would be taken for as long as the loop runs.

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_SEPARATEDESTINATIONSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// True if the operand is where its operation writes.
static bool isDestination(OpOperand &use) {
  if (auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner()))
    return op.isDpsInit(&use);
  return isa<LoopLikeOpInterface>(use.getOwner());
}

/// True if the operation spreads little data over a large result, which costs no
/// more to do again than to copy.
static bool isBroadcast(linalg::GenericOp op) {
  if (op->getNumResults() != 1 || op.getNumReductionLoops() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return false;
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  if (!type.hasStaticShape())
    return false;
  int64_t read = 0;
  for (Value input : op.getDpsInputs())
    if (auto from = dyn_cast<RankedTensorType>(input.getType()))
      read += from.hasStaticShape() ? from.getNumElements()
                                    : type.getNumElements();
  return 4 * read <= type.getNumElements() &&
         op.getBody()->getOperations().size() <= 3;
}

/// Gives all uses that `mayClone` accepts, but for the last one, a clone. The
/// last one has the operation itself, in its own block.
static void separate(Operation *op, function_ref<bool(OpOperand &)> mayClone) {
  for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
    if (!mayClone(use))
      continue;
    if (op->hasOneUse()) {
      if (use.getOwner()->getBlock() != op->getBlock())
        op->moveBefore(use.getOwner());
      return;
    }
    OpBuilder b(use.getOwner());
    use.set(b.clone(*op)->getResult(0));
  }
}

namespace {
struct SeparateDestinations
    : lig::codegen::impl::SeparateDestinationsPassBase<SeparateDestinations> {
  void runOnOperation() override {
    SmallVector<Operation *> starts, empties;
    getOperation()->walk([&](Operation *op) {
      auto generic = dyn_cast<linalg::GenericOp>(op);
      if ((isa<linalg::FillOp>(op) && op->getNumResults() == 1) ||
          (generic && isBroadcast(generic)))
        starts.push_back(op);
    });
    for (Operation *start : starts)
      separate(start, isDestination);
    // Clones use the same empty tensors, so these come last.
    getOperation()->walk([&](tensor::EmptyOp op) { empties.push_back(op); });
    for (Operation *empty : empties)
      separate(empty, [](OpOperand &) { return true; });
  }
};
} // namespace
