// Convolutions of several taps without a buffer of all windows. A block has the
// places of a box of the output; for each tap it reads the box of the input
// that lies as far away as the tap, a slice of channels at a time, all channels
// of a tap before the next. What lies beyond the input is zero, and belongs to
// places that do not exist.
//
// The input is copied first unless it is of the precision that is multiplied:
// rounded and dense. A stride takes every other element; the copy has these
// side by side, one part for each remainder that taps meet, and parts behind
// each other in the first dimension. So boxes are always dense.

#include "GroupRows.h"
#include "MemoryRoots.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace lig::codegen::gpu {
namespace {

/// A dimension of the operand, but for the channels.
struct WindowDim {
  std::optional<unsigned> row, tap;
  int64_t rows = 1, taps = 1, stride = 1, dilation = 1;
  /// Remainders of the stride that taps meet, and elements of each in the copy.
  int64_t phases = 1, extent = 1;
  /// Places of a block.
  int64_t box = 1;

  int64_t countTiles() const { return llvm::divideCeil(rows, box); }
  /// Elements between the first tap and the last.
  int64_t reach() const { return (taps - 1) * dilation; }
};

class WindowRows : public GroupRows {
public:
  WindowRows(linalg::GenericOp op, const ContractionLoops &loops, Type element)
      : op(op), operand(loops.left), rows(loops.rows), element(element),
        depth(kRowBytes * 8 / element.getIntOrFloatBitWidth()) {}

  bool plan(const ContractionLoops &loops);
  void chooseBox(int64_t count);

  int64_t countTiles() const override;
  int64_t countSlices() const override;
  bool areStepsInner() const override { return true; }
  void prepare(RewriterBase &rewriter) override;
  void start(Kernel &kernel, Value tile) override;
  void copy(Value batch, Value slice, Value to, Value barrier) override;
  Value locate(Value row, LoopValues &values) override;

private:
  bool addTerms(AffineExpr expr, int64_t factor, const ContractionLoops &loops,
                WindowDim &dim);
  bool fit(WindowDim &dim, int64_t size);
  bool isMapped() const;

  linalg::GenericOp op;
  OpOperand *operand;
  SmallVector<unsigned> rows;
  Type element;
  int64_t depth, channels = 0;
  SmallVector<WindowDim> dims;
  Value buffer, tensorMap;
  Kernel *kernel = nullptr;
  /// The first place of the block in each dimension.
  SmallVector<Value> first;
};
} // namespace

/// Adds what `expr` times `factor` says of a dimension.
bool WindowRows::addTerms(AffineExpr expr, int64_t factor,
                          const ContractionLoops &loops, WindowDim &dim) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue() == 0;
  if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
    unsigned position = loop.getPosition();
    bool isRow = llvm::is_contained(loops.rows, position);
    std::optional<unsigned> &known = isRow ? dim.row : dim.tap;
    if (known || factor < 1 ||
        !(isRow || llvm::is_contained(loops.sums, position)))
      return false;
    known = position;
    (isRow ? dim.stride : dim.dilation) = factor;
    (isRow ? dim.rows : dim.taps) = op.getStaticLoopRanges()[position];
    return true;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  if (expr.getKind() == AffineExprKind::Add)
    return addTerms(binary.getLHS(), factor, loops, dim) &&
           addTerms(binary.getRHS(), factor, loops, dim);
  auto more = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return expr.getKind() == AffineExprKind::Mul && more &&
         addTerms(binary.getLHS(), factor * more.getValue(), loops, dim);
}

/// Whether the copy has every element that windows show.
bool WindowRows::fit(WindowDim &dim, int64_t size) {
  dim.phases = std::min(dim.stride, dim.reach() + 1);
  dim.extent = (size - dim.phases) / dim.stride + 1;
  return size >= dim.phases &&
         dim.rows - 1 + dim.reach() / dim.stride < dim.extent;
}

bool WindowRows::plan(const ContractionLoops &loops) {
  AffineMap map = mapOfSteps(op, *operand);
  auto type = cast<MemRefType>(operand->get().getType());
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  // A map has five dimensions at most; weights count channels fastest.
  if (!loops.batch.empty() || map.getNumResults() < 2 ||
      map.getNumResults() > 5)
    return false;
  auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
  if (!last || last.getPosition() != loops.sums.back())
    return false;
  channels = extents[last.getPosition()];
  unsigned known = channels > 1;
  for (auto [expr, size] :
       llvm::zip(map.getResults().drop_back(), type.getShape().drop_back())) {
    WindowDim dim;
    if (!addTerms(expr, 1, loops, dim) || !fit(dim, size))
      return false;
    known += bool(dim.row) + bool(dim.tap);
    dims.push_back(dim);
  }
  // Each loop once: those of one step are not in the map.
  unsigned moving = 0;
  for (ArrayRef<unsigned> group : {ArrayRef(loops.rows), ArrayRef(loops.sums)})
    moving +=
        llvm::count_if(group, [&](unsigned loop) { return extents[loop] > 1; });
  return known == moving && channels % depth == 0;
}

/// The box of `count` places, powers of two, of which the fewest cover the
/// output; of equal ones the widest.
void WindowRows::chooseBox(int64_t count) {
  SmallVector<WindowDim> best;
  int64_t fewest = 0;
  auto choose = [&](auto &self, size_t d, int64_t left) -> void {
    if (d == 0) {
      dims[0].box = left;
      int64_t tiles = countTiles();
      if (best.empty() || tiles < fewest) {
        best = dims;
        fewest = tiles;
      }
      return;
    }
    for (int64_t box = left; box; box /= 2) {
      dims[d].box = box;
      self(self, d - 1, left / box);
    }
  };
  choose(choose, dims.size() - 1, count);
  dims = best;
}

