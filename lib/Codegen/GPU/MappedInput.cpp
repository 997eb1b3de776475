// A map has a stride for each of its dimensions, so the operand's have to be
// whole groups of loops: batch, lines, sums, each in its order. What is not, or
// is of another precision, is copied first.

#include "MappedInput.h"

#include "MemoryRoots.h"
#include "RoundedWeights.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace lig::codegen::gpu {

MappedInput::MappedInput(linalg::GenericOp op, OpOperand &operand,
                         const ContractionLoops &loops,
                         ArrayRef<unsigned> lines, Type element)
    : op(op), operand(&operand), element(element),
      bytes(element.getIntOrFloatBitWidth() / 8) {
  loopsOf[Batch] = loops.batch;
  llvm::append_range(loopsOf[Lines], lines);
  loopsOf[Sums] = loops.sums;
  // A loop of one step moves nothing.
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (SmallVector<unsigned> &group : loopsOf)
    llvm::erase_if(group, [&](unsigned loop) { return extents[loop] == 1; });
}

/// Whether a map can have the strides of `type`, whose dimensions are joined.
static bool hasMapStrides(MemRefType type,
                          ArrayRef<ReassociationIndices> joined,
                          int64_t bytes) {
  auto [strides, offset] = type.getStridesAndOffset();
  auto isWhole = [&](int64_t elements) {
    return !ShapedType::isDynamic(elements) && elements * bytes % 16 == 0;
  };
  if (joined.empty() || strides[joined.back().back()] != 1 || !isWhole(offset))
    return false;
  for (const ReassociationIndices &group : ArrayRef(joined).drop_back())
    if (!isWhole(strides[group.back()]))
      return false;
  return memref::CollapseShapeOp::isGuaranteedCollapsible(
      type, SmallVector<ReassociationIndices>(joined));
}

