// A safetensors file is eight bytes of header length, a JSON header, and data.
// Nothing in it is trusted: lengths and offsets come from who wrote the model.

#include "Ligature/Support/SafetensorsFile.h"

#include "Ligature/Support/Json.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace lig;

/// The format's own limit.
static constexpr uint64_t kMaxHeader = 100'000'000;

static int64_t elementBytes(StringRef dtype) {
  return StringSwitch<int64_t>(dtype)
      .Cases({"F64", "I64", "U64"}, 8)
      .Cases({"F32", "I32", "U32"}, 4)
      .Cases({"F16", "BF16", "I16", "U16"}, 2)
      .Cases({"I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"}, 1)
      .Default(0);
}

Expected<std::shared_ptr<SafetensorsFile>>
SafetensorsFile::open(StringRef path) {
  // A terminator would make the buffer a copy whenever the file ends a page.
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer)
    return createStringError("cannot read '" + path +
                             "': " + buffer.getError().message());
  return parse(std::move(*buffer));
}

Expected<std::shared_ptr<SafetensorsFile>>
SafetensorsFile::parse(std::unique_ptr<MemoryBuffer> buffer) {
  std::shared_ptr<SafetensorsFile> file(new SafetensorsFile());
  file->buffer = std::move(buffer);
  if (Error error = file->readHeader())
    return createStringError("'" + file->buffer->getBufferIdentifier() +
                             "' is no safetensors file: " +
                             toString(std::move(error)));
  return file;
}

/// Fills in one tensor from its entry; `data` is all data of the file.
static Error readTensor(StringRef name, const json::Value &value,
                        StringRef data, SafetensorsFile::Tensor &tensor) {
  auto refuse = [&](const Twine &reason) {
    return createStringError("tensor '" + name + "' " + reason);
  };
  const json::Object *entry = value.getAsObject();
  if (!entry)
    return refuse("has no description");
  const json::Array *shape = entry->getArray("shape");
  const json::Array *offsets = entry->getArray("data_offsets");
  std::optional<StringRef> dtype = entry->getString("dtype");
  if (!shape || !offsets || !dtype || offsets->size() != 2)
    return refuse("lacks a dtype, a shape or offsets");
  int64_t bytes = elementBytes(*dtype);
  if (bytes == 0)
    return refuse("has the unknown dtype '" + *dtype + "'");
  tensor.dtype = dtype->str();
  bool isEmpty = false;
  for (const json::Value &dim : *shape) {
    std::optional<int64_t> extent = dim.getAsInteger();
    // Beside a zero, too, no product of extents may overflow.
    if (!extent || *extent < 0 ||
        MulOverflow(bytes, std::max<int64_t>(*extent, 1), bytes))
      return refuse("has a shape that no tensor has");
    isEmpty |= *extent == 0;
    tensor.shape.push_back(*extent);
  }
  if (isEmpty)
    bytes = 0;
  std::optional<int64_t> begin = (*offsets)[0].getAsInteger(),
                         end = (*offsets)[1].getAsInteger();
  if (!begin || !end || *begin < 0 || *end < *begin ||
      static_cast<uint64_t>(*end) > data.size())
    return refuse("lies outside the file");
  if (*end - *begin != bytes)
    return refuse("has " + Twine(*end - *begin) + " bytes but its type needs " +
                  Twine(bytes));
  tensor.bytes = ArrayRef<char>(data.data() + *begin, *end - *begin);
  tensor.offset = *begin;
  return Error::success();
}

static Error
readMetadata(const json::Value &value,
             std::vector<std::pair<std::string, std::string>> &metadata) {
  const json::Object *entries = value.getAsObject();
  if (!entries)
    return createStringError("its __metadata__ is no JSON object");
  for (const auto &[key, entry] : *entries) {
    std::optional<StringRef> text = entry.getAsString();
    if (!text)
      return createStringError("'" + StringRef(key) +
                               "' in its __metadata__ is no text");
    metadata.emplace_back(StringRef(key).str(), text->str());
  }
  llvm::sort(metadata);
  return Error::success();
}

