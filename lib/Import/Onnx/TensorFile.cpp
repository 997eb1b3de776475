// Reading and writing single tensors. A .npy file says what it is by its first
// bytes; everything else is taken for an ONNX tensor message.

#include "Ligature/Import/TensorFile.h"

#include "TensorData.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ScopedPrinter.h"

#include <google/protobuf/stubs/logging.h>

using namespace mlir;
using namespace lig;
using namespace lig::onnx_import;

//===-- NumPy ------------------------------------------------------------===//

// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
static constexpr llvm::StringLiteral npyMagic("\x93NUMPY");

static ElementType elementOfNpy(StringRef descr, MLIRContext *context) {
  using onnx::TensorProto;
  static const std::pair<StringRef, int> types[] = {
      {"<f4", TensorProto::FLOAT},   {"<f8", TensorProto::DOUBLE},
      {"<f2", TensorProto::FLOAT16}, {"|b1", TensorProto::BOOL},
      {"|i1", TensorProto::INT8},    {"<i2", TensorProto::INT16},
      {"<i4", TensorProto::INT32},   {"<i8", TensorProto::INT64},
      {"|u1", TensorProto::UINT8},   {"<u2", TensorProto::UINT16},
      {"<u4", TensorProto::UINT32},  {"<u8", TensorProto::UINT64}};
  for (auto [name, type] : types)
    if (name == descr)
      return elementTypeOf(type, context);
  return {};
}

/// The value behind 'key' in the header, which is a Python dictionary.
static StringRef npyField(StringRef header, StringRef key) {
  size_t at = header.find(("'" + key + "'").str());
  if (at == StringRef::npos)
    return "";
  return header.drop_front(at).split(':').second.ltrim();
}

static std::optional<SmallVector<int64_t>> npyShape(StringRef field) {
  if (!field.consume_front("("))
    return std::nullopt;
  SmallVector<int64_t> shape;
  SmallVector<StringRef> parts;
  size_t end = field.find(')');
  if (end == StringRef::npos)
    return std::nullopt;
  field.take_front(end).split(parts, ',');
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

static llvm::Expected<Constant> readNpy(StringRef bytes, MLIRContext *context) {
  auto wrong = [](const Twine &what) { return llvm::createStringError(what); };
  if (bytes.size() < 12)
    return wrong("the .npy header is cut short");
  bool wide = bytes[6] >= 2;
  uint32_t length = uint8_t(bytes[8]) | uint8_t(bytes[9]) << 8;
  if (wide)
    length |= uint8_t(bytes[10]) << 16 | uint32_t(uint8_t(bytes[11])) << 24;
  size_t start = wide ? 12 : 10;
  if (length > bytes.size() - start)
    return wrong("the .npy header is cut short");
  StringRef header = bytes.substr(start, length);
  StringRef data = bytes.drop_front(start + length);

  StringRef descr = npyField(header, "descr");
  descr = descr.drop_front().split('\'').first;
  ElementType element = elementOfNpy(descr, context);
  if (!element)
    return wrong("element type '" + descr + "' is not supported");
  std::optional<SmallVector<int64_t>> shape =
      npyShape(npyField(header, "shape"));
  int64_t size = shape ? checkedByteSize(*shape, element.type) : -1;
  if (size < 0)
    return wrong("the .npy header has no shape of sane size");
  if (npyField(header, "fortran_order").starts_with("True") &&
      shape->size() > 1)
    return wrong("the array is in Fortran order; save it in C order");
  if (data.size() != static_cast<uint64_t>(size))
    return wrong("the type takes " + Twine(size) + " bytes, but " +
                 Twine(data.size()) + " follow the header");
  return Constant::fromBytes(RankedTensorType::get(*shape, element.type),
                             element.isUnsigned, data.str());
}

static void writeNpy(llvm::raw_ostream &out, int dtype, ArrayRef<int64_t> dims,
                     ArrayRef<char> bytes) {
  static const char *const names[] = {
      nullptr, "<f4", "|u1", "|i1", "<u2", "<i2",   "<i4",   "<i8", nullptr,
      "|b1",   "<f2", "<f8", "<u4", "<u8", nullptr, nullptr, "<u2"};
  std::string shape;
  for (int64_t extent : dims)
    shape += std::to_string(extent) + ",";
  std::string header = llvm::formatv(
      "{{'descr': '{0}', 'fortran_order': False, 'shape': ({1}), }",
      names[dtype], shape);
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
    return llvm::createStringError(
        "this is neither a .npy file nor an ONNX tensor");
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

static void writeOnnx(llvm::raw_ostream &out, StringRef name, int dtype,
                      ArrayRef<int64_t> dims, ArrayRef<char> bytes) {
  onnx::TensorProto proto;
  proto.set_name(name.str());
  proto.set_data_type(dtype);
  for (int64_t extent : dims)
    proto.add_dims(extent);
  proto.set_raw_data(bytes.data(), bytes.size());
  out << proto.SerializeAsString();
}

//===-- Interface --------------------------------------------------------===//

llvm::Expected<TensorFile> lig::loadTensorFile(StringRef path,
                                               MLIRContext *context) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError("cannot read '" + path +
                                   "': " + buffer.getError().message());
  StringRef bytes = (*buffer)->getBuffer();
  llvm::Expected<Constant> constant = bytes.starts_with(npyMagic)
                                          ? readNpy(bytes, context)
                                          : readOnnx(bytes, path, context);
  if (!constant)
    return llvm::createStringError(
        "'" + path + "': " + llvm::toString(constant.takeError()));
  return TensorFile{constant->name, constant->toAttribute(),
                    constant->isUnsigned};
}

void lig::writeTensor(llvm::raw_ostream &out, TensorFormat format,
                      StringRef name, int dtype, ArrayRef<int64_t> dims,
                      ArrayRef<char> bytes) {
  if (format == TensorFormat::Npy)
    writeNpy(out, dtype, dims, bytes);
  else
    writeOnnx(out, name, dtype, dims, bytes);
}
