// Normalisations by statistics of the input itself: layer, instance, group,
// root mean square, norms, neighbouring channels. Scale and bias are
// elementwise, so that they join whatever stands beside them.

#include "Operators.h"

#include "BatchNormalization.h"
#include "Build.h"
#include "Checks.h"
#include "Moves.h"
#include "Statistics.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace lig::onnx_import;

static Value normalize(Node &node, Value input, ArrayRef<int64_t> axes,
                       double epsilon) {
  return lig::net::NormalizeOp::create(node.builder(), node.loc(),
                                       input.getType(), input, axes,
                                       llvm::APFloat(epsilon));
}

/// value * scale + bias with both, if they are there, broadcast to the value.
static Value scaleAndShift(Node &node, Value value, Value scale, Value bias) {
  Type type = cast<RankedTensorType>(value.getType()).getElementType();
  SmallVector<Value> operands = {value};
  if (scale)
    operands.push_back(scale);
  if (bias)
    operands.push_back(bias);
  if (operands.size() == 1)
    return value;
  return elementwise(
      node.builder(), node.loc(), type, operands,
      [&](OpBuilder &b, Location loc, ValueRange in) {
        Value result = in[0];
        if (scale)
          result = arith::MulFOp::create(b, loc, result, in[1]);
        return bias ? arith::AddFOp::create(b, loc, result, in.back()) : result;
      });
}

/// A vector of one value a channel, ready to broadcast over [N, C, ...].
static Value perChannel(Node &node, unsigned i) {
  SmallVector<int64_t> shape(node.shape(0).size() - 1, 1);
  shape[0] = node.type(i).getNumElements();
  return reshape(node.builder(), node.loc(), node.input(i), shape);
}

static LogicalResult checkChannels(Node &node, unsigned inputs, int64_t count) {
  if (node.shape(0).size() < 2)
    return node.error() << "the input has shape " << describe(node.shape(0))
                        << ", but should have [N, C, ...]";
  for (unsigned i = 1; i < inputs; ++i)
    if (failed(checkShape(node, i, count, i == 1 ? "the scale" : "the bias")))
      return failure();
  return success();
}

static LogicalResult translateInstance(Node &node) {
  if (failed(checkFloats(node, 3)) ||
      failed(checkChannels(node, 3,
                           node.shape(0).size() > 1 ? node.shape(0)[1] : 0)))
    return failure();
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(2, node.shape(0).size()));
  Value result = normalize(node, node.input(0), axes,
                           node.floatAttribute("epsilon", 1e-5));
  node.setOutput(
      0, scaleAndShift(node, result, perChannel(node, 1), perChannel(node, 2)));
  return success();
}

/// Scale and bias have one value a group up to operator set 20, then one a
/// channel.
static LogicalResult translateGroup(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0);
  int64_t groups = node.intAttribute("num_groups", 0);
  if (failed(checkFloats(node, 3)))
    return failure();
  if (shape.size() < 2 || groups < 1 || shape[1] % groups != 0)
    return node.error() << groups << " groups do not divide the channels of "
                        << describe(shape);
  bool perGroup = node.opset() < 21;
  if (failed(checkChannels(node, 3, perGroup ? groups : shape[1])))
    return failure();
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  int64_t inner = shape[0] * groups
                      ? node.type(0).getNumElements() / (shape[0] * groups)
                      : 0;
  Value value = reshape(b, loc, node.input(0), {shape[0], groups, inner});
  value = normalize(node, value, 2, node.floatAttribute("epsilon", 1e-5));
  if (perGroup)
    value =
        scaleAndShift(node, value, reshape(b, loc, node.input(1), {groups, 1}),
                      reshape(b, loc, node.input(2), {groups, 1}));
  value = reshape(b, loc, value, shape);
  if (!perGroup)
    value =
        scaleAndShift(node, value, perChannel(node, 1), perChannel(node, 2));
  node.setOutput(0, value);
  return success();
}

/// The last axes from `axis` on, and the type that statistics are given in.
static FailureOr<SmallVector<int64_t>> trailingAxes(Node &node) {
  int64_t rank = node.shape(0).size();
  auto axis = node.normalizeAxis(node.intAttribute("axis", -1), rank);
  if (failed(axis))
    return failure();
  for (unsigned i = 1; i < std::min(3u, node.numInputs()); ++i) {
    if (!node.hasInput(i))
      continue;
    auto joint = broadcastShapes(node.shape(0), node.shape(i));
    if (failed(joint) || ArrayRef(*joint) != node.shape(0))
      return LogicalResult(node.error() << "input " << i << " of shape "
                                        << describe(node.shape(i))
                                        << " does not broadcast to "
                                        << describe(node.shape(0)));
  }
  return llvm::to_vector(llvm::seq<int64_t>(*axis, rank));
}

static LogicalResult translateLayer(Node &node) {
  if (failed(checkFloats(node, 3)))
    return failure();
  auto axes = trailingAxes(node);
  if (failed(axes))
    return failure();
  double epsilon = node.floatAttribute("epsilon", 1e-5);
  Value result = normalize(node, node.input(0), *axes, epsilon);
  node.setOutput(0, scaleAndShift(node, result, node.input(1),
                                  node.hasInput(2) ? node.input(2) : Value()));
  if (!node.wantsOutput(1) && !node.wantsOutput(2))
    return success();
  OpBuilder &b = node.builder();
  auto stash =
      elementTypeOf(node.intAttribute("stash_type", 1), b.getContext());
  if (!stash || !isa<FloatType>(stash.type))
    return node.error() << "stash_type is "
                        << node.intAttribute("stash_type", 1);
  Moments moments = momentsOf(b, node.loc(), node.input(0), *axes);
  node.setOutput(
      1, castTensor(b, node.loc(), moments.mean, stash.type, false, false));
  Value inverse = inverseDeviation(b, node.loc(), moments.variance, epsilon);
  node.setOutput(2,
                 castTensor(b, node.loc(), inverse, stash.type, false, false));
  return success();
}

