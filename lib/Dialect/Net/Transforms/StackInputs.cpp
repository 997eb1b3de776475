// Parameters are stacked where they are stored: one parameter with a leading
// dimension of steps, and each of the old ones is a view of it, so whoever else
// reads one finds it there and no byte is stored twice. Slices that follow one
// another in a tensor are stacked as they lie. What remains is concatenated.

#include "StackInputs.h"

#include "JoinSlices.h"

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::net;
using lig::share::GetOp;
using lig::share::ParamOp;

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

InputStacker::InputStacker(ModuleOp module) : symbols(module) {
  module.walk([&](GetOp get) {
    StringAttr name = get.getSourceAttr().getAttr();
    ++numReads[name];
    if (get->getParentOfType<lig::share::ViewOp>())
      viewed.insert(name);
  });
}

/// True if the value is known and would not be stored twice: a part of a stack
/// has its place, and so has what a view shows to someone else: moved out of a
/// stack, that would be a second copy.
bool InputStacker::isAtHand(GetOp get, ConstantEvaluator &evaluator) const {
  Operation *symbol = symbols.lookup(get.getSource());
  if (!symbol || !evaluator.getFacts(get).known)
    return false;
  auto view = dyn_cast<lig::share::ViewOp>(symbol);
  if (!view)
    return !viewed.contains(get.getSourceAttr().getAttr());
  bool isAlone = numReads.lookup(view.getSymNameAttr()) == 1;
  view.walk([&](GetOp read) {
    isAlone &= numReads.lookup(read.getSourceAttr().getAttr()) == 1 &&
               symbols.lookup<ParamOp>(read.getSource());
  });
  return isAlone;
}

bool InputStacker::canStack(ArrayRef<Value> values) const {
  if (ArrayAttr names = getNames(values))
    if (stacks.contains(names))
      return true;
  SymbolTableCollection tables;
  ConstantEvaluator evaluator(tables);
  return llvm::all_of(values, [&](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    auto get = value.getDefiningOp<GetOp>();
    return type && type.hasStaticShape() && type == values[0].getType() &&
           (!get || isAtHand(get, evaluator));
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
    return {joinSlices(b, loc, *slices), slices->isReversed};
  return {concatenate(b, loc, values)};
}
