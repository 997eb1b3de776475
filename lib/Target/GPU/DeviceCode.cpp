// PTX comes from LLVM's back end in this process, by MLIR's own serialization;
// `ptxas` is a program that reads a file and writes another.

#include "Ligature/Target/GPU/DeviceCode.h"

#include "TensorMaps.h"

#include "Ligature/ABI/Device.h"

#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Dialect/GPU/IR/CompilationInterfaces.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace lig::target;
using llvm::Error;

//===-- Descriptions -----------------------------------------------------===//

static uint32_t getMaxBlock(LLVM::LLVMFuncOp kernel) {
  for (StringRef name : {NVVM::NVVMDialect::getReqntidAttrName(),
                         NVVM::NVVMDialect::getMaxntidAttrName()})
    if (auto sizes = kernel->getAttrOfType<DenseI32ArrayAttr>(name)) {
      uint32_t threads = 1;
      for (int32_t size : sizes.asArrayRef())
        threads *= size;
      return threads;
    }
  return 1024;
}

DeviceInfo lig::target::gpu::describeKernels(ModuleOp module, StringRef chip) {
  DeviceInfo info;
  info.chip = chip.str();
  DataLayout layout(module);
  for (auto device : module.getOps<mlir::gpu::GPUModuleOp>())
    for (auto function : device.getOps<LLVM::LLVMFuncOp>()) {
      if (!function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()) &&
          !function->hasAttr(mlir::gpu::GPUDialect::getKernelFuncAttrName()))
        continue;
      KernelInfo kernel;
      kernel.name = function.getName().str();
      kernel.maxBlock = getMaxBlock(function);
      if (auto shared = function->getAttrOfType<IntegerAttr>("lig.max_shared"))
        kernel.maxShared = shared.getInt();
      if (function->hasAttr("lig.cooperative"))
        kernel.flags |= LIG_LAUNCH_COOPERATIVE;
      if (function->hasAttr(kMapsAttr))
        kernel.flags |= LIG_KERNEL_TENSOR_MAPS;
      for (auto [i, type] :
           llvm::enumerate(function.getFunctionType().getParams())) {
        auto held = function.getArgAttrOfType<TypeAttr>(
            i, LLVM::LLVMDialect::getByValAttrName());
        kernel.paramBytes.push_back(
            layout.getTypeSize(held ? held.getValue() : type));
      }
      info.kernels.push_back(std::move(kernel));
    }
  return info;
}

/// The number in sm_90a.
static unsigned getNumber(StringRef chip) {
  unsigned number = 0;
  chip.consume_front("sm_");
  chip.consumeInteger(10, number);
  return number;
}

unsigned lig::target::gpu::getMultiprocessors(StringRef chip) {
  switch (getNumber(chip)) {
  case 80: // A100
    return 108;
  case 86: // A40
    return 84;
  case 87: // Orin
    return 16;
  case 89: // L40
    return 142;
  case 100: // B200
  case 103:
    return 148;
  default: // H100
    return 132;
  }
}

unsigned lig::target::gpu::getSharedBytes(StringRef chip) {
  unsigned number = getNumber(chip);
  if (number == 90 || number == 100 || number == 103)
    return 227 << 10;
  // Chips for graphics have less than those for computing.
  return number == 80 || number == 87 ? 163 << 10 : 99 << 10;
}

//===-- PTX --------------------------------------------------------------===//

static void registerTranslations(MLIRContext &context) {
  DialectRegistry registry;
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  context.appendDialectRegistry(registry);
}

/// Functions without a body would be found missing only when a model is loaded.
static Error checkComplete(StringRef ptx) {
  SmallVector<StringRef> lines;
  ptx.split(lines, '\n');
  for (StringRef line : lines)
    if (line.starts_with(".extern .func"))
      return llvm::createStringError(
          "the kernels call a function that no one defines: " + line);
  return Error::success();
}

