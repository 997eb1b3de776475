// Pads and concatenations have no kernel: they are places in a larger tensor.
// Written as insertions, they cost a producer nothing, because it can write
// into its place; only a value that other consumers need too is copied.

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_WRITESLICESPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

namespace {
struct WriteSlices : lig::codegen::impl::WriteSlicesPassBase<WriteSlices> {
  using WriteSlicesPassBase::WriteSlicesPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateDecomposePadPatterns(patterns);
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    SmallVector<Operation *> work;
    getOperation()->walk([&](Operation *op) {
      auto concat = dyn_cast<tensor::ConcatOp>(op);
      if (isa<tensor::PadOp>(op) ||
          (concat && concat.getInputs().size() <= maxOperands))
        work.push_back(op);
    });
    if (work.empty())
      return;
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    (void)applyOpPatternsGreedily(work, std::move(patterns), config);
  }
};
} // namespace
