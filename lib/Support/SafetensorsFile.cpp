// A safetensors file is eight bytes of header length, a JSON header, and data.
// Nothing in it is trusted: lengths and offsets come from who wrote the model.

#include "Ligature/Support/SafetensorsFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
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
  for (const json::Value &dim : *shape) {
    std::optional<int64_t> extent = dim.getAsInteger();
    if (!extent || *extent < 0 || MulOverflow(bytes, *extent, bytes))
      return refuse("has a shape that no tensor has");
    tensor.shape.push_back(*extent);
  }
  std::optional<int64_t> begin = (*offsets)[0].getAsInteger(),
                         end = (*offsets)[1].getAsInteger();
  if (!begin || !end || *begin < 0 || *end < *begin ||
      static_cast<uint64_t>(*end) > data.size())
    return refuse("lies outside the file");
  if (*end - *begin != bytes)
    return refuse("has " + Twine(*end - *begin) + " bytes but its type needs " +
                  Twine(bytes));
  tensor.bytes = ArrayRef<char>(data.data() + *begin, *end - *begin);
  return Error::success();
}

/// How deep objects and arrays lie in each other; strings count for nothing.
static unsigned nestingDepth(StringRef json) {
  unsigned depth = 0, deepest = 0;
  bool inString = false;
  for (size_t i = 0; i < json.size(); ++i) {
    char c = json[i];
    if (inString && c == '\\')
      ++i;
    else if (c == '"')
      inString = !inString;
    else if (!inString && (c == '[' || c == '{'))
      deepest = std::max(deepest, ++depth);
    else if (!inString && (c == ']' || c == '}') && depth > 0)
      --depth;
  }
  return deepest;
}

Error SafetensorsFile::readHeader() {
  StringRef bytes = buffer->getBuffer();
  if (bytes.size() < 8)
    return createStringError("it has " + Twine(bytes.size()) + " bytes");
  uint64_t length = support::endian::read64le(bytes.data());
  if (length > kMaxHeader || length > bytes.size() - 8)
    return createStringError("its header would have " + Twine(length) +
                             " bytes of " + Twine(bytes.size()));
  StringRef text = bytes.substr(8, length), data = bytes.substr(8 + length);
  // The parser recurses as deep as the text nests; the format has four levels.
  if (nestingDepth(text) > 8)
    return createStringError("its header is no list of tensors");
  Expected<json::Value> header = json::parse(text);
  if (!header)
    return header.takeError();
  const json::Object *entries = header->getAsObject();
  if (!entries)
    return createStringError("its header is no JSON object");
  for (const auto &[name, value] : *entries) {
    StringRef key = name;
    if (key == "__metadata__")
      continue;
    if (Error error = readTensor(key, value, data, tensors[key]))
      return error;
  }
  return Error::success();
}

const SafetensorsFile::Tensor *SafetensorsFile::find(StringRef name) const {
  auto it = tensors.find(name);
  return it == tensors.end() ? nullptr : &it->second;
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
