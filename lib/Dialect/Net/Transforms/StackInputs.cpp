// Parameters are stacked where they are stored: one parameter with a leading
// dimension of steps, and each of the old ones is a view of it, so whoever else
// reads one finds it there and no byte is stored twice. Slices that follow one
// another in a tensor are stacked as they lie. What remains is concatenated.

#include "StackInputs.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::net;
using lig::share::GetOp;
using lig::share::ParamOp;

static SmallVector<int64_t> prepend(int64_t count, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> stacked = {count};
  llvm::append_range(stacked, shape);
  return stacked;
}

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// The names of the parameters that `values` read, or null if they read others.
static ArrayAttr getNames(ArrayRef<Value> values) {
  SmallVector<Attribute> names;
  for (Value value : values) {
    auto get = value.getDefiningOp<GetOp>();
    if (!get)
      return {};
    names.push_back(get.getSourceAttr().getAttr());
  }
  return ArrayAttr::get(values[0].getContext(), names);
}

/// True if the value is known and not stored in a stack of another order.
bool InputStacker::isAtHand(GetOp get) const {
  SymbolTableCollection tables;
  return symbols.lookup(get.getSource()) &&
         lig::ConstantEvaluator(tables).getFacts(get).known;
}

bool InputStacker::canStack(ArrayRef<Value> values) const {
  if (ArrayAttr names = getNames(values))
    if (stacks.contains(names))
      return true;
  return llvm::all_of(values, [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    auto get = value.getDefiningOp<GetOp>();
    return type && type.hasStaticShape() && type == values[0].getType() &&
           (!get || isAtHand(get));
  });
}

//===-- Parameters -------------------------------------------------------===//

/// Leaves a view of slice `step` of `stack` in the place of `part`.
static void replaceByView(ParamOp part, ParamOp stack, int64_t step) {
  OpBuilder b(part);
  Location loc = part.getLoc();
  RankedTensorType type = part.getTensorType();
  auto view = lig::share::ViewOp::create(b, loc, part.getSymName(), type);
  view->setDiscardableAttrs(part->getDiscardableAttrDictionary());
  b.createBlock(&view.getBody());
  Value whole =
      GetOp::create(b, loc, stack.getTensorType(), stack.getSymName());
  Value slice = lig::makeLeadingSlice(b, loc, whole, step, 1);
  lig::share::YieldOp::create(
      b, loc, lig::makeReshape(b, loc, slice, type.getShape()));
}

/// A parameter that holds the elements of all parts, which become views of it.
ParamOp InputStacker::makeParameter(MutableArrayRef<ParamOp> parts) {
  RankedTensorType type = parts[0].getTensorType();
  int64_t count = parts.size();
  TensorBytes bytes = TensorBytes::allocate(RankedTensorType::get(
      prepend(count, type.getShape()), type.getElementType()));
  SmallVector<Attribute> names;
  char *at = bytes.mutableData();
  for (ParamOp part : parts) {
    std::optional<TensorBytes> held = readElements(part.getElements());
    at = std::copy(held->data.begin(), held->data.end(), at);
    names.push_back(part.getSymNameAttr());
  }
  OpBuilder b(parts[0]);
  std::string name = (parts[0].getSymName() + ".stacked").str();
  auto stack = ParamOp::create(
      b, parts[0].getLoc(), b.getStringAttr(name), TypeAttr::get(bytes.type),
      makeElements(bytes, name), /*trainable=*/UnitAttr(),
      /*is_mutable=*/UnitAttr());
  symbols.insert(stack);
  stack->setAttr(share::kStackedAttr, b.getArrayAttr(names));
  for (auto [step, part] : llvm::enumerate(parts)) {
    replaceByView(part, stack, step);
    symbols.remove(part);
    part.erase();
  }
  return stack;
}

/// The stack of parameters that `values` read, or null if they read others.
Value InputStacker::stackParameters(OpBuilder &b, Location loc,
                                    ArrayRef<Value> values) {
  ArrayAttr names = getNames(values);
  if (!names)
    return {};
  ParamOp stack = stacks.lookup(names);
  if (!stack) {
    SmallVector<ParamOp> parts;
    for (auto name : names.getAsRange<StringAttr>()) {
      auto param = symbols.lookup<ParamOp>(name);
      // Views, and parameters that several steps read, are concatenated.
      if (!param || llvm::is_contained(parts, param))
        return {};
      parts.push_back(param);
    }
    stack = stacks[names] = makeParameter(parts);
  }
  return GetOp::create(b, loc, stack.getTensorType(), stack.getSymName());
}

//===-- Slices -----------------------------------------------------------===//

namespace {
/// Slices that follow one another along `dim` of `source`.
struct RegularSlices {
  Value source;
  unsigned dim = 0;
  bool isReversed = false;
  SmallVector<int64_t> offsets, sizes;
};
} // namespace

/// The slices behind `values`, in the order of their offsets.
static std::optional<RegularSlices> findSlices(ArrayRef<Value> values) {
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
  return found;
}

/// The slices as one tensor [count, shape of a slice]: a reshape if nothing
/// but extents of one comes before the dimension they follow one another in.
static Value joinSlices(OpBuilder &b, Location loc, const RegularSlices &slices,
                        int64_t count, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> sizes = slices.sizes;
  sizes[slices.dim] *= count;
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
    joined = lig::makeReshape(b, loc, joined, {before, count, behind});
    joined = lig::makeTranspose(b, loc, joined, {1, 0, 2});
  }
  return lig::makeReshape(b, loc, joined, prepend(count, shape));
}

//===-- All values -------------------------------------------------------===//

static Value concatenate(OpBuilder &b, Location loc, ArrayRef<Value> values) {
  SmallVector<Value> parts;
  for (Value value : values)
    parts.push_back(
        lig::makeReshape(b, loc, value, prepend(1, shapeOf(value))));
  return tensor::ConcatOp::create(b, loc, /*dim=*/0, parts);
}

InputStacker::Stack InputStacker::stack(OpBuilder &b, Location loc,
                                        ArrayRef<Value> values) {
  if (Value tensor = stackParameters(b, loc, values))
    return {tensor};
  if (std::optional<RegularSlices> slices = findSlices(values))
    return {joinSlices(b, loc, *slices, values.size(), shapeOf(values[0])),
            slices->isReversed};
  return {concatenate(b, loc, values)};
}
