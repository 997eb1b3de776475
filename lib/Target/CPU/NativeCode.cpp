// LLVM's part of the work: translation, optimization, machine code.

#include "Ligature/Target/CPU/NativeCode.h"

#include "Descriptor.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace lig::target;

std::string cpu::getParametersSymbol(const ModelInfo &model) {
  if (model.parameters.empty() || !model.parameterFile.empty())
    return "";
  return getCIdentifier(model.name) + "_parameters";
}

static void setMachine(Module &module, const cpu::Machine &machine) {
  TargetMachine &target = machine.getTarget();
  module.setTargetTriple(target.getTargetTriple());
  module.setDataLayout(target.createDataLayout());
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.getTargetCPU());
    function.addFnAttr("target-features", target.getTargetFeatureString());
    // LLVM prefers narrower vectors than kernels were written for.
    function.addFnAttr("prefer-vector-width",
                       std::to_string(machine.getVectorBits()));
    function.addFnAttr("min-legal-vector-width",
                       std::to_string(machine.getVectorBits()));
    function.setDoesNotThrow();
  }
}

Expected<std::unique_ptr<Module>>
cpu::translateModel(mlir::ModuleOp module, const ModelInfo &model,
                    const ParameterFile &parameters, const Machine &machine,
                    LLVMContext &context) {
  mlir::registerBuiltinDialectTranslation(*module->getContext());
  mlir::registerLLVMDialectTranslation(*module->getContext());
  std::unique_ptr<Module> code =
      mlir::translateModuleToLLVMIR(module, context, model.name);
  if (!code)
    return createStringError("the LLVM dialect does not translate");
  for (Function &function : *code)
    if (!function.isDeclaration())
      function.setLinkage(GlobalValue::InternalLinkage);
  if (Error error = addDescriptor(*code, model, parameters))
    return error;
  setMachine(*code, machine);
  std::string text;
  raw_string_ostream problems(text);
  if (verifyModule(*code, &problems))
    return createStringError("the LLVM IR is broken: " + text);
  return code;
}

void cpu::optimize(Module &module, const Machine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager components;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine.getTarget());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  static constexpr OptimizationLevel const *levels[] = {
      &OptimizationLevel::O0, &OptimizationLevel::O1, &OptimizationLevel::O2,
      &OptimizationLevel::O3};
  OptimizationLevel level = *levels[std::min(machine.getOptimization(), 3u)];
  ModulePassManager passes = level == OptimizationLevel::O0
                                 ? builder.buildO0DefaultPipeline(level)
                                 : builder.buildPerModuleDefaultPipeline(level);
  passes.run(module, modules);
}

Error cpu::writeCode(Module &module, const Machine &machine, CodeKind kind,
                     raw_pwrite_stream &out) {
  legacy::PassManager passes;
  auto type = kind == CodeKind::Assembly ? CodeGenFileType::AssemblyFile
                                         : CodeGenFileType::ObjectFile;
  if (machine.getTarget().addPassesToEmitFile(passes, out, nullptr, type))
    return createStringError("LLVM cannot write this kind of file for " +
                             module.getTargetTriple().str());
  passes.run(module);
  return Error::success();
}

Error cpu::writeParametersObject(const ModelInfo &model,
                                 const ParameterFile &parameters,
                                 const Machine &machine,
                                 raw_pwrite_stream &out) {
  // Code reaches its data by 32-bit distances.
  constexpr uint64_t limit = uint64_t(1) << 30;
  if (parameters.getDataBytes() > limit)
    return createStringError(
        "parameters of " + Twine(parameters.getDataBytes()) +
        " bytes are too many to embed; keep them in a file");
  std::string bytes;
  bytes.reserve(parameters.getDataBytes());
  raw_string_ostream stream(bytes);
  parameters.writeData(stream);
  LLVMContext context;
  Module module(model.name + " parameters", context);
  Constant *data = ConstantDataArray::getString(context, bytes,
                                                /*AddNull=*/false);
  auto *global =
      new GlobalVariable(module, data->getType(),
                         /*isConstant=*/true, GlobalValue::ExternalLinkage,
                         data, getParametersSymbol(model));
  global->setAlignment(Align(LIG_ALIGNMENT));
  global->setVisibility(GlobalValue::HiddenVisibility);
  setMachine(module, machine);
  return writeCode(module, machine, CodeKind::Object, out);
}
