// Reductions over any dimensions, places of extremes, cumulative sums. Floats
// of 16 bits are summed in f32.

#include "Operators.h"

#include "Build.h"
#include "Checks.h"
#include "Node.h"
#include "ScalarMath.h"
#include "Softmax.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

//===-- Axes -------------------------------------------------------------===//

/// Axes that only the run knows, from the shape that the model declares for the
/// output; nothing if several sets of axes would give it.
static std::optional<SmallVector<int64_t>>
axesFromShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> result, bool keeps) {
  int64_t rank = shape.size();
  SmallVector<int64_t> found;
  unsigned count = 0;
  if (rank > 16)
    return std::nullopt;
  for (unsigned set = 0; set < 1u << rank; ++set) {
    SmallVector<int64_t> left, axes;
    bool fits = true;
    for (int64_t i = 0; i < rank; ++i) {
      bool reduced = set >> i & 1;
      if (reduced)
        axes.push_back(i);
      if (!reduced || keeps)
        left.push_back(reduced ? 1 : shape[i]);
      // Over a dimension of one element all reductions are alike.
      fits &= !reduced || shape[i] != 1 || !keeps;
    }
    if (!fits || ArrayRef(left) != result)
      continue;
    found = axes;
    ++count;
  }
  return count == 1 ? std::optional(found) : std::nullopt;
}

static FailureOr<SmallVector<int64_t>> readAxes(Node &node, bool keeps) {
  int64_t rank = node.type(0).getRank();
  SmallVector<int64_t> axes;
  if (node.hasInput(1) && !node.constant(1)) {
    if (auto declared = node.declaredShape(0))
      if (auto found = axesFromShape(node.shape(0), *declared, keeps))
        return *found;
  }
  auto given = node.attributeOrInput("axes", 1);
  if (failed(given))
    return failure();
  if (*given)
    axes = **given;
  if (axes.empty() && !node.intAttribute("noop_with_empty_axes", 0))
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (failed(node.normalizeAxes(axes, rank)))
    return failure();
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  return axes;
}

static SmallVector<int64_t> keptShape(ArrayRef<int64_t> shape,
                                      ArrayRef<int64_t> axes, bool keeps) {
  SmallVector<int64_t> kept;
  for (auto [i, extent] : llvm::enumerate(shape)) {
    bool reduced = llvm::is_contained(axes, static_cast<int64_t>(i));
    if (!reduced)
      kept.push_back(extent);
    else if (keeps)
      kept.push_back(1);
  }
  return kept;
}

//===-- Reductions -------------------------------------------------------===//

namespace {
enum class Kind { Sum, Mean, Prod, Max, Min, L1, L2, LogSum, SumSquare };
}

static Value startOf(OpBuilder &b, Location loc, Kind kind, Type type,
                     bool isUnsigned) {
  if (kind == Kind::Max || kind == Kind::Min)
    return extreme(b, loc, type, kind == Kind::Min, isUnsigned);
  return scalar(b, loc, type, kind == Kind::Prod ? 1 : 0);
}

static Value combine(OpBuilder &b, Location loc, Kind kind, Value x, Value acc,
                     bool isUnsigned) {
  bool isFloat = isa<FloatType>(x.getType());
  // One bit is less than none only as an unsigned number.
  isUnsigned |= x.getType().isInteger(1);
  switch (kind) {
  case Kind::Max:
    if (isFloat)
      return arith::MaximumFOp::create(b, loc, x, acc);
    return isUnsigned ? Value(arith::MaxUIOp::create(b, loc, x, acc))
                      : arith::MaxSIOp::create(b, loc, x, acc);
  case Kind::Min:
    if (isFloat)
      return arith::MinimumFOp::create(b, loc, x, acc);
    return isUnsigned ? Value(arith::MinUIOp::create(b, loc, x, acc))
                      : arith::MinSIOp::create(b, loc, x, acc);
  case Kind::Prod:
    return multiply(b, loc, x, acc);
  case Kind::L1:
    if (isFloat)
      x = math::AbsFOp::create(b, loc, x);
    else if (!isUnsigned)
      x = math::AbsIOp::create(b, loc, x);
    break;
  case Kind::L2:
  case Kind::SumSquare:
    x = multiply(b, loc, x, x);
    break;
  default:
    break;
  }
  return addNumbers(b, loc, x, acc);
}

