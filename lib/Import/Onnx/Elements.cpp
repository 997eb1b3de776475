// Index arithmetic and tensors made from it.

#include "Elements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

Value lig::onnx_import::generated(OpBuilder &b, Location loc,
                                  ArrayRef<int64_t> shape, Type elementType,
                                  ElementBody body) {
  Value empty = tensor::EmptyOp::create(b, loc, shape, elementType);
  AffineMap map = b.getMultiDimIdentityMap(shape.size());
  SmallVector<utils::IteratorType> loops(shape.size(),
                                         utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, empty.getType(), ValueRange(), empty, map, loops,
             [&](OpBuilder &nested, Location at, ValueRange) {
               SmallVector<Value> indices;
               for (size_t d = 0; d < shape.size(); ++d)
                 indices.push_back(linalg::IndexOp::create(nested, at, d));
               linalg::YieldOp::create(nested, at, body(nested, at, indices));
             })
      .getResult(0);
}

Value IndexMath::constant(int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

Value IndexMath::add(Value x, Value y) {
  return b.createOrFold<arith::AddIOp>(loc, x, y);
}

Value IndexMath::sub(Value x, Value y) {
  return b.createOrFold<arith::SubIOp>(loc, x, y);
}

Value IndexMath::mul(Value x, Value y) {
  return b.createOrFold<arith::MulIOp>(loc, x, y);
}

Value IndexMath::min(Value x, Value y) {
  return b.createOrFold<arith::MinSIOp>(loc, x, y);
}

Value IndexMath::max(Value x, Value y) {
  return b.createOrFold<arith::MaxSIOp>(loc, x, y);
}

Value IndexMath::less(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

Value IndexMath::equal(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
}

Value IndexMath::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, loc, condition, x, y);
}

Value IndexMath::clamp(Value x, int64_t low, int64_t high) {
  return max(min(x, constant(high)), constant(low));
}

Value IndexMath::modulo(Value x, int64_t modulus) {
  Value rest = arith::RemSIOp::create(b, loc, x, constant(modulus));
  Value isNegative = less(rest, constant(0));
  return select(isNegative, add(rest, constant(modulus)), rest);
}

Value IndexMath::fromInt(Value x, bool isUnsigned) {
  if (x.getType().isIndex())
    return x;
  if (isUnsigned)
    return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), x);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), x);
}

Value IndexMath::toInt(Value x, Type type) {
  return arith::IndexCastOp::create(b, loc, type, x);
}

Value IndexMath::wrap(Value x, int64_t extent) {
  Value isNegative = less(x, constant(0));
  x = select(isNegative, add(x, constant(extent)), x);
  return clamp(x, 0, std::max<int64_t>(extent - 1, 0));
}

Value IndexMath::read(Value tensor, ValueRange at) {
  return fromInt(tensor::ExtractOp::create(b, loc, tensor, at));
}
