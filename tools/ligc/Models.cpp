// The flags about models. Each may be for one of them: MODEL:TEXT.

#include "Models.h"

#include "Ligature/Import/TensorFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace lig;
using namespace lig::ligc;
namespace cl = llvm::cl;
namespace path = llvm::sys::path;
using llvm::Error;
using llvm::StringRef;

static cl::OptionCategory inputs("Input options");
cl::OptionCategory &lig::ligc::getInputCategory() { return inputs; }

static cl::list<std::string> models(cl::Positional, cl::desc("MODEL..."),
                                    cl::cat(inputs));
static cl::list<std::string> dims("dim",
                                  cl::desc("Extent of a symbolic dimension"),
                                  cl::value_desc("[MODEL:]NAME=N"),
                                  cl::cat(inputs));
static cl::list<std::string> shapes("input", cl::desc("Shape of an input"),
                                    cl::value_desc("[MODEL:]NAME=AxBxC"),
                                    cl::cat(inputs));
static cl::list<std::string>
    constants("constant-input",
              cl::desc("Fold an input in as a parameter, with the value of a "
                       "tensor file (.npy, .pb)"),
              cl::value_desc("[MODEL:]NAME=FILE"), cl::cat(inputs));
static cl::opt<std::string> constantFolder(
    "constant-inputs",
    cl::desc("Fold in all inputs that a folder has tensor files for (.pb by "
             "the name inside, .npy by its own)"),
    cl::value_desc("DIR"), cl::cat(inputs));
static cl::list<std::string>
    entryNames("entry-name",
               cl::desc("Name of the entry point (default: main, or of several "
                        "models the name of each)"),
               cl::value_desc("[MODEL:]NAME"), cl::cat(inputs));

static cl::opt<bool> mergeInputs(
    "merge-inputs",
    cl::desc("Make one entry point that evaluates all models on the same "
             "inputs, and what they have in common once"),
    cl::cat(inputs));

template <typename... Args>
static Error wrong(const char *format, Args &&...args) {
  return llvm::createStringError(
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

//===-- Texts ------------------------------------------------------------===//

static llvm::Expected<std::pair<StringRef, StringRef>>
splitAssignment(StringRef flag, StringRef text) {
  // Names of ONNX values may hold '='; files and numbers rarely do.
  auto [name, value] = text.rsplit('=');
  if (name.empty() || value.empty())
    return wrong("--{0}={1}: expected NAME=VALUE", flag, text);
  return std::make_pair(name, value);
}

static llvm::Expected<llvm::SmallVector<int64_t>> parseShape(StringRef flag,
                                                             StringRef text) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, 'x');
  llvm::SmallVector<int64_t> shape;
  for (StringRef part : parts) {
    int64_t extent;
    if (part.getAsInteger(10, extent) || extent < 0)
      return wrong("--{0}: '{1}' is no shape such as 1x3x224x224", flag, text);
    shape.push_back(extent);
  }
  return shape;
}

//===-- Options ----------------------------------------------------------===//

static Error readDims(ModelFiles &files) {
  for (const std::string &text : dims) {
    auto assignment = splitAssignment("dim", text);
    if (!assignment)
      return assignment.takeError();
    int64_t extent;
    if (assignment->second.getAsInteger(10, extent) || extent < 0)
      return wrong("--dim={0}: '{1}' is no extent", text, assignment->second);
    for (auto [model, name] : files.choose(assignment->first))
      model->onnx.dims[name] = extent;
  }
  return Error::success();
}

static Error readShapes(ModelFiles &files) {
  for (const std::string &text : shapes) {
    auto assignment = splitAssignment("input", text);
    if (!assignment)
      return assignment.takeError();
    auto shape = parseShape("input", assignment->second);
    if (!shape)
      return shape.takeError();
    auto chosen = files.chooseInput(assignment->first);
    if (!chosen)
      return chosen.takeError();
    for (auto [model, name] : *chosen)
      model->onnx.inputShapes[name] = *shape;
  }
  return Error::success();
}

static Error readConstants(ModelFiles &files, mlir::MLIRContext &context) {
  for (const std::string &text : constants) {
    auto assignment = splitAssignment("constant-input", text);
    if (!assignment)
      return assignment.takeError();
    auto tensor = loadTensorFile(assignment->second, &context);
    if (!tensor)
      return tensor.takeError();
    auto chosen = files.chooseInput(assignment->first);
    if (!chosen)
      return chosen.takeError();
    for (auto [model, name] : *chosen)
      model->onnx.constantInputs[name] = tensor->elements;
  }
  return Error::success();
}

static Error readConstantFolder(ModelFiles &files,
                                mlir::MLIRContext &context) {
  if (constantFolder.empty())
    return Error::success();
  std::error_code code;
  std::vector<std::string> found;
  for (llvm::sys::fs::directory_iterator file(constantFolder, code), end;
       !code && file != end; file.increment(code)) {
    StringRef extension = path::extension(file->path());
    // Of an ONNX test data set, outputs are no inputs.
    if ((extension == ".pb" || extension == ".npy") &&
        !path::filename(file->path()).starts_with("output_"))
      found.push_back(file->path());
  }
  if (code)
    return llvm::createFileError(constantFolder, code);
  for (const std::string &file : found) {
    auto tensor = loadTensorFile(file, &context);
    if (!tensor)
      return tensor.takeError();
    std::string name =
        tensor->name.empty() ? path::stem(file).str() : tensor->name;
    auto chosen = files.chooseInput(name);
    if (!chosen)
      return chosen.takeError();
    for (auto [model, input] : *chosen)
      model->onnx.constantInputs[input] = tensor->elements;
  }
  return Error::success();
}

static Error readEntryNames(ModelFiles &files) {
  // Merged, they have one name, which is no model's.
  if (mergeInputs)
    return Error::success();
  for (const std::string &text : entryNames) {
    auto chosen = files.choose(text);
    if (chosen.size() > 1)
      return wrong("--entry-name={0}: of several models, expected MODEL:NAME",
                   text);
    chosen.front().model->entryName = chosen.front().text.str();
  }
  return Error::success();
}

llvm::ArrayRef<std::string> lig::ligc::getModelPaths() { return models; }

std::string lig::ligc::getMergedEntry() {
  if (!mergeInputs)
    return "";
  return entryNames.empty() ? "main" : entryNames[entryNames.size() - 1];
}

llvm::Expected<ModelFiles>
lig::ligc::readModels(mlir::MLIRContext &context) {
  ModelFiles files(models);
  if (Error error = readDims(files))
    return error;
  if (Error error = readShapes(files))
    return error;
  if (Error error = readConstants(files, context))
    return error;
  if (Error error = readConstantFolder(files, context))
    return error;
  if (Error error = readEntryNames(files))
    return error;
  return files;
}
