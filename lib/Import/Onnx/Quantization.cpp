// Quantization: between floats and integers with scales and zero points, for a
// whole tensor or per slice of an axis, and convolutions of such integers.

#include "Operators.h"

#include "Build.h"
#include "Checks.h"
#include "ScalarMath.h"
#include "Window.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lig::onnx_import;

/// Scale or zero point in a shape that broadcasts over input 0.
static FailureOr<Value> alongAxis(Node &node, unsigned i) {
  OpBuilder &b = node.builder();
  if (node.type(i).getNumElements() == 1)
    return reshape(b, node.loc(), node.input(i), {});
  int64_t rank = node.type(0).getRank();
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.intAttribute("axis", 1), rank);
  if (failed(axis))
    return failure();
  if (node.intAttribute("block_size", 0))
    return node.error() << "blocks along an axis are not supported";
  if (node.type(i).getRank() != 1 || node.shape(i)[0] != node.shape(0)[*axis])
    return node.error() << "input " << i << " is " << node.type(i)
                        << ", but axis " << *axis << " of input 0 has extent "
                        << node.shape(0)[*axis];
  SmallVector<int64_t> shape(rank, 1);
  shape[*axis] = node.shape(i)[0];
  return reshape(b, node.loc(), node.input(i), shape);
}

/// Input 0, its scale, and the zero point where there is one.
static FailureOr<SmallVector<Value>> scaledOperands(Node &node) {
  SmallVector<Value> operands = {node.input(0)};
  for (unsigned i = 1, count = node.hasInput(2) ? 3 : 2; i < count; ++i) {
    FailureOr<Value> operand = alongAxis(node, i);
    if (failed(operand))
      return failure();
    operands.push_back(*operand);
  }
  return operands;
}

/// saturate(round(x / scale) + zero point)
static LogicalResult translateQuantizeLinear(Node &node) {
  OpBuilder &b = node.builder();
  ElementType to = {b.getIntegerType(8), true};
  if (node.hasInput(2))
    to = {node.elementType(2), node.isUnsigned(2)};
  else if (int64_t type = node.intAttribute("output_dtype", 0))
    to = elementTypeOf(type, node.context());
  if (!to || !isa<IntegerType>(to.type))
    return node.error() << "quantization to this type is not supported";
  FailureOr<SmallVector<Value>> inputs = scaledOperands(node);
  if (failed(inputs))
    return failure();
  Type f32 = b.getF32Type();
  auto body = [=](OpBuilder &b, Location loc, ValueRange in) {
    Value x = castScalar(b, loc, in[0], f32, false, false);
    Value divisor = castScalar(b, loc, in[1], f32, false, false);
    Value y = math::RoundEvenOp::create(
        b, loc, arith::DivFOp::create(b, loc, x, divisor));
    if (in.size() == 3)
      y = addNumbers(b, loc, y,
                     castScalar(b, loc, in[2], f32, to.isUnsigned, false));
    return roundSaturated(b, loc, y, to.type, to.isUnsigned);
  };
  node.setOutput(
      0, elementwise(b, node.loc(), node.shape(0), to.type, *inputs, body),
      to.isUnsigned);
  return success();
}

/// (x - zero point) * scale
static LogicalResult translateDequantizeLinear(Node &node) {
  OpBuilder &b = node.builder();
  FailureOr<SmallVector<Value>> inputs = scaledOperands(node);
  if (failed(inputs))
    return failure();
  Type type = node.elementType(1);
  bool isUnsigned = node.isUnsigned(0);
  auto body = [=](OpBuilder &b, Location loc, ValueRange in) {
    Value x = castScalar(b, loc, in[0], b.getI32Type(), isUnsigned, false);
    if (in.size() == 3)
      x = arith::SubIOp::create(
          b, loc, x,
          castScalar(b, loc, in[2], b.getI32Type(), isUnsigned, false));
    x = castScalar(b, loc, x, b.getF32Type(), false, false);
    Value factor = castScalar(b, loc, in[1], b.getF32Type(), false, false);
    return castScalar(b, loc, multiply(b, loc, x, factor), type, false, false);
  };
  node.setOutput(0,
                 elementwise(b, node.loc(), node.shape(0), type, *inputs, body));
  return success();
}

//===-- Convolutions -----------------------------------------------------===//

/// A value of one entry, or of one an output channel, beside [N, C, ...].
static FailureOr<Value> alongChannels(Node &node, unsigned i, Value value,
                                      int64_t channels, int64_t spatial) {
  SmallVector<int64_t> shape;
  if (node.type(i).getNumElements() != 1) {
    if (failed(checkShape(node, i, {channels}, "a scale or zero point")))
      return failure();
    shape.push_back(channels);
    shape.append(spatial, 1);
  }
  return reshape(node.builder(), node.loc(), value, shape);
}

