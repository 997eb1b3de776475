// Where and TopK. Of equal elements TopK takes the one with the lower index, so
// the order of its results is one and the same in every run.

#include "Operators.h"

#include "Build.h"
#include "Elements.h"
#include "Picking.h"
#include "ShapeRules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <numeric>

using namespace mlir;
using namespace lig::onnx_import;

static LogicalResult translateWhere(Node &node) {
  auto shape = broadcastShapes(node.shape(0), node.shape(1));
  if (succeeded(shape))
    shape = broadcastShapes(*shape, node.shape(2));
  if (failed(shape))
    return node.error() << "the inputs do not broadcast to one shape";
  if (!node.elementType(0).isInteger(1) ||
      node.elementType(1) != node.elementType(2) ||
      failed(node.makeType(*shape, node.elementType(1))))
    return node.error() << "the inputs' types do not fit";
  Value result =
      elementwise(node.builder(), node.loc(), *shape, node.elementType(1),
                  {node.input(0), node.input(1), node.input(2)},
                  [](OpBuilder &b, Location loc, ValueRange in) -> Value {
                    return arith::SelectOp::create(b, loc, in[0], in[1], in[2]);
                  });
  node.setOutput(0, result, node.isUnsigned(1));
  return success();
}

Value lig::onnx_import::comesFirst(OpBuilder &b, Location loc, Value x, Value y,
                                   const Order &order) {
  if (!order.largest)
    std::swap(x, y);
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y);
  return arith::CmpIOp::create(b, loc,
                               order.isUnsigned ? arith::CmpIPredicate::ugt
                                                : arith::CmpIPredicate::sgt,
                               x, y);
}

Pick lig::onnx_import::pickNext(
    OpBuilder &b, Location loc, int64_t count, const Pick &last,
    const Order &order,
    llvm::function_ref<Value(OpBuilder &, Location, Value)> read) {
  IndexMath math(b, loc);
  Value none = math.constant(-1);
  auto loop = scf::ForOp::create(
      b, loc, math.constant(0), math.constant(count), math.constant(1),
      ValueRange{last.value, none},
      [&](OpBuilder &nested, Location at, Value j, ValueRange best) {
        IndexMath inner(nested, at);
        auto both = [&](Value x, Value y) -> Value {
          return arith::AndIOp::create(nested, at, x, y);
        };
        auto either = [&](Value x, Value y) -> Value {
          return arith::OrIOp::create(nested, at, x, y);
        };
        Value element = read(nested, at, j);
        // Behind the last pick: of lower rank, or equal and further on. What
        // compares with nothing (NaN) ranks as equal to everything.
        Value isAhead = comesFirst(nested, at, element, last.value, order);
        Value isBehind = comesFirst(nested, at, last.value, element, order);
        Value isLater = inner.less(last.index, j);
        Value isFirstPick = inner.less(last.index, inner.constant(0));
        Value isEqual = arith::XOrIOp::create(
            nested, at, either(isAhead, isBehind),
            arith::ConstantIntOp::create(nested, at, 1, 1));
        Value isOpen =
            either(isFirstPick, either(isBehind, both(isEqual, isLater)));
        Value isBetter =
            either(inner.less(best[1], inner.constant(0)),
                   comesFirst(nested, at, element, best[0], order));
        Value take = both(isOpen, isBetter);
        scf::YieldOp::create(nested, at,
                             ValueRange{inner.select(take, element, best[0]),
                                        inner.select(take, j, best[1])});
      });
  return {loop.getResult(0), loop.getResult(1)};
}

/// K by attribute, input, or the declared shape of the result.
static FailureOr<int64_t> topCount(Node &node, int64_t axis, int64_t extent) {
  int64_t count = 0;
  if (node.opset() < 10) {
    count = node.intAttribute("k", -1);
  } else if (auto known = node.constantInts(1)) {
    count = known->empty() ? -1 : known->front();
  } else if (auto declared = node.declaredShape(0);
             declared && declared->size() == node.shape(0).size()) {
    count = (*declared)[axis];
  } else {
    auto given = node.requireInts(1, "K");
    if (failed(given))
      return failure();
  }
  if (count < 0 || count > extent)
    return LogicalResult(node.error() << "K is " << count << " of " << extent);
  return count;
}

static LogicalResult translateTopK(Node &node) {
  ArrayRef<int64_t> from = node.shape(0);
  auto axis = node.normalizeAxis(node.intAttribute("axis", -1), from.size());
  if (failed(axis))
    return failure();
  int64_t extent = from[*axis];
  auto count = topCount(node, *axis, extent);
  if (failed(count))
    return failure();
  int64_t inner = rowMajorStrides(from)[*axis];
  Extents shape(from);
  shape[*axis] = *count;
  auto type = RankedTensorType::get(shape, node.elementType(0));
  int64_t total = type.getNumElements();
  Order order{node.intAttribute("largest", 1) != 0, node.isUnsigned(0)};

  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Type element = node.elementType(0), i64 = b.getI64Type();
  Value values = tensor::EmptyOp::create(b, loc, total, element);
  Value indices = tensor::EmptyOp::create(b, loc, total, i64);
  if (total > 0) {
    Value data = reshape(b, loc, node.input(0), node.type(0).getNumElements());
    IndexMath math(b, loc);
    // One loop over all results, the K of a row one after another, so that the
    // results are carried by a single loop.
    auto loop = scf::ForOp::create(
        b, loc, math.constant(0), math.constant(total), math.constant(1),
        ValueRange{values, indices, scalar(b, loc, element, 0),
                   math.constant(-1)},
        [&](OpBuilder &nested, Location at, Value step, ValueRange carried) {
          IndexMath math(nested, at);
          auto divide = [&](Value x, int64_t y) -> Value {
            return arith::DivSIOp::create(nested, at, x, math.constant(y));
          };
          Value place = math.modulo(step, *count);
          Value row = divide(step, *count);
          Value column = math.modulo(row, inner);
          Value block = divide(row, inner);
          Value start =
              math.add(math.mul(block, math.constant(extent * inner)), column);
          Value isFirst = math.equal(place, math.constant(0));
          Pick last{carried[2],
                    math.select(isFirst, math.constant(-1), carried[3])};
          Pick next = pickNext(
              nested, at, extent, last, order,
              [&](OpBuilder &inLoop, Location where, Value j) -> Value {
                IndexMath math(inLoop, where);
                Value offset =
                    math.add(start, math.mul(j, math.constant(inner)));
                return tensor::ExtractOp::create(inLoop, where, data, offset);
              });
          Value to = math.add(
              math.mul(math.add(math.mul(block, math.constant(*count)), place),
                       math.constant(inner)),
              column);
          Value newValues =
              tensor::InsertOp::create(nested, at, next.value, carried[0], to);
          Value newIndices = tensor::InsertOp::create(
              nested, at, math.toInt(next.index, i64), carried[1], to);
          scf::YieldOp::create(
              nested, at,
              ValueRange{newValues, newIndices, next.value, next.index});
        });
    values = loop.getResult(0);
    indices = loop.getResult(1);
  }
  node.setOutput(0, reshape(b, loc, values, shape), node.isUnsigned(0));
  node.setOutput(1, reshape(b, loc, indices, shape));
  return success();
}

void lig::onnx_import::addSelectionOperators(OperatorTable &table) {
  table.add("Where", 9, translateWhere);
  table.add("TopK", 1, translateTopK);
  table.add("NonMaxSuppression", 10, translateNonMaxSuppression);
}
