// Elementwise operations are bound by memory, so each that disappears into a
// neighbour saves a trip through it. What must not happen is computing an
// element more than once: with several consumers, through a broadcast, or in
// the loop nest of a contraction.

#include "GeneralizeElementwise.h"
#include "SimplifyQuantization.h"

#include "Ligature/Dialect/Net/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace lig::net {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

/// True if repeating the producer costs no more than reading its result.
static bool isCheap(linalg::GenericOp producer) {
  Block &body = *producer.getBlock();
  auto isConversion = [](Operation &op) {
    return isa<arith::ConstantOp, arith::ExtFOp, arith::TruncFOp,
               arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp, arith::SIToFPOp,
               arith::UIToFPOp, linalg::IndexOp>(op);
  };
  // A conversion of a full-sized operand is read again per use, which is what
  // its result would be too.
  return producer.getNumDpsInputs() <= 1 &&
         llvm::all_of(body.without_terminator(), isConversion);
}

static bool pays(OpOperand *fused, unsigned maxBody) {
  auto producer = fused->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(fused->getOwner());
  if (!producer || !consumer)
    return false;
  if (producer.getBlock()->getOperations().size() +
          consumer.getBlock()->getOperations().size() >
      maxBody)
    return false;
  // A loop that the operand's map leaves out reads each element repeatedly.
  AffineMap map = consumer.getMatchingIndexingMap(fused);
  bool readsOnce = map.isPermutation();
  if (consumer.getNumReductionLoops() != 0 && !readsOnce)
    return false;
  return isCheap(producer) || (readsOnce && producer->hasOneUse());
}

namespace {
struct FuseElementwise
    : lig::net::impl::FuseElementwisePassBase<FuseElementwise> {
  using FuseElementwisePassBase::FuseElementwisePassBase;

  void runOnOperation() override {
    lig::net::generalizeElementwise(getOperation());
    RewritePatternSet patterns(&getContext());
    unsigned limit = maxBody;
    linalg::populateElementwiseOpsFusionPatterns(
        patterns, [limit](OpOperand *fused) { return pays(fused, limit); });
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    linalg::populateInlineConstantOperandsPatterns(patterns);
    // Exponents are seen as constants only once they are in the body.
    populateMathAlgebraicSimplificationPatterns(patterns);
    lig::net::populateQuantizationPatterns(patterns);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};
} // namespace
