// A loop stores the initial value before it, and each step what it yields;
// steps and what follows the loop load it. A branch stores what it yields.
// Where data choose between buffers, the one is copied, if it is only read
// behind.

#include "CarriedValues.h"

#include "DataDependence.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace lig::codegen::gpu;

static Value makePlace(OpBuilder &b, Location loc, Type type) {
  return memref::AllocOp::create(b, loc, MemRefType::get({}, type));
}

/// Stores `value` at the end of a block of a loop or branch.
static void storeYielded(Block &block, unsigned index, Value place) {
  Operation *yield = block.getTerminator();
  OpBuilder b(yield);
  memref::StoreOp::create(b, yield->getLoc(), yield->getOperand(index), place,
                          ValueRange{});
}

static void loadResult(Operation *op, unsigned index, Value place) {
  OpBuilder b(op->getContext());
  b.setInsertionPointAfter(op);
  Value loaded = memref::LoadOp::create(b, op->getLoc(), place, ValueRange{});
  op->getResult(index).replaceAllUsesWith(loaded);
}

static void storeCarried(scf::ForOp loop, const llvm::BitVector &which) {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  SmallVector<Value> inits;
  for (auto [i, init] : llvm::enumerate(loop.getInitArgs())) {
    if (!which.test(i)) {
      inits.push_back(init);
      continue;
    }
    Value place = makePlace(b, loc, init.getType());
    memref::StoreOp::create(b, loc, init, place, ValueRange{});
    storeYielded(*loop.getBody(), i, place);
    loadResult(loop, i, place);
    OpBuilder inside = OpBuilder::atBlockBegin(loop.getBody());
    Value loaded = memref::LoadOp::create(inside, loc, place, ValueRange{});
    loop.getRegionIterArg(i).replaceAllUsesWith(loaded);
  }
  auto made = scf::ForOp::create(b, loc, loop.getLowerBound(),
                                 loop.getUpperBound(), loop.getStep(), inits);
  made->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  Block &body = *loop.getBody();
  body.getTerminator()->eraseOperands(which);
  // The first argument is the number of the step.
  llvm::BitVector arguments(body.getNumArguments());
  for (unsigned i : which.set_bits())
    arguments.set(i + 1);
  body.eraseArguments(arguments);
  made.getRegion().takeBody(loop.getRegion());
  unsigned next = 0;
  for (unsigned i = 0; i < which.size(); ++i)
    if (!which.test(i))
      loop.getResult(i).replaceAllUsesWith(made.getResult(next++));
  loop.erase();
}

static void storeCarried(scf::IfOp branch, const llvm::BitVector &which) {
  OpBuilder b(branch);
  for (unsigned i : which.set_bits()) {
    Value place = makePlace(b, branch.getLoc(), branch.getResult(i).getType());
    for (Region &region : branch->getRegions())
      storeYielded(region.front(), i, place);
    loadResult(branch, i, place);
  }
  for (Region &region : branch->getRegions())
    region.front().getTerminator()->eraseOperands(which);
  IRRewriter rewriter(branch.getContext());
  rewriter.eraseOpResults(branch, which);
}

/// Stores what one control flow of the host carries; false if there is none.
static bool storeNext(func::FuncOp function, unsigned &count) {
  DataDependence dependence(function);
  llvm::BitVector which;
  Operation *found = nullptr;
  function.walk([&](Operation *op) {
    if (!isa<scf::ForOp, scf::IfOp>(op) || !dependence.isStepped(op) ||
        !dependence.isReached(op))
      return WalkResult::advance();
    which = llvm::BitVector(op->getNumResults());
    for (OpResult result : op->getResults())
      if (dependence.isDependent(result))
        which.set(result.getResultNumber());
    if (which.none())
      return WalkResult::advance();
    found = op;
    return WalkResult::interrupt();
  });
  if (!found)
    return false;
  count += which.count();
  if (auto loop = dyn_cast<scf::ForOp>(found))
    storeCarried(loop, which);
  else
    storeCarried(cast<scf::IfOp>(found), which);
  return true;
}

//===-- Chosen buffers ---------------------------------------------------===//

static bool isOnlyRead(Value buffer) {
  return llvm::all_of(buffer.getUsers(), [&](Operation *user) {
    if (auto view = dyn_cast<ViewLikeOpInterface>(user))
      return isOnlyRead(view.getViewDest());
    auto effects = dyn_cast<MemoryEffectOpInterface>(user);
    if (!effects)
      return false;
    SmallVector<MemoryEffects::EffectInstance> on;
    effects.getEffectsOnValue(buffer, on);
    return llvm::all_of(on, [](MemoryEffects::EffectInstance &effect) {
      return isa<MemoryEffects::Read>(effect.getEffect());
    });
  });
}

static void copyTo(Operation *end, Value from, Value to) {
  OpBuilder b(end);
  Location loc = end->getLoc();
  SmallVector<Value> begins, ends, steps;
  for (int64_t extent : cast<MemRefType>(to.getType()).getShape()) {
    begins.push_back(arith::ConstantIndexOp::create(b, loc, 0));
    ends.push_back(arith::ConstantIndexOp::create(b, loc, extent));
    steps.push_back(arith::ConstantIndexOp::create(b, loc, 1));
  }
  auto body = [&](OpBuilder &b, Location loc, ValueRange at) {
    Value value = memref::LoadOp::create(b, loc, from, at);
    memref::StoreOp::create(b, loc, value, to, at);
  };
  if (begins.empty())
    return body(b, loc, {});
  scf::ParallelOp::create(b, loc, begins, ends, steps, body);
}

bool lig::codegen::gpu::canCopyChosen(OpResult result) {
  auto type = dyn_cast<MemRefType>(result.getType());
  return type && type.hasStaticShape() && isOnlyRead(result);
}

/// Branches decided by data fill buffers of their own instead of choosing one.
static void copyChosen(scf::IfOp branch) {
  OpBuilder b(branch);
  llvm::BitVector copied(branch.getNumResults());
  for (OpResult result : branch->getResults()) {
    if (!canCopyChosen(result))
      continue;
    copied.set(result.getResultNumber());
    auto type = cast<MemRefType>(result.getType());
    b.setInsertionPoint(branch);
    auto own = MemRefType::get(type.getShape(), type.getElementType());
    Value copy = memref::AllocOp::create(b, branch.getLoc(), own);
    for (Region &region : branch->getRegions()) {
      Operation *yield = region.front().getTerminator();
      copyTo(yield, yield->getOperand(result.getResultNumber()), copy);
    }
    b.setInsertionPointAfter(branch);
    if (own != type)
      copy = memref::CastOp::create(b, branch.getLoc(), type, copy);
    result.replaceAllUsesWith(copy);
  }
  if (copied.none())
    return;
  for (Region &region : branch->getRegions())
    region.front().getTerminator()->eraseOperands(copied);
  IRRewriter rewriter(branch.getContext());
  rewriter.eraseOpResults(branch, copied);
}

unsigned lig::codegen::gpu::storeCarriedValues(func::FuncOp function) {
  SmallVector<scf::IfOp> branches;
  DataDependence dependence(function);
  function.walk([&](scf::IfOp branch) {
    if (dependence.isReached(branch) &&
        dependence.isDependent(branch.getCondition()))
      branches.push_back(branch);
  });
  llvm::for_each(branches, copyChosen);
  unsigned count = 0;
  while (storeNext(function, count)) {
  }
  return count;
}
