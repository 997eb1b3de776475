// Decoding tensor messages: raw bytes, typed fields and external files.

#include "TensorData.h"

#include <cstring>

using namespace mlir;
using namespace lig::onnx_import;

/// The checked type of a message's tensor.
static FailureOr<RankedTensorType> typeOf(const onnx::TensorProto &proto,
                                          ElementType element,
                                          EmitError emitError) {
  if (!element)
    return emitError() << "element type "
                       << onnx::TensorProto::DataType_Name(
                              static_cast<onnx::TensorProto::DataType>(
                                  proto.data_type()))
                       << " is not supported";
  SmallVector<int64_t> shape(proto.dims().begin(), proto.dims().end());
  if (checkedByteSize(shape, element.type) < 0) {
    InFlightDiagnostic diagnostic = emitError();
    diagnostic << "the shape [";
    llvm::interleaveComma(shape, diagnostic);
    return diagnostic << "] is negative or larger than any machine";
  }
  return RankedTensorType::get(shape, element.type);
}

static FailureOr<Constant> readExternal(const onnx::TensorProto &proto,
                                        Constant constant,
                                        ExternalData &external,
                                        EmitError emitError) {
  StringRef location;
  uint64_t size =
      checkedByteSize(constant.type.getShape(), constant.type.getElementType());
  uint64_t offset = 0, length = size;
  for (const onnx::StringStringEntryProto &entry : proto.external_data()) {
    StringRef key = entry.key(), value = entry.value();
    if (key == "location")
      location = value;
    else if ((key == "offset" && value.getAsInteger(10, offset)) ||
             (key == "length" && value.getAsInteger(10, length)))
      return emitError() << "the " << key << " '" << value
                         << "' of its external data is no number";
  }
  if (length != size)
    return emitError() << "the type takes " << size
                       << " bytes, but its external data has " << length;
  llvm::Expected<ExternalData::Range> range =
      external.read(location, offset, length);
  if (!range)
    return emitError() << llvm::toString(range.takeError());
  constant.bytes = range->bytes;
  constant.owner = range->owner;
  return constant;
}

/// Stores each entry of a typed field in the element's width.
template <typename Field>
static std::string narrow(const Field &field, int64_t width) {
  std::string bytes(field.size() * width, 0);
  int64_t at = 0;
  for (auto value : field) {
    std::memcpy(bytes.data() + at, &value, width);
    at += width;
  }
  return bytes;
}

static std::string readFields(const onnx::TensorProto &proto, int64_t width) {
  switch (proto.data_type()) {
  case onnx::TensorProto::FLOAT:
    return narrow(proto.float_data(), width);
  case onnx::TensorProto::DOUBLE:
    return narrow(proto.double_data(), width);
  case onnx::TensorProto::INT64:
    return narrow(proto.int64_data(), width);
  case onnx::TensorProto::UINT32:
  case onnx::TensorProto::UINT64:
    return narrow(proto.uint64_data(), width);
  default: // 32 bits and less, and the bits of 16-bit floats
    return narrow(proto.int32_data(), width);
  }
}

FailureOr<Constant>
lig::onnx_import::decodeTensor(const onnx::TensorProto &proto,
                               MLIRContext *context, ExternalData &external,
                               EmitError emitError) {
  ElementType element = elementTypeOf(proto.data_type(), context);
  FailureOr<RankedTensorType> type = typeOf(proto, element, emitError);
  if (failed(type))
    return failure();
  if (proto.has_segment())
    return emitError() << "segmented tensors are not supported";
  Constant constant;
  constant.type = *type;
  constant.isUnsigned = element.isUnsigned;
  constant.name = proto.name();
  if (proto.data_location() == onnx::TensorProto::EXTERNAL)
    return readExternal(proto, std::move(constant), external, emitError);

  int64_t size = checkedByteSize(type->getShape(), element.type);
  if (proto.has_raw_data()) {
    constant.bytes = ArrayRef(proto.raw_data().data(), proto.raw_data().size());
  } else {
    std::string bytes = readFields(proto, bytesPerElement(element.type));
    std::string name = std::move(constant.name);
    constant = Constant::fromBytes(*type, element.isUnsigned, std::move(bytes));
    constant.name = std::move(name);
  }
  int64_t held = constant.bytes.size();
  if (held != size)
    return emitError() << "the type takes " << size
                       << " bytes, but its data has " << held;
  return constant;
}

//===-- Sparse tensors ---------------------------------------------------===//

FailureOr<Constant>
lig::onnx_import::decodeSparseTensor(const onnx::SparseTensorProto &proto,
                                     MLIRContext *context,
                                     EmitError emitError) {
  ExternalData none("");
  FailureOr<Constant> values =
      decodeTensor(proto.values(), context, none, emitError);
  FailureOr<Constant> indices =
      decodeTensor(proto.indices(), context, none, emitError);
  if (failed(values) || failed(indices))
    return failure();
  SmallVector<int64_t> shape(proto.dims().begin(), proto.dims().end());
  Type element = values->type.getElementType();
  // Unlike a dense message, a small sparse one can ask for any memory.
  constexpr int64_t limit = int64_t(1) << 31;
  int64_t size = checkedByteSize(shape, element);
  if (size < 0 || size > limit)
    return emitError() << "the sparse tensor is too large as a dense one";
  int64_t count = values->numElements(), rank = shape.size();
  bool linear = indices->type.getRank() == 1;
  if (!indices->type.getElementType().isInteger(64) ||
      indices->numElements() != (linear ? count : count * rank))
    return emitError() << "the sparse tensor has " << count
                       << " values, but indices of " << indices->numElements()
                       << " elements";
  int64_t width = bytesPerElement(element);
  std::string bytes(size, 0);
  SmallVector<int64_t> at = indices->asInts();
  for (int64_t i = 0; i < count; ++i) {
    int64_t position = linear ? at[i] : 0;
    for (int64_t d = 0; !linear && d < rank; ++d) {
      int64_t index = at[i * rank + d];
      if (index < 0 || index >= shape[d])
        return emitError() << "index " << index << " of the sparse tensor is "
                           << "outside extent " << shape[d];
      position = position * shape[d] + index;
    }
    if (position < 0 || position >= size / width)
      return emitError() << "index " << position << " of the sparse tensor is "
                         << "outside its " << size / width << " elements";
    std::memcpy(bytes.data() + position * width,
                values->bytes.data() + i * width, width);
  }
  return Constant::fromBytes(RankedTensorType::get(shape, element),
                             values->isUnsigned, std::move(bytes));
}
