// A loop whose steps write slices of their own, as a gather writes one row a
// step, becomes a parallel loop, together with the parallel loop in it if there
// is one: one kernel instead of one a step.

#include "MemoryRoots.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/DenseMap.h"

namespace lig::codegen {
#define GEN_PASS_DEF_GPUSPREADLOOPSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

using namespace mlir;
using namespace lig::codegen::gpu;

//===-- Slices -----------------------------------------------------------===//

namespace {
/// The part of a buffer that belongs to one step: that with the step's number
/// as its index in one dimension.
struct Slice {
  Value buffer;
  int64_t dimension;
  bool operator==(const Slice &other) const {
    return buffer == other.buffer && dimension == other.dimension;
  }
};
} // namespace

/// Whether `view` is as wide as the loop steps, at the loop's number, in some
/// dimension of a buffer from outside.
static std::optional<Slice> findSlice(memref::SubViewOp view, scf::ForOp loop,
                                      int64_t step) {
  if (!loop.isDefinedOutsideOfLoop(view.getSource()))
    return std::nullopt;
  for (auto [d, offset] : llvm::enumerate(view.getMixedOffsets())) {
    auto size = getConstantIntValue(view.getMixedSizes()[d]);
    auto stride = getConstantIntValue(view.getMixedStrides()[d]);
    if (dyn_cast<Value>(offset) == loop.getInductionVar() && size && stride &&
        (*size - 1) * *stride < step)
      return Slice{view.getSource(), int64_t(d)};
  }
  return std::nullopt;
}

/// The slice that an access to `buffer` at `indices` stays in.
static std::optional<Slice> findSlice(Value buffer, ValueRange indices,
                                      scf::ForOp loop, int64_t step) {
  if (loop.isDefinedOutsideOfLoop(buffer))
    for (auto [d, index] : llvm::enumerate(indices))
      if (index == loop.getInductionVar())
        return Slice{buffer, int64_t(d)};
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>()) {
    if (auto part = dyn_cast<memref::SubViewOp>(view.getOperation()))
      if (auto slice = findSlice(part, loop, step))
        return slice;
    buffer = view.getViewSource();
  }
  return std::nullopt;
}

//===-- Loops ------------------------------------------------------------===//

namespace {
/// A loop that may be spread.
class Candidate {
public:
  explicit Candidate(scf::ForOp loop) : loop(loop) {}

  /// Whether steps may run in any order, and all at once.
  bool match();
  void spread();

private:
  bool hasKnownOperations();
  bool writesOwnSlices();
  bool readsNoOtherSlices();

  scf::ForOp loop;
  scf::ParallelOp inner;
  int64_t step = 0;
  llvm::DenseMap<MemoryRoot, Slice> written;
};
} // namespace

bool Candidate::hasKnownOperations() {
  bool isKnown = true;
  loop.getBody()->walk([&](Operation *op) {
    isKnown &= isa<memref::LoadOp, memref::StoreOp, scf::ParallelOp, scf::ForOp,
                   scf::IfOp, scf::ReduceOp, scf::YieldOp>(op) ||
               (op->getNumRegions() == 0 && isMemoryEffectFree(op));
  });
  if (!isKnown)
    return false;
  // A parallel loop has to be all that is written, and its bounds the same in
  // each step.
  for (auto parallel : loop.getOps<scf::ParallelOp>()) {
    if (inner || parallel->getNumResults())
      return false;
    inner = parallel;
  }
  if (!inner)
    return true;
  for (Operation &op : loop.getBody()->without_terminator())
    if (&op != inner && op.getNumRegions() + isa<memref::StoreOp>(op) > 0)
      return false;
  return llvm::all_of(inner->getOperands(), [&](Value bound) {
    return loop.isDefinedOutsideOfLoop(bound) ||
           matchPattern(bound, m_Constant());
  });
}

bool Candidate::writesOwnSlices() {
  return !loop.getBody()
              ->walk([&](memref::StoreOp op) {
                MemoryRoot root = getRoot(op.getMemref());
                auto slice =
                    findSlice(op.getMemref(), op.getIndices(), loop, step);
                if (!root || !slice ||
                    !(written.try_emplace(root, *slice).first->second ==
                      *slice))
                  return WalkResult::interrupt();
                return WalkResult::advance();
              })
              .wasInterrupted();
}

bool Candidate::readsNoOtherSlices() {
  return !loop.getBody()
              ->walk([&](memref::LoadOp op) {
                MemoryRoot root = getRoot(op.getMemref());
                if (!root)
                  return WalkResult::interrupt();
                auto it = written.find(root);
                if (it == written.end())
                  return WalkResult::advance();
                // Threads of the parallel loop write while others still load.
                if (inner && !inner->isProperAncestor(op))
                  return WalkResult::interrupt();
                auto slice =
                    findSlice(op.getMemref(), op.getIndices(), loop, step);
                return slice && *slice == it->second ? WalkResult::advance()
                                                     : WalkResult::interrupt();
              })
              .wasInterrupted();
}

bool Candidate::match() {
  auto constant = getConstantIntValue(loop.getStep());
  if (!constant || loop->getNumResults() ||
      loop->getParentOfType<scf::ParallelOp>() ||
      loop->getParentOfType<mlir::gpu::LaunchOp>())
    return false;
  step = *constant;
  return hasKnownOperations() && writesOwnSlices() && !written.empty() &&
         readsNoOtherSlices();
}

void Candidate::spread() {
  OpBuilder b(loop);
  SmallVector<Value> begins{loop.getLowerBound()}, ends{loop.getUpperBound()},
      steps{loop.getStep()};
  if (inner) {
    for (Value bound : inner->getOperands())
      if (Operation *definition = bound.getDefiningOp();
          definition && loop->isProperAncestor(definition))
        definition->moveBefore(loop);
    llvm::append_range(begins, inner.getLowerBound());
    llvm::append_range(ends, inner.getUpperBound());
    llvm::append_range(steps, inner.getStep());
  }
  auto made =
      scf::ParallelOp::create(b, loop.getLoc(), begins, ends, steps, nullptr);
  Block &body = *made.getBody();
  auto end = body.getTerminator()->getIterator();
  auto take = [&](Block &from) {
    body.getOperations().splice(end, from.getOperations(), from.begin(),
                                std::prev(from.end()));
  };
  take(*loop.getBody());
  ValueRange numbers = made.getBody()->getArguments();
  loop.getInductionVar().replaceAllUsesWith(numbers[0]);
  if (inner) {
    for (auto [was, is] :
         llvm::zip(inner.getInductionVars(), numbers.drop_front()))
      was.replaceAllUsesWith(is);
    take(*inner.getBody());
    inner.erase();
  }
  loop.erase();
}

namespace {
struct GpuSpreadLoops
    : lig::codegen::impl::GpuSpreadLoopsPassBase<GpuSpreadLoops> {
  void runOnOperation() override {
    // Loops inside come first.
    getOperation()->walk([&](scf::ForOp loop) {
      Candidate candidate(loop);
      if (!candidate.match())
        return;
      candidate.spread();
      ++numLoops;
    });
  }
};
} // namespace
