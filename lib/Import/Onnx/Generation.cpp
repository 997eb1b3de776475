// Operators that make tensors out of a shape or a few numbers.

#include "Operators.h"

#include "Build.h"
#include "Checks.h"
#include "Node.h"
#include "ScalarMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cmath>

using namespace mlir;
using namespace lig::onnx_import;

/// The extents in input 0, or what the model declares for the output.
static FailureOr<SmallVector<int64_t>> readShape(Node &node) {
  if (!node.constant(0))
    if (auto declared = node.declaredShape(0))
      return *declared;
  return node.requireInts(0, "the shape");
}

static LogicalResult translateConstantOfShape(Node &node) {
  FailureOr<SmallVector<int64_t>> shape = readShape(node);
  if (failed(shape))
    return failure();
  OpBuilder &b = node.builder();
  Type type = b.getF32Type();
  bool isUnsigned = false;
  double value = 0;
  if (const onnx::AttributeProto *attribute = node.attribute("value")) {
    FailureOr<Constant> constant = node.readTensor(attribute->t());
    if (failed(constant))
      return failure();
    if (constant->numElements() != 1)
      return node.error() << "value is " << constant->type
                          << ", but should have one element";
    type = constant->type.getElementType();
    isUnsigned = constant->isUnsigned;
    value = constant->asFloats().front();
  }
  if (failed(node.makeType(*shape, type)))
    return failure();
  node.setOutput(
      0, filled(b, node.loc(), *shape, scalar(b, node.loc(), type, value)),
      isUnsigned);
  return success();
}

/// A place along dimension `i` of the iteration space, in `type`.
static Value indexAs(OpBuilder &b, Location loc, int64_t i, Type type) {
  Value index = linalg::IndexOp::create(b, loc, i);
  return arith::IndexCastOp::create(b, loc, type, index);
}

/// A tensor computed from nothing but its indices.
static Value fromIndices(Node &node, ArrayRef<int64_t> shape, Type type,
                         const ScalarBody &body) {
  // The body reads only the place, so what it iterates over is one number.
  Value seed = filled(node.builder(), node.loc(), {},
                      scalar(node.builder(), node.loc(), type, 0));
  return elementwise(node.builder(), node.loc(), shape, type, seed, body);
}

static LogicalResult translateEyeLike(Node &node) {
  if (node.type(0).getRank() != 2)
    return node.error() << "the input is " << node.type(0)
                        << ", but should be a matrix";
  ElementType to = {node.elementType(0), node.isUnsigned(0)};
  if (int64_t given = node.intAttribute("dtype", 0))
    to = elementTypeOf(given, node.context());
  if (!to)
    return node.error() << "the type asked for is not supported";
  int64_t diagonal = node.intAttribute("k", 0);
  Value eye = fromIndices(
      node, node.shape(0), to.type,
      [=](OpBuilder &b, Location loc, ValueRange) -> Value {
        Type place = b.getI64Type();
        Value row = addNumbers(b, loc, indexAs(b, loc, 0, place),
                               scalar(b, loc, place, diagonal));
        Value hit = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, row,
                                          indexAs(b, loc, 1, place));
        return arith::SelectOp::create(b, loc, hit, scalar(b, loc, to.type, 1),
                                       scalar(b, loc, to.type, 0));
      });
  node.setOutput(0, eye, to.isUnsigned);
  return success();
}

/// Keeps one side of the diagonal `k` of each matrix.
static LogicalResult translateTrilu(Node &node) {
  int64_t rank = node.type(0).getRank();
  if (rank < 2)
    return node.error() << "the input is " << node.type(0)
                        << ", but should hold matrices";
  bool upper = node.intAttribute("upper", 1);
  OpBuilder &b = node.builder();
  SmallVector<Value> inputs = {node.input(0)};
  if (node.hasInput(1))
    inputs.push_back(reshape(b, node.loc(), node.input(1), {}));
  Type type = node.elementType(0);
  auto body = [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
    Type place = b.getI64Type();
    Value column = indexAs(b, loc, rank - 1, place);
    Value edge = indexAs(b, loc, rank - 2, place);
    if (in.size() == 2)
      edge = addNumbers(b, loc, edge, in[1]);
    Value keeps = arith::CmpIOp::create(
        b, loc, upper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle,
        column, edge);
    return arith::SelectOp::create(b, loc, keeps, in[0],
                                   scalar(b, loc, type, 0));
  };
  node.setOutput(0,
                 elementwise(b, node.loc(), node.shape(0), type, inputs, body),
                 node.isUnsigned(0));
  return success();
}

