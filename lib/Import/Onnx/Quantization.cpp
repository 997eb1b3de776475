// Quantization: between floats and integers with scales and zero points, for a
// whole tensor or per slice of an axis, and convolutions of such integers.

#include "Operators.h"

#include "Build.h"
#include "Node.h"
#include "ScalarMath.h"

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
  FailureOr<Value> scale = alongAxis(node, 1);
  if (failed(scale))
    return failure();
  SmallVector<Value> inputs = {node.input(0), *scale};
  if (node.hasInput(2)) {
    FailureOr<Value> zero = alongAxis(node, 2);
    if (failed(zero))
      return failure();
    inputs.push_back(*zero);
  }
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
      0, elementwise(b, node.loc(), node.shape(0), to.type, inputs, body),
      to.isUnsigned);
  return success();
}

/// (x - zero point) * scale
static LogicalResult translateDequantizeLinear(Node &node) {
  OpBuilder &b = node.builder();
  FailureOr<Value> scale = alongAxis(node, 1);
  if (failed(scale))
    return failure();
  SmallVector<Value> inputs = {node.input(0), *scale};
  if (node.hasInput(2)) {
    FailureOr<Value> zero = alongAxis(node, 2);
    if (failed(zero))
      return failure();
    inputs.push_back(*zero);
  }
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
                 elementwise(b, node.loc(), node.shape(0), type, inputs, body));
  return success();
}

void lig::onnx_import::addQuantizationOperators(OperatorTable &table) {
  table.add("QuantizeLinear", 10, translateQuantizeLinear);
  table.add("DequantizeLinear", 10, translateDequantizeLinear);
}
