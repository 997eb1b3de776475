// What no strategy took becomes plain loops: one parallel loop over the
// elements of the result, whose steps reduce what belongs to one element. It is
// right for every operation and fast for those that are bound by memory.

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"

namespace lig::codegen {
#define GEN_PASS_DEF_GPUEMITLOOPSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

using namespace mlir;

/// The operation with its parallel dimensions first.
static FailureOr<linalg::GenericOp> sortDimensions(RewriterBase &rewriter,
                                                   linalg::LinalgOp op) {
  rewriter.setInsertionPoint(op);
  FailureOr<linalg::GenericOp> generic =
      isa<linalg::GenericOp>(op.getOperation())
          ? cast<linalg::GenericOp>(op.getOperation())
          : linalg::generalizeNamedOp(rewriter, op);
  if (failed(generic))
    return failure();
  SmallVector<unsigned> order, reductions;
  for (auto [i, type] : llvm::enumerate(generic->getIteratorTypesArray()))
    (linalg::isParallelIterator(type) ? order : reductions).push_back(i);
  order.append(reductions);
  if (llvm::is_sorted(order))
    return generic;
  rewriter.setInsertionPoint(*generic);
  return linalg::interchangeGenericOp(rewriter, *generic, order);
}

static LogicalResult emit(RewriterBase &rewriter, linalg::LinalgOp op) {
  FailureOr<linalg::GenericOp> generic = sortDimensions(rewriter, op);
  if (failed(generic))
    return failure();
  rewriter.setInsertionPoint(*generic);
  if (failed(linalg::linalgOpToParallelLoops(rewriter, *generic)))
    return failure();
  rewriter.eraseOp(*generic);
  return success();
}

/// A copy is a loop, too; of one element, a load and a store.
static void emitCopy(RewriterBase &rewriter, memref::CopyOp op) {
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  auto type = cast<MemRefType>(op.getTarget().getType());
  SmallVector<Value> begins, ends, steps;
  for (int64_t d = 0; d < type.getRank(); ++d) {
    begins.push_back(arith::ConstantIndexOp::create(rewriter, loc, 0));
    steps.push_back(arith::ConstantIndexOp::create(rewriter, loc, 1));
    ends.push_back(
        rewriter.createOrFold<memref::DimOp>(loc, op.getTarget(), d));
  }
  auto body = [&](OpBuilder &b, Location loc, ValueRange at) {
    Value value = memref::LoadOp::create(b, loc, op.getSource(), at);
    memref::StoreOp::create(b, loc, value, op.getTarget(), at);
  };
  if (type.getRank() == 0)
    body(rewriter, loc, {});
  else
    scf::ParallelOp::create(rewriter, loc, begins, ends, steps, body);
  rewriter.eraseOp(op);
}

namespace {
struct GpuEmitLoops : lig::codegen::impl::GpuEmitLoopsPassBase<GpuEmitLoops> {
  void runOnOperation() override {
    SmallVector<Operation *> work;
    getOperation()->walk([&](Operation *op) {
      if (isa<linalg::LinalgOp, memref::CopyOp>(op))
        work.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : work) {
      ++numLoops;
      if (auto copy = dyn_cast<memref::CopyOp>(op)) {
        emitCopy(rewriter, copy);
      } else if (failed(emit(rewriter, cast<linalg::LinalgOp>(op)))) {
        op->emitOpError("has no form as loops");
        return signalPassFailure();
      }
    }
  }
};
} // namespace
