// Every format becomes the same list of tensors, which lie where the file has
// them: in a mapping, in a message, or unpacked on the heap. The format is told
// by the contents; a name decides only where contents do not.

#include "Ligature/Parameters/ParameterSet.h"

#include "NpzFile.h"

#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Import/TensorFile.h"
#include "Ligature/Target/ParameterFile.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace lig;
using namespace lig::parameters;
namespace fs = llvm::sys::fs;
namespace paths = llvm::sys::path;
using llvm::Error;
using llvm::Expected;

//===-- Tensors ----------------------------------------------------------===//

std::string NamedTensor::describeType() const {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << dtype << " [";
  llvm::interleaveComma(shape, out);
  out << "]";
  return text;
}

static RankedTensorType getType(const NamedTensor &tensor,
                                MLIRContext *context) {
  return RankedTensorType::get(tensor.shape,
                               getSafetensorsType(tensor.dtype, context));
}

TensorBytes NamedTensor::getBytes(MLIRContext &context) const {
  RankedTensorType type = getType(*this, &context);
  if (StringRef(dtype).starts_with("U"))
    type = type.clone(
        IntegerType::get(&context, type.getElementTypeBitWidth(),
                         IntegerType::Unsigned));
  return {type, bytes, nullptr};
}

const NamedTensor *ParameterSet::find(StringRef name) const {
  auto it = llvm::find_if(
      tensors, [&](const NamedTensor &tensor) { return tensor.name == name; });
  return it == tensors.end() ? nullptr : &*it;
}

StringRef ParameterSet::getTies() const {
  for (const auto &[key, value] : metadata)
    if (key == share::kTiesAttr)
      return value;
  return "";
}

uint64_t ParameterSet::countBytes() const {
  uint64_t bytes = 0;
  for (const NamedTensor &tensor : tensors)
    bytes += tensor.bytes.size();
  return bytes;
}

//===-- Formats ----------------------------------------------------------===//

static NamedTensor makeTensor(TensorFile file, StringRef name) {
  return {name.str(),
          target::getSafetensorsName(file.dtype).str(),
          file.dims,
          file.bytes,
          std::nullopt,
          file.owner};
}

static Error readSafetensors(std::unique_ptr<llvm::MemoryBuffer> buffer,
                             ParameterSet &set) {
  auto file = SafetensorsFile::parse(std::move(buffer));
  if (!file)
    return file.takeError();
  set.format = "safetensors";
  set.safetensors = *file;
  set.data = (*file)->getData();
  for (StringRef name : (*file)->getNames()) {
    if (name.starts_with(target::kPadPrefix))
      continue;
    const SafetensorsFile::Tensor &tensor = *(*file)->find(name);
    set.tensors.push_back({name.str(), tensor.dtype,
                           llvm::to_vector(tensor.shape), tensor.bytes,
                           tensor.offset, *file});
  }
  for (const auto &[key, value] : (*file)->getMetadata())
    if (key == target::kDigestKey)
      set.digest = value;
    else
      set.metadata.emplace_back(key, value);
  return Error::success();
}

static Error readNpy(StringRef bytes, StringRef path, StringRef name,
                     ParameterSet &set, MLIRContext &context) {
  Expected<TensorFile> file = parseTensorFile(bytes, path, &context);
  if (!file)
    return file.takeError();
  set.tensors.push_back(makeTensor(*file, name));
  return Error::success();
}

static Error readNpz(StringRef bytes, ParameterSet &set, MLIRContext &context) {
  set.format = "npz";
  Error error = forEachInNpz(bytes, [&](StringRef name, StringRef contents) {
    return readNpy(contents, name, name, set, context);
  });
  if (!error)
    return error;
  return llvm::createStringError("'" + set.path +
                                 "': " + llvm::toString(std::move(error)));
}

static Error readOnnx(StringRef bytes, ParameterSet &set,
                      MLIRContext &context) {
  set.format = "onnx";
  Expected<OnnxParameters> model =
      readOnnxParameters(bytes, set.path, &context);
  if (!model)
    return model.takeError();
  for (TensorFile &file : model->tensors) {
    std::string name = file.name;
    set.tensors.push_back(makeTensor(std::move(file), name));
  }
  if (!model->ties.empty())
    set.metadata.emplace_back(share::kTiesAttr, model->ties);
  return Error::success();
}

