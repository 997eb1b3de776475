// A maximum that keeps NaN is what x86 has plus a comparison and a choice, and
// one instruction elsewhere. The general expansion makes two comparisons and two
// choices of it, which no later pass puts together again.

#include "Ligature/Target/Passes.h"

#include "mlir/Conversion/ArithCommon/AttrToLLVMConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/PatternMatch.h"

namespace lig::target {
#define GEN_PASS_DEF_CPUKEEPMAXIMAPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;

/// Whether machines compute with values of `type` as they are.
static bool isComputable(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  Type element = getElementTypeOrSelf(type);
  return (element.isF32() || element.isF64()) &&
         (!vector || (vector.getRank() == 1 && !vector.isScalable()));
}

template <typename From, typename To>
static void replaceByIntrinsic(From op, IRRewriter &rewriter) {
  rewriter.setInsertionPoint(op);
  LLVM::FastmathFlags flags =
      arith::convertArithFastMathFlagsToLLVM(op.getFastmath());
  rewriter.replaceOpWithNewOp<To>(op, op.getType(), op.getLhs(), op.getRhs(),
                                  flags);
}

namespace {
struct CpuKeepMaxima
    : lig::target::impl::CpuKeepMaximaPassBase<CpuKeepMaxima> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<Operation *> found;
    getOperation()->walk([&](Operation *op) {
      if (isa<arith::MaximumFOp, arith::MinimumFOp>(op) &&
          isComputable(op->getResult(0).getType()))
        found.push_back(op);
    });
    for (Operation *op : found) {
      if (auto maximum = dyn_cast<arith::MaximumFOp>(op))
        replaceByIntrinsic<arith::MaximumFOp, LLVM::MaximumOp>(maximum,
                                                               rewriter);
      else
        replaceByIntrinsic<arith::MinimumFOp, LLVM::MinimumOp>(
            cast<arith::MinimumFOp>(op), rewriter);
    }
    numKept += found.size();
  }
};
} // namespace
