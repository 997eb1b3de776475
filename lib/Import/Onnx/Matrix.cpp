// Products of matrices: MatMul, Gemm, and their integer forms.

#include "Operators.h"

#include "Attention.h"
#include "Build.h"
#include "Contract.h"
#include "Determinant.h"
#include "Einsum.h"
#include "Node.h"
#include "ScalarMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lig::onnx_import;

static LogicalResult clash(Node &node, unsigned a, unsigned b) {
  return node.error() << "the operands " << node.type(a) << " and "
                      << node.type(b) << " do not multiply";
}

static LogicalResult translateMatMul(Node &node) {
  if (node.elementType(0) != node.elementType(1))
    return clash(node, 0, 1);
  FailureOr<Value> product =
      matmul(node.builder(), node.loc(), node.input(0), node.input(1));
  if (failed(product))
    return clash(node, 0, 1);
  node.setOutput(0, *product, node.isUnsigned(0));
  return success();
}

//===-- Gemm -------------------------------------------------------------===//

static Value transposedIf(Node &node, unsigned i, StringRef flag) {
  if (!node.intAttribute(flag, 0))
    return node.input(i);
  return transpose(node.builder(), node.loc(), node.input(i), {1, 0});
}

/// alpha * A B + beta * C, the factors in the pass that adds C.
static LogicalResult translateGemm(Node &node) {
  for (unsigned i : {0u, 1u})
    if (node.type(i).getRank() != 2)
      return node.error() << "input " << i << " is " << node.type(i)
                          << ", but should be a matrix";
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Type type = node.elementType(0);
  bool isUnsigned = node.isUnsigned(0);
  double alpha = node.floatAttribute("alpha", 1);
  double beta = node.floatAttribute("beta", 1);
  FailureOr<Value> product = matmul(b, loc, transposedIf(node, 0, "transA"),
                                    transposedIf(node, 1, "transB"));
  if (failed(product) || node.elementType(1) != type)
    return clash(node, 0, 1);
  SmallVector<Value> inputs = {*product};
  auto shape = cast<RankedTensorType>(product->getType()).getShape();
  if (node.hasInput(2)) {
    FailureOr<SmallVector<int64_t>> joint =
        broadcastShapes(shape, node.shape(2));
    if (failed(joint) || ArrayRef(*joint) != shape ||
        node.elementType(2) != type)
      return node.error() << "C is " << node.type(2)
                          << ", which does not broadcast to "
                          << product->getType();
    inputs.push_back(node.input(2));
  }
  if (inputs.size() == 1 && alpha == 1) {
    node.setOutput(0, *product, isUnsigned);
    return success();
  }
  auto scaled = [=](OpBuilder &b, Location loc, Value x, double factor) {
    if (factor == 1)
      return x;
    if (isa<FloatType>(type))
      return multiply(b, loc, x, scalar(b, loc, type, factor));
    Value wide = castScalar(b, loc, x, b.getF64Type(), isUnsigned, false);
    wide = multiply(b, loc, wide, scalar(b, loc, b.getF64Type(), factor));
    return castScalar(b, loc, wide, type, false, isUnsigned);
  };
  node.setOutput(0,
                 elementwise(b, loc, type, inputs,
                             [=](OpBuilder &b, Location loc, ValueRange in) {
                               Value sum = scaled(b, loc, in[0], alpha);
                               if (in.size() == 1)
                                 return sum;
                               return addNumbers(b, loc, sum,
                                                 scaled(b, loc, in[1], beta));
                             }),
                 isUnsigned);
  return success();
}

//===-- Integers ---------------------------------------------------------===//

