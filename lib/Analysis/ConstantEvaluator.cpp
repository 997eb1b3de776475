// Facts come first and cost nothing: an expression is known if every operation
// in it can be evaluated and every parameter in it is frozen and at hand. Only
// then are values computed, each once.

#include "Ligature/Analysis/ConstantEvaluator.h"

#include "LinalgEvaluation.h"
#include "ScalarProgram.h"

#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cstring>

using namespace mlir;
using namespace lig;

/// Copies a box between row-major tensors; `offsets` and `steps` place it in
/// the larger one, which is the source if `extracting`.
static void copyBox(const TensorBytes &from, char *to, RankedTensorType large,
                    ArrayRef<int64_t> sizes, ArrayRef<int64_t> offsets,
                    ArrayRef<int64_t> steps, bool extracting) {
  int64_t width = getElementBytes(large.getElementType());
  unsigned rank = sizes.size();
  SmallVector<int64_t> strides(rank, width);
  for (int64_t i = static_cast<int64_t>(rank) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * large.getDimSize(i + 1);
  int64_t small = 0;
  std::function<void(unsigned, int64_t)> copy = [&](unsigned dim, int64_t at) {
    if (dim == rank) {
      std::memcpy(extracting ? to + small : to + at,
                  from.data.data() + (extracting ? at : small), width);
      small += width;
      return;
    }
    if (dim + 1 == rank && steps[dim] == 1) {
      int64_t row = at + offsets[dim] * width, bytes = sizes[dim] * width;
      std::memcpy(extracting ? to + small : to + row,
                  from.data.data() + (extracting ? row : small), bytes);
      small += bytes;
      return;
    }
    for (int64_t i = 0; i < sizes[dim]; ++i)
      copy(dim + 1, at + (offsets[dim] + i * steps[dim]) * strides[dim]);
  };
  copy(0, 0);
}

template <typename SliceOp> static bool isStaticSlice(SliceOp op) {
  return llvm::none_of(op.getStaticOffsets(), ShapedType::isDynamic) &&
         llvm::none_of(op.getStaticSizes(), ShapedType::isDynamic) &&
         llvm::none_of(op.getStaticStrides(), ShapedType::isDynamic);
}

static bool isStaticPad(tensor::PadOp pad) {
  return llvm::none_of(pad.getStaticLow(), ShapedType::isDynamic) &&
         llvm::none_of(pad.getStaticHigh(), ShapedType::isDynamic) &&
         pad.getConstantPaddingValue() &&
         matchPattern(pad.getConstantPaddingValue(), m_Constant());
}

/// True if the operation can be evaluated once its operands are known.
static bool canEvaluate(Operation *op) {
  return TypeSwitch<Operation *, bool>(op)
      .Case<tensor::EmptyOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
            tensor::CastOp, tensor::ConcatOp>([](auto) { return true; })
      .Case([](tensor::ExtractSliceOp slice) { return isStaticSlice(slice); })
      .Case([](tensor::InsertSliceOp slice) { return isStaticSlice(slice); })
      .Case([](tensor::PadOp pad) { return isStaticPad(pad); })
      .Case([](linalg::LinalgOp linalg) { return canEvaluateLinalg(linalg); })
      .Default([](Operation *) { return false; });
}

static SmallVector<Value> inputsOf(Operation *op) {
  if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
    return lig::valuesReadBy(linalg);
  return SmallVector<Value>(op->getOperands());
}

/// A scalar constant as a tensor of rank zero.
static std::optional<TensorBytes> scalarBytes(Value value) {
  std::optional<ScalarKind> kind = getScalarKind(value.getType());
  std::optional<Scalar> scalar = getConstantScalar(value);
  if (!kind || !scalar)
    return std::nullopt;
  TensorBytes bytes =
      TensorBytes::allocate(RankedTensorType::get({}, value.getType()));
  storeScalar(*kind, *scalar, bytes.mutableData());
  return bytes;
}

ConstantEvaluator::Facts ConstantEvaluator::getFacts(Value value) {
  if (auto it = facts.find(value); it != facts.end())
    return it->second;
  // A view that reads itself finds this and is not known.
  facts[value] = Facts();
  Facts result = computeFacts(value);
  facts[value] = result;
  return result;
}

ConstantEvaluator::Facts ConstantEvaluator::computeFacts(Value value) {
  Facts result;
  Operation *op = value.getDefiningOp();
  if (!op)
    return result;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type) {
    result.known = scalarBytes(value).has_value();
    return result;
  }
  if (!type.hasStaticShape() || getElementBytes(type.getElementType()) == 0)
    return result;
  if (auto get = dyn_cast<share::GetOp>(op)) {
    Operation *symbol =
        share::lookupParameter(op, get.getSourceAttr(), tables);
    if (auto view = dyn_cast_or_null<share::ViewOp>(symbol))
      return getFacts(view.getYielded());
    auto param = dyn_cast_or_null<share::ParamOp>(symbol);
    if (!param || (which == Values::Lasting && !param.isFrozen()) ||
        !param.getElements() || !readElements(param.getElements()))
      return result;
    result = {true, type.getNumElements(), get.getSourceAttr().getAttr()};
    return result;
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = dyn_cast<ElementsAttr>(constant.getValue());
    result.known = elements && readElements(elements).has_value();
    return result;
  }
  if (!canEvaluate(op))
    return result;
  for (Value operand : inputsOf(op)) {
    Facts part = getFacts(operand);
    if (!part.known)
      return Facts();
    result.parameterElements += part.parameterElements;
    if (!result.root)
      result.root = part.root;
  }
  result.known = true;
  return result;
}