int64_t WindowRows::countTiles() const {
  int64_t tiles = 1;
  for (const WindowDim &dim : dims)
    tiles *= dim.countTiles();
  return tiles;
}

int64_t WindowRows::countSlices() const {
  int64_t slices = channels / depth;
  for (const WindowDim &dim : dims)
    slices *= dim.taps;
  return slices;
}

/// Whether boxes of the operand itself are what is multiplied.
bool WindowRows::isMapped() const {
  auto type = cast<MemRefType>(operand->get().getType());
  auto isDense = [](const WindowDim &dim) { return dim.stride == 1; };
  return type.getElementType() == element && !element.isF32() &&
         type.getLayout().isIdentity() && beginsAligned(operand->get()) &&
         llvm::all_of(dims, isDense);
}

void WindowRows::prepare(RewriterBase &rewriter) {
  buffer = operand->get();
  if (isMapped())
    return;
  Location loc = op.getLoc();
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> from;
  auto addLoop = [&](int64_t extent) {
    shape.push_back(extent);
    return rewriter.getAffineDimExpr(shape.size() - 1);
  };
  for (const WindowDim &dim : dims)
    from.push_back(dim.phases > 1 ? addLoop(dim.phases)
                                  : rewriter.getAffineConstantExpr(0));
  ReassociationIndices parts =
      llvm::to_vector(llvm::seq<int64_t>(0, int64_t(shape.size()) + 1));
  for (auto [expr, dim] : llvm::zip(from, dims))
    expr = expr + addLoop(dim.extent) * dim.stride;
  from.push_back(addLoop(channels));
  buffer =
      copyRounded(rewriter, loc, operand->get(),
                  AffineMap::get(shape.size(), 0, from, rewriter.getContext()),
                  shape, element);
  if (parts.size() == 1)
    return;
  SmallVector<ReassociationIndices> joined = {parts};
  for (int64_t d = parts.size(); d < int64_t(shape.size()); ++d)
    joined.push_back({d});
  buffer = memref::CollapseShapeOp::create(rewriter, loc, buffer, joined);
}

void WindowRows::start(Kernel &kernel, Value tile) {
  this->kernel = &kernel;
  SmallVector<int64_t> box;
  for (const WindowDim &dim : dims)
    box.push_back(dim.box);
  box.push_back(depth);
  tensorMap = makeTensorMap(kernel, buffer, box);
  first.resize(dims.size());
  for (size_t d = dims.size(); d-- > 0;) {
    int64_t tiles = dims[d].countTiles();
    first[d] = kernel.mul(d ? kernel.rem(tile, tiles) : tile, dims[d].box);
    tile = kernel.div(tile, tiles);
  }
}

void WindowRows::copy(Value batch, Value slice, Value to, Value barrier) {
  int64_t slicesOfTap = channels / depth;
  Value channel = kernel->mul(kernel->rem(slice, slicesOfTap), depth);
  // Taps in the order in which the weights have them.
  SmallVector<unsigned> taps;
  for (auto [d, dim] : llvm::enumerate(dims))
    if (dim.tap)
      taps.push_back(d);
  llvm::sort(taps,
             [&](unsigned a, unsigned b) { return dims[a].tap < dims[b].tap; });
  Value left = kernel->div(slice, slicesOfTap);
  SmallVector<Value> at(first), tap(dims.size(), kernel->index(0));
  for (unsigned d : llvm::reverse(taps)) {
    tap[d] = d == taps.front() ? left : kernel->rem(left, dims[d].taps);
    left = kernel->div(left, dims[d].taps);
  }
  Value part = kernel->index(0);
  for (auto [d, dim] : llvm::enumerate(dims)) {
    Value distance = kernel->mul(tap[d], dim.dilation);
    at[d] = kernel->add(at[d], kernel->div(distance, dim.stride));
    part = kernel->mul(part, dim.phases);
    if (dim.phases > 1)
      part = kernel->add(part, kernel->rem(distance, dim.stride));
  }
  at.front() = kernel->add(at.front(), kernel->mul(part, dims.front().extent));
  at.push_back(channel);
  copyBox(*kernel, tensorMap, at, to, barrier);
}

Value WindowRows::locate(Value row, LoopValues &values) {
  for (unsigned loop : rows)
    values[loop] = kernel->index(0);
  Value exists;
  for (size_t d = dims.size(); d-- > 0;) {
    const WindowDim &dim = dims[d];
    Value place = kernel->add(first[d], d ? kernel->rem(row, dim.box) : row);
    row = kernel->div(row, dim.box);
    if (dim.row)
      values[*dim.row] = place;
    if (dim.rows % dim.box == 0)
      continue;
    Value inside = kernel->less(place, dim.rows);
    exists = exists
                 ? arith::AndIOp::create(kernel->b, exists, inside).getResult()
                 : inside;
  }
  return exists;
}

std::unique_ptr<GroupRows> planWindowRows(linalg::GenericOp op,
                                          const ContractionLoops &loops,
                                          int64_t count, Type element) {
  auto windows = std::make_unique<WindowRows>(op, loops, element);
  if (!windows->plan(loops))
    return nullptr;
  windows->chooseBox(count);
  return windows;
}

} // namespace lig::codegen::gpu
