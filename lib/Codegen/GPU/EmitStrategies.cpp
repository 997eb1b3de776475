// Tries the strategies on every structured operation on buffers that the host
// reaches; what none of them takes is left as it was.

#include "DataDependence.h"
#include "Strategies.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace lig::codegen::gpu;
namespace net = lig::net;

namespace lig::codegen {
#define GEN_PASS_DEF_GPUEMITSTRATEGIESPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

static std::optional<Precision> parsePrecision(StringRef name) {
  return llvm::StringSwitch<std::optional<Precision>>(name)
      .Case("f32", Precision::F32)
      .Case("tf32", Precision::TF32)
      .Case("bf16", Precision::BF16)
      .Case("f16", Precision::F16)
      .Default(std::nullopt);
}

/// The operation in its general form; null for a copy that is too small or of a
/// size that is not known.
static linalg::GenericOp generalize(RewriterBase &rewriter, Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return generic;
  rewriter.setInsertionPoint(op);
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    auto type = cast<MemRefType>(copy.getTarget().getType());
    if (!type.hasStaticShape() || type.getRank() == 0)
      return {};
    op = linalg::makeMemRefCopyOp(rewriter, op->getLoc(), copy.getSource(),
                                  copy.getTarget());
    rewriter.eraseOp(copy);
    return cast<linalg::GenericOp>(op);
  }
  FailureOr<linalg::GenericOp> made =
      linalg::generalizeNamedOp(rewriter, cast<linalg::LinalgOp>(op));
  return succeeded(made) ? *made : linalg::GenericOp();
}

namespace {
/// What joined other kernels.
struct ErasedOperations : RewriterBase::Listener {
  void notifyOperationErased(Operation *op) override { gone.insert(op); }
  bool contains(Operation *op) const { return gone.contains(op); }

  llvm::DenseSet<Operation *> gone;
};

struct GpuEmitStrategies
    : lig::codegen::impl::GpuEmitStrategiesPassBase<GpuEmitStrategies> {
  using GpuEmitStrategiesPassBase::GpuEmitStrategiesPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (parsePrecision(compute))
      return success();
    return emitError(UnknownLoc::get(context))
           << "unknown precision '" << compute << "' (f32, tf32, bf16 or f16)";
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    ErasedOperations erased;
    IRRewriter rewriter(&getContext(), &erased);
    DataDependence dependence(function);
    SmallVector<Operation *> reached;
    SmallVector<net::AttentionOp> attentions;
    function.walk([&](Operation *op) {
      if (auto attention = dyn_cast<net::AttentionOp>(op))
        attentions.push_back(attention);
      bool isCopy = isa<memref::CopyOp>(op);
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      if ((isCopy || (linalgOp && linalgOp.hasPureBufferSemantics())) &&
          dependence.isReached(op))
        reached.push_back(op);
    });
    for (net::AttentionOp op : attentions) {
      if (!dependence.isReached(op)) {
        op.emitOpError("is in control flow that depends on data");
        return signalPassFailure();
      }
      if (failed(emitAttention(rewriter, op, machine())))
        return signalPassFailure();
      ++numAttentions;
    }
    SmallVector<linalg::GenericOp> work;
    for (Operation *op : reached)
      if (linalg::GenericOp generic = generalize(rewriter, op))
        work.push_back(generic);
    // Products first: what their results go through is theirs.
    for (auto write : {&GpuEmitStrategies::writeContraction,
                       &GpuEmitStrategies::writeReduction,
                       &GpuEmitStrategies::writeElements})
      for (linalg::GenericOp op : work)
        if (!erased.contains(op)) {
          rewriter.setInsertionPoint(op);
          (this->*write)(rewriter, op);
        }
  }

private:
  Machine machine() const {
    return {int64_t(multiprocessors), *parsePrecision(compute), warpgroups,
            int64_t(sharedBytes), int64_t(groupWork)};
  }

  void writeContraction(RewriterBase &rewriter, linalg::GenericOp op) {
    if (succeeded(emitGroupContraction(rewriter, op, machine())))
      ++numGroupContractions;
    else if (succeeded(emitTensorContraction(rewriter, op, machine())))
      ++numTensorContractions;
    else if (succeeded(emitContraction(rewriter, op, machine())))
      ++numContractions;
  }

  void writeReduction(RewriterBase &rewriter, linalg::GenericOp op) {
    if (op.getNumReductionLoops() &&
        succeeded(emitRowKernel(rewriter, op, machine())))
      ++numRowKernels;
  }

  void writeElements(RewriterBase &rewriter, linalg::GenericOp op) {
    if (!op.getNumReductionLoops() &&
        succeeded(emitRowKernel(rewriter, op, machine())))
      ++numElementKernels;
  }
};
} // namespace
