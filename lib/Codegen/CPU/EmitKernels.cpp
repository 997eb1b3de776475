// Turns every linalg operation on buffers into loops over vectors. What to
// write is decided by the strategies; this pass brings operations into one
// form, remembers fills that only start an accumulation, and counts.

#include "Ligature/Codegen/Passes.h"

#include "Body.h"
#include "Strategies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace lig::codegen::cpu;

namespace lig::codegen {
#define GEN_PASS_DEF_CPUEMITKERNELSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// Whether `op` may read or write the buffer under `root`.
static bool touches(Operation *op, Value root) {
  if (isMemoryEffectFree(op))
    return false;
  if (op->getNumRegions() && !isa<linalg::LinalgOp>(op))
    return true;
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return isa<MemRefType>(operand.getType()) && rootOf(operand) == root;
  });
}

/// The fill that gives `output` its first value just before `op`, if nothing
/// between them looks.
static linalg::FillOp fillBefore(Operation *op, Value output) {
  Value root = rootOf(output);
  for (Operation *at = op->getPrevNode(); at; at = at->getPrevNode()) {
    auto fill = dyn_cast<linalg::FillOp>(at);
    if (fill && fill.getOutputs()[0] == output)
      return fill;
    if (touches(at, root))
      return {};
  }
  return {};
}

/// Whether an input is the output's buffer, read at other places than it is
/// written: then the order of the loops matters.
static bool readsElsewhere(const Nest &nest) {
  for (unsigned i = 0; i < nest.numInputs; ++i)
    for (unsigned o = nest.numInputs; o < nest.accesses.size(); ++o) {
      const Access &in = nest.accesses[i], &out = nest.accesses[o];
      if (in.scalar || !nest.reads(i) ||
          rootOf(in.source) != rootOf(out.source))
        continue;
      bool reduces = !nest.loopsOfKind(/*reduction=*/true).empty();
      if (in.source != out.source || in.strides != out.strides ||
          in.offset != out.offset || reduces)
        return true;
    }
  return false;
}

namespace {
struct CpuEmitKernels
    : lig::codegen::impl::CpuEmitKernelsPassBase<CpuEmitKernels> {
  using CpuEmitKernelsPassBase::CpuEmitKernelsPassBase;

  LogicalResult initialize(MLIRContext *) override {
    machine.vectorBits = vectorBits;
    machine.registers = registers ? int64_t(registers)
                        : vectorBits == 256 ? 16
                                            : 32;
    machine.fma = fma;
    return success();
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    IRRewriter rewriter(&getContext());
    if (failed(generalize(function, rewriter)))
      return signalPassFailure();
    Constants constants(function.getBody().front());
    SmallVector<linalg::GenericOp> work;
    function.walk([&](linalg::GenericOp op) { work.push_back(op); });
    // Last first: a fill is still in its linalg form when it is looked for.
    for (linalg::GenericOp op : llvm::reverse(work))
      if (failed(emit(op, constants, rewriter)))
        return signalPassFailure();
    SmallVector<linalg::FillOp> fills;
    function.walk([&](linalg::FillOp op) { fills.push_back(op); });
    for (linalg::FillOp fill : fills) {
      rewriter.setInsertionPoint(fill);
      FailureOr<linalg::GenericOp> op =
          linalg::generalizeNamedOp(rewriter, fill);
      if (failed(op) || failed(emit(*op, constants, rewriter)))
        return signalPassFailure();
    }
  }

private:
  /// Everything but fills becomes a generic operation.
  LogicalResult generalize(func::FuncOp function, RewriterBase &rewriter) {
    SmallVector<memref::CopyOp> copies;
    function.walk([&](memref::CopyOp op) { copies.push_back(op); });
    for (memref::CopyOp copy : copies) {
      rewriter.setInsertionPoint(copy);
      rewriter.replaceOpWithNewOp<linalg::CopyOp>(copy, copy.getSource(),
                                                  copy.getTarget());
    }
    SmallVector<linalg::LinalgOp> named;
    function.walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp, linalg::FillOp>(op))
        named.push_back(op);
    });
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::generalizeNamedOp(rewriter, op)))
        return op.emitOpError("has no loop form");
    }
    return success();
  }

  LogicalResult emit(linalg::GenericOp op, Constants &constants,
                     RewriterBase &rewriter) {
    rewriter.setInsertionPoint(op);
    FailureOr<Nest> nest = describe(op);
    if (succeeded(nest) && nest->empty()) {
      rewriter.eraseOp(op);
      return success();
    }
    if (failed(nest) || readsElsewhere(*nest)) {
      ++numFallbacks;
      if (failed(linalg::linalgOpToLoops(rewriter, op)))
        return op.emitOpError("has no loop form");
      rewriter.eraseOp(op);
      return success();
    }
    SmallVector<linalg::FillOp> fills;
    Kernel kernel{*nest, {}};
    bool reduces = !nest->loopsOfKind(/*reduction=*/true).empty();
    for (Value output : op.getOutputs()) {
      linalg::FillOp fill = reduces ? fillBefore(op, output) : nullptr;
      kernel.initial.push_back(fill ? fill.getInputs()[0] : Value());
      if (fill)
        fills.push_back(fill);
    }
    Emitter emitter(rewriter, constants, *nest, machine);
    write(emitter, kernel);
    for (linalg::FillOp fill : fills)
      rewriter.eraseOp(fill);
    rewriter.eraseOp(op);
    return success();
  }

  void write(Emitter &emitter, const Kernel &kernel) {
    if (emitElementwise(emitter, kernel))
      ++numElementwise;
    else if (emitContraction(emitter, kernel))
      ++numContractions;
    else if (emitLaneReduction(emitter, kernel))
      ++(isContraction(kernel.nest) ? numContractions : numReductions);
    else if (emitReduction(emitter, kernel))
      ++numReductions;
  }

  Machine machine;
};
} // namespace
