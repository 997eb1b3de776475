// A padded buffer is filled and then its middle is written by whoever makes the
// data, piece by piece where it is a concatenation. Where that is sure to happen
// before anyone reads, only the border needs the fill: two slabs for each
// dimension that is padded.

#include "FillBorder.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace lig::codegen::cpu {

namespace {
/// A part of a buffer, as where it begins and how far it goes.
struct Box {
  SmallVector<int64_t> first, sizes;

  bool contains(const Box &other) const {
    for (size_t dim = 0; dim < first.size(); ++dim)
      if (other.first[dim] < first[dim] ||
          other.first[dim] + other.sizes[dim] > first[dim] + sizes[dim])
        return false;
    return true;
  }

  /// Makes this the two of them, if they are one box together.
  bool join(const Box &other) {
    int along = -1;
    for (size_t dim = 0; dim < first.size(); ++dim) {
      if (first[dim] == other.first[dim] && sizes[dim] == other.sizes[dim])
        continue;
      bool isBefore = first[dim] + sizes[dim] == other.first[dim];
      bool isBehind = other.first[dim] + other.sizes[dim] == first[dim];
      if (along >= 0 || !(isBefore || isBehind))
        return false;
      along = dim;
    }
    if (along < 0)
      return true;
    first[along] = std::min(first[along], other.first[along]);
    sizes[along] += other.sizes[along];
    return true;
  }
};
} // namespace

/// The part of `buffer` that `view` shows, reshaped or not; nothing where it is
/// not one plain piece.
static std::optional<Box> boxOf(Value view, Value buffer) {
  while (Operation *op = view.getDefiningOp()) {
    if (!isa<memref::ExpandShapeOp, memref::CollapseShapeOp>(op))
      break;
    view = op->getOperand(0);
  }
  auto part = view.getDefiningOp<memref::SubViewOp>();
  if (!part || part.getSource() != buffer ||
      part.getType().getRank() != part.getSourceType().getRank() ||
      part->getNumOperands() != 1 ||
      !llvm::all_of(part.getStaticStrides(),
                    [](int64_t stride) { return stride == 1; }))
    return std::nullopt;
  return Box{SmallVector<int64_t>(part.getStaticOffsets()),
             SmallVector<int64_t>(part.getStaticSizes())};
}

namespace {
/// What one operation does with a buffer.
struct Use {
  Operation *op;
  Value view;
};
} // namespace

/// The uses of `buffer` after `fill`, in order, each as the operation in the
/// block of `fill` that it is in; nothing if one may come before.
static std::optional<SmallVector<Use>> listUses(Operation *fill, Value buffer) {
  SmallVector<Use> uses;
  SmallVector<Value> views = {buffer};
  while (!views.empty()) {
    Value view = views.pop_back_val();
    for (Operation *user : view.getUsers()) {
      if (isa<ViewLikeOpInterface>(user)) {
        llvm::append_range(views, user->getResults());
        continue;
      }
      Operation *at = fill->getBlock()->findAncestorOpInBlock(*user);
      // A user in another block, or before in a loop's next step, is unknown.
      if (!at || (at != fill && at->isBeforeInBlock(fill)))
        return std::nullopt;
      if (at != fill)
        uses.push_back({at, view});
    }
  }
  llvm::sort(uses, [](const Use &x, const Use &y) {
    return x.op != y.op && x.op->isBeforeInBlock(y.op);
  });
  return uses;
}

/// Whether `op` writes all of `view` and does not read its buffer.
static bool writesOver(Operation *op, Value view, Value buffer) {
  auto writer = dyn_cast<linalg::GenericOp>(op);
  if (!writer || writer.getNumDpsInits() != 1 ||
      writer.getNumParallelLoops() != writer.getNumLoops())
    return false;
  for (Value input : writer.getDpsInputs())
    if (isa<MemRefType>(input.getType()) && rootOf(input) == buffer)
      return false;
  OpOperand &out = *writer.getDpsInitOperand(0);
  return out.get() == view &&
         writer.getMatchingIndexingMap(&out).isPermutation() &&
         writer.getMatchingBlockArgument(&out).use_empty();
}

/// The largest part of `buffer` that is written after `fill` before anyone looks
/// at it. Parts side by side, as those of a concatenation, are one.
static std::optional<Box> findMiddle(Operation *fill, Value buffer) {
  std::optional<SmallVector<Use>> uses = listUses(fill, buffer);
  if (!uses)
    return std::nullopt;
  SmallVector<Box> written;
  for (const Use &use : *uses) {
    if (isa<memref::DeallocOp>(use.op))
      continue;
    std::optional<Box> box = boxOf(use.view, buffer);
    bool isKnown = box && llvm::any_of(written, [&](const Box &other) {
                     return other.contains(*box);
                   });
    if (isKnown)
      continue;
    if (!box || !writesOver(use.op, use.view, buffer))
      break;
    // What it makes a box with may make a box with a third.
    for (size_t i = 0; i < written.size();)
      if (box->join(written[i])) {
        written.erase(written.begin() + i);
        i = 0;
      } else {
        ++i;
      }
    written.push_back(*box);
  }
  auto size = [](const Box &box) {
    int64_t elements = 1;
    for (int64_t extent : box.sizes)
      elements *= extent;
    return elements;
  };
  auto most = llvm::max_element(written, [&](const Box &x, const Box &y) {
    return size(x) < size(y);
  });
  return most == written.end() ? std::nullopt : std::optional(*most);
}

std::vector<Nest> cutToBorder(const Nest &fill) {
  auto op = cast<linalg::GenericOp>(fill.op);
  OpOperand *out = op.getDpsInitOperand(0);
  Value buffer = out->get();
  bool isFill = op.getNumDpsInits() == 1 && fill.numInputs == 1 &&
                fill.accesses[0].scalar &&
                op.getMatchingIndexingMap(out).isIdentity() &&
                op.getBody()->without_terminator().empty() &&
                buffer.getDefiningOp<memref::AllocOp>();
  std::optional<Box> middle;
  if (isFill)
    middle = findMiddle(op, buffer);
  if (!middle)
    return {fill};
  std::vector<Nest> border;
  Nest rest = fill;
  ArrayRef<int64_t> shape = cast<MemRefType>(buffer.getType()).getShape();
  for (auto [dim, extent] : llvm::enumerate(shape)) {
    int64_t low = middle->first[dim], size = middle->sizes[dim];
    int64_t high = low + size;
    if (low > 0)
      keepSteps(border.emplace_back(rest), dim, 0, low);
    if (high < extent)
      keepSteps(border.emplace_back(rest), dim, high, extent - high);
    keepSteps(rest, dim, low, size);
  }
  return border;
}

} // namespace lig::codegen::cpu