/// Input `i` less zero point `zero`, which may be left out; a filter's has one
/// entry or one a row. The difference of two bytes fits into 16 bits.
static FailureOr<Value> centered(Node &node, unsigned i, unsigned zero) {
  OpBuilder &b = node.builder();
  Type wide = b.getI16Type();
  Value value =
      castTensor(b, node.loc(), node.input(i), wide, node.isUnsigned(i), false);
  if (!node.hasInput(zero))
    return value;
  FailureOr<Value> offset =
      alongChannels(node, zero,
                    castTensor(b, node.loc(), node.input(zero), wide,
                               node.isUnsigned(zero), false),
                    node.shape(i)[0], node.type(i).getRank() - 1);
  if (failed(offset))
    return failure();
  return elementwise(b, node.loc(), wide, {value, *offset},
                     [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                       return arith::SubIOp::create(b, loc, in[0], in[1]);
                     });
}

/// The convolution of inputs `x` and `w`, whose zero points come `step` inputs
/// after them, in i32. Pads hold the zero point, hence 0 once it is taken off.
static FailureOr<Value> convolve(Node &node, unsigned x, unsigned w,
                                 unsigned step, Value bias) {
  ArrayRef<int64_t> input = node.shape(x), filter = node.shape(w);
  int64_t groups = node.intAttribute("group", 1);
  if (input.size() < 3 || filter.size() != input.size() || groups < 1 ||
      filter[1] != input[1] / groups || input[1] % groups || filter[0] % groups)
    return LogicalResult(node.error()
                         << "the input has shape " << describe(input)
                         << " and the filter " << describe(filter) << " for "
                         << groups << " groups");
  Window window;
  auto shape = shapeOfConvolution(node, window, input, filter);
  if (failed(shape))
    return failure();
  auto type = node.makeType(*shape, node.builder().getI32Type());
  FailureOr<Value> left = centered(node, x, x + step);
  FailureOr<Value> right = centered(node, w, w + step);
  if (failed(type) || failed(left) || failed(right))
    return failure();
  return lig::net::ConvOp::create(node.builder(), node.loc(), *type, *left,
                                  *right, bias, window.strides,
                                  window.dilations, window.pads, groups)
      .getResult();
}

static LogicalResult translateConvInteger(Node &node) {
  FailureOr<Value> sums = convolve(node, 0, 1, 2, Value());
  if (failed(sums))
    return failure();
  node.setOutput(0, *sums);
  return success();
}

/// saturate(round(conv(x, w) * (scale_x * scale_w / scale_y)) + zero_y)
static LogicalResult translateQLinearConv(Node &node) {
  enum { X, ScaleX, ZeroX, W, ScaleW, ZeroW, ScaleY, ZeroY, Bias };
  OpBuilder &b = node.builder();
  FailureOr<Value> sums =
      convolve(node, X, W, 2, node.hasInput(Bias) ? node.input(Bias) : Value());
  if (failed(sums))
    return failure();
  FailureOr<Value> scale =
      alongChannels(node, ScaleW, node.input(ScaleW), node.shape(W)[0],
                    node.type(W).getRank() - 2);
  if (failed(scale))
    return failure();
  auto single = [&](unsigned i) {
    return reshape(b, node.loc(), node.input(i), {});
  };
  Value inputs[] = {*sums, *scale, single(ScaleX), single(ScaleY),
                    single(ZeroY)};
  Type to = node.elementType(ZeroY);
  bool isUnsigned = node.isUnsigned(ZeroY);
  auto body = [=](OpBuilder &b, Location loc, ValueRange in) {
    Value factor =
        arith::DivFOp::create(b, loc, multiply(b, loc, in[1], in[2]), in[3]);
    Value sum = castScalar(b, loc, in[0], b.getF32Type(), false, false);
    Value rounded =
        math::RoundEvenOp::create(b, loc, multiply(b, loc, sum, factor));
    Value zero = castScalar(b, loc, in[4], b.getF32Type(), isUnsigned, false);
    return roundSaturated(b, loc, addNumbers(b, loc, rounded, zero), to,
                          isUnsigned);
  };
  node.setOutput(0, elementwise(b, node.loc(), to, inputs, body), isUnsigned);
  return success();
}

void lig::onnx_import::addQuantizationOperators(OperatorTable &table) {
  table.add("ConvInteger", 10, translateConvInteger);
  table.add("QLinearConv", 10, translateQLinearConv);
  table.add("QuantizeLinear", 10, translateQuantizeLinear);
  table.add("DequantizeLinear", 10, translateDequantizeLinear);
}
