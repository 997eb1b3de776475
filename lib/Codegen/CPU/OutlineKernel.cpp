// A kernel is written into a region first; what the region takes from outside
// becomes the arguments of a function. Two kernels are equal when their
// functions are, operation by operation: a network of many equal layers then
// has the code of one.

#include "OutlineKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace lig::codegen::cpu {

void KernelOutliner::detach(KernelPlan &plan, RewriterBase &rewriter) {
  Location loc = plan.op.getLoc();
  rewriter.setInsertionPoint(plan.op);
  struct Place {
    Value base, start;
  };
  DenseMap<Value, Place> places;
  auto find = [&](Value source) {
    auto [known, isNew] = places.try_emplace(source);
    if (!isNew)
      return known->second;
    auto parts =
        memref::ExtractStridedMetadataOp::create(rewriter, loc, source);
    int64_t offset =
        cast<MemRefType>(source.getType()).getStridesAndOffset().second;
    Place place{parts.getBaseBuffer(), {}};
    if (ShapedType::isDynamic(offset))
      place.start = parts.getOffset();
    else if (offset != 0 || source.getDefiningOp<memref::SubViewOp>())
      place.start = arith::ConstantIndexOp::create(rewriter, loc, offset);
    return places[source] = place;
  };
  for (Nest &part : plan.parts)
    for (Access &access : part.accesses) {
      if (access.scalar)
        continue;
      Place place = find(access.source);
      access.source = place.base;
      access.start = place.start;
      access.detached = true;
    }
}

/// Buffers that a kernel needs for itself belong to whoever calls it.
static void moveBuffersOut(scf::ExecuteRegionOp region) {
  for (Operation &op : llvm::make_early_inc_range(region.getRegion().front())) {
    if (isa<memref::AllocOp>(op))
      op.moveBefore(region);
    else if (isa<memref::DeallocOp>(op))
      op.moveAfter(region);
  }
}

/// Moves constants that the region uses into it; returns what else it uses.
static SmallVector<Value> findCaptured(scf::ExecuteRegionOp region,
                                       RewriterBase &rewriter) {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(region.getRegion(), used);
  SmallVector<Value> captured;
  rewriter.setInsertionPointToStart(&region.getRegion().front());
  for (Value value : used) {
    Operation *op = value.getDefiningOp();
    // Where a buffer begins is what equal kernels differ in.
    bool isOffset = op && op->getBlock() == region->getBlock() &&
                    isa<IndexType>(value.getType());
    if (!op || !op->hasTrait<OpTrait::ConstantLike>() || isOffset) {
      captured.push_back(value);
      continue;
    }
    Operation *copy = rewriter.clone(*op);
    replaceAllUsesInRegionWith(value, copy->getResult(0), region.getRegion());
  }
  return captured;
}

static llvm::hash_code hashOf(func::FuncOp function) {
  llvm::hash_code hash = hash_value(function.getFunctionType());
  function.getBody().walk([&](Operation *op) {
    hash = llvm::hash_combine(
        hash, OperationEquivalence::computeHash(
                  op, OperationEquivalence::ignoreHashValue,
                  OperationEquivalence::ignoreHashValue,
                  OperationEquivalence::IgnoreLocations));
  });
  return hash;
}

func::FuncOp KernelOutliner::makeFunction(scf::ExecuteRegionOp region,
                                          ArrayRef<Value> captured,
                                          RewriterBase &rewriter) {
  OpBuilder b(region.getContext());
  Location loc = region.getLoc();
  SmallVector<Type> types(ValueRange(captured).getTypes());
  auto function = func::FuncOp::create(
      loc, "kernel", b.getFunctionType(types, {}));
  function.setPrivate();
  // The function's own no_inline is lost on the way to LLVM.
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  function.getBody().takeBody(region.getRegion());
  Block &body = function.getBody().front();
  for (Value value : captured) {
    BlockArgument argument = body.addArgument(value.getType(), loc);
    replaceAllUsesInRegionWith(value, argument, function.getBody());
  }
  Operation *end = body.getTerminator();
  b.setInsertionPoint(end);
  func::ReturnOp::create(b, loc);
  end->erase();
  return function;
}

bool KernelOutliner::outline(scf::ExecuteRegionOp region,
                             RewriterBase &rewriter) {
  moveBuffersOut(region);
  SmallVector<Value> captured = findCaptured(region, rewriter);
  func::FuncOp function = makeFunction(region, captured, rewriter);
  SmallVector<func::FuncOp, 1> &candidates = kernels[hashOf(function)];
  auto same = llvm::find_if(candidates, [&](func::FuncOp other) {
    return other.getFunctionType() == function.getFunctionType() &&
           OperationEquivalence::isRegionEquivalentTo(
               &other.getBody(), &function.getBody(),
               OperationEquivalence::IgnoreLocations);
  });
  bool wasThere = same != candidates.end();
  if (wasThere) {
    function.erase();
    function = *same;
  } else {
    symbols.insert(function);
    candidates.push_back(function);
  }
  rewriter.setInsertionPoint(region);
  func::CallOp::create(rewriter, region.getLoc(), function, captured);
  rewriter.eraseOp(region);
  return wasThere;
}

} // namespace lig::codegen::cpu