std::optional<TensorBytes> ConstantEvaluator::evaluate(Value value) {
  if (!isa<RankedTensorType>(value.getType()))
    return scalarBytes(value);
  if (auto it = values.find(value); it != values.end())
    return it->second;
  if (!getFacts(value).known)
    return std::nullopt;
  std::optional<TensorBytes> result = compute(value.getDefiningOp());
  if (result)
    values[value] = *result;
  return result;
}

static TensorBytes evaluateConcat(tensor::ConcatOp concat,
                                  ArrayRef<TensorBytes> operands) {
  TensorBytes result = TensorBytes::allocate(typeOf(concat.getResult()));
  SmallVector<int64_t> offsets(result.type.getRank(), 0),
      steps(result.type.getRank(), 1);
  for (const TensorBytes &part : operands) {
    copyBox(part, result.mutableData(), result.type, part.type.getShape(),
            offsets, steps, false);
    offsets[concat.getDim()] += part.type.getDimSize(concat.getDim());
  }
  return result;
}

static TensorBytes evaluatePad(tensor::PadOp pad, const TensorBytes &source) {
  TensorBytes result = TensorBytes::allocate(typeOf(pad.getResult()));
  TensorBytes fill = *scalarBytes(pad.getConstantPaddingValue());
  for (size_t at = 0; at < result.data.size(); at += fill.data.size())
    llvm::copy(fill.data, result.mutableData() + at);
  SmallVector<int64_t> steps(result.type.getRank(), 1);
  copyBox(source, result.mutableData(), result.type, source.type.getShape(),
          pad.getStaticLow(), steps, false);
  return result;
}

std::optional<TensorBytes> ConstantEvaluator::compute(Operation *op) {
  if (auto get = dyn_cast<share::GetOp>(op)) {
    Operation *symbol =
        share::lookupParameter(op, get.getSourceAttr(), tables);
    if (auto view = dyn_cast<share::ViewOp>(symbol))
      return evaluate(view.getYielded());
    auto param = cast<share::ParamOp>(symbol);
    return readElements(param.getElements());
  }
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return readElements(cast<ElementsAttr>(constant.getValue()));
  RankedTensorType type = typeOf(op->getResult(0));
  if (isa<tensor::EmptyOp>(op))
    return TensorBytes::allocate(type);

  SmallVector<TensorBytes> operands;
  for (Value operand : inputsOf(op)) {
    std::optional<TensorBytes> bytes = evaluate(operand);
    if (!bytes)
      return std::nullopt;
    operands.push_back(std::move(*bytes));
  }
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return evaluateConcat(concat, operands);
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return evaluatePad(pad, operands.front());
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    TensorBytes result = TensorBytes::allocate(type);
    copyBox(operands[0], result.mutableData(), operands[0].type,
            slice.getStaticSizes(), slice.getStaticOffsets(),
            slice.getStaticStrides(), true);
    return result;
  }
  if (auto slice = dyn_cast<tensor::InsertSliceOp>(op)) {
    TensorBytes result = TensorBytes::allocate(type);
    llvm::copy(operands[1].data, result.mutableData());
    copyBox(operands[0], result.mutableData(), type, slice.getStaticSizes(),
            slice.getStaticOffsets(), slice.getStaticStrides(), false);
    return result;
  }
  if (auto linalg = dyn_cast<linalg::LinalgOp>(op))
    return evaluateLinalg(linalg, operands);
  // What is left changes the shape and no element.
  TensorBytes result = operands.front();
  result.type = type;
  return result;
}
