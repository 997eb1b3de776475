// A padded buffer is filled and then its middle is written by whoever makes the
// data. Where that is sure to happen before anyone reads, only the border needs
// the fill: two slabs for each dimension that is padded.

#include "FillBorder.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// The first operation after `fill` in its block that uses the buffer, or null.
static Operation *findFirstUser(Operation *fill, Value buffer) {
  Operation *first = nullptr;
  SmallVector<Value> views = {buffer};
  while (!views.empty())
    for (Operation *user : views.pop_back_val().getUsers()) {
      if (isa<ViewLikeOpInterface>(user)) {
        llvm::append_range(views, user->getResults());
        continue;
      }
      Operation *at = fill->getBlock()->findAncestorOpInBlock(*user);
      // A user in another block, or before in a loop's next step, is unknown.
      if (!at || (at != fill && at->isBeforeInBlock(fill)))
        return nullptr;
      if (at != fill && (!first || at->isBeforeInBlock(first)))
        first = at;
    }
  return first;
}

/// The part of `buffer` that `op` writes without reading any of it; null if it
/// is not one plain piece.
static memref::SubViewOp findMiddle(Operation *op, Value buffer) {
  auto writer = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!writer || writer.getNumDpsInits() != 1 ||
      writer.getNumParallelLoops() != writer.getNumLoops())
    return {};
  OpOperand &out = *writer.getDpsInitOperand(0);
  for (Value input : writer.getDpsInputs())
    if (isa<MemRefType>(input.getType()) && rootOf(input) == buffer)
      return {};
  bool writesAll =
      writer.getMatchingIndexingMap(&out).isPermutation() &&
      writer.getMatchingBlockArgument(&out).use_empty();
  auto middle = out.get().getDefiningOp<memref::SubViewOp>();
  if (!writesAll || !middle || middle.getSource() != buffer ||
      middle.getType().getRank() != middle.getSourceType().getRank() ||
      middle->getNumOperands() != 1 ||
      !llvm::all_of(middle.getStaticStrides(),
                    [](int64_t stride) { return stride == 1; }))
    return {};
  return middle;
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
  memref::SubViewOp middle;
  if (isFill)
    middle = findMiddle(findFirstUser(op, buffer), buffer);
  if (!middle)
    return {fill};
  std::vector<Nest> border;
  Nest rest = fill;
  ArrayRef<int64_t> shape = middle.getSourceType().getShape();
  for (auto [dim, extent] : llvm::enumerate(shape)) {
    int64_t low = middle.getStaticOffsets()[dim];
    int64_t size = middle.getStaticSizes()[dim], high = low + size;
    if (low > 0)
      keepSteps(border.emplace_back(rest), dim, 0, low);
    if (high < extent)
      keepSteps(border.emplace_back(rest), dim, high, extent - high);
    keepSteps(rest, dim, low, size);
  }
  return border;
}

} // namespace lig::codegen::cpu
