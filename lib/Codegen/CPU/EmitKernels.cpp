// Turns every linalg operation on buffers into loops over vectors. What to
// write is decided by the strategies; this pass brings operations into one
// form, joins elementwise neighbours to reductions, has weights packed and equal
// kernels written once, and counts.

#include "Ligature/Analysis/WinogradCost.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "CutWindows.h"
#include "FillBorder.h"
#include "Gates.h"
#include "GroupRows.h"
#include "JoinStages.h"
#include "OutlineKernel.h"
#include "PackPanels.h"
#include "Strategies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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

/// Whether an input is the output's buffer, read at other places than it is
/// written: then the order of the loops matters.
static bool readsElsewhere(const Nest &nest) {
  unsigned end = nest.numInputs + nest.numOutputs;
  for (unsigned i = 0; i < nest.numInputs; ++i)
    for (unsigned o = nest.numInputs; o < end; ++o) {
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

/// Buffers between operations that are one kernel now, views of them, and
/// addresses of weights that are read elsewhere now.
static void eraseUnusedBuffers(func::FuncOp function) {
  SmallVector<Operation *> candidates;
  function.walk([&](Operation *op) {
    if (isa<memref::AllocOp, ViewLikeOpInterface, lig::share::AddressOp>(op))
      candidates.push_back(op);
  });
  for (Operation *op : llvm::reverse(candidates)) {
    bool unused = llvm::all_of(op->getUsers(), [](Operation *user) {
      return isa<memref::DeallocOp>(user);
    });
    if (!unused)
      continue;
    for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
      user->erase();
    op->erase();
  }
}

namespace {
struct CpuEmitKernels
    : lig::codegen::impl::CpuEmitKernelsPassBase<CpuEmitKernels> {
  using CpuEmitKernelsPassBase::CpuEmitKernelsPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    auto tiles = lig::parseWinogradTiles(winograd, context);
    if (failed(tiles))
      return failure();
    winogradTiles = std::move(*tiles);
    machine.vectorBits = vectorBits;
    machine.registers = registers ? int64_t(registers)
                        : vectorBits == 256 ? 16
                                            : 32;
    machine.fma = fma;
    machine.permutes = permute;
    machine.cacheBytes = cacheBytes;
    machine.threads = threads;
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    IRRewriter rewriter(&getContext());
    // All is planned before anything is written: a plan looks at neighbours,
    // and a weight is packed for all that read it.
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal())
        functions.push_back(function);
    std::vector<KernelPlan> plans;
    for (func::FuncOp function : functions) {
      if (failed(generalize(function, rewriter)))
        return signalPassFailure();
      planAll(function, plans);
    }
    if (pack)
      numPacked += packPanels(module, plans, machine, winogradTiles);
    for (KernelPlan &plan : plans)
      if (succeeded(plan.nest) && plan.nest->gates &&
          !plan.parts.front().packed)
        plan.parts = plan.separate;
    if (failed(writeAll(plans, rewriter)))
      return signalPassFailure();
    for (func::FuncOp function : functions)
      eraseUnusedBuffers(function);
  }

private:
  void planAll(func::FuncOp function, std::vector<KernelPlan> &plans) {
    SmallVector<linalg::GenericOp> work;
    function.walk([&](linalg::GenericOp op) { work.push_back(op); });
    llvm::SmallDenseSet<Operation *> joined;
    for (linalg::GenericOp op : work)
      if (op.getNumReductionLoops() && !joined.contains(op)) {
        plans.push_back(plan(op, joined));
        joined.insert_range(plans.back().joined);
      }
    for (linalg::GenericOp op : work)
      if (!op.getNumReductionLoops() && !joined.contains(op))
        plans.push_back(plan(op, joined));
  }

  /// Everything becomes a generic operation.
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
      if (!isa<linalg::GenericOp>(op))
        named.push_back(op);
    });
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::generalizeNamedOp(rewriter, op)))
        return op.emitOpError("has no loop form");
    }
    return success();
  }

  KernelPlan plan(linalg::GenericOp op,
                  const llvm::SmallDenseSet<Operation *> &taken) {
    KernelPlan plan{op, describe(op), {}, {}, {}, {}};
    if (failed(plan.nest) || plan.nest->empty())
      return plan;
    if (readsElsewhere(*plan.nest)) {
      plan.nest = failure();
      return plan;
    }
    if (join && !plan.nest->loopsOfKind(/*reduction=*/true).empty())
      joinStages(*plan.nest, machine, taken, plan.joined);
    if (join && pack &&
        joinGates(*plan.nest, machine, taken, plan.joined, plan.separate))
      ++numGated;
    plan.parts = {*plan.nest};
    if (plan.nest->loopsOfKind(/*reduction=*/true).empty() &&
        plan.joined.empty())
      plan.parts = cutToBorder(*plan.nest);
    if (join)
      cut(plan, taken);
    for (Nest &part : plan.parts)
      joinLoops(part);
    joinLoops(*plan.nest);
    return plan;
  }

  void cut(KernelPlan &plan, const llvm::SmallDenseSet<Operation *> &taken) {
    std::vector<Nest> parts = cutWindows(*plan.nest, taken, plan.joined);
    if (parts.empty())
      return;
    plan.parts = std::move(parts);
    ++numCut;
  }

  LogicalResult writeAll(MutableArrayRef<KernelPlan> plans,
                         RewriterBase &rewriter) {
    KernelOutliner outliner(getOperation());
    llvm::SmallDenseSet<Operation *> grouped;
    if (group && outline)
      for (RowGroup &rows : groupRows(plans)) {
        for (const RowGroup::Member &member : rows.members)
          grouped.insert(member.plan->op);
        write(rows, outliner, rewriter);
      }
    std::map<Operation *, Constants> constants;
    for (KernelPlan &plan : plans) {
      if (grouped.contains(plan.op))
        continue;
      rewriter.setInsertionPoint(plan.op);
      auto function = plan.op->getParentOfType<func::FuncOp>();
      auto [known, isNew] =
          constants.try_emplace(function, function.getBody().front());
      if (failed(plan.nest)) {
        ++numFallbacks;
        if (failed(linalg::linalgOpToLoops(rewriter, plan.op)))
          return plan.op.emitOpError("has no loop form");
      } else if (outline && isLarge(*plan.nest)) {
        writeOutlined(plan, outliner, rewriter);
      } else {
        write(plan, known->second, rewriter);
      }
    }
    for (KernelPlan &plan : plans) {
      numJoined += plan.joined.size();
      rewriter.eraseOp(plan.op);
      for (Operation *op : plan.joined)
        rewriter.eraseOp(op);
    }
    return success();
  }

  /// One loop, where the last of the members stands.
  void write(RowGroup &group, KernelOutliner &outliner,
             RewriterBase &rewriter) {
    for (RowGroup::Member &member : group.members) {
      member.plan->parts = {member.nest};
      outliner.detach(*member.plan, rewriter);
      member.nest = member.plan->parts.front();
    }
    Machine own = machineFor(group.last());
    inRegion(group.last(), outliner, rewriter, [&](Constants &constants) {
      emitRowGroup(rewriter, constants, group, own,
                   [&](Emitter &emitter) { write(emitter); });
    });
    numGrouped += group.members.size();
  }

  /// Whether a kernel is worth a call.
  static bool isLarge(const Nest &nest) {
    int64_t steps = 1;
    for (const Loop &loop : nest.loops)
      steps *= loop.extent;
    return steps >= 256;
  }

  void writeOutlined(KernelPlan &plan, KernelOutliner &outliner,
                     RewriterBase &rewriter) {
    outliner.detach(plan, rewriter);
    inRegion(plan.op, outliner, rewriter, [&](Constants &constants) {
      write(plan, constants, rewriter);
    });
  }

  /// Lets `body` write a kernel before `at` that has its own constants, and
  /// makes it a function.
  void inRegion(Operation *at, KernelOutliner &outliner,
                RewriterBase &rewriter,
                llvm::function_ref<void(Constants &)> body) {
    rewriter.setInsertionPoint(at);
    auto region =
        scf::ExecuteRegionOp::create(rewriter, at->getLoc(), TypeRange());
    rewriter.createBlock(&region.getRegion());
    auto end = scf::YieldOp::create(rewriter, at->getLoc());
    rewriter.setInsertionPoint(end);
    Constants constants(region.getRegion().front());
    body(constants);
    outliner.outline(region, rewriter) ? ++numReused : ++numOutlined;
  }

  /// In a loop that threads share, a kernel has one of them and no room.
  Machine machineFor(Operation *op) const {
    Machine own = machine;
    if (op->getParentOfType<scf::ParallelOp>())
      own.threads = own.room = false;
    return own;
  }

  void write(const KernelPlan &plan, Constants &constants,
             RewriterBase &rewriter) {
    Machine own = machineFor(plan.op);
    for (const Nest &part : plan.parts) {
      Emitter emitter(rewriter, constants, part, own);
      if (plan.winograd) {
        emitWinograd(emitter, plan.winograd->conv, plan.winograd->layout);
        ++numWinograd;
      } else {
        write(emitter);
      }
    }
  }

  void write(Emitter &emitter) {
    if (emitElementwise(emitter))
      ++numElementwise;
    else if (emitContraction(emitter))
      ++numContractions;
    else if (emitLaneReduction(emitter))
      ++(isContraction(emitter.nest) ? numContractions : numReductions);
    else if (emitReduction(emitter))
      ++numReductions;
  }

  Machine machine;
  SmallVector<int64_t, 2> winogradTiles;
};
} // namespace
