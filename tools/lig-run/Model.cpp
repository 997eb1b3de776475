// Opening libraries and compiling models.

#include "Model.h"

#include "Ligature/Driver/Driver.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <chrono>

using namespace lig;
using namespace lig::run;
using llvm::Error;
using llvm::StringRef;

llvm::Expected<FileKind> lig::run::readFileKind(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createStringError("cannot read '" + path +
                                   "': " + buffer.getError().message());
  StringRef contents = (*buffer)->getBuffer();
  StringRef extension = llvm::sys::path::extension(path);
  if (contents.starts_with("\x7f"
                           "ELF"))
    return FileKind::Library;
  if (contents.starts_with("ML\xefR") || extension == ".mlir" ||
      extension == ".mlirbc")
    return FileKind::Mlir;
  return FileKind::Onnx;
}

Error lig::run::runtimeError() {
  return llvm::createStringError(lig_last_error());
}

Model::~Model() {
  lig_weights_close(parameters);
  lig_library_close(code);
}

//===-- Compiling --------------------------------------------------------===//

/// One line that is overwritten, and only where someone looks at it.
static void showPhase(StringRef model, StringRef phase) {
  llvm::errs() << "\r\033[K" << llvm::sys::path::filename(model)
               << (phase.empty() ? "" : ": ") << phase;
}

Error Model::compile(const Options &options,
                     const std::map<std::string, Given> &given, FileKind kind,
                     mlir::MLIRContext &context) {
  CompileOptions compile;
  for (const auto &[name, extent] : options.dims)
    compile.onnx.dims[name] = extent;
  compile.onnx.inputShapes = options.inputShapes;
  for (const auto &[name, value] : given) {
    if (!value.isConstant) {
      compile.onnx.inputShapes[name] = value.value->dims;
      continue;
    }
    if (kind == FileKind::Mlir)
      return llvm::createStringError(
          "only inputs of ONNX models can become parameters");
    compile.onnx.inputShapes.erase(name);
    compile.onnx.constantInputs[name] = value.value->elements;
    folded.insert(name);
  }
  compile.machine = options.machine;
  compile.pipeline = options.pipeline;
  bool showsProgress = llvm::sys::Process::StandardErrIsDisplayed();
  if (showsProgress)
    compile.onPhase = [&](StringRef phase) { showPhase(options.model, phase); };

  Compilation compilation(context, std::move(compile));
  Error error = Error::success();
  if (failed(compilation.load(options.model))) {
    error = llvm::createStringError("the model cannot be imported");
  } else {
    llvm::Expected<std::unique_ptr<JitModel>> made =
        JitModel::create(compilation);
    if (made)
      compiled = std::move(*made);
    error = made.takeError();
  }
  if (showsProgress)
    llvm::errs() << "\r\033[K";
  if (error)
    return error;
  if (lig_library_from_model(compiled->getModel(), nullptr, &code))
    return runtimeError();
  return Error::success();
}

//===-- Opening ----------------------------------------------------------===//

Error Model::openLibrary(const Options &options) {
  if (options.constantInputs)
    return llvm::createStringError(
        "--constant-inputs: the inputs of a compiled library are fixed");
  if (lig_library_open(options.model.c_str(), &code))
    return runtimeError();
  return Error::success();
}

Error Model::findEntry(StringRef name) {
  uint32_t count = lig_entry_count(code);
  if (!name.empty() &&
      lig_entry_find(code, name.str().c_str(), &entryNumber) == LIG_OK)
    return Error::success();
  if (name.empty() && count == 1)
    return Error::success();
  std::string names;
  for (uint32_t i = 0; i < count; ++i)
    names += std::string(i ? ", " : "") + lig_entry_name(code, i);
  return llvm::createStringError(
      name.empty() ? "--entry names one of the entry points: " + names
                   : "no entry point '" + name.str() + "' among: " + names);
}

llvm::Expected<std::unique_ptr<Model>>
Model::open(const Options &options, const std::map<std::string, Given> &given,
            mlir::MLIRContext &context) {
  auto start = std::chrono::steady_clock::now();
  llvm::Expected<FileKind> kind = readFileKind(options.model);
  if (!kind)
    return kind.takeError();
  std::unique_ptr<Model> model(new Model);
  Error error = *kind == FileKind::Library
                    ? model->openLibrary(options)
                    : model->compile(options, given, *kind, context);
  if (error)
    return error;
  if (lig_weights_open(model->code,
                       options.parameterFile.empty()
                           ? nullptr
                           : options.parameterFile.c_str(),
                       &model->parameters))
    return runtimeError();
  if (!options.info || !options.entry.empty())
    if (Error error = model->findEntry(options.entry))
      return error;
  std::chrono::duration<double, std::milli> elapsed =
      std::chrono::steady_clock::now() - start;
  model->loadTime = elapsed.count();
  return model;
}

//===-- Information ------------------------------------------------------===//

static void printTensor(llvm::raw_ostream &out, StringRef role,
                        const lig_tensor_desc &tensor) {
  out << "  " << role << " " << tensor.name << ": "
      << describeType(tensor.dtype, {tensor.dims, size_t(tensor.rank)});
  if (tensor.dynamic)
    out << " at most";
  out << "\n";
}

void Model::printInfo(llvm::raw_ostream &out) const {
  const lig_model_desc &model = *lig_library_model(code);
  out << "model " << model.name << ", " << model.compiler << "\n";
  for (uint32_t e = 0; e < model.entry_count; ++e) {
    const lig_entry_desc &entry = model.entries[e];
    out << "entry " << entry.name << ", arena of " << entry.arena_bytes
        << " bytes\n";
    for (uint32_t i = 0; i < entry.input_count; ++i)
      printTensor(out, "input", entry.inputs[i]);
    for (uint32_t i = 0; i < entry.output_count; ++i)
      printTensor(out, "output", entry.outputs[i]);
  }
  if (!model.params)
    return;
  out << "parameters, " << model.params->data_bytes << " bytes "
      << (model.params->file ? "in " : "embedded")
      << (model.params->file ? model.params->file : "") << "\n";
  for (uint32_t p = 0; p < model.params->count; ++p) {
    const lig_param_desc &param = model.params->params[p];
    out << "  " << param.name << ": "
        << describeType(param.dtype, {param.dims, size_t(param.rank)}) << ", "
        << param.uses << (param.uses == 1 ? " use\n" : " uses\n");
  }
}