static LogicalResult translateRms(Node &node) {
  if (failed(checkFloats(node, 1)))
    return failure();
  auto axes = trailingAxes(node);
  if (failed(axes))
    return failure();
  OpBuilder &b = node.builder();
  Value square = meanOfPowers(b, node.loc(), node.input(0), *axes, 2);
  Value inverse = inverseDeviation(b, node.loc(), square,
                                   node.floatAttribute("epsilon", 1e-5));
  Type type = node.elementType(1);
  if (!isa<FloatType>(type))
    return node.error() << "the scale has elements of type " << type;
  Value result = elementwise(
      b, node.loc(), type, {node.input(0), inverse, node.input(1)},
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value x = castScalar(nested, at, in[0], in[1].getType(), false, false);
        x = arith::MulFOp::create(nested, at, x, in[1]);
        x = castScalar(nested, at, x, type, false, false);
        return arith::MulFOp::create(nested, at, x, in[2]);
      });
  node.setOutput(0, result);
  return success();
}

static LogicalResult translateLp(Node &node) {
  auto axis =
      node.normalizeAxis(node.intAttribute("axis", -1), node.shape(0).size());
  int64_t order = node.intAttribute("p", 2);
  if (failed(axis) || failed(checkFloats(node, 1)))
    return failure();
  if (order != 1 && order != 2)
    return node.error() << "the norm has order " << order;
  OpBuilder &b = node.builder();
  Type type = node.elementType(0);
  Value sum = sumOfPowers(b, node.loc(), node.input(0), *axis, order);
  Value result = elementwise(
      b, node.loc(), type, {node.input(0), sum},
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Type wide = in[1].getType();
        Value norm =
            order == 2 ? Value(math::SqrtOp::create(nested, at, in[1])) : in[1];
        Value zero = scalar(nested, at, wide, 0);
        // Zeros stay zeros.
        Value isZero = arith::CmpFOp::create(
            nested, at, arith::CmpFPredicate::OEQ, norm, zero);
        norm = arith::SelectOp::create(nested, at, isZero,
                                       scalar(nested, at, wide, 1), norm);
        Value x = castScalar(nested, at, in[0], wide, false, false);
        return castScalar(nested, at,
                          arith::DivFOp::create(nested, at, x, norm), type,
                          false, false);
      });
  node.setOutput(0, result);
  return success();
}

static LogicalResult translateMeanVariance(Node &node) {
  SmallVector<int64_t> axes = node.intsAttribute("axes", {0, 2, 3});
  if (failed(checkFloats(node, 1)) ||
      failed(node.normalizeAxes(axes, node.shape(0).size())))
    return failure();
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  // The definition adds 1e-9 to the deviation.
  node.setOutput(0, normalize(node, node.input(0), axes, 1e-18));
  return success();
}

/// base^exponent for a positive base; square roots where they do.
static Value positivePower(OpBuilder &b, Location loc, Value base,
                           double exponent) {
  if (exponent == 1)
    return base;
  if (exponent != 0.5 && exponent != 0.75)
    return math::PowFOp::create(b, loc, base,
                                scalar(b, loc, base.getType(), exponent));
  Value root = math::SqrtOp::create(b, loc, base);
  if (exponent == 0.5)
    return root;
  return arith::MulFOp::create(b, loc, root,
                               math::SqrtOp::create(b, loc, root));
}

static LogicalResult translateLrn(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0);
  int64_t size = node.intAttribute("size", 0);
  if (failed(checkFloats(node, 1)))
    return failure();
  if (shape.size() < 2 || size < 1 || size > (1 << 20))
    return node.error() << "neighbourhoods of " << size
                        << " channels in an input of shape " << describe(shape);
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Value squares =
      neighbourSquares(b, loc, node.input(0), (size - 1) / 2, size / 2);
  double scale = node.floatAttribute("alpha", 1e-4) / size;
  double bias = node.floatAttribute("bias", 1);
  double exponent = node.floatAttribute("beta", 0.75);
  Type type = node.elementType(0);
  Value result = elementwise(
      b, loc, type, {node.input(0), squares},
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Type wide = in[1].getType();
        Value base = arith::MulFOp::create(nested, at, in[1],
                                           scalar(nested, at, wide, scale));
        base = arith::AddFOp::create(nested, at, base,
                                     scalar(nested, at, wide, bias));
        Value x = castScalar(nested, at, in[0], wide, false, false);
        x = arith::DivFOp::create(nested, at, x,
                                  positivePower(nested, at, base, exponent));
        return castScalar(nested, at, x, type, false, false);
      });
  node.setOutput(0, result);
  return success();
}

void lig::onnx_import::addNormalizationOperators(OperatorTable &table) {
  table.add("BatchNormalization", 1, translateBatchNormalization);
  table.add("InstanceNormalization", 6, translateInstance);
  table.add("GroupNormalization", 18, translateGroup);
  table.add("LayerNormalization", 17, translateLayer);
  table.add("RMSNormalization", 23, translateRms);
  table.add("LpNormalization", 1, translateLp);
  table.add("MeanVarianceNormalization", 9, translateMeanVariance);
  table.add("LRN", 1, translateLrn);
}
