// The compiler's command line: models in, artefacts out.

#include "Models.h"
#include "Options.h"
#include "SharingOptions.h"

#include "Ligature/InitAll.h"
#include "Ligature/Support/FatalErrors.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/Timing.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"

using namespace lig;

static int fail(llvm::Error error) {
  llvm::errs() << "ligc: error: " << llvm::toString(std::move(error)) << "\n";
  return 1;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  exitOnFatalErrors("ligc");
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  registerAllPasses();
  ligc::Options options(registry);
  if (llvm::Error error = options.parse(argc, argv))
    return fail(std::move(error));
  if (options.listOperators()) {
    for (const OnnxOperator &op : listOnnxOperators())
      llvm::outs() << (op.domain.empty() ? "ai.onnx" : op.domain) << " "
                   << op.name << " " << op.sinceVersion << "\n";
    return 0;
  }

  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  // The source line says enough; a whole module in its place says nothing.
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler diagnostics(sources, &context);
  // Called before the one above: progress makes room for what is wrong.
  context.getDiagEngine().registerHandler([&](mlir::Diagnostic &) {
    options.finishProgress();
    return mlir::failure();
  });
  if (llvm::Error error = ligc::enableRemarks(context))
    return fail(std::move(error));
  mlir::DefaultTimingManager timing;
  timing.setEnabled(options.measuresTime());
  mlir::TimingScope total = timing.getRootScope();

  llvm::Expected<ModelFiles> models = ligc::readModels(context);
  if (!models)
    return fail(models.takeError());
  llvm::Expected<CompileOptions> compile = options.makeCompileOptions();
  if (!compile)
    return fail(compile.takeError());
  compile->configure = [&](mlir::PassManager &pm) { pm.enableTiming(total); };
  Compilation compilation(context, std::move(*compile));
  if (failed(compilation.load(models->get())))
    return 1; // the diagnostic has said why
  OutputOptions output = options.makeOutputOptions();
  Phase last =
      output.artefact == Artefact::Mlir ? output.last : Phase::Native;
  if (llvm::Error error = ligc::checkTies(compilation, last, context))
    return fail(std::move(error));
  if (llvm::Error error = writeArtefact(compilation, output))
    return fail(std::move(error));
  if (llvm::Error error = ligc::writeReport(compilation))
    return fail(std::move(error));
  options.finishProgress();
  return 0;
}
