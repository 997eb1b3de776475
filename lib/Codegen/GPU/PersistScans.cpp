// Finds loops whose steps use the same weights on a few rows, and lets one
// kernel live through all of their steps. Launched step by step, such a loop
// would read its weights anew each time, and wait longer for launches than
// compute.

#include "ScanKernel.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace lig::codegen {
#define GEN_PASS_DEF_GPUPERSISTSCANSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

using namespace mlir;
using namespace lig::codegen::gpu;

/// Gives every operation of a loop one form.
static LogicalResult generalize(RewriterBase &rewriter, scf::ForOp loop) {
  SmallVector<Operation *> work;
  for (Operation &op : *loop.getBody())
    if (isa<linalg::LinalgOp, memref::CopyOp>(op) &&
        !isa<linalg::GenericOp>(op))
      work.push_back(&op);
  for (Operation *op : work) {
    rewriter.setInsertionPoint(op);
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      auto map = rewriter.getMultiDimIdentityMap(
          cast<MemRefType>(copy.getTarget().getType()).getRank());
      SmallVector<utils::IteratorType> loops(map.getNumDims(),
                                             utils::IteratorType::parallel);
      linalg::GenericOp::create(
          rewriter, op->getLoc(), TypeRange(), copy.getSource(),
          copy.getTarget(), ArrayRef<AffineMap>{map, map}, loops,
          [](OpBuilder &b, Location loc, ValueRange elements) {
            linalg::YieldOp::create(b, loc, elements[0]);
          });
      rewriter.eraseOp(op);
    } else if (failed(linalg::generalizeNamedOp(rewriter,
                                                cast<linalg::LinalgOp>(op)))) {
      return failure();
    }
  }
  return success();
}

namespace {
struct GpuPersistScans
    : lig::codegen::impl::GpuPersistScansPassBase<GpuPersistScans> {
  using GpuPersistScansPassBase::GpuPersistScansPassBase;

  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation()->walk([&](scf::ForOp loop) {
      if (mayBeScan(loop))
        loops.push_back(loop);
    });
    IRRewriter rewriter(&getContext());
    for (scf::ForOp loop : loops) {
      // What does not suit is left as it was.
      rewriter.setInsertionPoint(loop);
      auto trial = cast<scf::ForOp>(rewriter.clone(*loop));
      bool isLaunched =
          succeeded(generalize(rewriter, trial)) && persist(rewriter, trial);
      rewriter.eraseOp(trial);
      if (isLaunched)
        rewriter.eraseOp(loop);
    }
  }

private:
  bool persist(RewriterBase &rewriter, scf::ForOp loop) {
    FailureOr<ScanBody> body = matchScan(loop);
    if (failed(body))
      return false;
    ScanKernel kernel(rewriter, *body,
                      {int64_t(multiprocessors), int64_t(sharedBytes)});
    kernel.emit();
    auto [resident, all] = kernel.countResident();
    residentBytes += resident;
    streamedBytes += all - resident;
    ++numScans;
    return true;
  }
};
} // namespace
