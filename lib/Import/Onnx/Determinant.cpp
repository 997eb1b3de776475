// Det: Gaussian elimination with row pivots (Golub & Van Loan, "Matrix
// Computations", 3.4), one column a step. The state of the scan is what is left
// of the matrices and the product of the pivots so far.

#include "Determinant.h"

#include "Checks.h"
#include "Elements.h"
#include "FloatMath.h"
#include "Steps.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <numeric>

using namespace mlir;
using namespace lig::onnx_import;

/// The row, from `column` on, whose element in that column is the greatest.
static Value findPivot(OpBuilder &b, Location loc, Value matrices, Value batch,
                       Value column, int64_t size) {
  IndexMath places(b, loc);
  auto type = cast<RankedTensorType>(matrices.getType()).getElementType();
  auto read = [&](OpBuilder &at, Location in, Value row) -> Value {
    FloatMath math(at, in, type);
    return math.abs(tensor::ExtractOp::create(at, in, matrices,
                                              ValueRange{batch, row, column}));
  };
  auto compare = [&](OpBuilder &nested, Location at, Value row,
                     ValueRange best) {
    Value own = read(nested, at, row);
    FloatMath math(nested, at, type);
    Value isGreater = math.less(best[1], own);
    Value values[] = {math.select(isGreater, row, best[0]),
                      math.select(isGreater, own, best[1])};
    scf::YieldOp::create(nested, at, values);
  };
  return scf::ForOp::create(b, loc, places.add(column, places.constant(1)),
                            places.constant(size), places.constant(1),
                            ValueRange{column, read(b, loc, column)}, compare)
      .getResult(0);
}

/// The matrices with the pivot's row moved up and eliminated from all below.
static Value eliminate(OpBuilder &b, Location loc, Value matrices, Value pivots,
                       Value column) {
  auto type = cast<RankedTensorType>(matrices.getType());
  return generated(
      b, loc, type.getShape(), type.getElementType(),
      [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
        IndexMath places(nested, at);
        FloatMath math(nested, at, type.getElementType());
        Value pivot = places.read(pivots, index[0]);
        auto read = [&](Value row, Value place) -> Value {
          return tensor::ExtractOp::create(nested, at, matrices,
                                           ValueRange{index[0], row, place});
        };
        Value row = places.select(
            places.equal(index[1], column), pivot,
            places.select(places.equal(index[1], pivot), column, index[1]));
        Value own = read(row, index[2]), top = read(pivot, column);
        Value factor = math.div(read(row, column), top);
        Value less = math.sub(own, math.mul(factor, read(pivot, index[2])));
        // A column of zeros makes the determinant zero, whatever follows.
        Value isZero = arith::CmpFOp::create(
            nested, at, arith::CmpFPredicate::OEQ, top, math.constant(0));
        return math.select(places.less(column, index[1]),
                           math.select(isZero, own, less), own);
      });
}

LogicalResult lig::onnx_import::translateDet(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0);
  if (shape.size() < 2 || shape.back() != shape[shape.size() - 2] ||
      node.type(0).getNumElements() == 0)
    return node.error() << "an input of shape " << describe(shape)
                        << " holds no square matrices";
  if (failed(checkFloats(node, 1)))
    return failure();
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  ArrayRef<int64_t> batch = shape.drop_back(2);
  int64_t size = shape.back();
  int64_t count = node.type(0).getNumElements() / (size * size);
  Type type = node.elementType(0);
  Type wide = type.isF64() ? type : Type(b.getF32Type());

  Tensor matrices, product;
  matrices.type = RankedTensorType::get({count, size, size}, wide);
  product.type = RankedTensorType::get({count}, wide);
  Steps steps(node, {matrices, product}, {});
  OpBuilder inner = steps.atEnd();
  Value column = steps.stepNumber(), left = steps.state(0).value;
  Value pivots = generated(
      inner, loc, {count}, b.getI64Type(),
      [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
        return IndexMath(nested, at).toInt(
            findPivot(nested, at, left, index[0], column, size),
            nested.getI64Type());
      });
  Value next = eliminate(inner, loc, left, pivots, column);
  Value before = steps.state(1).value;
  Value grown = generated(
      inner, loc, {count}, wide,
      [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
        IndexMath places(nested, at);
        FloatMath math(nested, at, wide);
        Value pivot = places.read(pivots, index[0]);
        Value top = tensor::ExtractOp::create(
            nested, at, left, ValueRange{index[0], pivot, column});
        Value product =
            tensor::ExtractOp::create(nested, at, before, index[0]);
        Value sign = math.select(places.equal(pivot, column), math.constant(1),
                                 math.constant(-1));
        return math.mul(product, math.mul(sign, top));
      });
  Steps::Over over;
  over.count = IndexMath(b, loc).constant(size);
  over.inits = {castTensor(b, loc,
                           reshape(b, loc, node.input(0), {count, size, size}),
                           wide, false, false),
                filled(b, loc, {count}, scalar(b, loc, wide, 1))};
  auto scan = steps.finish(over, {next, grown}, Value());
  Value result = castTensor(b, loc, scan.getResult(1), type, false, false);
  node.setOutput(0, reshape(b, loc, result, batch));
  return success();
}
