// The steps of a compilation.

#include "Ligature/Driver/Driver.h"

#include "DescribeModel.h"
#include "LinkModels.h"
#include "LoadMlir.h"

#include "Ligature/Target/OutputFile.h"
#include "Ligature/Target/Passes.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/AsmState.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace lig;
using namespace lig::target;

Compilation::Compilation(MLIRContext &context, CompileOptions options)
    : context(context), options(std::move(options)) {}

//===-- Input ------------------------------------------------------------===//

LogicalResult Compilation::findMachine() {
  llvm::Expected<cpu::Machine> made = cpu::Machine::create(options.machine);
  if (!made)
    return emitError(UnknownLoc::get(&context))
           << llvm::toString(made.takeError());
  machine.emplace(std::move(*made));
  options.pipeline.vectorBits = machine->getVectorBits();
  options.pipeline.registers = machine->getRegisters();
  options.pipeline.fma = machine->hasFma();
  options.pipeline.cacheBytes = machine->getCacheBytes();
  options.pipeline.permute = machine->hasPermute();
  options.pipeline.sharedBytes =
      target::gpu::getSharedBytes(options.device.chip);
  options.pipeline.multiprocessors =
      target::gpu::getMultiprocessors(options.device.chip);
  options.pipeline.warpgroups = options.device.chip == "sm_90a";
  options.pipeline.dots = machine->getDots();
  options.pipeline.bf16Dots = machine->hasBf16Dots();
  return success();
}

OwningOpRef<ModuleOp> Compilation::loadOne(const ModelFile &model,
                                           std::optional<Phase> &reached) {
  auto buffer = llvm::MemoryBuffer::getFile(model.path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    emitError(UnknownLoc::get(&context)) << "cannot read '" << model.path
                                         << "': " << buffer.getError().message();
    return nullptr;
  }
  if (options.onPhase)
    options.onPhase("import");
  StringRef contents = (*buffer)->getBuffer();
  if (isMlirFile(model.path, contents))
    return loadMlir(model.path, context, reached);
  OnnxImportOptions onnx = model.onnx;
  if (!model.entryName.empty())
    onnx.entryName = model.entryName;
  return importOnnxBuffer(contents, model.path, onnx, &context);
}

/// Whether a model may meet the first one of its package; says why not.
static LogicalResult checkStart(ModuleOp module, std::optional<Phase> at,
                                std::optional<Phase> first) {
  auto describe = [](std::optional<Phase> phase) {
    return phase ? ("the " + getPhaseName(*phase) + " phase").str() : "no phase";
  };
  if (at != first)
    return module.emitError()
           << "went through " << describe(at) << ", the first model through "
           << describe(first) << ": models of one package start together";
  if (at && *at > Phase::Kernel)
    return module.emitError()
           << "went through " << describe(at)
           << ", where parameters have their places: it shares them with no "
              "other model";
  return success();
}

OwningOpRef<ModuleOp> Compilation::loadSeveral(ArrayRef<ModelFile> models) {
  std::vector<LoadedModel> loaded;
  for (const ModelFile &model : models) {
    std::optional<Phase> at;
    OwningOpRef<ModuleOp> one = loadOne(model, at);
    // The import phase changes nothing that has been through it.
    if (at == Phase::Import)
      at = std::nullopt;
    if (loaded.empty())
      reached = at;
    if (!one || failed(checkStart(*one, at, reached)))
      return nullptr;
    loaded.push_back({model.name, model.entryName, std::move(one)});
  }
  return linkModels(loaded);
}

LogicalResult Compilation::load(ArrayRef<ModelFile> files) {
  std::vector<ModelFile> models = files.vec();
  nameModels(models);
  if (options.modelName.empty())
    options.modelName = models.front().name;
  if (failed(findMachine()))
    return failure();
  module = models.size() == 1 ? loadOne(models.front(), reached)
                              : loadSeveral(models);
  if (!module)
    return failure();
  if (!options.pipeline.mergedEntry.empty() && reached >= Phase::Share)
    return module->emitError("entry points are merged in the share phase, which "
                             "this module has behind it");
  watchSharing();
  return success();
}

//===-- Phases -----------------------------------------------------------===//

/// Uses are clear until they become reads of buffers; what is stored is clear
/// from the kernel phase on; the native phase drops both.
void Compilation::watchSharing() {
  if (!options.watchSharing || reached == Phase::Native)
    return;
  if (!sharing || !reached || *reached <= Phase::Share)
    sharing = analyzeSharing(*module);
  if (reached && *reached >= Phase::Kernel)
    sharing->setStorage(*module);
}

const SharingReport &Compilation::getSharing() {
  if (!sharing)
    sharing.emplace(); // a module of the native phase has no parameters
  if (sharing->storage)
    sharing->storage->codeBytes = codeBytes;
  return *sharing;
}

LogicalResult Compilation::dump(Phase phase) {
  if (options.dumpFolder.empty())
    return success();
  SmallString<128> path(options.dumpFolder);
  if (std::error_code error = llvm::sys::fs::create_directories(path))
    return module->emitError("cannot make the folder '")
           << path << "': " << error.message();
  llvm::sys::path::append(path, Twine(static_cast<int>(phase)) + "-" +
                                    getPhaseName(phase) + ".mlir");
  if (llvm::Error error = writeMlir(path, /*bytecode=*/false, /*elide=*/false))
    return module->emitError(llvm::toString(std::move(error)));
  return success();
}

