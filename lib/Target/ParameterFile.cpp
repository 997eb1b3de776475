// safetensors allows no gaps: every byte of the data belongs to a tensor. So
// the zeros that align parameters are tensors too, `ligature.pad.N` of u8, and
// the header is filled up with blanks, which the format allows.
//
// The digest stands in the header for the runtime to compare with the model's.
// All is ordered by offset, so that equal parameters make equal files.

#include "Ligature/Target/ParameterFile.h"
#include "Ligature/Target/OutputFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SHA256.h"

namespace lig::target {
namespace {

using Metadata = llvm::ArrayRef<std::pair<std::string, std::string>>;

llvm::Error refuse(const ParameterInfo &parameter, const llvm::Twine &reason) {
  return llvm::createStringError("parameter '" + parameter.name + "' " +
                                 reason);
}

/// Checks one parameter that follows data up to `end`.
llvm::Error check(const ParameterInfo &parameter, uint64_t end,
                  uint64_t dataBytes) {
  llvm::StringRef name = parameter.name;
  if (name == "__metadata__" || name.starts_with(kPadPrefix))
    return refuse(parameter, "has a name that parameter files reserve");
  if (!llvm::json::isUTF8(name) || name.contains('\0'))
    return refuse(parameter, "has a name that is no text");
  std::optional<uint64_t> bytes =
      getTensorBytes(parameter.dtype, parameter.dims);
  if (!bytes || *bytes != parameter.contents.size())
    return refuse(parameter, "has contents that do not fit its type");
  if (parameter.offset % LIG_ALIGNMENT)
    return refuse(parameter, "is not aligned");
  if (parameter.offset < end)
    return refuse(parameter, "overlaps another");
  if (parameter.offset > dataBytes || *bytes > dataBytes - parameter.offset)
    return refuse(parameter, "lies outside the data");
  return llvm::Error::success();
}

void describe(llvm::json::OStream &json, llvm::StringRef name,
              llvm::StringRef dtype, llvm::ArrayRef<int64_t> shape,
              uint64_t begin, uint64_t end) {
  json.attributeObject(name, [&] {
    json.attribute("dtype", dtype);
    json.attributeArray("shape", [&] {
      for (int64_t dim : shape)
        json.value(dim);
    });
    json.attributeArray("data_offsets", [&] {
      json.value(begin);
      json.value(end);
    });
  });
}

std::string makeHeader(llvm::ArrayRef<const ParameterInfo *> sorted,
                       uint64_t dataBytes, Metadata metadata,
                       llvm::ArrayRef<uint8_t> digest) {
  std::string header;
  llvm::raw_string_ostream text(header);
  llvm::json::OStream json(text);
  unsigned pads = 0;
  uint64_t at = 0;
  auto padTo = [&](uint64_t end) {
    if (at < end)
      describe(json, (kPadPrefix + llvm::Twine(pads++)).str(), "U8",
               {static_cast<int64_t>(end - at)}, at, end);
    at = end;
  };
  json.object([&] {
    json.attributeObject("__metadata__", [&] {
      json.attribute(kDigestKey, llvm::toHex(digest, /*LowerCase=*/true));
      for (const auto &[key, value] : metadata)
        json.attribute(key, value);
    });
    for (const ParameterInfo *parameter : sorted) {
      padTo(parameter->offset);
      at += parameter->contents.size();
      describe(json, parameter->name, getSafetensorsName(parameter->dtype),
               parameter->dims, parameter->offset, at);
    }
    padTo(dataBytes);
  });
  header.append(
      llvm::offsetToAlignment(8 + header.size(), llvm::Align(LIG_ALIGNMENT)),
      ' ');
  return header;
}

/// Hands the data to `take` in pieces, gaps as zeros.
void forEachPiece(llvm::ArrayRef<const ParameterInfo *> sorted,
                  uint64_t dataBytes,
                  llvm::function_ref<void(llvm::ArrayRef<char>)> take) {
  static constexpr char zeros[4096] = {};
  uint64_t at = 0;
  auto padTo = [&](uint64_t end) {
    while (at < end) {
      uint64_t bytes = std::min<uint64_t>(end - at, sizeof(zeros));
      take(llvm::ArrayRef(zeros, bytes));
      at += bytes;
    }
  };
  for (const ParameterInfo *parameter : sorted) {
    padTo(parameter->offset);
    take(parameter->contents);
    at += parameter->contents.size();
  }
  padTo(dataBytes);
}

} // namespace

llvm::Expected<ParameterFile>
ParameterFile::create(llvm::ArrayRef<ParameterInfo> parameters,
                      uint64_t dataBytes, Metadata metadata) {
  ParameterFile file;
  file.dataBytes = dataBytes;
  for (const ParameterInfo &parameter : parameters)
    file.sorted.push_back(&parameter);
  // Empty parameters go before the one that begins where they lie.
  llvm::sort(file.sorted, [](const auto *a, const auto *b) {
    return std::tuple(a->offset, a->contents.size(), llvm::StringRef(a->name)) <
           std::tuple(b->offset, b->contents.size(), llvm::StringRef(b->name));
  });

  llvm::StringSet<> names;
  uint64_t end = 0;
  for (const ParameterInfo *parameter : file.sorted) {
    if (llvm::Error error = check(*parameter, end, dataBytes))
      return std::move(error);
    if (!names.insert(parameter->name).second)
      return refuse(*parameter, "is there twice");
    end = parameter->offset + parameter->contents.size();
  }

  llvm::StringSet<> keys;
  for (const auto &[key, value] : metadata)
    if (key == kDigestKey || !llvm::json::isUTF8(key) ||
        !llvm::json::isUTF8(value) || !keys.insert(key).second)
      return llvm::createStringError("the metadata '" + key +
                                     "' is reserved, no text or there twice");

  llvm::SHA256 hash;
  forEachPiece(file.sorted, dataBytes, [&](llvm::ArrayRef<char> piece) {
    hash.update(llvm::toStringRef(piece));
  });
  file.digest = hash.final();
  file.header = makeHeader(file.sorted, dataBytes, metadata, file.digest);
  return std::move(file);
}

void ParameterFile::writeData(llvm::raw_ostream &out) const {
  forEachPiece(sorted, dataBytes, [&](llvm::ArrayRef<char> piece) {
    out.write(piece.data(), piece.size());
  });
}

bool ParameterFile::equals(llvm::StringRef contents) const {
  if (contents.size() != getDataOffset() + dataBytes ||
      llvm::support::endian::read64le(contents.data()) != header.size() ||
      !contents.drop_front(8).starts_with(header))
    return false;
  llvm::StringRef rest = contents.drop_front(getDataOffset());
  bool equal = true;
  forEachPiece(sorted, dataBytes, [&](llvm::ArrayRef<char> piece) {
    equal = equal && rest.take_front(piece.size()) == llvm::toStringRef(piece);
    rest = rest.drop_front(piece.size());
  });
  return equal;
}

llvm::Error ParameterFile::write(llvm::StringRef path) const {
  return writeFile(path, [&](llvm::raw_ostream &out) {
    char length[8];
    llvm::support::endian::write64le(length, header.size());
    out.write(length, sizeof(length));
    out << header;
    writeData(out);
  });
}

} // namespace lig::target
