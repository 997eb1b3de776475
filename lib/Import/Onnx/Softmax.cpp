// Softmax in a form that cannot overflow: exp(x - max) / sum. Until opset 12
// the dimensions from `axis` on count as one, since then it is one dimension.

#include "Softmax.h"

#include "Build.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lig::onnx_import;

namespace {
/// The input as it is normalized: one dimension of it, in f32 at least.
struct Rows {
  Value value;
  int64_t axis;
  SmallVector<int64_t> shape;
};
} // namespace

static FailureOr<Rows> readRows(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0);
  bool coerces = node.opset() < 13;
  int64_t rank = shape.size();
  int64_t given = node.intAttribute("axis", coerces ? 1 : -1);
  // A coerced matrix may have one column, but -1 is the last dimension always.
  FailureOr<int64_t> axis =
      node.normalizeAxis(given, coerces && given >= 0 ? rank + 1 : rank);
  if (failed(axis))
    return failure();
  Rows rows;
  rows.axis = *axis;
  rows.shape = llvm::to_vector(shape);
  if (coerces) {
    int64_t outer = 1, inner = 1;
    for (int64_t i = 0; i < rank; ++i)
      (i < *axis ? outer : inner) *= shape[i];
    rows.shape = {outer, inner};
    rows.axis = 1;
  }
  OpBuilder &b = node.builder();
  Type type = node.elementType(0);
  Type wide = type.getIntOrFloatBitWidth() < 32 ? Type(b.getF32Type()) : type;
  rows.value = castTensor(b, node.loc(),
                          reshape(b, node.loc(), node.input(0), rows.shape),
                          wide, false, false);
  return rows;
}

static void setRows(Node &node, Value value) {
  OpBuilder &b = node.builder();
  value = castTensor(b, node.loc(), value, node.elementType(0), false, false);
  node.setOutput(0, reshape(b, node.loc(), value, node.shape(0)));
}

/// The reduction of each row, in a shape that broadcasts over it.
static Value reduceRows(OpBuilder &b, Location loc, Value value, int64_t axis,
                        Value init, const ScalarBody &combine) {
  auto kept =
      llvm::to_vector(cast<RankedTensorType>(value.getType()).getShape());
  kept[axis] = 1;
  return reshape(b, loc, reduce(b, loc, value, axis, init, combine), kept);
}

static Value maximaOf(OpBuilder &b, Location loc, Value rows, int64_t axis) {
  Type type = cast<RankedTensorType>(rows.getType()).getElementType();
  Value init = extreme(b, loc, type, false, false);
  return reduceRows(b, loc, rows, axis, init,
                    [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                      return arith::MaximumFOp::create(b, loc, in[0], in[1]);
                    });
}

/// What both softmaxes need: x - max, exp of it, and the sums of that.
struct Exponentials {
  Value shifted, powers, sums;
};

static Exponentials exponentiate(OpBuilder &b, Location loc, Value rows,
                                 int64_t axis) {
  Type type = cast<RankedTensorType>(rows.getType()).getElementType();
  Exponentials result;
  result.shifted =
      elementwise(b, loc, type, {rows, maximaOf(b, loc, rows, axis)},
                  [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                    return arith::SubFOp::create(b, loc, in[0], in[1]);
                  });
  result.powers =
      elementwise(b, loc, type, result.shifted,
                  [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                    return math::ExpOp::create(b, loc, in[0]);
                  });
  result.sums =
      reduceRows(b, loc, result.powers, axis, scalar(b, loc, type, 0),
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   return arith::AddFOp::create(b, loc, in[0], in[1]);
                 });
  return result;
}

Value lig::onnx_import::softmax(OpBuilder &b, Location loc, Value rows,
                                int64_t axis) {
  Exponentials e = exponentiate(b, loc, rows, axis);
  Type type = cast<RankedTensorType>(rows.getType()).getElementType();
  // One division a row.
  Value scale = elementwise(
      b, loc, type, e.sums,
      [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
        return arith::DivFOp::create(b, loc, scalar(b, loc, type, 1), in[0]);
      });
  return elementwise(b, loc, type, {e.powers, scale},
                     [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                       return arith::MulFOp::create(b, loc, in[0], in[1]);
                     });
}

LogicalResult lig::onnx_import::translateSoftmax(Node &node) {
  FailureOr<Rows> rows = readRows(node);
  if (failed(rows))
    return failure();
  setRows(node, softmax(node.builder(), node.loc(), rows->value, rows->axis));
  return success();
}

LogicalResult lig::onnx_import::translateLogSoftmax(Node &node) {
  FailureOr<Rows> rows = readRows(node);
  if (failed(rows))
    return failure();
  Exponentials e =
      exponentiate(node.builder(), node.loc(), rows->value, rows->axis);
  Type type = cast<RankedTensorType>(rows->value.getType()).getElementType();
  setRows(node,
          elementwise(node.builder(), node.loc(), type, {e.shifted, e.sums},
                      [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                        Value log = math::LogOp::create(b, loc, in[1]);
                        return arith::SubFOp::create(b, loc, in[0], log);
                      }));
  return success();
}

/// One at the first greatest element of each row: its place is the least one
/// whose element equals the maximum.
LogicalResult lig::onnx_import::translateHardmax(Node &node) {
  FailureOr<Rows> rows = readRows(node);
  if (failed(rows))
    return failure();
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Type type = cast<RankedTensorType>(rows->value.getType()).getElementType();
  Type places = b.getI32Type();
  int64_t axis = rows->axis;
  auto placeOf = [=](OpBuilder &b, Location loc) -> Value {
    Value index = linalg::IndexOp::create(b, loc, axis);
    return arith::IndexCastOp::create(b, loc, places, index);
  };
  Value candidates = elementwise(
      b, loc, places, {rows->value, maximaOf(b, loc, rows->value, axis)},
      [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
        Value hit = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                          in[0], in[1]);
        return arith::SelectOp::create(b, loc, hit, placeOf(b, loc),
                                       extreme(b, loc, places, true, false));
      });
  Value first =
      reduceRows(b, loc, candidates, axis, extreme(b, loc, places, true, false),
                 [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                   return arith::MinSIOp::create(b, loc, in[0], in[1]);
                 });
  setRows(node,
          elementwise(b, loc, rows->shape, type, first,
                      [=](OpBuilder &b, Location loc, ValueRange in) -> Value {
                        Value here = arith::CmpIOp::create(
                            b, loc, arith::CmpIPredicate::eq, in[0],
                            placeOf(b, loc));
                        return arith::SelectOp::create(b, loc, here,
                                                       scalar(b, loc, type, 1),
                                                       scalar(b, loc, type, 0));
                      }));
  return success();
}
