// Constant folding of arithmetic, comparisons, reductions and ranges.
//
// Integers are computed in 64 bits and cut to their width, which is what
// wrapping in that width gives. Floats are computed as doubles and rounded
// once: for +, -, *, / and square roots of f32 that is the f32 result exactly.

#include "Build.h"
#include "FoldRules.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lig::onnx_import;

/// A constant's elements in the one form that fits their type.
namespace {
struct Numbers {
  bool isFloat;
  SmallVector<int64_t> ints;
  SmallVector<double> floats;
};
} // namespace

static Numbers numbersOf(const Constant &constant) {
  bool isFloat = isa<FloatType>(constant.type.getElementType());
  return {isFloat, isFloat ? SmallVector<int64_t>() : constant.asInts(),
          isFloat ? constant.asFloats() : SmallVector<double>()};
}

static Constant makeConstant(RankedTensorType type, const Numbers &numbers,
                             bool isUnsigned) {
  return numbers.isFloat ? Constant::fromFloats(type, numbers.floats)
                         : Constant::fromInts(type, numbers.ints, isUnsigned);
}

static std::optional<int64_t> combineInts(StringRef op, int64_t a, int64_t b,
                                          bool isUnsigned, bool fmod) {
  uint64_t ua = a, ub = b;
  if (op == "Add" || op == "Sum")
    return ua + ub;
  if (op == "Sub")
    return ua - ub;
  if (op == "Mul")
    return ua * ub;
  if (op == "Max" || op == "Min") {
    bool aIsLess = isUnsigned ? ua < ub : a < b;
    return aIsLess == (op == "Max") ? b : a;
  }
  if (op == "Div" || op == "Mod") {
    if (b == 0)
      return std::nullopt;
    if (isUnsigned)
      return op == "Div" ? ua / ub : ua % ub;
    if (b == -1)
      return op == "Div" ? -ua : 0;
    if (op == "Div")
      return a / b;
    int64_t rest = a % b;
    return !fmod && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  if (op == "And")
    return a & b;
  if (op == "Or")
    return a | b;
  if (op == "Xor")
    return a ^ b;
  if (op != "Pow" || b < 0)
    return std::nullopt;
  uint64_t power = 1;
  for (uint64_t base = ua, n = ub; n; n >>= 1, base *= base)
    if (n & 1)
      power *= base;
  return power;
}

static std::optional<double> combineFloats(StringRef op, double a, double b,
                                           bool fmod) {
  if (op == "Add" || op == "Sum")
    return a + b;
  if (op == "Sub")
    return a - b;
  if (op == "Mul")
    return a * b;
  if (op == "Div")
    return a / b;
  if (op == "Pow")
    return std::pow(a, b);
  if (op == "Max" || op == "Min") {
    if (std::isnan(a) || std::isnan(b))
      return std::numeric_limits<double>::quiet_NaN();
    return op == "Max" ? std::max(a, b) : std::min(a, b);
  }
  if (op == "Mod" && fmod)
    return std::fmod(a, b);
  return std::nullopt;
}

template <typename T>
static std::optional<bool> compare(StringRef op, T a, T b) {
  return llvm::StringSwitch<std::optional<bool>>(op)
      .Case("Equal", a == b)
      .Case("Less", a < b)
      .Case("LessOrEqual", a <= b)
      .Case("Greater", a > b)
      .Case("GreaterOrEqual", a >= b)
      .Default(std::nullopt);
}

/// result = a op b with broadcasting, in the type of `a`, or for comparisons in
/// booleans; nullopt where the operator has no value for some pair.
static std::optional<Constant> combine(StringRef op, const Constant &a,
                                       const Constant &b, bool fmod) {
  auto shape = broadcastShapes(a.type.getShape(), b.type.getShape());
  bool isComparison = compare<int64_t>(op, 0, 0).has_value();
  Type element = a.type.getElementType();
  if (isComparison)
    element = IntegerType::get(a.type.getContext(), 1);
  if (failed(shape) || !mayFold(*shape, element))
    return std::nullopt;
  Numbers left = numbersOf(a), right = numbersOf(b);
  // Pow alone mixes types: an integer to a float's power goes through doubles.
  bool inFloats = left.isFloat || right.isFloat;
  if (inFloats) {
    left.floats = a.asFloats();
    right.floats = b.asFloats();
  }
  auto type = RankedTensorType::get(*shape, element);
  Numbers result{isa<FloatType>(element), {}, {}};
  Extents index(shape->size(), 0);
  for (int64_t n = type.getNumElements(); n > 0; --n) {
    int64_t i = broadcastOffset(index, a.type.getShape());
    int64_t j = broadcastOffset(index, b.type.getShape());
    std::optional<double> real;
    std::optional<int64_t> whole;
    if (isComparison)
      whole = inFloats ? compare(op, left.floats[i], right.floats[j])
              : a.isUnsigned
                  ? compare(op, uint64_t(left.ints[i]), uint64_t(right.ints[j]))
                  : compare(op, left.ints[i], right.ints[j]);
    else if (inFloats)
      real = combineFloats(op, left.floats[i], right.floats[j], fmod);
    else
      whole = combineInts(op, left.ints[i], right.ints[j], a.isUnsigned, fmod);
    if (real && !result.isFloat) {
      if (!(std::fabs(*real) < 0x1p63))
        return std::nullopt;
      whole = static_cast<int64_t>(*real);
    }
    if (result.isFloat ? !real : !whole)
      return std::nullopt;
    if (result.isFloat)
      result.floats.push_back(*real);
    else
      result.ints.push_back(*whole);
    nextIndex(index, *shape);
  }
  return makeConstant(type, result, !isComparison && a.isUnsigned);
}

static FailureOr<bool> evaluateBinary(Node &node) {
  Constant result = *node.constant(0);
  bool fmod = node.intAttribute("fmod", 0) != 0;
  for (unsigned i = 1; i < node.numInputs(); ++i) {
    auto next = combine(node.opType(), result, *node.constant(i), fmod);
    if (!next)
      return false;
    result = *next;
  }
  result.name.clear();
  node.setOutput(0, result);
  return true;
}

static FailureOr<bool> evaluateUnary(Node &node) {
  const Constant &input = *node.constant(0);
  StringRef op = node.opType();
  Numbers numbers = numbersOf(input);
  using RealFunction = double (*)(double);
  auto real = llvm::StringSwitch<RealFunction>(op)
                  .Case("Neg", [](double x) { return -x; })
                  .Case("Abs", [](double x) { return std::fabs(x); })
                  .Case("Sqrt", [](double x) { return std::sqrt(x); })
                  .Case("Floor", [](double x) { return std::floor(x); })
                  .Case("Ceil", [](double x) { return std::ceil(x); })
                  .Case("Round", [](double x) { return std::nearbyint(x); })
                  .Case("Reciprocal", [](double x) { return 1 / x; })
                  .Default(nullptr);
  for (double &x : numbers.floats) {
    if (!real)
      return false;
    x = real(x);
  }
  for (int64_t &x : numbers.ints) {
    if (op == "Not")
      x = x == 0;
    else if (op == "Neg")
      x = -static_cast<uint64_t>(x);
    else if (op == "Abs")
      x = x < 0 && !input.isUnsigned ? -static_cast<uint64_t>(x) : x;
    else
      return false;
  }
  node.setOutput(0, makeConstant(input.type, numbers, input.isUnsigned));
  return true;
}

static FailureOr<bool> evaluateWhere(Node &node) {
  const Constant &yes = *node.constant(1), &no = *node.constant(2);
  auto shape = broadcastShapes(node.shape(0), yes.type.getShape());
  if (succeeded(shape))
    shape = broadcastShapes(*shape, no.type.getShape());
  if (failed(shape) || !mayFold(*shape, yes.type.getElementType()))
    return false;
  SmallVector<int64_t> condition = node.constant(0)->asInts();
  int64_t width = bytesPerElement(yes.type.getElementType());
  RankedTensorType type = yes.type.clone(ArrayRef<int64_t>(*shape));
  std::string bytes;
  Extents index(shape->size(), 0);
  for (int64_t n = type.getNumElements(); n > 0; --n) {
    const Constant &from =
        condition[broadcastOffset(index, node.shape(0))] ? yes : no;
    int64_t at = broadcastOffset(index, from.type.getShape()) * width;
    bytes.append(from.bytes.data() + at, width);
    nextIndex(index, *shape);
  }
  node.setOutput(0, Constant::fromBytes(type, yes.isUnsigned, bytes));
  return true;
}

static FailureOr<bool> evaluateCast(Node &node) {
  const Constant &input = *node.constant(0);
  ElementType to = elementTypeOf(node.intAttribute("to", 0), node.context());
  if (!to)
    return false;
  auto type = RankedTensorType::get(input.type.getShape(), to.type);
  if (!mayFold(type))
    return false;
  Numbers from = numbersOf(input);
  Numbers result{isa<FloatType>(to.type), {}, {}};
  if (result.isFloat) {
    result.floats = input.asFloats();
  } else if (to.type.isInteger(1)) {
    for (double x : from.floats)
      result.ints.push_back(x != 0);
    for (int64_t x : from.ints)
      result.ints.push_back(x != 0);
  } else {
    result.ints = from.ints;
    for (double x : from.floats) {
      if (!(std::fabs(x) < 0x1p63))
        return false;
      result.ints.push_back(static_cast<int64_t>(x));
    }
  }
  node.setOutput(0, makeConstant(type, result, to.isUnsigned));
  return true;
}

static FailureOr<bool> evaluateReduction(Node &node) {
  const Constant &input = *node.constant(0);
  ArrayRef<int64_t> shape = input.type.getShape();
  auto given = node.attributeOrInput("axes", 1);
  if (failed(given))
    return failure();
  SmallVector<bool> isReduced(shape.size());
  if (*given && !(*given)->empty()) {
    if (failed(node.normalizeAxes(**given, shape.size())))
      return failure();
    for (int64_t axis : **given)
      isReduced[axis] = true;
  } else if (node.intAttribute("noop_with_empty_axes", 0) == 0) {
    isReduced.assign(shape.size(), true);
  }
  if (input.numElements() == 0 || input.type.getElementType().isInteger(1))
    return false;

  Extents kept(shape), dropped;
  for (auto [i, reduced] : llvm::enumerate(isReduced)) {
    if (reduced)
      kept[i] = 1;
    else
      dropped.push_back(shape[i]);
  }
  StringRef op = llvm::StringSwitch<StringRef>(node.opType())
                     .Case("ReduceSum", "Add")
                     .Case("ReduceProd", "Mul")
                     .Case("ReduceMax", "Max")
                     .Default("Min");
  Numbers numbers = numbersOf(input);
  RankedTensorType type = input.type.clone(kept);
  SmallVector<std::optional<int64_t>> ints(type.getNumElements());
  SmallVector<std::optional<double>> floats(type.getNumElements());
  Extents index(shape.size(), 0);
  for (int64_t i = 0, e = input.numElements(); i < e; ++i) {
    int64_t to = broadcastOffset(index, kept);
    if (numbers.isFloat)
      floats[to] =
          floats[to] ? combineFloats(op, *floats[to], numbers.floats[i], false)
                     : numbers.floats[i];
    else
      ints[to] = ints[to] ? combineInts(op, *ints[to], numbers.ints[i],
                                        input.isUnsigned, false)
                          : numbers.ints[i];
    nextIndex(index, shape);
  }
  Numbers result{numbers.isFloat, {}, {}};
  for (auto [whole, real] : llvm::zip(ints, floats)) {
    if (numbers.isFloat)
      result.floats.push_back(*real);
    else
      result.ints.push_back(*whole);
  }
  if (node.intAttribute("keepdims", 1) == 0)
    type = input.type.clone(ArrayRef<int64_t>(dropped));
  node.setOutput(0, makeConstant(type, result, input.isUnsigned));
  return true;
}

static FailureOr<bool> evaluateRange(Node &node) {
  Type element = node.elementType(0);
  for (unsigned i = 0; i < 3; ++i)
    if (i >= node.numInputs() || !node.shape(i).empty())
      return false;
  double start = node.constant(0)->asFloats()[0];
  double limit = node.constant(1)->asFloats()[0];
  double delta = node.constant(2)->asFloats()[0];
  double count = std::ceil((limit - start) / delta);
  if (!(count < 4096))
    return false;
  int64_t size = std::max<int64_t>(0, truncated(count));
  if (!mayFold({size}, element))
    return false;
  auto type = RankedTensorType::get({size}, element);
  Numbers numbers{isa<FloatType>(element), {}, {}};
  if (numbers.isFloat) {
    for (int64_t i = 0; i < size; ++i)
      numbers.floats.push_back(start + double(i) * delta);
  } else {
    uint64_t next = node.constant(0)->asInts()[0];
    uint64_t step = node.constant(2)->asInts()[0];
    for (int64_t i = 0; i < size; ++i, next += step)
      numbers.ints.push_back(next);
  }
  node.setOutput(0, makeConstant(type, numbers, node.isUnsigned(0)));
  return true;
}

static FailureOr<bool> evaluateCumSum(Node &node) {
  const Constant &input = *node.constant(0);
  ArrayRef<int64_t> shape = input.type.getShape();
  if (node.constant(1)->numElements() != 1)
    return false;
  auto axis = node.normalizeAxis(node.constant(1)->asInts()[0], shape.size());
  if (failed(axis))
    return failure();
  bool exclusive = node.intAttribute("exclusive", 0) != 0;
  bool reverse = node.intAttribute("reverse", 0) != 0;
  Numbers from = numbersOf(input), to = from;
  if (from.isFloat)
    return false;
  int64_t inner = rowMajorStrides(shape)[*axis], extent = shape[*axis];
  for (int64_t i = 0, e = input.numElements(); i < e; ++i) {
    int64_t place = i / inner % extent;
    uint64_t sum = 0;
    for (int64_t k = 0; k < extent; ++k)
      if (k == place ? !exclusive : (k < place) != reverse)
        sum += from.ints[i + (k - place) * inner];
    to.ints[i] = sum;
  }
  node.setOutput(0, makeConstant(input.type, to, input.isUnsigned));
  return true;
}

Evaluator lig::onnx_import::findArithmeticEvaluator(StringRef op) {
  return llvm::StringSwitch<Evaluator>(op)
      .Cases({"Add", "Sub", "Mul", "Div", "Mod", "Pow"}, evaluateBinary)
      .Cases({"Max", "Min", "Sum", "And", "Or", "Xor"}, evaluateBinary)
      .Cases({"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"},
             evaluateBinary)
      .Cases({"Neg", "Abs", "Sqrt", "Floor", "Ceil", "Round", "Reciprocal"},
             evaluateUnary)
      .Case("Not", evaluateUnary)
      .Case("Where", evaluateWhere)
      .Case("Cast", evaluateCast)
      .Cases({"ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"},
             evaluateReduction)
      .Case("Range", evaluateRange)
      .Case("CumSum", evaluateCumSum)
      .Default(nullptr);
}
