// Data that nobody makes in this function is copied to be padded, and the copy
// takes as long as small windows do. Where windows slide along the rows that
// vectors lie in, almost all of them are inside of the data; those that reach
// over an edge are cut off, row by row and column by column, and look at the
// taps inside only. A column of results has no lanes, so that few channels of
// short rows are better copied.

#include "CutWindows.h"
#include "JoinStages.h"
#include "Windows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// Cycles that copying an element takes, and what a result without lanes takes
/// besides its taps.
static constexpr double kCopyCycles = 0.4, kAloneCycles = 8;
/// Every part is code of its own.
static constexpr size_t kMostParts = 9;

namespace {
/// Results [first, first + count) of a dimension, and the taps they look at.
struct Range {
  int64_t first, count, firstTap, taps;
};

/// A dimension of the padded buffer that windows slide along.
struct Axis {
  unsigned result, tap;
  SmallVector<Range> ranges;
};

class WindowCutter {
public:
  WindowCutter(const Nest &nest, const llvm::SmallDenseSet<Operation *> &taken)
      : nest(nest), taken(taken), op(cast<linalg::GenericOp>(nest.op)) {}

  bool match();
  std::vector<Nest> cut() const;

  linalg::GenericOp fill, copy;

private:
  bool matchBuffer(unsigned input);
  bool matchNeutral() const;
  bool mayReadEarlier() const;
  bool matchAxes();
  bool splitAxis(Axis &axis, unsigned dim, int64_t step, int64_t dilation);
  bool gains();

  const Nest &nest;
  const llvm::SmallDenseSet<Operation *> &taken;
  linalg::GenericOp op;
  unsigned data = 0;
  memref::SubViewOp middle;
  SmallVector<Axis> axes;
};
} // namespace

/// A copy of a buffer, element by element.
static bool isCopy(linalg::GenericOp op) {
  return op && op.getNumDpsInputs() == 1 && op.getNumDpsInits() == 1 &&
         op.getNumReductionLoops() == 0 &&
         llvm::all_of(op.getIndexingMapsArray(),
                      [](AffineMap map) { return map.isIdentity(); }) &&
         op.getBody()->without_terminator().empty() &&
         op.getBody()->getTerminator()->getOperand(0) ==
             op.getBody()->getArgument(0);
}

/// Whether operand `input` is a buffer that is filled, then written in its
/// middle by a copy, and read by this nest alone.
bool WindowCutter::matchBuffer(unsigned input) {
  data = input;
  Value buffer = nest.accesses[input].source;
  if (nest.accesses[input].scalar || !buffer.getDefiningOp<memref::AllocOp>())
    return false;
  for (Operation *user : buffer.getUsers()) {
    auto generic = dyn_cast<linalg::GenericOp>(user);
    if (user == op || isa<memref::DeallocOp>(user))
      continue;
    if (auto view = dyn_cast<memref::SubViewOp>(user); view && !middle)
      middle = view;
    else if (generic && !fill && generic.getNumDpsInputs() == 1 &&
             generic.getDpsInits()[0] == buffer &&
             !isa<MemRefType>(generic.getDpsInputs()[0].getType()))
      fill = generic;
    else
      return false;
  }
  if (!fill || !middle || !middle->hasOneUse() ||
      middle->getNumOperands() != 1 ||
      middle.getType().getRank() != middle.getSourceType().getRank() ||
      !llvm::all_of(middle.getStaticStrides(),
                    [](int64_t stride) { return stride == 1; }))
    return false;
  copy = dyn_cast<linalg::GenericOp>(*middle->getUsers().begin());
  auto isDynamic = [](int64_t stride) { return ShapedType::isDynamic(stride); };
  return isCopy(copy) && copy.getDpsInits()[0] == middle.getResult() &&
         isa<MemRefType>(copy.getDpsInputs()[0].getType()) &&
         llvm::none_of(cast<MemRefType>(copy.getDpsInputs()[0].getType())
                           .getStridesAndOffset()
                           .first,
                       isDynamic) &&
         !taken.contains(fill) && !taken.contains(copy) &&
         fill->getBlock() == op->getBlock() &&
         copy->getBlock() == op->getBlock() && fill->isBeforeInBlock(copy) &&
         copy->isBeforeInBlock(op);
}