/// What follows the sum: a division, root or logarithm.
static Value finish(OpBuilder &b, Location loc, Kind kind, Value x,
                    int64_t count, bool isUnsigned) {
  Type type = x.getType();
  bool isFloat = isa<FloatType>(type);
  if (kind == Kind::Mean) {
    Value divisor = scalar(b, loc, type, count);
    return isFloat ? Value(arith::DivFOp::create(b, loc, x, divisor))
                   : divideInts(b, loc, x, divisor, isUnsigned);
  }
  Type through = isFloat ? type : Type(b.getF64Type());
  x = castScalar(b, loc, x, through, isUnsigned, false);
  x = kind == Kind::L2 ? Value(math::SqrtOp::create(b, loc, x))
                       : math::LogOp::create(b, loc, x);
  return castScalar(b, loc, x, type, false, isUnsigned);
}

/// Reduces `axes`, with an elementwise step at the end where the kind has one.
static Value reduceKind(Node &node, Kind kind, Value input,
                        ArrayRef<int64_t> axes) {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  auto type = cast<RankedTensorType>(input.getType());
  Type element = type.getElementType();
  bool isUnsigned = node.isUnsigned(0);
  Value result =
      reduce(b, loc, input, axes, startOf(b, loc, kind, element, isUnsigned),
             [=](OpBuilder &b, Location loc, ValueRange in) {
               return combine(b, loc, kind, in[0], in[1], isUnsigned);
             });
  bool finishes =
      kind == Kind::Mean || kind == Kind::L2 || kind == Kind::LogSum;
  if (!finishes)
    return result;
  int64_t count = 1;
  for (int64_t axis : axes)
    count *= type.getDimSize(axis);
  return elementwise(b, loc, element, result,
                     [=](OpBuilder &b, Location loc, ValueRange in) {
                       return finish(b, loc, kind, in[0], count, isUnsigned);
                     });
}

/// The input with 16-bit floats widened.
static Value widened(Node &node) {
  Type type = node.elementType(0);
  bool isSmall = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
  return castTensor(node.builder(), node.loc(), node.input(0),
                    isSmall ? Type(node.builder().getF32Type()) : type, false,
                    false);
}

static void setReduced(Node &node, Value value, ArrayRef<int64_t> axes,
                       bool keeps) {
  OpBuilder &b = node.builder();
  value = castTensor(b, node.loc(), value, node.elementType(0), false, false);
  node.setOutput(
      0, reshape(b, node.loc(), value, keptShape(node.shape(0), axes, keeps)),
      node.isUnsigned(0));
}

template <Kind kind> static LogicalResult translateReduce(Node &node) {
  bool keeps = node.intAttribute("keepdims", 1);
  FailureOr<SmallVector<int64_t>> axes = readAxes(node, keeps);
  if (failed(axes))
    return failure();
  bool isNothing = axes->empty() && node.type(0).getRank() != 0;
  if (isNothing && node.intAttribute("noop_with_empty_axes", 0)) {
    node.setOutput(0, node.tensor(0));
    return success();
  }
  setReduced(node, reduceKind(node, kind, widened(node), *axes), *axes, keeps);
  return success();
}

