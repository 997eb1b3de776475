// From indexing maps and buffer layouts to one stride per loop and operand.
// Loops of one step disappear; two loops that every operand walks as one are
// joined, so an elementwise operation on contiguous data is a single loop.

#include "Nest.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace lig::codegen::cpu {

bool Nest::empty() const {
  return llvm::any_of(loops, [](const Loop &loop) { return loop.extent == 0; });
}

SmallVector<Block *> Nest::bodies() const {
  SmallVector<Block *> result = {body()};
  for (const std::optional<Stage> &start : starts)
    if (start)
      result.push_back(start->body);
  for (const Stage &end : ends)
    result.push_back(end.body);
  if (gates)
    for (const Stage &stage : gates->stages)
      result.push_back(stage.body);
  return result;
}

SmallVector<unsigned> Nest::loopsOfKind(bool reduction) const {
  SmallVector<unsigned> result;
  for (auto [i, loop] : llvm::enumerate(loops))
    if (loop.reduction == reduction)
      result.push_back(i);
  return result;
}

int64_t Nest::bytes(unsigned access) const {
  Type element = accesses[access].element;
  int64_t size = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  size = std::max<int64_t>(size / 8, 1);
  for (auto [stride, loop] : llvm::zip(accesses[access].strides, loops))
    if (stride)
      size *= loop.extent;
  return size;
}

Value rootOf(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  return memref;
}

Value wholeOf(Value memref) {
  while (Operation *op = memref.getDefiningOp()) {
    if (!isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(
            op))
      break;
    memref = op->getOperand(0);
  }
  return memref;
}

/// Strides of `map` applied to a buffer; false where they are not constants.
static bool computeStrides(MemRefType type, AffineMap map, Access &access) {
  SmallVector<int64_t> layout;
  int64_t offset;
  if (failed(type.getStridesAndOffset(layout, offset)))
    return false;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    SmallVector<int64_t> flat;
    if (failed(getFlattenedAffineExpr(expr, map.getNumDims(),
                                      map.getNumSymbols(), &flat)) ||
        flat.size() != map.getNumDims() + 1)
      return false;
    // Nothing moves along a dimension that is only ever read at its start.
    if (llvm::all_of(flat, [](int64_t x) { return x == 0; }))
      continue;
    if (type.getDimSize(i) == 1)
      continue;
    if (ShapedType::isDynamic(layout[i]))
      return false;
    for (unsigned d = 0; d < map.getNumDims(); ++d)
      access.strides[d] += flat[d] * layout[i];
    access.offset += flat.back() * layout[i];
  }
  return true;
}

void eraseLoop(Nest &nest, unsigned loop) {
  nest.loops.erase(nest.loops.begin() + loop);
  for (Access &access : nest.accesses)
    access.strides.erase(access.strides.begin() + loop);
  for (int &target : nest.loopOfDim) {
    if (target == int(loop))
      target = -1;
    else if (target > int(loop))
      --target;
  }
  if (nest.gates && nest.gates->loop > loop)
    --nest.gates->loop;
}

void keepSteps(Nest &nest, unsigned dim, int64_t first, int64_t extent) {
  int loop = nest.loopOfDim[dim];
  if (loop < 0)
    return;
  nest.loops[loop].extent = extent;
  for (Access &access : nest.accesses)
    access.offset += first * access.strides[loop];
}

void splitLoop(Nest &nest, unsigned loop, int64_t inner) {
  Loop part = nest.loops[loop];
  part.extent = inner;
  nest.loops[loop].extent /= inner;
  nest.loops.insert(nest.loops.begin() + loop + 1, part);
  for (Access &access : nest.accesses) {
    int64_t stride = access.strides[loop];
    access.strides[loop] = stride * inner;
    access.strides.insert(access.strides.begin() + loop + 1, stride);
  }
  for (int &target : nest.loopOfDim)
    if (target > int(loop))
      ++target;
}

/// Whether every operand walks `inner` inside `outer` as one longer loop.
static bool areOne(const Nest &nest, unsigned outer, unsigned inner) {
  if (nest.loops[outer].reduction != nest.loops[inner].reduction)
    return false;
  return llvm::all_of(nest.accesses, [&](const Access &access) {
    return access.strides[outer] ==
           access.strides[inner] * nest.loops[inner].extent;
  });
}

static bool joinOnePair(Nest &nest, const llvm::SmallBitVector &named) {
  for (unsigned outer = 0; outer < nest.loops.size(); ++outer)
    for (unsigned inner = 0; inner < nest.loops.size(); ++inner) {
      if (outer == inner || !areOne(nest, outer, inner))
        continue;
      auto isNamed = [&](unsigned loop) {
        for (auto [dim, target] : llvm::enumerate(nest.loopOfDim))
          if (target == int(loop) && named.test(dim))
            return true;
        return false;
      };
      if (isNamed(outer) || isNamed(inner))
        continue;
      nest.loops[inner].extent *= nest.loops[outer].extent;
      eraseLoop(nest, outer);
      return true;
    }
  return false;
}

FailureOr<Nest> describe(linalg::GenericOp op) {
  Nest nest;
  nest.op = op;
  nest.numInputs = op.getNumDpsInputs();
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  for (auto [extent, kind] : llvm::zip(extents, kinds)) {
    if (ShapedType::isDynamic(extent))
      return failure();
    nest.loopOfDim.push_back(nest.loops.size());
    nest.loops.push_back({extent, kind == utils::IteratorType::reduction});
  }
  for (OpOperand &operand : op->getOpOperands()) {
    Access access;
    access.source = operand.get();
    access.strides.assign(nest.loops.size(), 0);
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    access.scalar = !type;
    access.element = type ? type.getElementType() : operand.get().getType();
    if (isa<ShapedType>(access.element) ||
        (type && !computeStrides(type, op.getMatchingIndexingMap(&operand),
                                 access)))
      return failure();
    nest.accesses.push_back(std::move(access));
  }
  // An operand that the body ignores constrains nothing.
  for (unsigned i = 0; i < nest.numInputs; ++i)
    if (!nest.reads(i))
      llvm::fill(nest.accesses[i].strides, 0);

  nest.numOutputs = op.getNumDpsInits();
  nest.starts.resize(nest.numOutputs);
  for (unsigned i = 0; i < nest.numOutputs; ++i)
    nest.stores.push_back({i, nest.numInputs + i});
  for (unsigned loop = nest.loops.size(); loop-- > 0;)
    if (nest.loops[loop].extent == 1)
      eraseLoop(nest, loop);
  return nest;
}

void joinLoops(Nest &nest) {
  // A loop that the body asks the index of stays itself.
  llvm::SmallBitVector named(nest.loopOfDim.size());
  nest.body()->walk([&](linalg::IndexOp index) { named.set(index.getDim()); });
  while (!nest.empty() && joinOnePair(nest, named))
    ;
}

} // namespace lig::codegen::cpu
