// A neighbour joins when it walks the same elements one to one, and when
// nothing that stands between the two can tell the difference. Its operands are
// expressed along the loops of the reduction: each loop of the reduction is a
// digit, or a part of one, of the numbers that the neighbour's loops count.

#include "JoinStages.h"
#include "Body.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace lig::codegen::cpu {

bool touches(Operation *op, Value root) {
  if (isMemoryEffectFree(op))
    return false;
  WalkResult walk = op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (isa<BaseMemRefType>(operand.getType()) && rootOf(operand) == root)
        return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return walk.wasInterrupted();
}

bool mayWrite(Operation *op, Value root) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return touches(op, root);
  return llvm::any_of(linalgOp.getDpsInits(),
                      [&](Value out) { return rootOf(out) == root; });
}

/// Whether `nest` could run where its last operation is moved across `op`.
static bool mayPass(const Nest &nest, Operation *op) {
  for (const Access &access : nest.accesses)
    if (!access.scalar && mayWrite(op, rootOf(access.source)))
      return false;
  return llvm::none_of(nest.stores, [&](Store store) {
    return touches(op, rootOf(nest.accesses[store.access].source));
  });
}

/// Whether `op` is a few instructions, or some twenty that need no call: sums
/// wait in registers, or on the stack, until it is their turn.
static bool runsInRegisters(Operation &op) {
  if (!isa<math::MathDialect>(op.getDialect()) ||
      isa<math::AbsFOp, math::SqrtOp, math::FmaOp, math::RoundEvenOp>(op))
    return true;
  return isa<math::ExpOp, math::ExpM1Op, math::TanhOp, math::ErfOp, math::LogOp,
             math::Log1pOp>(op) &&
         op.getResult(0).getType().isF32();
}

/// A plain elementwise operation that is cheap enough to run in registers.
static bool isSimple(linalg::GenericOp op) {
  if (op.getNumParallelLoops() != op.getNumLoops() || op.getNumDpsInits() != 1)
    return false;
  int64_t size = 0;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (!isMemoryEffectFree(&inner) || isa<linalg::IndexOp>(inner) ||
        inner.getNumRegions() || !runsInRegisters(inner) || ++size > 16)
      return false;
  }
  return true;
}

namespace {
class Joiner {
public:
  Joiner(Nest &nest, const Machine &machine,
         const llvm::SmallDenseSet<Operation *> &taken,
         SmallVectorImpl<Operation *> &joined)
      : nest(nest), machine(machine), taken(taken), joined(joined) {}

  bool joinStart(unsigned output);
  bool joinEnd();

private:
  std::optional<Nest> describeStage(Operation *op);
  bool remap(const Nest &stage, const Access &shared, const Access &own,
             Access &access) const;
  bool keepsLanes(const Access &access, const Access &own, bool stored) const;

  Nest &nest;
  const Machine &machine;
  /// What joined other kernels.
  const llvm::SmallDenseSet<Operation *> &taken;
  SmallVectorImpl<Operation *> &joined;
};
} // namespace

std::optional<Nest> Joiner::describeStage(Operation *op) {
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!generic || taken.contains(op) || !isSimple(generic))
    return std::nullopt;
  FailureOr<Nest> stage = describe(generic);
  if (failed(stage) || stage->empty() || !hasVectorForm(*stage, -1) ||
      nativeLanes(*stage, machine) < nativeLanes(nest, machine))
    return std::nullopt;
  for (const Access &access : stage->accesses)
    if (access.element.isInteger(1) && !access.scalar)
      return std::nullopt;
  joinLoops(*stage);
  return *stage;
}

/// Gives `access`, an operand of `stage`, strides along the loops of the nest.
/// `shared` and `own` are the buffer that both walk, as each sees it.
bool Joiner::remap(const Nest &stage, const Access &shared, const Access &own,
                   Access &access) const {
  if (shared.offset != own.offset)
    return false;
  SmallVector<int64_t> strides(nest.loops.size(), 0);
  SmallVector<int64_t> reach(stage.loops.size(), 0);
  int64_t ownCount = 1, stageCount = 1;
  for (auto [d, loop] : llvm::enumerate(nest.loops)) {
    if (loop.reduction)
      continue;
    ownCount *= loop.extent;
    int64_t step = own.strides[d];
    int digit = -1;
    for (auto [p, other] : llvm::enumerate(stage.loops)) {
      int64_t unit = shared.strides[p];
      if (unit > 0 && step > 0 && step % unit == 0 &&
          step < unit * other.extent)
        digit = p;
    }
    if (digit < 0)
      return false;
    int64_t steps = step / shared.strides[digit];
    reach[digit] += (loop.extent - 1) * steps;
    strides[d] = steps * access.strides[digit];
  }
  for (auto [p, loop] : llvm::enumerate(stage.loops)) {
    stageCount *= loop.extent;
    if (reach[p] > loop.extent - 1)
      return false;
  }
  access.strides = strides;
  return ownCount == stageCount;
}

/// Whether lanes along the output are lanes of `access` too.
bool Joiner::keepsLanes(const Access &access, const Access &own,
                        bool stored) const {
  for (auto [d, loop] : llvm::enumerate(nest.loops)) {
    if (loop.reduction || own.strides[d] != 1)
      continue;
    if (access.strides[d] != 1 && (stored || access.strides[d] != 0))
      return false;
  }
  return true;
}

