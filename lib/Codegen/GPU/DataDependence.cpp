// Loops carry values, so marks are spread until none is added. What kernels do
// inside is theirs: only structured control flow is looked into.

#include "DataDependence.h"

#include "CarriedValues.h"
#include "SplitBranches.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace lig::codegen::gpu;

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
      spread(loop.getInitArgs(), loop.getResults(), is, set);
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

bool DataDependence::isDecidedByData(Operation *op) const {
  auto is = [&](Value value) { return isDependent(value); };
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return is(loop.getConditionOp().getCondition()) ||
           llvm::any_of(loop.getBeforeArguments(), is);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return is(loop.getLowerBound()) || is(loop.getUpperBound()) ||
           is(loop.getStep());
  return llvm::any_of(op->getOperands(), is);
}

bool DataDependence::isKernel(Operation *op) const {
  if (isa<mlir::gpu::LaunchOp, linalg::LinalgOp, net::AttentionOp>(op))
    return true;
  return isa<scf::ParallelOp>(op) && !isDecidedByData(op);
}

bool DataDependence::isStepped(Operation *op) const {
  if (!isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op))
    return false;
  auto branch = dyn_cast<scf::IfOp>(op);
  bool isDecided = isDecidedByData(op);
  if (isDecided && !(branch && canSplit(branch, *this)))
    return false;
  for (OpResult result : op->getResults())
    if (isDependent(result) && !(isDecided && canCopyChosen(result)) &&
        (!result.getType().isIntOrIndexOrFloat() || isa<scf::WhileOp>(op)))
      return false;
  return op
      ->walk([&](Operation *inner) {
        return isKernel(inner) ? WalkResult::interrupt()
                               : WalkResult::advance();
      })
      .wasInterrupted();
}

bool DataDependence::isReached(Operation *op) const {
  for (Operation *parent = op->getParentOp(); parent;
       parent = parent->getParentOp()) {
    if (isa<FunctionOpInterface>(parent))
      return true;
    if (!isStepped(parent))
      return false;
  }
  return false;
}

bool DataDependence::needsDevice(Operation *op) const {
  auto is = [&](Value value) { return isDependent(value); };
  // What a kernel captures, it reads itself.
  if (isKernel(op))
    return false;
  if (llvm::any_of(op->getOperands(), is) || llvm::any_of(op->getResults(), is))
    return true;
  if (isStepped(op))
    return false;
  return op
      ->walk([&](Operation *inner) {
        return isa<memref::LoadOp, memref::StoreOp>(inner)
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The last operation of the block that uses what `op` makes; itself if none.
static Operation *findLastUser(Operation &op) {
  Block &block = *op.getBlock();
  Operation *last = &op;
  for (Value result : op.getResults())
    for (Operation *user : result.getUsers())
      if (Operation *ancestor = block.findAncestorOpInBlock(*user);
          ancestor && !ancestor->hasTrait<OpTrait::IsTerminator>() &&
          last->isBeforeInBlock(ancestor))
        last = ancestor;
  return last;
}

SmallVector<DeviceRange> DataDependence::findRanges(Block &block) const {
  SmallVector<DeviceRange> ranges;
  bool isApart = true; // from the last range, by a kernel between
  for (Operation &op : block.without_terminator()) {
    if (!needsDevice(&op)) {
      isApart |= isKernel(&op) || isStepped(&op);
      continue;
    }
    Operation *last = findLastUser(op);
    bool isIn = !ranges.empty() && !ranges.back().last->isBeforeInBlock(&op);
    if (!isIn && isApart)
      ranges.push_back({&op, last});
    else if (ranges.back().last->isBeforeInBlock(last))
      ranges.back().last = last;
    isApart = false;
  }
  return ranges;
}

DataDependence::DataDependence(func::FuncOp function) {
  Block &body = function.getBody().front();
  do {
    changed = false;
    propagate(body);
  } while (changed);
}
