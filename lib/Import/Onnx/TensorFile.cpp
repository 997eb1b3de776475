// Reading and writing single tensors. A .npy file says what it is by its first
// bytes; everything else is taken for an ONNX tensor message.

#include "Ligature/Import/TensorFile.h"

#include "TensorData.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

#include <google/protobuf/stubs/logging.h>

#include <cstring>

using namespace mlir;
using namespace lig;
using namespace lig::onnx_import;

//===-- NumPy ------------------------------------------------------------===//

// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
static constexpr llvm::StringLiteral npyMagic("\x93NUMPY");

struct NpyType {
  StringRef descr;
  int dtype;
};
static constexpr NpyType npyTypes[] = {
    {"<f4", onnx::TensorProto::FLOAT},    {"<f8", onnx::TensorProto::DOUBLE},
    {"<f2", onnx::TensorProto::FLOAT16},  {"|b1", onnx::TensorProto::BOOL},
    {"|i1", onnx::TensorProto::INT8},     {"<i2", onnx::TensorProto::INT16},
    {"<i4", onnx::TensorProto::INT32},    {"<i8", onnx::TensorProto::INT64},
    {"|u1", onnx::TensorProto::UINT8},    {"<u2", onnx::TensorProto::UINT16},
    {"<u4", onnx::TensorProto::UINT32},   {"<u8", onnx::TensorProto::UINT64},
    {"<V2", onnx::TensorProto::BFLOAT16}, {"|V2", onnx::TensorProto::BFLOAT16}};

static int findNpyType(StringRef descr) {
  for (const NpyType &type : npyTypes)
    if (type.descr == descr)
      return type.dtype;
  return onnx::TensorProto::UNDEFINED;
}

static StringRef findNpyDescr(int dtype) {
  for (const NpyType &type : npyTypes)
    if (type.dtype == dtype)
      return type.descr;
  llvm_unreachable("every type of the ABI has a name");
}

/// The text behind 'key': in the header, which is a Python dictionary.
static StringRef npyField(StringRef header, StringRef key) {
  size_t at = header.find(("'" + key + "'").str());
  if (at == StringRef::npos)
    return "";
  return header.drop_front(at).split(':').second.ltrim();
}

static std::optional<SmallVector<int64_t>> npyShape(StringRef field) {
  size_t end = field.find(')');
  if (!field.consume_front("(") || end == StringRef::npos)
    return std::nullopt;
  SmallVector<StringRef> parts;
  field.take_front(end - 1).split(parts, ',');
  SmallVector<int64_t> shape;
  for (StringRef part : parts) {
    int64_t extent;
    if (part.trim().empty())
      continue;
    if (part.trim().getAsInteger(10, extent))
      return std::nullopt;
    shape.push_back(extent);
  }
  return shape;
}

/// Elements that lie with the first index fastest, brought into row-major
/// order.
static std::string fromFortranOrder(StringRef data, ArrayRef<int64_t> shape,
                                    int64_t width) {
  std::string result(data.size(), 0);
  SmallVector<int64_t> strides, index(shape.size(), 0);
  int64_t stride = width;
  for (int64_t extent : shape) {
    strides.push_back(stride);
    stride *= extent;
  }
  int64_t from = 0;
  for (size_t to = 0; to < result.size(); to += width) {
    std::memcpy(result.data() + to, data.data() + from, width);
    for (int64_t d = shape.size() - 1; d >= 0; --d) {
      from += strides[d];
      if (++index[d] < shape[d])
        break;
      from -= index[d] * strides[d];
      index[d] = 0;
    }
  }
  return result;
}

namespace {
struct NpyParts {
  StringRef header, data;
};
} // namespace

static std::optional<NpyParts> splitNpy(StringRef bytes) {
  constexpr size_t version = 6, narrow = 10, wide = 12;
  if (bytes.size() < wide)
    return std::nullopt;
  auto byte = [&](size_t i) { return uint32_t(uint8_t(bytes[i])); };
  bool isWide = byte(version) >= 2;
  uint32_t length = byte(8) | byte(9) << 8;
  if (isWide)
    length |= byte(10) << 16 | byte(11) << 24;
  size_t start = isWide ? wide : narrow;
  if (byte(version) < 1 || byte(version) > 3 || length > bytes.size() - start)
    return std::nullopt;
  return NpyParts{bytes.substr(start, length),
                  bytes.drop_front(start + length)};
}

static llvm::Expected<Constant> readNpy(StringRef bytes, MLIRContext *context) {
  auto wrong = [](const Twine &what) { return llvm::createStringError(what); };
  std::optional<NpyParts> parts = splitNpy(bytes);
  if (!parts)
    return wrong("the .npy header is cut short or of an unknown version");
  StringRef descr = npyField(parts->header, "descr");
  descr.consume_front("'");
  descr = descr.split('\'').first;
  ElementType element = elementTypeOf(findNpyType(descr), context);
  if (!element)
    return wrong("element type '" + descr + "' is not supported");
  std::optional<SmallVector<int64_t>> shape =
      npyShape(npyField(parts->header, "shape"));
  int64_t size = shape ? checkedByteSize(*shape, element.type) : -1;
  if (size < 0)
    return wrong("the .npy header has no shape of sane size");
  if (parts->data.size() != static_cast<uint64_t>(size))
    return wrong("the type takes " + Twine(size) + " bytes, but " +
                 Twine(parts->data.size()) + " follow the header");
  bool isFortran = npyField(parts->header, "fortran_order").starts_with("True");
  return Constant::fromBytes(
      RankedTensorType::get(*shape, element.type), element.isUnsigned,
      isFortran
          ? fromFortranOrder(parts->data, *shape, bytesPerElement(element.type))
          : parts->data.str());
}

