// What a file holds, in words or for programs, and single tensors out of it.

#include "Ligature/Parameters/Commands.h"

#include "PrintName.h"

#include "Ligature/Analysis/ElementComparison.h"
#include "Ligature/Import/TensorFile.h"
#include "Ligature/Target/ModelInfo.h"
#include "Ligature/Target/OutputFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;
using namespace lig;
using namespace lig::parameters;

static std::string digestOf(llvm::ArrayRef<char> bytes) {
  return llvm::toHex(
      llvm::SHA256::hash(llvm::arrayRefFromStringRef(llvm::toStringRef(bytes))),
      /*LowerCase=*/true);
}

static void listText(llvm::raw_ostream &out, const ParameterSet &set) {
  std::vector<std::array<std::string, 5>> rows = {
      {"name", "type", "bytes", "offset", "sha256"}};
  for (const NamedTensor &tensor : set.tensors)
    rows.push_back({printName(tensor.name), tensor.describeType(),
                    std::to_string(tensor.bytes.size()),
                    tensor.offset ? std::to_string(*tensor.offset) : "-",
                    digestOf(tensor.bytes).substr(0, 16)});
  std::array<size_t, 5> widths = {};
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  for (const auto &row : rows)
    out << llvm::left_justify(row[0], widths[0]) << "  "
        << llvm::left_justify(row[1], widths[1]) << "  "
        << llvm::right_justify(row[2], widths[2]) << "  "
        << llvm::right_justify(row[3], widths[3]) << "  " << row[4] << "\n";
  out << set.tensors.size() << " parameters, " << set.countBytes() << " bytes, "
      << set.format << "\n";
  if (!set.digest.empty())
    out << "digest " << printName(set.digest) << "\n";
  for (const auto &[key, value] : set.metadata)
    out << "metadata " << printName(key) << " = " << printName(value) << "\n";
}

static void listJson(llvm::raw_ostream &out, const ParameterSet &set) {
  using llvm::json::fixUTF8;
  llvm::json::OStream json(out, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("file", fixUTF8(set.path));
    json.attribute("format", set.format);
    json.attribute("bytes", set.countBytes());
    if (!set.digest.empty())
      json.attribute("digest", fixUTF8(set.digest));
    json.attributeObject("metadata", [&] {
      for (const auto &[key, value] : set.metadata)
        json.attribute(fixUTF8(key), fixUTF8(value));
    });
    json.attributeArray("parameters", [&] {
      for (const NamedTensor &tensor : set.tensors)
        json.object([&] {
          json.attribute("name", fixUTF8(tensor.name));
          json.attribute("type", tensor.dtype);
          json.attributeArray("shape", [&] {
            for (int64_t extent : tensor.shape)
              json.value(extent);
          });
          json.attribute("bytes", static_cast<int64_t>(tensor.bytes.size()));
          if (tensor.offset)
            json.attribute("offset", static_cast<int64_t>(*tensor.offset));
          json.attribute("sha256", digestOf(tensor.bytes));
        });
    });
  });
  out << "\n";
}

void lig::parameters::list(llvm::raw_ostream &out, const ParameterSet &set,
                           Style style) {
  style == Style::Json ? listJson(out, set) : listText(out, set);
}

/// A line for each row of the last dimension.
static void printText(llvm::raw_ostream &out, const NamedTensor &tensor,
                      MLIRContext &context) {
  out << printName(tensor.name) << ": " << tensor.describeType() << "\n";
  TensorBytes bytes = tensor.getBytes(context);
  int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  for (int64_t i = 0, count = bytes.type.getNumElements(); i < count; ++i)
    out << printElement(bytes, i) << ((i + 1) % row ? " " : "\n");
}

llvm::Error lig::parameters::dump(const ParameterSet &set, StringRef name,
                                  StringRef path, MLIRContext &context) {
  const NamedTensor *tensor = set.find(name);
  if (!tensor)
    return llvm::createStringError("'" + set.path + "' has no tensor '" + name +
                                   "'");
  StringRef extension = llvm::sys::path::extension(path);
  if (extension != ".npy" && extension != ".pb")
    return target::writeFile(path.empty() ? "-" : path,
                             [&](llvm::raw_ostream &out) {
                               printText(out, *tensor, context);
                             });
  int32_t dtype = target::findSafetensorsType(tensor->dtype);
  if (!dtype)
    return llvm::createStringError("tensor '" + name + "' has type " +
                                   tensor->dtype + ", which " + extension +
                                   " files have no name for");
  std::string contents;
  llvm::raw_string_ostream made(contents);
  if (llvm::Error error = writeTensor(
          made, extension == ".npy" ? TensorFormat::Npy : TensorFormat::OnnxTensor,
          name, dtype, tensor->shape, tensor->bytes))
    return error;
  return target::writeFile(path,
                           [&](llvm::raw_ostream &out) { out << contents; });
}
