// The pass that lowers every structured network operation. Each operation has
// exactly one lowering, so one walk does it; there is no pattern set to drive
// to a fixed point.

#include "Patterns.h"

#include "Ligature/Conversion/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lig {
#define GEN_PASS_DEF_CONVERTNETTOLINALGPASS
#include "Ligature/Conversion/Passes.h.inc"
} // namespace lig

namespace {
bool isStatic(Operation *op) {
  auto fixed = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return !tensor || tensor.hasStaticShape();
  };
  return llvm::all_of(op->getOperandTypes(), fixed) &&
         llvm::all_of(op->getResultTypes(), fixed);
}

SmallVector<Value> lower(IRRewriter &rewriter, Operation *op) {
  using namespace lig::net_to_linalg;
  ImplicitLocOpBuilder b(op->getLoc(), rewriter);
  b.setInsertionPoint(op);
  return TypeSwitch<Operation *, SmallVector<Value>>(op)
      .Case([&](lig::net::ConvOp conv) -> SmallVector<Value> {
        return {lowerConv(b, conv)};
      })
      .Case([&](lig::net::ConvTransposeOp conv) -> SmallVector<Value> {
        return {lowerConvTranspose(b, conv)};
      })
      .Case([&](lig::net::PoolOp pool) -> SmallVector<Value> {
        return {lowerPool(b, pool)};
      })
      .Case([&](lig::net::NormalizeOp normalize) -> SmallVector<Value> {
        return {lowerNormalize(b, normalize)};
      })
      .Case([&](lig::net::AttentionOp attention) -> SmallVector<Value> {
        return {lowerAttention(b, attention)};
      })
      .Case([&](linalg::SoftmaxOp softmax) -> SmallVector<Value> {
        OpBuilder inner(op);
        FailureOr<SmallVector<Value>> parts = softmax.decomposeOperation(inner);
        return succeeded(parts) ? *parts : SmallVector<Value>();
      })
      .Default([](Operation *) { return SmallVector<Value>(); });
}

struct ConvertNetToLinalg
    : lig::impl::ConvertNetToLinalgPassBase<ConvertNetToLinalg> {
  using ConvertNetToLinalgPassBase::ConvertNetToLinalgPassBase;

  void runOnOperation() override {
    SmallVector<Operation *> work;
    getOperation()->walk([&](Operation *op) {
      if (isa<lig::net::ConvOp, lig::net::ConvTransposeOp, lig::net::PoolOp,
              lig::net::NormalizeOp, lig::net::AttentionOp, linalg::SoftmaxOp>(
              op) &&
          isStatic(op))
        work.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : work) {
      SmallVector<Value> values = lower(rewriter, op);
      if (values.empty())
        continue;
      rewriter.replaceOp(op, values);
      ++numConverted;
    }
  }
};
} // namespace