/// Whether adding what the border is filled with changes nothing.
bool WindowCutter::matchNeutral() const {
  APFloat border(0.0f);
  if (!matchPattern(Value(linalg::GenericOp(fill).getDpsInputs()[0]),
                    m_ConstantFloat(&border)))
    return false;
  Block *body = nest.body();
  Value sum = body->getArguments().back(), element = body->getArgument(data);
  Operation *last = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!last || last->getNumOperands() != 2)
    return false;
  Value other = last->getOperand(last->getOperand(0) == sum);
  if (last->getOperand(last->getOperand(0) != sum) != sum)
    return false;
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(last))
    return other == element && border.isInfinity() && border.isNegative();
  auto product = other.getDefiningOp<arith::MulFOp>();
  bool isElement =
      other == element ||
      (product && (product.getLhs() == element || product.getRhs() == element));
  return isa<arith::AddFOp>(last) && border.isZero() && isElement;
}

/// Whether the data is still there when the nest runs.
bool WindowCutter::mayReadEarlier() const {
  Value from = rootOf(linalg::GenericOp(copy).getDpsInputs()[0]);
  for (Operation *between = copy->getNextNode(); between != nest.op;
       between = between->getNextNode())
    if (mayWrite(between, from))
      return false;
  return llvm::none_of(nest.stores, [&](Store store) {
    return rootOf(nest.accesses[store.access].source) == from;
  });
}

/// Cuts the results of `axis` where taps leave the data.
bool WindowCutter::splitAxis(Axis &axis, unsigned dim, int64_t step,
                             int64_t dilation) {
  int64_t low = middle.getStaticOffsets()[dim];
  int64_t size = middle.getStaticSizes()[dim];
  int64_t results = nest.loops[nest.loopOfDim[axis.result]].extent;
  int64_t taps = nest.loops[nest.loopOfDim[axis.tap]].extent;
  auto rangeOf = [&](int64_t result) {
    int64_t before = std::max<int64_t>(low - result * step, 0);
    int64_t first = llvm::divideCeil(before, dilation);
    int64_t room = size - 1 + low - result * step;
    int64_t end = room < 0 ? 0 : std::min(taps, room / dilation + 1);
    return Range{result, 1, first, end - first};
  };
  for (int64_t result = 0; result < results; ++result) {
    Range next = rangeOf(result);
    if (next.taps <= 0)
      return false;
    Range *last = axis.ranges.empty() ? nullptr : &axis.ranges.back();
    if (last && last->firstTap == next.firstTap && last->taps == next.taps)
      ++last->count;
    else
      axis.ranges.push_back(next);
  }
  return axis.ranges.size() <= kMostParts;
}

bool WindowCutter::matchAxes() {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(data));
  unsigned parallel = op.getNumParallelLoops();
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    bool isPadded =
        middle.getStaticSizes()[dim] != middle.getSourceType().getDimSize(dim);
    SmallVector<int64_t> factors;
    if (failed(getFlattenedAffineExpr(expr, map.getNumDims(), 0, &factors)) ||
        factors.back() != 0)
      return false;
    if (!isPadded)
      continue;
    int result = -1, tap = -1;
    for (unsigned loop = 0; loop < map.getNumDims(); ++loop) {
      if (!factors[loop])
        continue;
      int &place = loop < parallel ? result : tap;
      if (place >= 0 || factors[loop] < 0)
        return false;
      place = loop;
    }
    if (result < 0 || tap < 0 || nest.loopOfDim[result] < 0 ||
        nest.loopOfDim[tap] < 0)
      return false;
    Axis axis{unsigned(result), unsigned(tap), {}};
    if (!splitAxis(axis, dim, factors[result], factors[tap]))
      return false;
    axes.push_back(axis);
  }
  return !axes.empty();
}