static llvm::Expected<std::string>
makePtx(mlir::gpu::GPUModuleOp device,
        const lig::target::gpu::DeviceOptions &options) {
  MLIRContext &context = *device->getContext();
  registerTranslations(context);
  auto target = NVVM::NVVMTargetAttr::get(
      &context, int(options.optimization), "nvptx64-nvidia-cuda", options.chip,
      "+ptx80", nullptr, nullptr, /*verifyTarget=*/true);
  auto serializer = dyn_cast<mlir::gpu::TargetAttrInterface>(target);
  if (!serializer)
    return llvm::createStringError("this build makes no PTX");
  // Some operations of NVVM are written out in assembly.
  PassManager lowering(&context, mlir::gpu::GPUModuleOp::getOperationName());
  lowering.addPass(createConvertNVVMToLLVMPass());
  if (failed(lowering.run(device)))
    return llvm::createStringError("the kernels do not lower to PTX");
  mlir::gpu::TargetOptions how({}, {}, {}, {},
                               mlir::gpu::CompilationTarget::Assembly);
  auto bytes = serializer.serializeToObject(device, how);
  if (!bytes)
    return llvm::createStringError("the kernels do not translate to PTX");
  StringRef ptx(bytes->data(), bytes->size());
  ptx = ptx.rtrim('\0');
  if (Error error = checkComplete(ptx))
    return std::move(error);
  return ptx.str();
}

//===-- Cubins -----------------------------------------------------------===//

std::string lig::target::gpu::findPtxas(const DeviceOptions &options) {
  if (options.ptxas == "none")
    return "";
  if (!options.ptxas.empty())
    return options.ptxas;
  if (auto found = llvm::sys::findProgramByName("ptxas"))
    return *found;
  for (StringRef variable : {"CUDA_HOME", "CUDA_PATH"})
    if (std::optional<std::string> home =
            llvm::sys::Process::GetEnv(variable)) {
      SmallString<128> path(*home);
      llvm::sys::path::append(path, "bin", "ptxas");
      if (llvm::sys::fs::can_execute(path))
        return std::string(path);
    }
  return "";
}

/// A file with `contents` that is removed at the end.
namespace {
class TemporaryFile {
public:
  ~TemporaryFile() {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }
  Error create(StringRef suffix, StringRef contents) {
    if (std::error_code code =
            llvm::sys::fs::createTemporaryFile("ligature", suffix, path))
      return llvm::createFileError(path, code);
    std::error_code code;
    llvm::raw_fd_ostream out(path, code);
    out << contents;
    out.close();
    return out.has_error() ? llvm::createFileError(path, out.error())
                           : Error::success();
  }
  llvm::Expected<std::string> read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer)
      return llvm::createFileError(path, buffer.getError());
    return (*buffer)->getBuffer().str();
  }
  SmallString<128> path;
};
} // namespace

static llvm::Expected<std::string> assemble(StringRef ptxas, StringRef ptx,
                                            StringRef chip) {
  TemporaryFile source, object, messages;
  if (Error error = source.create("ptx", ptx))
    return std::move(error);
  if (Error error = object.create("cubin", ""))
    return std::move(error);
  if (Error error = messages.create("txt", ""))
    return std::move(error);
  std::string arch = ("-arch=" + chip).str();
  SmallVector<StringRef> arguments = {ptxas, arch, "-o", object.path,
                                      source.path};
  std::optional<StringRef> redirects[] = {
      std::nullopt, StringRef(messages.path), StringRef(messages.path)};
  std::string problem;
  int status = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt,
                                         redirects, 0, 0, &problem);
  if (status != 0) {
    llvm::Expected<std::string> said = messages.read();
    if (!said)
      return said.takeError();
    return llvm::createStringError(ptxas + ": " + problem + *said);
  }
  return object.read();
}

llvm::Expected<DeviceInfo>
lig::target::gpu::makeDeviceCode(ModuleOp module,
                                 const DeviceOptions &options) {
  DeviceInfo info = describeKernels(module, options.chip);
  auto devices = module.getOps<mlir::gpu::GPUModuleOp>();
  if (devices.empty())
    return info;
  if (!llvm::hasSingleElement(devices))
    return llvm::createStringError("kernels are in more than one gpu.module");
  llvm::Expected<std::string> ptx = makePtx(*devices.begin(), options);
  if (!ptx)
    return ptx.takeError();
  info.ptx = std::move(*ptx);
  std::string ptxas = findPtxas(options);
  if (ptxas.empty())
    return info;
  llvm::Expected<std::string> cubin = assemble(ptxas, info.ptx, options.chip);
  if (!cubin)
    return cubin.takeError();
  info.cubin = std::move(*cubin);
  return info;
}
