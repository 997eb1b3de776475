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
  if (contents.starts_with("\x7f"
                           "ELF"))
    return FileKind::Library;
  return isMlirFile(path, contents) ? FileKind::Mlir : FileKind::Onnx;
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

/// The models with all that is said about their shapes.
Error Model::describeInputs(const Options &options,
                            const std::map<std::string, Given> &given,
                            ModelFiles &files) {
  for (const auto &[name, extent] : options.dims)
    for (auto [model, dim] : files.choose(name))
      model->onnx.dims[dim] = extent;
  for (const auto &shape : options.inputShapes) {
    auto chosen = files.chooseInput(shape.first());
    if (!chosen)
      return chosen.takeError();
    for (auto [model, input] : *chosen)
      model->onnx.inputShapes[input] = shape.second;
  }
  ModelFile *owner = files.findOwner(options.entry);
  // What a step takes follows from the whole, which the model itself describes.
  bool isStep =
      options.pipeline.steps && StringRef(options.entry).ends_with("_step");
  for (const auto &[name, value] : given) {
    if (isStep && !value.isConstant)
      continue;
    llvm::SmallVector<ModelFiles::Choice> chosen = {{owner, name}};
    if (!owner) {
      auto found = files.chooseInput(name);
      if (!found && value.isConstant)
        return found.takeError();
      chosen.clear();
      if (found)
        chosen = std::move(*found);
      else // MLIR says what shapes it takes, and the runner whether it has this
        llvm::consumeError(found.takeError());
    }
    for (auto [model, input] : chosen)
      if (Error error = give(*model, input, value))
        return error;
  }
  return Error::success();
}

Error Model::give(ModelFile &model, StringRef input, const Given &value) {
  if (!value.isConstant) {
    model.onnx.inputShapes[input] = value.value->dims;
    return Error::success();
  }
  llvm::Expected<FileKind> kind = readFileKind(model.path);
  if (!kind)
    return kind.takeError();
  if (*kind == FileKind::Mlir)
    return llvm::createStringError(
        "only inputs of ONNX models can become parameters");
  model.onnx.inputShapes.erase(input);
  model.onnx.constantInputs[input] = value.value->elements;
  folded.insert(input);
  return Error::success();
}

Error Model::compile(const Options &options,
                     const std::map<std::string, Given> &given,
                     mlir::MLIRContext &context) {
  ModelFiles files(options.models);
  if (Error error = describeInputs(options, given, files))
    return error;
  CompileOptions compile;
  compile.machine = options.machine;
  compile.pipeline = options.pipeline;
  compile.device = options.gpu;
  compile.emulate = options.device == Options::Device::Emulate;
  if (options.mergeInputs)
    compile.pipeline.mergedEntry = "main";
  bool showsProgress = llvm::sys::Process::StandardErrIsDisplayed();
  if (showsProgress)
    compile.onPhase = [&](StringRef phase) {
      showPhase(options.models.front(), phase);
    };

  Compilation compilation(context, std::move(compile));
  Error error = Error::success();
  if (failed(compilation.load(files.get()))) {
    error = llvm::createStringError("the model cannot be imported");
  } else {
    llvm::Expected<std::unique_ptr<JitModel>> made =
        JitModel::create(compilation, options.emulation);
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
  if (options.device == Options::Device::Emulate)
    return llvm::createStringError(
        "--device=emulate: a compiled library has kernels for a GPU alone; give "
        "the model it was compiled from");
  if (lig_library_open(options.models.front().c_str(), &code))
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
  bool isLibrary = false;
  for (const std::string &path : options.models) {
    llvm::Expected<FileKind> kind = readFileKind(path);
    if (!kind)
      return kind.takeError();
    isLibrary |= *kind == FileKind::Library;
  }
  if (isLibrary && options.models.size() > 1)
    return llvm::createStringError(
        "a compiled library takes no other model beside it");
  std::unique_ptr<Model> model(new Model);
  Error error = isLibrary ? model->openLibrary(options)
                          : model->compile(options, given, context);
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
  if (const lig_device_code *device = model.device_code)
    out << "for a GPU, " << device->chip << ": " << device->kernel_count
        << " kernels, " << device->ptx_bytes << " bytes of PTX, "
        << device->cubin_bytes << " of machine code\n";
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
