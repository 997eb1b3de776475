// Reading and making tensors that are known while importing.

#include "Constant.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/APSInt.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace lig::onnx_import;

ElementType lig::onnx_import::elementTypeOf(int onnxDataType,
                                            MLIRContext *context) {
  Builder b(context);
  using onnx::TensorProto;
  switch (onnxDataType) {
  case TensorProto::FLOAT:
    return {b.getF32Type()};
  case TensorProto::DOUBLE:
    return {b.getF64Type()};
  case TensorProto::FLOAT16:
    return {b.getF16Type()};
  case TensorProto::BFLOAT16:
    return {b.getBF16Type()};
  case TensorProto::BOOL:
    return {b.getI1Type()};
  case TensorProto::INT8:
    return {b.getIntegerType(8)};
  case TensorProto::INT16:
    return {b.getIntegerType(16)};
  case TensorProto::INT32:
    return {b.getIntegerType(32)};
  case TensorProto::INT64:
    return {b.getIntegerType(64)};
  case TensorProto::UINT8:
    return {b.getIntegerType(8), true};
  case TensorProto::UINT16:
    return {b.getIntegerType(16), true};
  case TensorProto::UINT32:
    return {b.getIntegerType(32), true};
  case TensorProto::UINT64:
    return {b.getIntegerType(64), true};
  default:
    return {};
  }
}

int64_t lig::onnx_import::bytesPerElement(Type elementType) {
  return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
}

int64_t lig::onnx_import::checkedByteSize(ArrayRef<int64_t> shape,
                                          Type elementType) {
  constexpr int64_t limit = int64_t(1) << 46;
  int64_t size = bytesPerElement(elementType);
  // A zero extent makes the tensor empty, whatever the other extents are, but
  // their product must still not overflow in anyone's arithmetic.
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0 || extent > limit)
      return -1;
    if (extent == 0) {
      empty = true;
      continue;
    }
    if (size > limit / extent)
      return -1;
    size *= extent;
  }
  return empty ? 0 : size;
}

int64_t lig::onnx_import::truncated(double value) {
  bool isExact = false;
  llvm::APSInt result(/*BitWidth=*/64, /*isUnsigned=*/false);
  llvm::APFloat(value).convertToInteger(result, llvm::APFloat::rmTowardZero,
                                        &isExact);
  return result.getExtValue();
}

template <typename T> static T readAs(const char *data) {
  T value;
  std::memcpy(&value, data, sizeof(T));
  return value;
}

static double floatAt(Type type, const char *data) {
  if (type.isF32())
    return readAs<float>(data);
  if (type.isF64())
    return readAs<double>(data);
  const llvm::fltSemantics &semantics =
      cast<FloatType>(type).getFloatSemantics();
  llvm::APFloat value(semantics, llvm::APInt(16, readAs<uint16_t>(data)));
  bool lost = false;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven,
                &lost);
  return value.convertToDouble();
}

template <typename Unsigned, typename Signed>
static int64_t widened(bool isUnsigned, const char *data) {
  // Each by itself: the common type of the two would lose the sign.
  return isUnsigned ? static_cast<int64_t>(readAs<Unsigned>(data))
                    : static_cast<int64_t>(readAs<Signed>(data));
}

static int64_t intAt(unsigned width, bool isUnsigned, const char *data) {
  switch (width) {
  case 1:
    return *data != 0;
  case 8:
    return widened<uint8_t, int8_t>(isUnsigned, data);
  case 16:
    return widened<uint16_t, int16_t>(isUnsigned, data);
  case 32:
    return widened<uint32_t, int32_t>(isUnsigned, data);
  default:
    return readAs<int64_t>(data);
  }
}

SmallVector<int64_t> Constant::asInts() const {
  Type element = type.getElementType();
  int64_t width = bytesPerElement(element);
  SmallVector<int64_t> values(numElements());
  for (auto [i, value] : llvm::enumerate(values)) {
    const char *data = bytes.data() + i * width;
    value = isa<FloatType>(element)
                ? truncated(floatAt(element, data))
                : intAt(element.getIntOrFloatBitWidth(), isUnsigned, data);
  }
  return values;
}

SmallVector<double> Constant::asFloats() const {
  Type element = type.getElementType();
  int64_t width = bytesPerElement(element);
  SmallVector<double> values(numElements());
  for (auto [i, value] : llvm::enumerate(values)) {
    const char *data = bytes.data() + i * width;
    if (isa<FloatType>(element))
      value = floatAt(element, data);
    else if (isUnsigned && width == 8)
      value = static_cast<double>(readAs<uint64_t>(data));
    else
      value = static_cast<double>(
          intAt(element.getIntOrFloatBitWidth(), isUnsigned, data));
  }
  return values;
}

Constant Constant::fromBytes(RankedTensorType type, bool isUnsigned,
                             std::string bytes) {
  auto owner = std::make_shared<std::string>(std::move(bytes));
  Constant constant;
  constant.type = type;
  constant.isUnsigned = isUnsigned;
  constant.bytes = ArrayRef<char>(owner->data(), owner->size());
  constant.owner = owner;
  return constant;
}

Constant Constant::fromInts(RankedTensorType type, ArrayRef<int64_t> values,
                            bool isUnsigned) {
  int64_t width = bytesPerElement(type.getElementType());
  std::string bytes(values.size() * width, 0);
  for (auto [i, value] : llvm::enumerate(values))
    std::memcpy(bytes.data() + i * width, &value, width);
  return fromBytes(type, isUnsigned, std::move(bytes));
}

Constant Constant::fromFloats(RankedTensorType type, ArrayRef<double> values) {
  int64_t width = bytesPerElement(type.getElementType());
  const llvm::fltSemantics &semantics =
      cast<FloatType>(type.getElementType()).getFloatSemantics();
  std::string bytes(values.size() * width, 0);
  for (auto [i, value] : llvm::enumerate(values)) {
    llvm::APFloat number(value);
    bool lost = false;
    number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &lost);
    uint64_t bits = number.bitcastToAPInt().getZExtValue();
    std::memcpy(bytes.data() + i * width, &bits, width);
  }
  return fromBytes(type, false, std::move(bytes));
}

Constant Constant::reshaped(ArrayRef<int64_t> shape) const {
  Constant result = *this;
  result.type = type.clone(shape);
  return result;
}

ElementsAttr Constant::toAttribute() const {
  constexpr int64_t readable = 64;
  if (numElements() <= readable) {
    if (type.getElementType().isInteger(1)) {
      SmallVector<bool> flags;
      for (int64_t value : asInts())
        flags.push_back(value != 0);
      return DenseElementsAttr::get(type, flags);
    }
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  }
  // The resource shares the bytes: their owner lives as long as the blob.
  AsmResourceBlob blob(
      bytes, alignof(char), [owner = owner](void *, size_t, size_t) {}, false);
  return DenseResourceElementsAttr::get(type, name.empty() ? "constant" : name,
                                        std::move(blob));
}