/// max + log(sum(exp(x - max))), where infinite maxima stay what they are.
static LogicalResult translateReduceLogSumExp(Node &node) {
  bool keeps = node.intAttribute("keepdims", 1);
  FailureOr<SmallVector<int64_t>> axes = readAxes(node, keeps);
  if (failed(axes))
    return failure();
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Value input = widened(node);
  if (isa<IntegerType>(node.elementType(0)))
    input =
        castTensor(b, loc, input, b.getF64Type(), node.isUnsigned(0), false);
  Type type = cast<RankedTensorType>(input.getType()).getElementType();
  Value maxima = elementwise(
      b, loc, type, reduceKind(node, Kind::Max, input, *axes),
      [](OpBuilder &b, Location loc, ValueRange in) -> Value {
        Value magnitude = math::AbsFOp::create(b, loc, in[0]);
        Value infinity = extreme(b, loc, in[0].getType(), true, false);
        Value isFinite = arith::CmpFOp::create(
            b, loc, arith::CmpFPredicate::OLT, magnitude, infinity);
        return arith::SelectOp::create(b, loc, isFinite, in[0],
                                       scalar(b, loc, in[0].getType(), 0));
      });
  Value kept =
      reshape(b, loc, maxima, keptShape(node.shape(0), *axes, /*keeps=*/true));
  Value powers =
      elementwise(b, loc, type, {input, kept},
                  [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                    Value shifted = arith::SubFOp::create(b, loc, in[0], in[1]);
                    return math::ExpOp::create(b, loc, shifted);
                  });
  Value logs = reduceKind(node, Kind::LogSum, powers, *axes);
  Value result =
      elementwise(b, loc, type, {logs, maxima},
                  [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                    return arith::AddFOp::create(b, loc, in[0], in[1]);
                  });
  setReduced(node, result, *axes, keeps);
  return success();
}

//===-- Places of extremes -----------------------------------------------===//

/// The least or last place whose element equals the extreme: two reductions
/// without branches. A NaN is found before any number.
template <bool greatest> static LogicalResult translateArg(Node &node) {
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.intAttribute("axis", 0), node.type(0).getRank());
  if (failed(axis))
    return failure();
  if (node.shape(0)[*axis] == 0)
    return node.error() << "axis " << *axis << " of " << node.type(0)
                        << " has no element to find";
  bool last = node.intAttribute("select_last_index", 0);
  bool keeps = node.intAttribute("keepdims", 1);
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Value input = node.input(0);
  Kind kind = greatest ? Kind::Max : Kind::Min;
  SmallVector<int64_t> kept = keptShape(node.shape(0), *axis, true);
  Value extremes = reshape(b, loc, reduceKind(node, kind, input, *axis), kept);
  Type places = b.getI64Type();
  double none = last ? -1 : node.shape(0)[*axis];
  int64_t dimension = *axis;
  Value candidates = elementwise(
      b, loc, places, {input, extremes},
      [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
        Value hit;
        if (isa<FloatType>(in[0].getType())) {
          Value isNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO,
                                              in[0], in[0]);
          Value equal = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                              in[0], in[1]);
          hit = arith::OrIOp::create(b, loc, isNan, equal);
        } else {
          hit = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, in[0],
                                      in[1]);
        }
        Value index = linalg::IndexOp::create(b, loc, dimension);
        Value place = arith::IndexCastOp::create(b, loc, places, index);
        return arith::SelectOp::create(b, loc, hit, place,
                                       scalar(b, loc, places, none));
      });
  Value found = reduce(b, loc, candidates, *axis, scalar(b, loc, places, none),
                       [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
                         if (last)
                           return arith::MaxSIOp::create(b, loc, in[0], in[1]);
                         return arith::MinSIOp::create(b, loc, in[0], in[1]);
                       });
  node.setOutput(
      0, reshape(b, loc, found, keptShape(node.shape(0), *axis, keeps)));
  return success();
}

//===-- Cumulative sums --------------------------------------------------===//

