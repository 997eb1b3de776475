// Building sums of products.

#include "Contract.h"

#include "ScalarMath.h"

#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;
using lig::typeOf;

/// 16-bit floats lose too much when they are added up, and products of 16-bit
/// integers do not fit.
static Type accumulatorOf(Type type, OpBuilder &b) {
  if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32)
    return b.getF32Type();
  return type.isInteger(16) ? b.getI32Type() : type;
}

/// What a product of matrices of `type` is made of.
static Type productOf(Type type, OpBuilder &b) {
  return type.isInteger(16) ? b.getI32Type() : type;
}

Value lig::onnx_import::contract(OpBuilder &b, Location loc,
                                 ValueRange operands,
                                 ArrayRef<Subscripts> subscripts,
                                 ArrayRef<int64_t> extents, int64_t resultRank,
                                 Type resultType) {
  int64_t dims = extents.size();
  Type sum = accumulatorOf(resultType, b);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (auto [operand, places] : llvm::zip(operands, subscripts)) {
    SmallVector<AffineExpr> exprs;
    SmallVector<int64_t> kept;
    for (auto [extent, place] : llvm::zip(typeOf(operand).getShape(), places)) {
      if (extent == 1 && extents[place] != 1)
        continue;
      kept.push_back(extent);
      exprs.push_back(b.getAffineDimExpr(place));
    }
    inputs.push_back(reshape(b, loc, operand, kept));
    maps.push_back(AffineMap::get(dims, 0, exprs, b.getContext()));
  }
  SmallVector<AffineExpr> places;
  for (int64_t i = 0; i < resultRank; ++i)
    places.push_back(b.getAffineDimExpr(i));
  maps.push_back(AffineMap::get(dims, 0, places, b.getContext()));
  SmallVector<utils::IteratorType> iterators(dims,
                                             utils::IteratorType::reduction);
  std::fill_n(iterators.begin(), resultRank, utils::IteratorType::parallel);
  Value init =
      filled(b, loc, extents.take_front(resultRank), scalar(b, loc, sum, 0));
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &nested, Location at, ValueRange in) {
        Value product;
        for (Value factor : in.drop_back()) {
          factor = castScalar(nested, at, factor, sum, false, false);
          product = product ? multiply(nested, at, product, factor) : factor;
        }
        linalg::YieldOp::create(nested, at,
                                addNumbers(nested, at, in.back(), product));
      });
  return castTensor(b, loc, generic.getResult(0), resultType, false, false);
}

/// The common and most important case: two matrices.
static Value multiplyMatrices(OpBuilder &b, Location loc, Value a, Value b2) {
  auto left = typeOf(a), right = typeOf(b2);
  Type type = left.getElementType();
  Type sum = accumulatorOf(type, b);
  int64_t shape[] = {left.getDimSize(0), right.getDimSize(1)};
  Value init = filled(b, loc, shape, scalar(b, loc, sum, 0));
  Value product =
      linalg::MatmulOp::create(b, loc, init.getType(), ValueRange{a, b2}, init)
          .getResult(0);
  return castTensor(b, loc, product, productOf(type, b), false, false);
}

FailureOr<Value> lig::onnx_import::matmul(OpBuilder &b, Location loc, Value a,
                                          Value b2) {
  SmallVector<int64_t> left = llvm::to_vector(typeOf(a).getShape());
  SmallVector<int64_t> right = llvm::to_vector(typeOf(b2).getShape());
  if (left.empty() || right.empty())
    return failure();
  // A vector is a row on the left and a column on the right.
  bool isRow = left.size() == 1, isColumn = right.size() == 1;
  if (isRow)
    left.insert(left.begin(), 1);
  if (isColumn)
    right.push_back(1);
  int64_t m = left[left.size() - 2], k = left.back(), n = right.back();
  FailureOr<SmallVector<int64_t>> batch = broadcastShapes(
      ArrayRef(left).drop_back(2), ArrayRef(right).drop_back(2));
  if (k != right[right.size() - 2] || failed(batch))
    return failure();
  a = reshape(b, loc, a, left);
  b2 = reshape(b, loc, b2, right);

  SmallVector<int64_t> shape = *batch;
  if (!isRow)
    shape.push_back(m);
  if (!isColumn)
    shape.push_back(n);
  if (right.size() == 2) { // rows of all batches meet one matrix
    int64_t rows = 1;
    for (int64_t extent : ArrayRef(left).drop_back())
      rows *= extent;
    Value flat = reshape(b, loc, a, {rows, k});
    return reshape(b, loc, multiplyMatrices(b, loc, flat, b2), shape);
  }
  int64_t lead = batch->size();
  auto subscriptsOf = [&](size_t rank, int64_t row, int64_t column) {
    Subscripts places;
    for (int64_t i = lead - (rank - 2); i < lead; ++i)
      places.push_back(i);
    places.append({row, column});
    return places;
  };
  SmallVector<int64_t> extents = *batch;
  extents.append({m, n, k});
  Value product = contract(b, loc, {a, b2},
                           {subscriptsOf(left.size(), lead, lead + 2),
                            subscriptsOf(right.size(), lead + 2, lead + 1)},
                           extents, lead + 2,
                           productOf(typeOf(a).getElementType(), b));
  return reshape(b, loc, product, shape);
}
