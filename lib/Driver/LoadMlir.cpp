// MLIR from elsewhere has no entry points: every public function becomes one,
// and what has no name gets one by its position. MLIR that went through a phase
// is left as it is, once the phase's contract was seen to hold.

#include "LoadMlir.h"

#include "Ligature/Codegen/MarkPhase.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Conversion/TosaToArith/TosaToArith.h"
#include "mlir/Conversion/TosaToLinalg/TosaToLinalg.h"
#include "mlir/Conversion/TosaToSCF/TosaToSCF.h"
#include "mlir/Conversion/TosaToTensor/TosaToTensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;

static void nameArguments(func::FuncOp function) {
  auto name = [&](const Twine &text) {
    return StringAttr::get(function.getContext(), text);
  };
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (!function.getArgAttr(i, lig::net::kNameAttr))
      function.setArgAttr(i, lig::net::kNameAttr, name("in" + Twine(i)));
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (!function.getResultAttr(i, lig::net::kNameAttr) &&
        !function.getResultAttr(i, lig::net::kDimOfAttr))
      function.setResultAttr(i, lig::net::kNameAttr, name("out" + Twine(i)));
}

static LogicalResult markEntries(ModuleOp module) {
  bool any = false;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isPublic() && !function.isDeclaration() &&
        llvm::all_of(function.getArgumentTypes(),
                     [](Type type) { return isa<RankedTensorType>(type); })) {
      function->setAttr(lig::net::kEntryAttr,
                        UnitAttr::get(module.getContext()));
      nameArguments(function);
    }
    any |= function->hasAttr(lig::net::kEntryAttr);
  }
  if (!any)
    return module.emitError("the module has no public function on tensors, so "
                            "there is nothing to compile");
  return success();
}

static LogicalResult lowerTosa(ModuleOp module) {
  bool any = module
                 .walk([](Operation *op) {
                   return isa<tosa::TosaDialect>(op->getDialect())
                              ? WalkResult::interrupt()
                              : WalkResult::advance();
                 })
                 .wasInterrupted();
  if (!any)
    return success();
  PassManager pm(module.getContext());
  // Validation is about the profiles of other machines.
  tosa::addTosaToLinalgPasses(pm, TosaToLinalgOptions(),
                              TosaToLinalgNamedOptions(), std::nullopt);
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createTosaToTensorPass());
  TosaToArithPassOptions toArith;
  toArith.includeApplyRescale = true;
  functions.addPass(createTosaToArithPass(toArith));
  functions.addPass(createTosaToSCFPass());
  return pm.run(module);
}

static FailureOr<std::optional<lig::Phase>> readPhase(ModuleOp module) {
  Attribute mark = module->getAttr(lig::codegen::kPhaseAttr);
  if (!mark)
    return std::optional<lig::Phase>();
  auto name = dyn_cast<StringAttr>(mark);
  std::optional<lig::Phase> phase =
      name ? lig::findPhase(name) : std::optional<lig::Phase>();
  if (!phase)
    return module.emitError() << lig::codegen::kPhaseAttr << " is " << mark
                              << ", which names no phase";
  PassManager pm(module.getContext());
  lig::buildContract(pm, *phase);
  if (failed(pm.run(module)))
    return failure();
  return phase;
}

OwningOpRef<ModuleOp> lig::loadMlir(StringRef path, MLIRContext &context,
                                    std::optional<Phase> &reached) {
  ParserConfig config(&context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(path, config);
  if (!module)
    return nullptr;
  FailureOr<std::optional<Phase>> phase = readPhase(*module);
  if (failed(phase))
    return nullptr;
  reached = *phase;
  if (!reached && (failed(lowerTosa(*module)) || failed(markEntries(*module))))
    return nullptr;
  return module;
}