static Error readFolder(ParameterSet &set, MLIRContext &context) {
  set.format = "folder";
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator at(set.path, code), end; at != end && !code;
       at.increment(code))
    if (paths::extension(at->path()) == ".npy")
      names.push_back(paths::filename(at->path()).str());
  if (code)
    return llvm::createFileError(set.path, code);
  if (names.empty())
    return llvm::createStringError("'" + set.path +
                                   "' is a folder without .npy files");
  llvm::sort(names);
  for (const std::string &name : names) {
    Expected<std::string> path = resolveBelow(set.path, name);
    if (!path)
      return path.takeError();
    Expected<TensorFile> file = loadTensorFile(*path, &context);
    if (!file)
      return file.takeError();
    set.tensors.push_back(makeTensor(*file, paths::stem(name)));
  }
  return Error::success();
}

/// A header's length that the file can hold, and an opening brace.
static bool looksLikeSafetensors(StringRef bytes, StringRef path) {
  StringRef extension = paths::extension(path);
  if (extension == ".safetensors" || extension == ".params")
    return true;
  return bytes.size() > 8 && bytes[8] == '{' &&
         llvm::support::endian::read64le(bytes.data()) <= bytes.size() - 8;
}

static Error readBuffer(std::unique_ptr<llvm::MemoryBuffer> buffer,
                        ParameterSet &set, MLIRContext &context) {
  StringRef bytes = buffer->getBuffer();
  if (looksLikeSafetensors(bytes, set.path))
    return readSafetensors(std::move(buffer), set);
  if (bytes.starts_with("PK\x03\x04"))
    return readNpz(bytes, set, context);
  if (bytes.starts_with("\x93NUMPY")) {
    set.format = "npy";
    return readNpy(bytes, set.path, paths::stem(set.path), set, context);
  }
  return readOnnx(bytes, set, context);
}

static Error checkNames(const ParameterSet &set) {
  llvm::StringSet<> names;
  for (const NamedTensor &tensor : set.tensors)
    if (tensor.name.empty() || !names.insert(tensor.name).second)
      return llvm::createStringError(
          "'" + set.path + "': " +
          (tensor.name.empty() ? "a tensor has no name"
                               : "tensor '" + tensor.name + "' is there twice"));
  return Error::success();
}

Expected<ParameterSet> lig::parameters::parseParameters(
    std::unique_ptr<llvm::MemoryBuffer> buffer, StringRef path,
    MLIRContext &context) {
  ParameterSet set;
  set.path = path.str();
  if (Error error = readBuffer(std::move(buffer), set, context))
    return error;
  if (Error error = checkNames(set))
    return error;
  return set;
}

Expected<ParameterSet> lig::parameters::loadParameters(StringRef path,
                                                       MLIRContext &context) {
  if (fs::is_directory(path)) {
    ParameterSet set;
    set.path = path.str();
    if (Error error = readFolder(set, context))
      return error;
    return set;
  }
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError("cannot read '" + path +
                                   "': " + buffer.getError().message());
  return parseParameters(std::move(*buffer), path, context);
}

ParameterSet lig::parameters::describeLibrary(StringRef path,
                                              const lig_params_desc *params,
                                              const uint8_t *data) {
  ParameterSet set;
  set.path = path.str();
  set.format = "library";
  if (!params)
    return set;
  StringRef block(reinterpret_cast<const char *>(data), params->data_bytes);
  set.data = block;
  set.digest = llvm::toHex(params->digest, /*LowerCase=*/true);
  for (const lig_param_desc &param :
       llvm::ArrayRef(params->params, params->count)) {
    StringRef bytes = block.substr(param.offset, param.bytes);
    set.tensors.push_back(
        {param.name, target::getSafetensorsName(param.dtype).str(),
         SmallVector<int64_t>(param.dims, param.dims + param.rank),
         llvm::ArrayRef(bytes.data(), bytes.size()), param.offset, nullptr});
  }
  return set;
}

//===-- Modules ----------------------------------------------------------===//

OwningOpRef<ModuleOp> lig::parameters::makeModule(const ParameterSet &set,
                                                  MLIRContext &context) {
  context.loadDialect<share::ShareDialect>();
  Location file = FileLineColLoc::get(&context, set.path, 0, 0);
  OwningOpRef<ModuleOp> module = ModuleOp::create(file);
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  for (const NamedTensor &tensor : set.tensors) {
    RankedTensorType type = getType(tensor, &context);
    bool isAligned =
        reinterpret_cast<uintptr_t>(tensor.bytes.data()) % 16 == 0;
    AsmResourceBlob blob(
        tensor.bytes, /*dataAlignment=*/isAligned ? 16 : 1,
        [kept = tensor.owner](void *, size_t, size_t) mutable { kept.reset(); },
        /*dataIsMutable=*/false);
    auto value =
        DenseResourceElementsAttr::get(type, tensor.name, std::move(blob));
    share::ParamOp::create(builder, file, tensor.name, type, value,
                           /*trainable=*/false, /*is_mutable=*/false);
  }
  return module;
}
