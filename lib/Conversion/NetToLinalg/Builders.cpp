// The vocabulary of the lowering; see the header. Every function returns a
// tensor value and leaves folding to the builder and to canonicalization.

#include "Builders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace lig::net_to_linalg {

RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

Value constant(ImplicitLocOpBuilder &b, Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  return arith::ConstantOp::create(
      b, b.getIntegerAttr(type, static_cast<int64_t>(value)));
}

Value empty(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape, Type element) {
  return tensor::EmptyOp::create(b, shape, element);
}

Value filled(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape, Value value) {
  return linalg::FillOp::create(b, ValueRange{value},
                                ValueRange{empty(b, shape, value.getType())})
      .getResult(0);
}

Value transpose(ImplicitLocOpBuilder &b, Value value,
                ArrayRef<int64_t> permutation) {
  RankedTensorType type = typeOf(value);
  bool identity = true;
  SmallVector<int64_t> shape;
  for (auto [i, from] : llvm::enumerate(permutation)) {
    identity &= static_cast<int64_t>(i) == from;
    shape.push_back(type.getDimSize(from));
  }
  if (identity)
    return value;
  return linalg::TransposeOp::create(
             b, value, empty(b, shape, type.getElementType()), permutation)
      ->getResult(0);
}

Value toChannelsLast(ImplicitLocOpBuilder &b, Value value) {
  SmallVector<int64_t> permutation = {0};
  for (int64_t i = 2; i < typeOf(value).getRank(); ++i)
    permutation.push_back(i);
  permutation.push_back(1);
  return transpose(b, value, permutation);
}

Value toChannelsFirst(ImplicitLocOpBuilder &b, Value value) {
  int64_t rank = typeOf(value).getRank();
  SmallVector<int64_t> permutation = {0, rank - 1};
  for (int64_t i = 1; i < rank - 1; ++i)
    permutation.push_back(i);
  return transpose(b, value, permutation);
}

Value pad(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> low,
          ArrayRef<int64_t> high, Value fill) {
  auto isZero = [](int64_t amount) { return amount == 0; };
  if (llvm::all_of(low, isZero) && llvm::all_of(high, isZero))
    return value;
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> shape(type.getShape());
  for (auto [i, extent] : llvm::enumerate(shape))
    extent += low[i] + high[i];
  auto offsets = getAsIndexOpFoldResult(b.getContext(), low);
  auto ends = getAsIndexOpFoldResult(b.getContext(), high);
  return tensor::PadOp::create(
      b, RankedTensorType::get(shape, type.getElementType()), value, offsets,
      ends, fill, /*nofold=*/false);
}

Value splitDim(ImplicitLocOpBuilder &b, Value value, unsigned dim,
               int64_t outer, int64_t inner) {
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = inner;
  shape.insert(shape.begin() + dim, outer);
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0, next = 0; i < type.getRank(); ++i) {
    groups.emplace_back();
    groups.back().push_back(next++);
    if (i == dim)
      groups.back().push_back(next++);
  }
  return tensor::ExpandShapeOp::create(
      b, RankedTensorType::get(shape, type.getElementType()), value, groups);
}

Value joinDims(ImplicitLocOpBuilder &b, Value value, unsigned first) {
  RankedTensorType type = typeOf(value);
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (i != first + 1)
      groups.emplace_back();
    groups.back().push_back(i);
  }
  return tensor::CollapseShapeOp::create(b, value, groups);
}

static Value generic(ImplicitLocOpBuilder &b, ValueRange inputs, Value init,
                     ArrayRef<AffineMap> maps, unsigned numReductions,
                     Body body) {
  unsigned numLoops = maps.back().getNumDims();
  SmallVector<utils::IteratorType> iterators(numLoops - numReductions,
                                             utils::IteratorType::parallel);
  iterators.append(numReductions, utils::IteratorType::reduction);
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, inputs, ValueRange{init}, maps,
             iterators,
             [&](OpBuilder &inner, Location loc, ValueRange arguments) {
               ImplicitLocOpBuilder scalar(loc, inner);
               Value result = body(scalar, arguments);
               linalg::YieldOp::create(scalar, result);
             })
      ->getResult(0);
}

Value elementwise(ImplicitLocOpBuilder &b, ValueRange inputs,
                  ArrayRef<AffineMap> maps, ArrayRef<int64_t> shape,
                  Type element, Body body) {
  SmallVector<AffineMap> all(maps);
  all.push_back(b.getMultiDimIdentityMap(shape.size()));
  return generic(b, inputs, empty(b, shape, element), all, 0, body);
}

Value reduce(ImplicitLocOpBuilder &b, ValueRange inputs, Value init,
             ArrayRef<AffineMap> maps, unsigned numReductions, Body body) {
  return generic(b, inputs, init, maps, numReductions, body);
}

Type accumulatorOf(Type element) {
  if (auto type = dyn_cast<FloatType>(element); type && type.getWidth() < 32)
    return Float32Type::get(element.getContext());
  return element;
}

Value convertFloat(ImplicitLocOpBuilder &b, Value scalar, Type type) {
  if (scalar.getType() == type)
    return scalar;
  if (type.isInteger())
    return arith::ExtSIOp::create(b, type, scalar);
  if (scalar.getType().getIntOrFloatBitWidth() < type.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, type, scalar);
  return arith::TruncFOp::create(b, type, scalar);
}

Value convertTensor(ImplicitLocOpBuilder &b, Value tensor, Type element) {
  RankedTensorType type = typeOf(tensor);
  if (type.getElementType() == element)
    return tensor;
  return elementwise(b, tensor, b.getMultiDimIdentityMap(type.getRank()),
                     type.getShape(), element,
                     [&](ImplicitLocOpBuilder &s, ValueRange in) {
                       return convertFloat(s, in[0], element);
                     });
}

Value multiply(ImplicitLocOpBuilder &b, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return arith::MulFOp::create(b, x, y);
  return arith::MulIOp::create(b, x, y);
}

Value add(ImplicitLocOpBuilder &b, Value x, Value y) {
  if (isa<FloatType>(x.getType()))
    return arith::AddFOp::create(b, x, y);
  return arith::AddIOp::create(b, x, y);
}

} // namespace lig::net_to_linalg
