// The lowering is upstream's, with bare pointers.

#include "EmulatedKernels.h"

#include "EmulatedOps.h"

#include "Ligature/InitAll.h"
#include "Ligature/Target/CPU/NativeCode.h"
#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace lig::test;
using lig::emulator::Schedule;

std::vector<lig::emulator::Options> lig::test::allSchedules() {
  std::vector<emulator::Options> all;
  for (Schedule schedule :
       {Schedule::RoundRobin, Schedule::Forward, Schedule::Backward})
    all.push_back({schedule, 0, 4});
  for (uint64_t seed = 1; seed <= 5; ++seed)
    all.push_back({Schedule::Random, seed, 4});
  return all;
}

struct EmulatedKernels::Engine {
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

static void initialize() {
  static const bool done = [] {
    lig::registerAllPasses();
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)done;
}

static const char lowering[] =
    "gpu.module(expand-strided-metadata,lower-affine,convert-scf-to-cf,"
    "convert-nvgpu-to-nvvm,"
    "convert-gpu-to-nvvm{use-bare-ptr-memref-call-conv=1},canonicalize,cse,"
    "reconcile-unrealized-casts)";

EmulatedKernels::EmulatedKernels(const std::string &functions, int drop,
                                 const Mutation &mutate)
    : engine(std::make_unique<Engine>()) {
  initialize();
  DialectRegistry registry;
  lig::registerAllDialects(registry);
  registerAllToLLVMIRTranslations(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    error += diagnostic.str() + "\n";
  });
  auto module = parseSourceString<ModuleOp>(
      "gpu.module @kernels {\n" + functions + "\n}", &context);
  if (module && mutate)
    module->walk([&](Operation *op) { mutations += mutate(op); });
  PassManager lower(&context), emulate(&context);
  if (!module || failed(parsePassPipeline(lowering, lower)) ||
      failed(lower.run(*module))) {
    error += "cannot be lowered";
    return;
  }
  module->walk([&](Operation *op) {
    synchronizations += target::gpu::EmulatedOps::isSynchronization(op);
  });
  target::GpuEmulatePassOptions options;
  options.drop = drop;
  emulate.addPass(target::createGpuEmulatePass(options));
  if (failed(emulate.run(*module))) {
    error += "cannot be emulated";
    return;
  }

  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(*module, *llvmContext);
  auto machine = lig::target::cpu::Machine::create({});
  auto jit = llvm::orc::LLJITBuilder().create();
  if (!code || !machine || !jit) {
    error += "cannot be translated";
    return;
  }
  lig::target::cpu::optimize(*code, *machine);
  engine->jit = std::move(*jit);
  llvm::orc::SymbolMap symbols;
  for (auto [name, address] : emulator::getSymbols())
    symbols[engine->jit->mangleAndIntern(name)] = {
        llvm::orc::ExecutorAddr::fromPtr(address),
        llvm::JITSymbolFlags::Exported};
  auto &library = engine->jit->getMainJITDylib();
  llvm::cantFail(library.define(llvm::orc::absoluteSymbols(symbols)));
  library.addGenerator(llvm::cantFail(
      llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
          engine->jit->getDataLayout().getGlobalPrefix())));
  llvm::cantFail(engine->jit->addIRModule(
      llvm::orc::ThreadSafeModule(std::move(code), std::move(llvmContext))));
  auto found = engine->jit->lookup(emulator::kTableSymbol);
  if (!found)
    error += llvm::toString(found.takeError());
  else
    table = found->toPtr<const emulator::Kernel *>();
}

EmulatedKernels::~EmulatedKernels() = default;

std::string EmulatedKernels::launch(const char *kernel, Shape shape,
                                    std::vector<void *> pointers,
                                    const emulator::Options &options) {
  if (!error.empty())
    return error;
  lig_kernel_desc described = {kernel, nullptr,   uint32_t(pointers.size()),
                               1024,   227 << 10, 0};
  lig_device_code code = {"sm_90a", nullptr, 0, nullptr, 0, &described, 1, 0};
  emulator::Emulator emulated(table, code, options);
  std::vector<void *> args;
  for (void *&pointer : pointers)
    args.push_back(&pointer);
  lig_launch launch = {
      0, {shape.grid, 1, 1}, {shape.block, 1, 1}, shape.shared, shape.flags,
      0, args.data()};
  int32_t status = emulated.getDevice()->launch(emulated.getDevice(), &launch);
  switches = emulated.getSwitches();
  if ((status == LIG_OK) != emulated.getError().empty())
    return "status and error disagree";
  return emulated.getError();
}
