// Compress, NonZero and Unique: how much they give is known when they have run.
// Their results have the upper bound's type, the contents at the start, and say
// how far these reach.

#include "Build.h"
#include "Elements.h"
#include "Rows.h"
#include "RuntimeDims.h"
#include "ShapeRules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace lig::onnx_import;

/// 1 where a scalar is not zero, as an index.
static Value countOf(OpBuilder &b, Location loc, Value element) {
  Value flag = castScalar(b, loc, element, b.getI1Type(), false, false);
  return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), flag);
}

/// Numbers i in [0, count) for which `isWanted` gives 1, at the start of a
/// tensor, and how many they are.
static std::pair<Value, Value> selectNumbers(
    OpBuilder &b, Location loc, int64_t count,
    llvm::function_ref<Value(OpBuilder &, Location, Value)> isWanted) {
  IndexMath math(b, loc);
  Type type = b.getI64Type();
  // What lies behind the contents is read by later steps too.
  Value room = filled(b, loc, count, scalar(b, loc, type, 0));
  auto loop = scf::ForOp::create(
      b, loc, math.constant(0), math.constant(count), math.constant(1),
      ValueRange{room, math.constant(0)},
      [&](OpBuilder &nested, Location at, Value i, ValueRange carried) {
        // Written always and kept by moving on: no branch, never out of room.
        IndexMath inner(nested, at);
        Value next = tensor::InsertOp::create(nested, at, inner.toInt(i, type),
                                              carried[0], carried[1]);
        Value found = inner.add(carried[1], isWanted(nested, at, i));
        scf::YieldOp::create(nested, at, ValueRange{next, found});
      });
  return {loop.getResult(0), loop.getResult(1)};
}

LogicalResult lig::onnx_import::translateCompress(Node &node) {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Extents shape(node.shape(0));
  Value data = node.input(0);
  int64_t axis = 0;
  if (!node.hasAttribute("axis")) {
    shape = {node.type(0).getNumElements()};
    data = reshape(b, loc, data, shape);
  } else {
    auto given = node.normalizeAxis(node.intAttribute("axis", 0), shape.size());
    if (failed(given))
      return failure();
    axis = *given;
  }
  if (node.shape(1).size() != 1)
    return node.error() << "the condition should be a vector";
  int64_t count = std::min(node.shape(1)[0], shape[axis]);
  int64_t outer = 1, inner = 1;
  for (int64_t d = 0; d < int64_t(shape.size()); ++d)
    (d < axis ? outer : inner) *= d == axis ? 1 : shape[d];

  Value rows;
  SmallVector<Value> dims(shape.size());
  if (const Constant *known = node.constant(1)) {
    SmallVector<int64_t> wanted, flags = known->asInts();
    for (int64_t i = 0; i < count; ++i)
      if (flags[i])
        wanted.push_back(i);
    count = wanted.size();
    Tensor numbers;
    numbers.type = RankedTensorType::get({count}, b.getI64Type());
    numbers.constant =
        std::make_shared<Constant>(Constant::fromInts(numbers.type, wanted));
    rows = count ? node.materialize(numbers)
                 : filled(b, loc, count, scalar(b, loc, b.getI64Type(), 0));
  } else {
    Value condition = node.input(1);
    std::tie(rows, dims[axis]) = selectNumbers(
        b, loc, count, [&](OpBuilder &nested, Location at, Value i) {
          Value flag = tensor::ExtractOp::create(nested, at, condition, i);
          return countOf(nested, at, flag);
        });
  }
  data = reshape(b, loc, data, {outer, shape[axis], inner});
  shape[axis] = count;
  Value result = reshape(b, loc, gatherRows(b, loc, data, rows), shape);
  setOutputWithDims(node, 0, result, node.isUnsigned(0), dims);
  return success();
}

