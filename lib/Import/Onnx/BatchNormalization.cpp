// In use, a batch normalisation is x * a + b with a and b computed from
// parameters alone: they become parameters of their own when compiled, and what
// is left joins the convolution before it. In training mode, statistics of the
// batch take the place of the running ones, which move towards them.

#include "BatchNormalization.h"

#include "Build.h"
#include "Checks.h"
#include "Statistics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace lig::onnx_import;

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

/// x * a + b, a = scale / sqrt(variance + epsilon), b = bias - mean * a; all
/// but x of one value a channel.
static Value apply(Node &node, Value mean, Value variance, Type wide) {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  double epsilon = node.floatAttribute("epsilon", 1e-5);
  auto widened = [&](OpBuilder &nested, Location at, Value value) {
    return castScalar(nested, at, value, wide, false, false);
  };
  Value factor = elementwise(
      b, loc, wide, {node.input(1), variance},
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value shifted =
            arith::AddFOp::create(nested, at, widened(nested, at, in[1]),
                                  scalar(nested, at, wide, epsilon));
        return arith::DivFOp::create(nested, at, widened(nested, at, in[0]),
                                     math::SqrtOp::create(nested, at, shifted));
      });
  Value offset =
      elementwise(b, loc, wide, {node.input(2), mean, factor},
                  [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
                    Value moved = arith::MulFOp::create(
                        nested, at, widened(nested, at, in[1]), in[2]);
                    return arith::SubFOp::create(
                        nested, at, widened(nested, at, in[0]), moved);
                  });
  // One value a channel meets [N, C, ...]; one an element meets [C, ...].
  SmallVector<int64_t> shape(node.shape(1));
  if (shape.size() == 1 && node.shape(0).size() > 1)
    shape.append(node.shape(0).size() - 2, 1);
  Type type = node.elementType(0);
  return elementwise(
      b, loc, type,
      {node.input(0), reshape(b, loc, factor, shape),
       reshape(b, loc, offset, shape)},
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value x = arith::MulFOp::create(nested, at, widened(nested, at, in[0]),
                                        in[1]);
        x = arith::AddFOp::create(nested, at, x, in[2]);
        return castScalar(nested, at, x, type, false, false);
      });
}

/// running * momentum + current * (1 - momentum), in the running type.
static Value moved(Node &node, unsigned running, Value current) {
  double momentum = node.floatAttribute("momentum", 0.9);
  Type type = node.elementType(running);
  return elementwise(
      node.builder(), node.loc(), type, {node.input(running), current},
      [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
        Type wide = in[1].getType();
        Value old = castScalar(b, loc, in[0], wide, false, false);
        old =
            arith::MulFOp::create(b, loc, old, scalar(b, loc, wide, momentum));
        Value fresh = arith::MulFOp::create(b, loc, in[1],
                                            scalar(b, loc, wide, 1 - momentum));
        return castScalar(b, loc, arith::AddFOp::create(b, loc, old, fresh),
                          type, false, false);
      });
}

static LogicalResult checkOperands(Node &node) {
  ArrayRef<int64_t> input = node.shape(0);
  if (!isa<FloatType>(node.elementType(0)) || input.empty())
    return node.error() << "the input has type " << node.type(0);
  SmallVector<int64_t> wanted = {input.size() > 1 ? input[1] : 1};
  // Until operator set 9 statistics could be kept for every element.
  if (node.opset() < 9 && node.intAttribute("spatial", 1) == 0 &&
      input.size() > 1)
    wanted.assign(input.begin() + 1, input.end());
  for (unsigned i = 1; i < 5; ++i) {
    if (!isa<FloatType>(node.elementType(i)))
      return node.error() << "input " << i << " has elements of type "
                          << node.elementType(i);
    if (failed(checkShape(node, i, wanted, "the statistic")))
      return failure();
  }
  return success();
}

LogicalResult lig::onnx_import::translateBatchNormalization(Node &node) {
  if (failed(checkOperands(node)))
    return failure();
  Type wide = accumulatorOf(node.elementType(0));
  for (unsigned i : {1u, 3u})
    if (node.elementType(i).getIntOrFloatBitWidth() >
        wide.getIntOrFloatBitWidth())
      wide = node.elementType(i);
  bool trains = node.intAttribute("training_mode", 0) != 0;
  if (node.opset() < 14)
    for (unsigned i = 1; i < 5; ++i)
      trains |= node.wantsOutput(i);
  if (!trains) {
    node.setOutput(0, apply(node, node.input(3), node.input(4), wide));
    return success();
  }

  OpBuilder &b = node.builder();
  Location loc = node.loc();
  ArrayRef<int64_t> statistic = node.shape(1);
  SmallVector<int64_t> axes = {0};
  if (statistic.size() == 1)
    axes.append(llvm::to_vector(llvm::seq<int64_t>(2, node.shape(0).size())));
  Value input = castTensor(b, loc, node.input(0), wide, false, false);
  Moments moments = momentsOf(b, loc, input, axes);
  Value mean = reshape(b, loc, moments.mean, statistic);
  Value variance = reshape(b, loc, moments.variance, statistic);
  node.setOutput(0, apply(node, mean, variance, elementOf(mean)));
  node.setOutput(1, moved(node, 3, mean));
  node.setOutput(2, moved(node, 4, variance));
  if (node.opset() < 14) {
    node.setOutput(3, mean);
    node.setOutput(4, variance);
  }
  return success();
}
