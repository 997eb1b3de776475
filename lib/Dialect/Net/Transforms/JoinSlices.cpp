// An unrolled model takes a tensor apart into steps, and what joins the steps
// again often puts it together as it was: nothing has to move for that.

#include "JoinSlices.h"

#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::net;

SmallVector<int64_t> lig::net::prepend(int64_t count, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> stacked = {count};
  llvm::append_range(stacked, shape);
  return stacked;
}

std::optional<RegularSlices>
lig::net::findSlices(ArrayRef<Value> values) {
  SmallVector<tensor::ExtractSliceOp> slices;
  for (Value value : values) {
    auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
    if (!slice || slice->getNumOperands() != 1 ||
        slice.getSource() != cast<tensor::ExtractSliceOp>(
                                 values[0].getDefiningOp()).getSource() ||
        !llvm::all_of(slice.getStaticStrides(),
                      [](int64_t stride) { return stride == 1; }))
      return std::nullopt;
    slices.push_back(slice);
  }
  auto source = slices[0].getSourceType();
  if (!source.hasStaticShape())
    return std::nullopt;
  RegularSlices found;
  found.source = slices[0].getSource();
  found.sizes.assign(slices[0].getStaticSizes());
  auto first = slices[0].getStaticOffsets(),
       second = slices[1].getStaticOffsets();
  while (found.dim < first.size() && first[found.dim] == second[found.dim])
    ++found.dim;
  if (found.dim == first.size())
    return std::nullopt;
  found.isReversed = second[found.dim] < first[found.dim];
  int64_t size = found.sizes[found.dim];
  for (auto [step, slice] : llvm::enumerate(slices)) {
    SmallVector<int64_t> expected(first);
    expected[found.dim] += int64_t(step) * (found.isReversed ? -size : size);
    if (slice.getStaticOffsets() != ArrayRef(expected) ||
        slice.getStaticSizes() != ArrayRef(found.sizes))
      return std::nullopt;
  }
  found.offsets.assign((found.isReversed ? slices.back() : slices.front())
                           .getStaticOffsets());
  found.count = values.size();
  found.shape.assign(shapeOf(values[0]));
  return found;
}

Value lig::net::joinSlices(OpBuilder &b, Location loc,
                           const RegularSlices &slices) {
  SmallVector<int64_t> sizes = slices.sizes;
  sizes[slices.dim] *= slices.count;
  Value joined = slices.source;
  if (shapeOf(joined) != ArrayRef(sizes)) {
    SmallVector<OpFoldResult> offsets, extents,
        strides(sizes.size(), b.getIndexAttr(1));
    for (auto [offset, size] : llvm::zip(slices.offsets, sizes)) {
      offsets.push_back(b.getIndexAttr(offset));
      extents.push_back(b.getIndexAttr(size));
    }
    joined = tensor::ExtractSliceOp::create(b, loc, joined, offsets, extents,
                                            strides);
  }
  int64_t before = 1;
  for (int64_t size : ArrayRef(sizes).take_front(slices.dim))
    before *= size;
  if (before != 1) {
    int64_t behind = 1;
    for (int64_t size : ArrayRef(slices.sizes).drop_front(slices.dim))
      behind *= size;
    joined = lig::makeReshape(b, loc, joined, {before, slices.count, behind});
    joined = lig::makeTranspose(b, loc, joined, {1, 0, 2});
  }
  return lig::makeReshape(b, loc, joined, prepend(slices.count, slices.shape));
}

Value lig::net::joinAlong(OpBuilder &b, Location loc, Value stacked,
                          int64_t dim) {
  ArrayRef<int64_t> shape = shapeOf(stacked);
  int64_t before = 1, behind = 1;
  for (int64_t extent : shape.slice(1, dim))
    before *= extent;
  for (int64_t extent : shape.drop_front(1 + dim))
    behind *= extent;
  SmallVector<int64_t> joined(shape.drop_front());
  joined[dim] *= shape[0];
  if (before != 1) {
    stacked = lig::makeReshape(b, loc, stacked, {shape[0], before, behind});
    stacked = lig::makeTranspose(b, loc, stacked, {1, 0, 2});
  }
  return lig::makeReshape(b, loc, stacked, joined);
}

/// The slice that `value` shows in another shape, or `value`.
static Value skipReshape(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)
             ? op->getOperand(0)
             : value;
}

void lig::net::simplifyConcatenations(Block &block) {
  for (auto concat :
       llvm::make_early_inc_range(block.getOps<tensor::ConcatOp>())) {
    SmallVector<Value> parts(concat.getInputs());
    if (parts.size() < 2 || !llvm::all_of(parts, [&](Value part) {
          return part.getType() == parts[0].getType();
        }))
      continue;
    SmallVector<Value> slices(llvm::map_range(parts, skipReshape));
    std::optional<RegularSlices> found = findSlices(slices);
    if (!found || found->isReversed)
      continue;
    found->shape.assign(shapeOf(parts[0]));
    OpBuilder b(concat);
    Location loc = concat.getLoc();
    concat.getResult().replaceAllUsesWith(
        joinAlong(b, loc, joinSlices(b, loc, *found), concat.getDim()));
    concat.erase();
  }
}