LogicalResult lig::onnx_import::translateNonZero(Node &node) {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  ArrayRef<int64_t> shape = node.shape(0);
  int64_t rank = shape.size(), count = node.type(0).getNumElements();
  if (rank == 0)
    return node.error() << "a scalar has no indices";
  if (isDynamic(node.tensor(0)))
    return node.error() << "the input's shape depends on the data";
  Value data = reshape(b, loc, node.input(0), count);
  auto [numbers, found] = selectNumbers(
      b, loc, count, [&](OpBuilder &nested, Location at, Value i) {
        Value element = tensor::ExtractOp::create(nested, at, data, i);
        return countOf(nested, at, element);
      });
  Value flat = numbers;
  Extents strides = rowMajorStrides(shape);
  Value result = generated(
      b, loc, {rank, count}, b.getI64Type(),
      [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
        IndexMath math(nested, at);
        Value number = math.read(flat, index[1]);
        Value coordinate = math.constant(0);
        for (int64_t d = 0; d < rank; ++d) {
          Value along = arith::DivSIOp::create(
              nested, at, number,
              math.constant(std::max<int64_t>(strides[d], 1)));
          along = arith::RemSIOp::create(
              nested, at, along, math.constant(std::max<int64_t>(shape[d], 1)));
          coordinate = math.select(math.equal(index[0], math.constant(d)),
                                   along, coordinate);
        }
        return math.toInt(coordinate, nested.getI64Type());
      });
  setOutputWithDims(node, 0, result, false, {Value(), found});
  return success();
}

namespace {
/// Which rows of a matrix are equal to which, and in what order they come.
struct RowOrder {
  /// [n] i64: the first row equal to row i; how many equal it; how many
  /// different rows come before it.
  Value first, count, rank;
};
} // namespace

static Value sumOverLast(OpBuilder &b, Location loc, Value matrix) {
  return reduce(b, loc, matrix, 1, scalar(b, loc, b.getI64Type(), 0),
                [](OpBuilder &nested, Location at, ValueRange in) -> Value {
                  return arith::AddIOp::create(nested, at, in[0], in[1]);
                });
}

/// Whether element x comes before y.
static Value comesBefore(OpBuilder &b, Location loc, Value x, Value y,
                         bool isUnsigned) {
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  auto less = isUnsigned || x.getType().isInteger(1)
                  ? arith::CmpIPredicate::ult
                  : arith::CmpIPredicate::slt;
  return arith::CmpIOp::create(b, loc, less, x, y);
}

static Value isSame(OpBuilder &b, Location loc, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
}

/// [n, n] i64: the first column in which rows i and j differ, or the width.
static Value firstDifference(OpBuilder &b, Location loc, Value rows) {
  auto type = cast<RankedTensorType>(rows.getType());
  int64_t n = type.getDimSize(0), width = type.getDimSize(1);
  Type i64 = b.getI64Type();
  AffineExpr i, j, k;
  bindDims(b.getContext(), i, j, k);
  AffineMap maps[] = {AffineMap::get(3, 0, {i, k}, b.getContext()),
                      AffineMap::get(3, 0, {j, k}, b.getContext()),
                      AffineMap::get(3, 0, {i, j}, b.getContext())};
  utils::IteratorType loops[] = {utils::IteratorType::parallel,
                                 utils::IteratorType::parallel,
                                 utils::IteratorType::reduction};
  Value none = filled(b, loc, {n, n}, scalar(b, loc, i64, double(width)));
  return linalg::GenericOp::create(
             b, loc, none.getType(), ValueRange{rows, rows}, none, maps, loops,
             [&](OpBuilder &nested, Location at, ValueRange in) {
               IndexMath math(nested, at);
               Value same = isSame(nested, at, in[0], in[1]);
               Value column = linalg::IndexOp::create(nested, at, 2);
               Value place = math.select(same, math.constant(width), column);
               Value least = arith::MinSIOp::create(
                   nested, at, math.toInt(place, i64), in[2]);
               linalg::YieldOp::create(nested, at, least);
             })
      .getResult(0);
}