bool Joiner::joinStart(unsigned output) {
  unsigned number = nest.numInputs + output;
  if (!nest.reads(number))
    return false;
  Access own = nest.accesses[number];
  Value root = rootOf(own.source);
  Operation *at = nest.op->getPrevNode();
  while (at && !touches(at, root))
    at = at->getPrevNode();
  std::optional<Nest> stage = describeStage(at);
  if (!stage ||
      wholeOf(stage->accesses.back().source) != wholeOf(own.source))
    return false;
  for (Operation *op = at->getNextNode(); op != nest.op; op = op->getNextNode())
    if (!mayPass(*stage, op))
      return false;
  Stage start{stage->body(), {}};
  SmallVector<Access> added;
  for (unsigned i = 0; i < stage->numInputs; ++i) {
    Access access = stage->accesses[i];
    if (!remap(*stage, stage->accesses.back(), own, access) ||
        !keepsLanes(access, own, /*stored=*/false))
      return false;
    if (!access.scalar)
      for (Store store : nest.stores)
        if (rootOf(access.source) == rootOf(nest.accesses[store.access].source))
          return false;
    start.sources.push_back(nest.accesses.size() + added.size());
    added.push_back(access);
  }
  // What the output holds before, if the body asks: it walks that as the sum
  // does.
  start.sources.push_back(number);
  nest.accesses.append(added);
  nest.starts[output] = start;
  at->moveBefore(nest.op);
  joined.push_back(at);
  return true;
}

bool isDeadAfter(Value root, Operation *last) {
  auto alloc = root.getDefiningOp<memref::AllocOp>();
  if (!alloc || alloc->getBlock() != last->getBlock())
    return false;
  SmallVector<Value> views = {root};
  while (!views.empty()) {
    Value view = views.pop_back_val();
    for (Operation *user : view.getUsers()) {
      if (isa<memref::DeallocOp>(user))
        continue;
      if (isa<ViewLikeOpInterface>(user)) {
        llvm::append_range(views, user->getResults());
        continue;
      }
      Operation *at = last->getBlock()->findAncestorOpInBlock(*user);
      if (!at || last->isBeforeInBlock(at))
        return false;
    }
  }
  return true;
}

bool Joiner::joinEnd() {
  if (nest.stores.size() != 1)
    return false;
  Store store = nest.stores.front();
  Access own = nest.accesses[store.access];
  Value root = rootOf(own.source);
  Operation *at = nest.op->getNextNode();
  for (; at && !touches(at, root); at = at->getNextNode())
    if (!mayPass(nest, at))
      return false;
  std::optional<Nest> stage = describeStage(at);
  if (!stage)
    return false;
  const Access *shared = nullptr;
  for (const Access &access : stage->accesses)
    if (!access.scalar && wholeOf(access.source) == wholeOf(own.source) &&
        (&access != &stage->accesses.back() || stage->reads(stage->numInputs)))
      shared = &access;
  if (!shared)
    return false;
  Stage end{stage->body(), {}};
  SmallVector<Access> added;
  Access out = stage->accesses.back();
  if (!remap(*stage, *shared, own, out) || !keepsLanes(out, own, true))
    return false;
  Value outRoot = rootOf(out.source);
  bool inPlace = wholeOf(out.source) == wholeOf(own.source);
  if (inPlace ? out.strides != own.strides || out.offset != own.offset
              : outRoot == root || !isDeadAfter(root, at))
    return false;
  for (unsigned i = 0; i < stage->accesses.size(); ++i) {
    Access access = stage->accesses[i];
    bool isOut = i == stage->numInputs;
    if (isOut && !stage->reads(i)) {
      end.sources.push_back(-1 - int(store.result));
      continue;
    }
    if (!remap(*stage, *shared, own, access))
      return false;
    bool isResult = !access.scalar && rootOf(access.source) == root;
    if (isResult &&
        (access.strides != own.strides || access.offset != own.offset ||
         wholeOf(access.source) != wholeOf(own.source)))
      return false;
    if (isResult) {
      end.sources.push_back(-1 - int(store.result));
      continue;
    }
    bool aliases = !access.scalar && rootOf(access.source) == outRoot;
    if (!keepsLanes(access, own, /*stored=*/false) ||
        (aliases &&
         (access.source != out.source || access.strides != out.strides ||
          access.offset != out.offset)))
      return false;
    end.sources.push_back(nest.accesses.size() + added.size());
    added.push_back(access);
  }
  // The kernel still reads its own operands when it stores the first results.
  if (!inPlace)
    for (const Access &access : nest.accesses)
      if (!access.scalar && rootOf(access.source) == outRoot)
        return false;
  nest.accesses.append(added);
  nest.ends.push_back(end);
  unsigned result = nest.numOutputs + nest.ends.size() - 1;
  unsigned to = store.access;
  if (!inPlace) {
    to = nest.accesses.size();
    nest.accesses.push_back(out);
  }
  nest.stores = {{result, to}};
  // Behind what joined, so that the next search starts after it.
  for (Operation *op : joined)
    op->moveBefore(at);
  nest.op->moveAfter(at);
  joined.push_back(at);
  return true;
}

void joinStages(Nest &nest, const Machine &machine,
                const llvm::SmallDenseSet<Operation *> &taken,
                SmallVectorImpl<Operation *> &joined) {
  Joiner joiner(nest, machine, taken, joined);
  for (unsigned output = 0; output < nest.numOutputs; ++output)
    joiner.joinStart(output);
  while (joiner.joinEnd())
    ;
}

} // namespace lig::codegen::cpu