/// Whether results without lanes take less time than the copy.
bool WindowCutter::gains() {
  const Access &out = nest.accesses[nest.stores.front().access];
  size_t parts = 1;
  double taps = 1, results = 1, alone = 0;
  for (unsigned loop = 0; loop < nest.loops.size(); ++loop)
    (nest.loops[loop].reduction ? taps : results) *= nest.loops[loop].extent;
  for (const Axis &axis : axes) {
    parts *= axis.ranges.size();
    unsigned loop = nest.loopOfDim[axis.result];
    if (out.strides[loop] != 1)
      continue;
    for (const Range &range : axis.ranges)
      if (range.count < 4)
        alone += results / nest.loops[loop].extent * range.count;
  }
  double copied = middle.getType().getNumElements();
  return parts <= kMostParts &&
         alone * (taps + kAloneCycles) < copied * kCopyCycles;
}

bool WindowCutter::match() {
  if (nest.numOutputs != 1 || nest.stores.size() != 1 || nest.gates ||
      op.hasIndexSemantics())
    return false;
  for (unsigned input = 0; input < nest.numInputs; ++input) {
    if (!nest.reads(input) || nest.accesses[input].scalar)
      continue;
    bool slides =
        llvm::any_of(nest.loopsOfKind(/*reduction=*/false), [&](unsigned loop) {
          return nest.accesses[nest.stores.front().access].strides[loop] == 1 &&
                 slidesAlong(nest, nest.accesses[input], loop);
        });
    fill = copy = {};
    middle = {};
    if (slides && matchBuffer(input))
      return matchNeutral() && mayReadEarlier() && matchAxes() && gains();
  }
  return false;
}

std::vector<Nest> WindowCutter::cut() const {
  Value from = linalg::GenericOp(copy).getDpsInputs()[0];
  linalg::GenericOp reader = op;
  AffineMap map =
      reader.getMatchingIndexingMap(reader.getDpsInputOperand(data));
  auto [layout, start] = cast<MemRefType>(from.getType()).getStridesAndOffset();
  Nest whole = nest;
  Access &access = whole.accesses[data];
  access.source = from;
  access.offset = 0;
  llvm::fill(access.strides, 0);
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    access.offset -=
        memref::SubViewOp(middle).getStaticOffsets()[dim] * layout[dim];
    SmallVector<int64_t> factors;
    (void)getFlattenedAffineExpr(expr, map.getNumDims(), 0, &factors);
    for (unsigned loop = 0; loop < map.getNumDims(); ++loop)
      if (whole.loopOfDim[loop] >= 0)
        access.strides[whole.loopOfDim[loop]] += factors[loop] * layout[dim];
  }
  std::vector<Nest> parts = {whole};
  for (const Axis &axis : axes) {
    std::vector<Nest> next;
    for (const Nest &part : parts)
      for (const Range &range : axis.ranges) {
        Nest &piece = next.emplace_back(part);
        keepSteps(piece, axis.result, range.first, range.count);
        keepSteps(piece, axis.tap, range.firstTap, range.taps);
      }
    parts = std::move(next);
  }
  // A sum stays one, be it of one tap.
  for (Nest &part : parts)
    for (unsigned loop = part.loops.size(); loop-- > 0;)
      if (part.loops[loop].extent == 1 && !part.loops[loop].reduction)
        eraseLoop(part, loop);
  return parts;
}

std::vector<Nest> cutWindows(const Nest &nest,
                             const llvm::SmallDenseSet<Operation *> &taken,
                             SmallVectorImpl<Operation *> &joined) {
  WindowCutter cutter(nest, taken);
  if (!cutter.match())
    return {};
  joined.push_back(cutter.fill);
  joined.push_back(cutter.copy);
  return cutter.cut();
}

} // namespace lig::codegen::cpu