static RowOrder orderRows(OpBuilder &b, Location loc, Value rows, bool sorted,
                          bool isUnsigned) {
  auto type = cast<RankedTensorType>(rows.getType());
  int64_t n = type.getDimSize(0), width = type.getDimSize(1);
  Type i64 = b.getI64Type();
  Value difference = firstDifference(b, loc, rows);
  auto overPairs = [&](auto body) {
    return elementwise(
        b, loc, i64, difference,
        [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
          IndexMath math(nested, at);
          Value i = linalg::IndexOp::create(nested, at, 0);
          Value j = linalg::IndexOp::create(nested, at, 1);
          Value column = math.fromInt(in[0]);
          Value same = math.equal(column, math.constant(width));
          return math.toInt(body(nested, at, i, j, column, same), i64);
        });
  };
  RowOrder order;
  Value equalPlaces = overPairs(
      [&](OpBuilder &nested, Location at, Value, Value j, Value, Value same) {
        IndexMath math(nested, at);
        return math.select(same, j, math.constant(n));
      });
  order.first =
      reduce(b, loc, equalPlaces, 1, scalar(b, loc, i64, double(n)),
             [](OpBuilder &nested, Location at, ValueRange in) -> Value {
               return arith::MinSIOp::create(nested, at, in[0], in[1]);
             });
  order.count = sumOverLast(b, loc,
                            overPairs([&](OpBuilder &nested, Location at, Value,
                                          Value, Value, Value same) {
                              IndexMath math(nested, at);
                              return math.select(same, math.constant(1),
                                                 math.constant(0));
                            }));
  order.rank = sumOverLast(
      b, loc,
      overPairs([&](OpBuilder &nested, Location at, Value i, Value j,
                    Value column, Value same) {
        IndexMath math(nested, at);
        Value isFirst = math.equal(math.read(order.first, j), j);
        Value before;
        if (sorted) {
          column = math.min(column, math.constant(width - 1));
          Value x = tensor::ExtractOp::create(nested, at, rows,
                                              ValueRange{j, column});
          Value y = tensor::ExtractOp::create(nested, at, rows,
                                              ValueRange{i, column});
          before = comesBefore(nested, at, x, y, isUnsigned);
        } else {
          before = math.less(j, math.read(order.first, i));
        }
        Value counts = arith::AndIOp::create(nested, at, isFirst, before);
        return math.select(counts, math.constant(1), math.constant(0));
      }));
  return order;
}

LogicalResult lig::onnx_import::translateUnique(Node &node) {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Extents shape(node.shape(0));
  Value data = node.input(0);
  int64_t axis = 0;
  if (node.hasAttribute("axis")) {
    auto given = node.normalizeAxis(node.intAttribute("axis", 0), shape.size());
    if (failed(given))
      return failure();
    axis = *given;
  } else {
    shape = {node.type(0).getNumElements()};
    data = reshape(b, loc, data, shape);
  }
  int64_t n = shape[axis], total = node.type(0).getNumElements();
  if (total == 0 || n > 4096)
    return node.error() << n << " entries are none or too many to compare";

  // The axis first, the rest as one row each.
  Extents order = {axis}, moved = {n};
  for (int64_t d = 0; d < int64_t(shape.size()); ++d)
    if (d != axis) {
      order.push_back(d);
      moved.push_back(shape[d]);
    }
  Value rows = reshape(b, loc, transpose(b, loc, data, order), {n, total / n});
  RowOrder found = orderRows(b, loc, rows, node.intAttribute("sorted", 1) != 0,
                             node.isUnsigned(0));
  // Every row goes to its rank; equal ones write the same there.
  Type i64 = b.getI64Type();
  auto atRank = [&](Value values) {
    int64_t width = cast<RankedTensorType>(values.getType()).getDimSize(1);
    Type element = cast<RankedTensorType>(values.getType()).getElementType();
    Value room = filled(b, loc, {n, width}, scalar(b, loc, element, 0));
    return scatterRows(b, loc, room, found.rank, values, Meeting::Replace,
                       false);
  };
  Value highest =
      reduce(b, loc, found.rank, 0, scalar(b, loc, i64, 0),
             [](OpBuilder &nested, Location at, ValueRange in) -> Value {
               return arith::MaxSIOp::create(nested, at, in[0], in[1]);
             });
  IndexMath math(b, loc);
  Value count = math.add(math.read(highest, {}), math.constant(1));

  Value unique = reshape(b, loc, atRank(rows), moved);
  unique = transpose(b, loc, unique, invertPermutationVector(order));
  SmallVector<Value> dims(shape.size());
  dims[axis] = count;
  setOutputWithDims(node, 0, unique, node.isUnsigned(0), dims);
  auto setNumbers = [&](unsigned output, Value numbers) {
    if (node.wantsOutput(output))
      setOutputWithDims(
          node, output,
          reshape(b, loc, atRank(reshape(b, loc, numbers, {n, 1})), n), false,
          count);
  };
  setNumbers(1, found.first);
  if (node.wantsOutput(2))
    node.setOutput(2, found.rank);
  setNumbers(3, found.count);
  return success();
}