LogicalResult Compilation::runPhase(Phase phase) {
  if (phase != Phase::Import && options.onPhase)
    options.onPhase(getPhaseName(phase));
  if (phase == Phase::Native && failed(describe()))
    return failure();
  PassManager pm(&context);
  std::string problem;
  if (failed(buildPhase(pm, phase, options.pipeline, problem)))
    return module->emitError("--run-after=")
           << getPhaseName(phase) << ": " << problem;
  if (options.configure)
    options.configure(pm);
  if (failed(pm.run(*module)))
    return failure();
  reached = phase;
  watchSharing();
  return dump(phase);
}

LogicalResult Compilation::runTo(Phase last) {
  for (Phase phase : getPhases()) {
    if (phase > last || (reached && phase <= *reached))
      continue;
    if (failed(runPhase(phase)))
      return failure();
  }
  return success();
}

LogicalResult Compilation::describe() {
  model.emplace();
  model->name = options.modelName;
  if (failed(describeModel(*module, *model, attributes, contents)))
    return failure();
  if (!model->parameters.empty())
    model->parameterFile = options.parameterFile;
  llvm::Expected<ParameterFile> file =
      ParameterFile::create(model->parameters, model->parameterBytes);
  if (!file)
    return module->emitError(llvm::toString(file.takeError()));
  parameters.emplace(std::move(*file));
  return success();
}

/// Whoever failed has said why in a diagnostic.
static llvm::Error reported() {
  return llvm::createStringError("compilation failed");
}

llvm::Error Compilation::finish() {
  if (failed(runTo(Phase::Native)))
    return reported();
  if (!model)
    return llvm::createStringError(
        "the module went through the native phase, which dropped the "
        "parameters; machine code is made from the phases before");
  return llvm::Error::success();
}

llvm::Expected<const ModelInfo &> Compilation::getModel() {
  if (llvm::Error error = finish())
    return error;
  return *model;
}

llvm::Error Compilation::takeKernels() {
  if (llvm::Error error = finish())
    return error;
  if (options.pipeline.target != "cuda" || model->device)
    return llvm::Error::success();
  if (options.emulate) {
    model->device = target::gpu::describeKernels(*module, options.device.chip);
    PassManager pm(&context);
    pm.addPass(createGpuEmulatePass());
    return failed(pm.run(*module)) ? reported() : llvm::Error::success();
  }
  if (options.onPhase)
    options.onPhase("kernels");
  llvm::Expected<DeviceInfo> made =
      target::gpu::makeDeviceCode(*module, options.device);
  if (!made)
    return made.takeError();
  model->device = std::move(*made);
  for (auto kernels :
       llvm::make_early_inc_range(module->getOps<mlir::gpu::GPUModuleOp>()))
    kernels.erase();
  (*module)->removeAttr(
      mlir::gpu::GPUDialect::getContainerModuleAttrName());
  return llvm::Error::success();
}

llvm::Expected<const DeviceInfo &> Compilation::getKernels() {
  if (llvm::Error error = takeKernels())
    return error;
  if (!model->device)
    return llvm::createStringError("the model is compiled for a CPU");
  return *model->device;
}

llvm::Expected<const ParameterFile &> Compilation::getParameters() {
  if (llvm::Error error = finish())
    return error;
  return *parameters;
}

//===-- Output -----------------------------------------------------------===//

llvm::Error Compilation::writeMlir(StringRef path, bool bytecode, bool elide) {
  OpPrintingFlags flags;
  constexpr int64_t readable = 64;
  if (elide)
    flags.elideLargeElementsAttrs(readable).elideLargeResourceString(readable);
  LogicalResult written = success();
  llvm::Error error = writeFile(path, [&](llvm::raw_ostream &out) {
    if (bytecode)
      written = writeBytecodeToFile(*module, out);
    else
      module->print(out, flags);
  });
  if (!error && failed(written))
    return llvm::createStringError("the module has no bytecode");
  return error;
}

llvm::Expected<std::unique_ptr<llvm::Module>>
Compilation::makeLLVM(llvm::LLVMContext &llvmContext) {
  if (llvm::Error error = takeKernels())
    return error;
  if (options.onPhase)
    options.onPhase("machine code");
  auto code =
      cpu::translateModel(*module, *model, *parameters, *machine, llvmContext);
  if (code)
    cpu::optimize(**code, *machine);
  return code;
}

/// Bytes of machine code in an object file.
static std::optional<int64_t> countCodeBytes(StringRef object) {
  auto file = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(object, "code"));
  if (!file) {
    llvm::consumeError(file.takeError());
    return std::nullopt;
  }
  int64_t bytes = 0;
  for (const llvm::object::SectionRef &section : (*file)->sections())
    if (section.isText())
      bytes += section.getSize();
  return bytes;
}

llvm::Expected<std::string> Compilation::makeCode(cpu::CodeKind kind) {
  llvm::LLVMContext llvmContext;
  auto code = makeLLVM(llvmContext);
  if (!code)
    return code.takeError();
  SmallString<0> bytes;
  llvm::raw_svector_ostream out(bytes);
  if (llvm::Error error = cpu::writeCode(**code, *machine, kind, out))
    return error;
  if (kind == cpu::CodeKind::Object)
    codeBytes = countCodeBytes(bytes);
  return std::string(bytes);
}