/// values[1] where an index names the place, values[0] elsewhere; an index
/// outside [-depth, depth) names none.
static LogicalResult translateOneHot(Node &node) {
  int64_t rank = node.type(0).getRank();
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.intAttribute("axis", -1), rank + 1);
  if (failed(axis) || failed(checkSingle(node, 1, "the depth")) ||
      failed(checkShape(node, 2, {2}, "the values")))
    return failure();
  SmallVector<int64_t> shape = llvm::to_vector(node.shape(0));
  int64_t depth;
  if (const Constant *given = node.constant(1)) {
    depth = given->asInts().front();
  } else if (auto declared = node.declaredShape(0)) {
    depth = (*declared)[*axis];
  } else {
    return node.requireInts(1, "the depth");
  }
  shape.insert(shape.begin() + *axis, depth);
  if (failed(node.makeType(shape, node.elementType(2))))
    return failure();
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  SmallVector<int64_t> kept = shape;
  kept[*axis] = 1;
  Value indices = castTensor(b, loc, node.input(0), b.getI64Type(),
                             node.isUnsigned(0), false);
  indices = reshape(b, loc, indices, kept);
  Value values = node.input(2);
  Value off = reshape(b, loc, slice(b, loc, values, {0}, {1}), {});
  Value on = reshape(b, loc, slice(b, loc, values, {1}, {1}), {});
  int64_t dimension = *axis;
  auto body = [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
    Type place = b.getI64Type();
    Value here = indexAs(b, loc, dimension, place);
    Value fromEnd =
        arith::SubIOp::create(b, loc, here, scalar(b, loc, place, depth));
    auto equals = [&](Value x) -> Value {
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, in[0], x);
    };
    Value hit = arith::OrIOp::create(b, loc, equals(here), equals(fromEnd));
    return arith::SelectOp::create(b, loc, hit, in[2], in[1]);
  };
  node.setOutput(
      0,
      elementwise(b, loc, shape, node.elementType(2), {indices, off, on}, body),
      node.isUnsigned(2));
  return success();
}

/// start + i * step; how many there are must be known.
static LogicalResult translateRange(Node &node) {
  if (failed(checkSingle(node, 0, "the start")) ||
      failed(checkSingle(node, 1, "the limit")) ||
      failed(checkSingle(node, 2, "the step")))
    return failure();
  const Constant *start = node.constant(0), *limit = node.constant(1),
                 *step = node.constant(2);
  int64_t count;
  if (start && limit && step) {
    double stride = step->asFloats().front();
    if (stride == 0)
      return node.error() << "the step is 0";
    double span = limit->asFloats().front() - start->asFloats().front();
    double steps = std::ceil(span / stride);
    if (!(steps < 0x1p46))
      return node.error() << "there would be " << steps << " numbers";
    count = std::max<int64_t>(0, truncated(steps));
  } else if (auto declared = node.declaredShape(0);
             declared && declared->size() == 1) {
    count = declared->front();
  } else {
    return node.error() << "how many numbers it gives is known at run time "
                           "only";
  }
  Type type = node.elementType(0);
  if (failed(node.makeType({count}, type)))
    return failure();
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Value first = reshape(b, loc, node.input(0), {});
  Value stride = reshape(b, loc, node.input(2), {});
  node.setOutput(
      0, elementwise(
             b, loc, {count}, type, {first, stride},
             [=](OpBuilder &b, Location loc, ValueRange in) {
               Value i = castScalar(b, loc, indexAs(b, loc, 0, b.getI64Type()),
                                    type, false, false);
               return addNumbers(b, loc, in[0], multiply(b, loc, i, in[1]));
             }));
  return success();
}

void lig::onnx_import::addGenerationOperators(OperatorTable &table) {
  table.add("ConstantOfShape", 9, translateConstantOfShape);
  table.add("EyeLike", 9, translateEyeLike);
  table.add("Trilu", 14, translateTrilu);
  table.add("OneHot", 9, translateOneHot);
  table.add("Range", 11, translateRange);
}
