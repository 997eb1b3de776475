// The machine rounds two f32 at a time, in one instruction for both narrow
// types.

#include "Convert.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

/// Two neighbours; the second may be missing.
static Value roundPair(ImplicitLocOpBuilder &b, Value low, Value high,
                       Type element) {
  if (!high)
    high = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  auto pair = VectorType::get(2, element);
  auto nearest = NVVM::FPRoundingMode::RN;
  if (element.isBF16())
    return NVVM::ConvertF32x2ToBF16x2Op::create(b, pair, high, low, Value(),
                                                nearest);
  return NVVM::ConvertF32x2ToF16x2Op::create(b, pair, high, low, Value(),
                                             nearest);
}

Value lig::codegen::gpu::convertFloats(ImplicitLocOpBuilder &b, Value values,
                                       Type element) {
  auto type = cast<VectorType>(values.getType());
  if (type.getElementType() == element)
    return values;
  auto wide = VectorType::get(type.getShape(), b.getF32Type());
  if (!type.getElementType().isF32())
    values = arith::ExtFOp::create(b, wide, values);
  if (element.isF32())
    return values;
  // Pairs stay words: the host of an emulator may have no bf16 to put together.
  int64_t count = type.getNumElements();
  auto at = [&](int64_t i) -> Value {
    return i < count ? vector::ExtractOp::create(b, values, i).getResult()
                     : Value();
  };
  SmallVector<Value> words;
  for (int64_t i = 0; i < count; i += 2)
    words.push_back(vector::ExtractOp::create(
        b,
        vector::BitCastOp::create(b, VectorType::get(1, b.getI32Type()),
                                  roundPair(b, at(i), at(i + 1), element)),
        0));
  if (count == 1)
    words[0] = arith::TruncIOp::create(b, b.getI16Type(), words[0]);
  Value bits = vector::FromElementsOp::create(
      b, VectorType::get(words.size(), words[0].getType()), words);
  return vector::BitCastOp::create(b, VectorType::get(type.getShape(), element),
                                   bits);
}