static void writeNpy(llvm::raw_ostream &out, int dtype, ArrayRef<int64_t> dims,
                     ArrayRef<char> bytes) {
  std::string shape;
  for (int64_t extent : dims)
    shape += std::to_string(extent) + ",";
  std::string header = llvm::formatv(
      "{{'descr': '{0}', 'fortran_order': False, 'shape': ({1}), }",
      findNpyDescr(dtype), shape);
  // The data begins at a multiple of 64.
  constexpr size_t prefix = 10;
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  out << npyMagic << '\1' << '\0' << char(header.size() & 0xff)
      << char(header.size() >> 8) << header
      << StringRef(bytes.data(), bytes.size());
}

//===-- ONNX -------------------------------------------------------------===//

/// Collects what decoding says, since here it becomes an llvm::Error.
static llvm::Expected<Constant> readOnnx(StringRef bytes, StringRef path,
                                         MLIRContext *context) {
  google::protobuf::LogSilencer silencer;
  auto proto = std::make_shared<onnx::TensorProto>();
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !proto->ParseFromArray(bytes.data(), bytes.size()) ||
      proto->data_type() == onnx::TensorProto::UNDEFINED)
    return llvm::createStringError("this is neither a .npy file nor an ONNX "
                                   "tensor (sequences and optional "
                                   "values are not supported)");
  std::string message;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    message += diagnostic.str();
    return success();
  });
  ExternalData external(path);
  FailureOr<Constant> constant = decodeTensor(*proto, context, external, [&] {
    return emitError(UnknownLoc::get(context));
  });
  if (failed(constant))
    return llvm::createStringError(message);
  if (!constant->owner)
    constant->owner = proto;
  return *constant;
}

static llvm::Error writeOnnx(llvm::raw_ostream &out, StringRef name, int dtype,
                             ArrayRef<int64_t> dims, ArrayRef<char> bytes) {
  // What else a message holds takes far less than the rest.
  constexpr size_t limit = (size_t(1) << 31) - (1 << 20);
  if (bytes.size() > limit)
    return llvm::createStringError("tensor '" + name + "' has " +
                                   Twine(bytes.size()) +
                                   " bytes; an ONNX message ends at 2 GiB");
  onnx::TensorProto proto;
  proto.set_name(name.str());
  proto.set_data_type(dtype);
  for (int64_t extent : dims)
    proto.add_dims(extent);
  proto.set_raw_data(bytes.data(), bytes.size());
  out << proto.SerializeAsString();
  return llvm::Error::success();
}

//===-- Interface --------------------------------------------------------===//

/// The lig_dtype of a constant; its numbers are ONNX's.
static int dtypeOf(const Constant &constant) {
  for (int dtype = 1; dtype <= onnx::TensorProto::BFLOAT16; ++dtype) {
    ElementType element = elementTypeOf(dtype, constant.type.getContext());
    if (element.type == constant.type.getElementType() &&
        element.isUnsigned == constant.isUnsigned)
      return dtype;
  }
  llvm_unreachable("constants have a type of ONNX");
}

/// Files may store any byte for true.
static Constant withCleanBooleans(Constant constant) {
  if (!constant.type.getElementType().isInteger(1) ||
      llvm::all_of(constant.bytes, [](char c) { return c == 0 || c == 1; }))
    return constant;
  std::string bytes(constant.bytes.begin(), constant.bytes.end());
  for (char &byte : bytes)
    byte = byte != 0;
  Constant clean = Constant::fromBytes(constant.type, false, std::move(bytes));
  clean.name = constant.name;
  return clean;
}

TensorFile lig::onnx_import::makeTensorFile(Constant constant) {
  constant = withCleanBooleans(std::move(constant));
  TensorFile file;
  file.name = constant.name;
  file.elements = constant.toAttribute();
  file.isUnsigned = constant.isUnsigned;
  file.dtype = dtypeOf(constant);
  file.dims = llvm::to_vector(constant.type.getShape());
  file.bytes = constant.bytes;
  file.owner = constant.owner;
  return file;
}

llvm::Expected<TensorFile>
lig::parseTensorFile(StringRef bytes, StringRef path, MLIRContext *context) {
  llvm::Expected<Constant> read = bytes.starts_with(npyMagic)
                                      ? readNpy(bytes, context)
                                      : readOnnx(bytes, path, context);
  if (!read)
    return llvm::createStringError("'" + path +
                                   "': " + llvm::toString(read.takeError()));
  return makeTensorFile(std::move(*read));
}

llvm::Expected<TensorFile> lig::loadTensorFile(StringRef path,
                                               MLIRContext *context) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError("cannot read '" + path +
                                   "': " + buffer.getError().message());
  return parseTensorFile((*buffer)->getBuffer(), path, context);
}

llvm::Error lig::writeTensor(llvm::raw_ostream &out, TensorFormat format,
                             StringRef name, int dtype, ArrayRef<int64_t> dims,
                             ArrayRef<char> bytes) {
  if (format == TensorFormat::OnnxTensor)
    return writeOnnx(out, name, dtype, dims, bytes);
  writeNpy(out, dtype, dims, bytes);
  return llvm::Error::success();
}
