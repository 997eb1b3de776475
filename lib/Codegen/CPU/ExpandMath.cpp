// Exponentials, logarithms and their kin as polynomials on vectors. Without
// this each lane would be a call. What upstream has no polynomial for, and
// every type but f32, is left to the mathematical library.

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_CPUEXPANDMATHPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// A machine without the instruction would call fmaf for every lane.
static void splitFma(math::FmaOp op) {
  OpBuilder b(op);
  Value product = arith::MulFOp::create(b, op.getLoc(), op.getA(), op.getB());
  Value sum = arith::AddFOp::create(b, op.getLoc(), product, op.getC());
  op.replaceAllUsesWith(sum);
  op.erase();
}

namespace {
struct CpuExpandMath
    : lig::codegen::impl::CpuExpandMathPassBase<CpuExpandMath> {
  using CpuExpandMathPassBase::CpuExpandMathPassBase;

  void runOnOperation() override {
    expandCalls();
    if (!fma)
      getOperation()->walk([](math::FmaOp op) { splitFma(op); });
  }

private:
  void expandCalls() {
    SmallVector<Operation *> work;
    getOperation()->walk([&](Operation *op) {
      if (isa<math::MathDialect>(op->getDialect()) &&
          getElementTypeOrSelf(op->getResultTypes().front()).isF32())
        work.push_back(op);
    });
    if (work.empty())
      return;
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name == math::ExpOp::getOperationName() ||
             name == math::ExpM1Op::getOperationName() ||
             name == math::TanhOp::getOperationName() ||
             name == math::ErfOp::getOperationName() ||
             name == math::ErfcOp::getOperationName() ||
             name == math::LogOp::getOperationName() ||
             name == math::Log1pOp::getOperationName() ||
             name == math::Log2Op::getOperationName();
    });
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    config.enableFolding(false);
    (void)applyOpPatternsGreedily(work, std::move(patterns), config);
  }
};
} // namespace