/// Input `i` less its zero point, which is a scalar or has one entry per row (of
/// A) or column (of B); the difference of two bytes fits into 16 bits.
static FailureOr<Value> centered(Node &node, unsigned i, unsigned zeroPoint,
                                 bool perRow) {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Type wide = b.getI16Type();
  Value value =
      castTensor(b, loc, node.input(i), wide, node.isUnsigned(i), false);
  if (!node.hasInput(zeroPoint))
    return value;
  Value zero = castTensor(b, loc, node.input(zeroPoint), wide,
                          node.isUnsigned(zeroPoint), false);
  SmallVector<int64_t> shape = llvm::to_vector(node.shape(zeroPoint));
  int64_t entries = node.type(zeroPoint).getNumElements();
  if (entries == 1)
    shape.clear();
  else if (shape.size() == 1 && perRow)
    shape.push_back(1);
  FailureOr<SmallVector<int64_t>> joint = broadcastShapes(node.shape(i), shape);
  if (failed(joint) || ArrayRef(*joint) != node.shape(i))
    return node.error() << "the zero point " << node.type(zeroPoint)
                        << " does not fit " << node.type(i);
  zero = reshape(b, loc, zero, shape);
  return elementwise(b, loc, wide, {value, zero},
                     [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                       return arith::SubIOp::create(b, loc, in[0], in[1]);
                     });
}

static LogicalResult translateMatMulInteger(Node &node) {
  FailureOr<Value> a = centered(node, 0, 2, true);
  FailureOr<Value> b = centered(node, 1, 3, false);
  if (failed(a) || failed(b))
    return failure();
  FailureOr<Value> product = matmul(node.builder(), node.loc(), *a, *b);
  if (failed(product))
    return clash(node, 0, 1);
  node.setOutput(0, *product);
  return success();
}

/// round(A B * (scale_a * scale_b / scale_y)) + zero_y, saturated.
static LogicalResult translateQLinearMatMul(Node &node) {
  enum { A, ScaleA, ZeroA, B, ScaleB, ZeroB, ScaleY, ZeroY };
  FailureOr<Value> a = centered(node, A, ZeroA, true);
  FailureOr<Value> b = centered(node, B, ZeroB, false);
  if (failed(a) || failed(b))
    return failure();
  OpBuilder &builder = node.builder();
  Location loc = node.loc();
  FailureOr<Value> product = matmul(builder, loc, *a, *b);
  if (failed(product))
    return clash(node, A, B);
  Type to = node.elementType(ZeroY);
  bool isUnsigned = node.isUnsigned(ZeroY);
  Type f32 = builder.getF32Type();
  auto scaleOf = [&](unsigned i, bool perRow) {
    SmallVector<int64_t> shape = llvm::to_vector(node.shape(i));
    if (node.type(i).getNumElements() == 1)
      shape.clear();
    else if (shape.size() == 1 && perRow)
      shape.push_back(1);
    return reshape(builder, loc,
                   castTensor(builder, loc, node.input(i), f32, false, false),
                   shape);
  };
  Value zero = reshape(builder, loc, node.input(ZeroY), {});
  Value inputs[] = {*product, scaleOf(ScaleA, true), scaleOf(ScaleB, false),
                    scaleOf(ScaleY, false), zero};
  Value result = elementwise(
      builder, loc, to, inputs, [=](OpBuilder &b, Location loc, ValueRange in) {
        Value scale = arith::DivFOp::create(
            b, loc, multiply(b, loc, in[1], in[2]), in[3]);
        Value x = castScalar(b, loc, in[0], f32, false, false);
        Value rounded =
            math::RoundEvenOp::create(b, loc, multiply(b, loc, x, scale));
        Value offset = castScalar(b, loc, in[4], f32, isUnsigned, false);
        return roundSaturated(b, loc, addNumbers(b, loc, rounded, offset), to,
                              isUnsigned);
      });
  node.setOutput(0, result, isUnsigned);
  return success();
}

void lig::onnx_import::addMatrixOperators(OperatorTable &table) {
  table.add("Attention", 23, translateAttention);
  table.add("RotaryEmbedding", 23, translateRotaryEmbedding);
  table.add("MatMul", 1, translateMatMul);
  table.add("Gemm", 1, translateGemm);
  table.add("MatMulInteger", 10, translateMatMulInteger);
  table.add("QLinearMatMul", 10, translateQLinearMatMul);
  table.add("Einsum", 12, translateEinsum);
  table.add("Det", 11, translateDet);
}
