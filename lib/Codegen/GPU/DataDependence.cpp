// Loops carry values, so marks are spread until none is added. What kernels do
// inside is theirs: only structured control flow is looked into.

#include "DataDependence.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace lig::codegen::gpu;

bool DataDependence::isHostControl(Operation *op) {
  return isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op);
}

bool DataDependence::mark(Value value) {
  if (!values.insert(value).second)
    return false;
  changed = true;
  return true;
}

/// Spreads marks over the edges of one terminator or operation: from `sources`
/// to `targets`, one by one.
template <typename Mark, typename Is>
static void spread(ValueRange sources, ValueRange targets, Is isMarked,
                   Mark mark) {
  for (auto [source, target] : llvm::zip(sources, targets))
    if (isMarked(source))
      mark(target);
}

void DataDependence::propagate(Block &block) {
  auto is = [&](Value value) { return isDependent(value); };
  auto set = [&](Value value) { mark(value); };
  for (Operation &op : block) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      auto yields = loop.getYieldedValues();
      spread(loop.getInitArgs(), loop.getRegionIterArgs(), is, set);
      spread(yields, loop.getRegionIterArgs(), is, set);
      propagate(*loop.getBody());
      spread(yields, loop.getResults(), is, set);
      bool isBound = is(loop.getLowerBound()) || is(loop.getUpperBound()) ||
                     is(loop.getStep());
      if (isBound) {
        set(loop.getInductionVar());
        llvm::for_each(loop.getResults(), set);
      }
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (Region &region : branch->getRegions())
        if (!region.empty()) {
          propagate(region.front());
          spread(region.front().getTerminator()->getOperands(),
                 branch.getResults(), is, set);
        }
      if (is(branch.getCondition()))
        llvm::for_each(branch.getResults(), set);
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      spread(loop.getInits(), loop.getBeforeArguments(), is, set);
      spread(loop.getYieldedValues(), loop.getBeforeArguments(), is, set);
      propagate(*loop.getBeforeBody());
      auto condition = loop.getConditionOp();
      spread(condition.getArgs(), loop.getAfterArguments(), is, set);
      spread(condition.getArgs(), loop.getResults(), is, set);
      propagate(*loop.getAfterBody());
      if (is(condition.getCondition()))
        llvm::for_each(loop.getResults(), set);
    } else if (isa<memref::LoadOp>(op) || llvm::any_of(op.getOperands(), is)) {
      llvm::for_each(op.getResults(), set);
    }
  }
}

/// Whether a loop or branch cannot be the host's: what decides about it, or
/// what it hands on, comes from memory.
bool DataDependence::needsDevice(Operation *op) const {
  auto is = [&](Value value) { return isDependent(value); };
  if (llvm::any_of(op->getOperands(), is) || llvm::any_of(op->getResults(), is))
    return true;
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return is(loop.getConditionOp().getCondition()) ||
           llvm::any_of(loop.getBeforeArguments(), is);
  return isa<memref::StoreOp>(op);
}

SmallVector<DeviceRange> DataDependence::findRanges(Block &block) const {
  SmallVector<DeviceRange> ranges;
  Operation *end = nullptr; // of the last range
  for (Operation &op : block.without_terminator()) {
    if (!needsDevice(&op))
      continue;
    Operation *last = &op;
    for (Value result : op.getResults())
      for (Operation *user : result.getUsers())
        if (Operation *ancestor = block.findAncestorOpInBlock(*user);
            ancestor && !ancestor->hasTrait<OpTrait::IsTerminator>() &&
            last->isBeforeInBlock(ancestor))
          last = ancestor;
    if (end && (&op == end || op.isBeforeInBlock(end))) {
      if (end->isBeforeInBlock(last))
        ranges.back().last = end = last;
      continue;
    }
    ranges.push_back({&op, last});
    end = last;
  }
  return ranges;
}

void DataDependence::collect(Block &block) {
  for (DeviceRange range : findRanges(block))
    for (Operation *op = range.first;; op = op->getNextNode()) {
      op->walk([&](Operation *inner) { onDevice.insert(inner); });
      if (op == range.last)
        break;
    }
  for (Operation &op : block)
    if (isHostControl(&op) && !onDevice.contains(&op))
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          collect(inner);
}

DataDependence::DataDependence(func::FuncOp function) {
  Block &body = function.getBody().front();
  do {
    changed = false;
    propagate(body);
  } while (changed);
  collect(body);
}