/// The running sum along one axis: a scan that carries the sum.
static Value cumulate(Node &node, int64_t axis, bool exclusive, bool reverse) {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  int64_t rank = node.type(0).getRank();
  SmallVector<int64_t> order = {axis};
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      order.push_back(i);
  Value input = transpose(b, loc, node.input(0), order);
  auto type = cast<RankedTensorType>(input.getType());
  Value zero = scalar(b, loc, type.getElementType(), 0);
  Value start = filled(b, loc, type.getShape().drop_front(), zero);
  Value count = arith::ConstantIndexOp::create(b, loc, type.getDimSize(0));
  auto scan = lig::net::ScanOp::create(b, loc, count, start, input, type,
                                       {reverse}, {reverse});
  OpBuilder::InsertionGuard guard(b);
  Block &body = scan.getBody().front();
  b.setInsertionPointToStart(&body);
  Value before = body.getArgument(1), slice = body.getArgument(2);
  Value sum = elementwise(b, loc, type.getElementType(), {before, slice},
                          [](OpBuilder &b, Location loc, ValueRange in) {
                            return addNumbers(b, loc, in[0], in[1]);
                          });
  lig::net::YieldOp::create(b, loc, ValueRange{sum, exclusive ? before : sum});
  b.setInsertionPointAfter(scan);
  return transpose(b, loc, scan.getResult(1), invertPermutationVector(order));
}

static LogicalResult translateCumSum(Node &node) {
  bool exclusive = node.intAttribute("exclusive", 0);
  bool reverse = node.intAttribute("reverse", 0);
  int64_t rank = node.type(0).getRank();
  if (rank == 0)
    return node.error() << "a scalar has no axis to sum along";
  if (failed(checkSingle(node, 1, "the axis")))
    return failure();
  if (auto given = node.constantInts(1)) {
    FailureOr<int64_t> axis = node.normalizeAxis(given->front(), rank);
    if (failed(axis))
      return failure();
    node.setOutput(0, cumulate(node, *axis, exclusive, reverse),
                   node.isUnsigned(0));
    return success();
  }
  // An axis that only the run knows: all sums, of which it takes one.
  OpBuilder &b = node.builder();
  Value axis = reshape(b, node.loc(), node.input(1), {});
  Value result;
  for (int64_t i = 0; i < rank; ++i) {
    Value sums = cumulate(node, i, exclusive, reverse);
    if (!result) {
      result = sums;
      continue;
    }
    result = elementwise(
        b, node.loc(), node.elementType(0), {sums, result, axis},
        [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
          auto isAxis = [&](int64_t value) -> Value {
            return arith::CmpIOp::create(
                b, loc, arith::CmpIPredicate::eq, in[2],
                scalar(b, loc, in[2].getType(), value));
          };
          Value here =
              arith::OrIOp::create(b, loc, isAxis(i), isAxis(i - rank));
          return arith::SelectOp::create(b, loc, here, in[0], in[1]);
        });
  }
  node.setOutput(0, result, node.isUnsigned(0));
  return success();
}

void lig::onnx_import::addReductionOperators(OperatorTable &table) {
  table.add("ReduceSum", 1, translateReduce<Kind::Sum>);
  table.add("ReduceMean", 1, translateReduce<Kind::Mean>);
  table.add("ReduceProd", 1, translateReduce<Kind::Prod>);
  table.add("ReduceMax", 1, translateReduce<Kind::Max>);
  table.add("ReduceMin", 1, translateReduce<Kind::Min>);
  table.add("ReduceL1", 1, translateReduce<Kind::L1>);
  table.add("ReduceL2", 1, translateReduce<Kind::L2>);
  table.add("ReduceLogSum", 1, translateReduce<Kind::LogSum>);
  table.add("ReduceSumSquare", 1, translateReduce<Kind::SumSquare>);
  table.add("ReduceLogSumExp", 1, translateReduceLogSumExp);
  table.add("ArgMax", 1, translateArg<true>);
  table.add("ArgMin", 1, translateArg<false>);
  table.add("CumSum", 11, translateCumSum);
  table.add("Softmax", 1, translateSoftmax);
  table.add("LogSoftmax", 1, translateLogSoftmax);
  table.add("Hardmax", 1, translateHardmax);
}
