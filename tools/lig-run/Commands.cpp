// Running a model once, and what surrounds that.

#include "Commands.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace lig;
using namespace lig::run;
using llvm::Error;

Error lig::run::markConstants(const Options &options,
                              std::map<std::string, Given> &given) {
  llvm::Expected<FileKind> kind = readFileKind(options.getModelOfEntry());
  if (!kind)
    return kind.takeError();
  if (*kind == FileKind::Onnx) {
    llvm::Expected<std::vector<OnnxInput>> inputs =
        listOnnxInputs(options.getModelOfEntry());
    if (!inputs)
      return inputs.takeError();
    for (const OnnxInput &input : *inputs)
      if (auto it = given.find(input.name); it != given.end())
        it->second.isConstant = input.hasInitializer;
  }
  if (!options.constantInputs)
    return Error::success();
  for (auto &[name, value] : given)
    value.isConstant |= options.constantInputs->empty();
  for (const std::string &name : *options.constantInputs) {
    auto it = given.find(name);
    if (it == given.end())
      return llvm::createStringError("--constant-inputs: input '" + name +
                                     "' has no value");
    it->second.isConstant = true;
  }
  return Error::success();
}

//===-- Outputs ----------------------------------------------------------===//

/// A file name for a tensor, whose name may hold slashes.
static std::string fileNameOf(llvm::StringRef tensor) {
  std::string name;
  for (char c : tensor)
    name += llvm::isAlnum(c) || llvm::StringRef("._-+").contains(c) ? c : '_';
  return name + ".npy";
}

static Error writeOutputs(const Options &options,
                          llvm::ArrayRef<Tensor> outputs) {
  // All names are looked up before the first file is written.
  std::vector<std::pair<const Tensor *, std::string>> files;
  for (const auto &output : options.outputFiles) {
    auto it = llvm::find_if(outputs, [&](const Tensor &tensor) {
      return tensor.name == output.first;
    });
    if (it == outputs.end())
      return llvm::createStringError("the model has no output '" +
                                     output.first + "'");
    files.emplace_back(&*it, output.second);
  }
  for (const auto &[tensor, path] : files)
    if (Error error = tensor->save(path))
      return error;
  if (options.outputFolder.empty())
    return Error::success();
  if (std::error_code code =
          llvm::sys::fs::create_directories(options.outputFolder))
    return llvm::createFileError(options.outputFolder, code);
  for (const Tensor &tensor : outputs) {
    llvm::SmallString<128> path(options.outputFolder);
    llvm::sys::path::append(path, fileNameOf(tensor.name));
    if (Error error = tensor.save(path))
      return error;
  }
  return Error::success();
}

//===-- Running ----------------------------------------------------------===//

Error lig::run::runOnce(const Options &options, mlir::MLIRContext &context) {
  std::map<std::string, Tensor> values;
  std::map<std::string, Given> given;
  for (const auto &[name, path] : options.inputFiles) {
    llvm::Expected<Tensor> value = Tensor::load(path, context);
    if (!value)
      return value.takeError();
    given[name].value = &(values[name] = std::move(*value));
  }
  if (Error error = markConstants(options, given))
    return error;
  auto model = Model::open(options, given, context);
  if (!model)
    return model.takeError();
  if (options.info) {
    (*model)->printInfo(llvm::outs());
    return Error::success();
  }
  auto runner = Runner::create(**model, options, options.bench);
  if (!runner)
    return runner.takeError();
  std::optional<uint64_t> seed = options.seed;
  if (options.bench && !seed)
    seed = 0;
  if (Error error = (*runner)->setInputs(given, seed))
    return error;
  if (options.bench)
    return measure(options, **model, **runner);
  if (Error error = (*runner)->runChecked())
    return error;
  if (options.outputFiles.empty() && options.outputFolder.empty())
    for (const Tensor &tensor : (*runner)->outputs())
      tensor.printSummary(llvm::outs());
  return writeOutputs(options, (*runner)->outputs());
}

llvm::Expected<bool> lig::run::execute(const Options &options,
                                       mlir::MLIRContext &context) {
  if (!options.testData.empty())
    return runTestData(options, context);
  if (Error error = runOnce(options, context))
    return error;
  return true;
}