Error SafetensorsFile::readHeader() {
  StringRef bytes = buffer->getBuffer();
  if (bytes.size() < 8)
    return createStringError("it has " + Twine(bytes.size()) + " bytes");
  uint64_t length = support::endian::read64le(bytes.data());
  if (length > kMaxHeader || length > bytes.size() - 8)
    return createStringError("its header would have " + Twine(length) +
                             " bytes of " + Twine(bytes.size()));
  StringRef text = bytes.substr(8, length);
  data = bytes.substr(8 + length);
  Expected<json::Value> header = parseJson(text, /*deepest=*/4);
  if (!header)
    return header.takeError();
  const json::Object *entries = header->getAsObject();
  if (!entries)
    return createStringError("its header is no JSON object");
  for (const auto &[name, value] : *entries) {
    StringRef key = name;
    if (key == "__metadata__") {
      if (Error error = readMetadata(value, metadata))
        return error;
      continue;
    }
    if (Error error = readTensor(key, value, data, tensors[key]))
      return error;
  }
  return Error::success();
}

const SafetensorsFile::Tensor *SafetensorsFile::find(StringRef name) const {
  auto it = tensors.find(name);
  return it == tensors.end() ? nullptr : &it->second;
}

std::vector<StringRef> SafetensorsFile::getNames() const {
  std::vector<StringRef> names(tensors.keys().begin(), tensors.keys().end());
  auto place = [&](StringRef name) {
    const Tensor &tensor = tensors.find(name)->second;
    return std::tuple(tensor.offset, tensor.bytes.size(), name);
  };
  llvm::sort(names,
             [&](StringRef a, StringRef b) { return place(a) < place(b); });
  return names;
}

Error SafetensorsFile::checkLayout() const {
  auto refuse = [&](const Twine &reason) {
    return createStringError("'" + buffer->getBufferIdentifier() +
                             "' is no safetensors file: " + reason);
  };
  uint64_t end = 0;
  for (StringRef name : getNames()) {
    const Tensor &tensor = tensors.find(name)->second;
    if (tensor.offset != end)
      return refuse("tensor '" + name +
                    (tensor.offset < end ? "' overlaps another"
                                         : "' follows a hole"));
    end += tensor.bytes.size();
  }
  if (end != data.size())
    return refuse("its tensors end at byte " + Twine(end) + " of " +
                  Twine(data.size()));
  return Error::success();
}

mlir::Type lig::getSafetensorsType(StringRef dtype,
                                   mlir::MLIRContext *context) {
  mlir::Builder b(context);
  return StringSwitch<mlir::Type>(dtype)
      .Case("F64", b.getF64Type())
      .Case("F32", b.getF32Type())
      .Case("F16", b.getF16Type())
      .Case("BF16", b.getBF16Type())
      .Case("F8_E4M3", mlir::Float8E4M3FNType::get(context))
      .Case("F8_E5M2", mlir::Float8E5M2Type::get(context))
      .Cases({"I64", "U64"}, b.getI64Type())
      .Cases({"I32", "U32"}, b.getI32Type())
      .Cases({"I16", "U16"}, b.getI16Type())
      .Cases({"I8", "U8"}, b.getI8Type())
      .Case("BOOL", b.getI1Type())
      .Default(mlir::Type());
}

Expected<std::string> lig::resolveBelow(StringRef folder, StringRef path) {
  namespace fs = sys::fs;
  namespace paths = sys::path;
  if (path.empty() || path.contains('\0'))
    return createStringError("'" + path + "' is no file name");
  if (paths::is_absolute(path) ||
      llvm::is_contained(llvm::make_range(paths::begin(path), paths::end(path)),
                         ".."))
    return createStringError("'" + path +
                             "' leads out of the model's folder");
  SmallString<128> whole(folder.empty() ? "." : folder), real, realFolder;
  if (std::error_code error = fs::real_path(whole, realFolder))
    return createStringError("cannot read '" + whole + "': " +
                             error.message());
  paths::append(whole, path);
  if (std::error_code error = fs::real_path(whole, real))
    return createStringError("cannot read '" + whole + "': " +
                             error.message());
  SmallString<128> prefix = realFolder;
  if (!StringRef(prefix).ends_with("/"))
    prefix += "/";
  if (!StringRef(real).starts_with(prefix))
    return createStringError("'" + path +
                             "' leads out of the model's folder");
  if (!fs::is_regular_file(real))
    return createStringError("'" + path + "' is no file");
  return std::string(real);
}