/// Sorts the dimensions of the operand into groups, each once and whole.
bool MappedInput::showsOperand() {
  auto type = cast<MemRefType>(operand->get().getType());
  unsigned next[3] = {0, 0, 0};
  order.clear();
  joined.clear();
  for (auto [d, expr] :
       llvm::enumerate(mapOfSteps(op, *operand).getResults())) {
    if (auto zero = dyn_cast<AffineConstantExpr>(expr)) {
      // What has one element goes with its neighbours.
      if (zero.getValue() != 0 || type.getDimSize(d) != 1)
        return false;
      if (joined.empty())
        joined.emplace_back();
      joined.back().push_back(d);
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return false;
    unsigned loop = dim.getPosition();
    Group group = Batch;
    while (!llvm::is_contained(loopsOf[group], loop))
      group = Group(group + 1);
    if (loopsOf[group][next[group]] != loop ||
        type.getDimSize(d) != op.getStaticLoopRanges()[loop])
      return false;
    if (next[group]++ == 0) {
      if (order.empty() && !joined.empty())
        joined.back().push_back(d);
      else
        joined.push_back({int64_t(d)});
      order.push_back(group);
    } else if (order.back() == group) {
      joined.back().push_back(d);
    } else {
      return false;
    }
  }
  for (Group group : {Batch, Lines, Sums})
    if (next[group] != loopsOf[group].size())
      return false;
  return llvm::is_contained(order, Lines) && llvm::is_contained(order, Sums) &&
         hasMapStrides(type, joined, bytes);
}

/// Whether this order can be multiplied.
static bool canMultiply(bool stepsInner, Type element) {
  // Only 16-bit matrices may lie either way.
  return stepsInner || element.getIntOrFloatBitWidth() == 16;
}

LogicalResult MappedInput::planCopy() {
  isCopied = true;
  AffineMap map = mapOfSteps(op, *operand);
  auto isPlain = [](AffineExpr expr) {
    return isa<AffineDimExpr, AffineConstantExpr>(expr);
  };
  if (!llvm::all_of(map.getResults(), isPlain) || loopsOf[Lines].empty() ||
      loopsOf[Sums].empty())
    return failure();
  bool linesInner =
      map.getResults().back().isFunctionOfDim(loopsOf[Lines].back());
  order.clear();
  if (!loopsOf[Batch].empty())
    order.push_back(Batch);
  if (linesInner && canMultiply(false, element))
    llvm::append_values(order, Sums, Lines);
  else
    llvm::append_values(order, Lines, Sums);
  joined.clear();
  SmallVector<int64_t> shape;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (Group group : order) {
    joined.emplace_back();
    for (unsigned loop : loopsOf[group]) {
      joined.back().push_back(shape.size());
      shape.push_back(extents[loop]);
    }
  }
  return success(hasMapStrides(MemRefType::get(shape, element), joined, bytes));
}

FailureOr<MappedInput> MappedInput::plan(linalg::GenericOp op,
                                         OpOperand &operand,
                                         const ContractionLoops &loops,
                                         ArrayRef<unsigned> lines,
                                         Type element) {
  MappedInput input(op, operand, loops, lines, element);
  auto type = cast<MemRefType>(operand.get().getType());
  // f32 is rounded to tf32 by a copy, too.
  if (type.getElementType() == element &&
      (!element.isF32() || holdsTF32(operand.get())) &&
      input.showsOperand() && canMultiply(input.areStepsInner(), element) &&
      beginsAligned(operand.get()))
    return input;
  if (failed(input.planCopy()))
    return failure();
  return input;
}

void MappedInput::makeCopy(RewriterBase &rewriter) {
  SmallVector<int64_t> shape, extents = op.getStaticLoopRanges();
  // The copy's dimensions are the loops of the operation that makes it.
  SmallVector<AffineExpr> places(extents.size(),
                                 rewriter.getAffineConstantExpr(0));
  for (Group group : order)
    for (unsigned loop : loopsOf[group]) {
      places[loop] = rewriter.getAffineDimExpr(shape.size());
      shape.push_back(extents[loop]);
    }
  AffineMap from = mapOfSteps(op, *operand)
                       .replaceDimsAndSymbols(places, {}, shape.size(), 0);
  buffer =
      copyRounded(rewriter, op.getLoc(), operand->get(), from, shape, element);
}

void MappedInput::prepare(RewriterBase &rewriter, int64_t lines) {
  width = lines;
  buffer = operand->get();
  if (isCopied)
    makeCopy(rewriter);
  view = buffer;
  if (cast<MemRefType>(buffer.getType()).getRank() != int64_t(joined.size()))
    view =
        memref::CollapseShapeOp::create(rewriter, op.getLoc(), buffer, joined);
}

int64_t MappedInput::boxExtent(Group group) const {
  if (group == Batch)
    return 1;
  if (group == Sums)
    return getDepth();
  return areStepsInner() ? width : kRowBytes / bytes;
}

void MappedInput::map(Kernel &inKernel) {
  kernel = &inKernel;
  SmallVector<int64_t> box;
  for (Group group : order)
    box.push_back(boxExtent(group));
  tensorMap = makeTensorMap(*kernel, view, box);
}

void MappedInput::copy(Value batch, Value line, Value step, Value to,
                       Value barrier) {
  ImplicitLocOpBuilder &b = kernel->b;
  int64_t lines = boxExtent(Lines);
  for (int64_t first = 0; first < width; first += lines) {
    Value of[] = {batch, kernel->add(line, kernel->index(first)), step};
    SmallVector<Value> at;
    for (Group group : order)
      at.push_back(of[group]);
    Value place = LLVM::GEPOp::create(
        b, to.getType(), b.getI8Type(), to,
        ArrayRef<LLVM::GEPArg>{int32_t(first * getDepth() * bytes)});
    copyBox(*kernel, tensorMap, at, place, barrier);
  }
}

} // namespace lig::codegen::gpu
