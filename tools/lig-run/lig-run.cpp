// Runs a compiled library, or a model that it compiles in memory.

#include "Commands.h"

#include "Ligature/InitAll.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"

using namespace lig;
using namespace lig::run;

static int fail(llvm::Error error) {
  llvm::outs().flush();
  llvm::errs() << "lig-run: error: " << llvm::toString(std::move(error))
               << "\n";
  return 1;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  registerAllPasses();
  registerPlugins(registry);
  llvm::Expected<Options> options = parseOptions({argv, argv + argc});
  if (!options)
    return fail(options.takeError());

  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler diagnostics(sources, &context);
  llvm::Expected<bool> agree = options->batch.empty()
                                   ? execute(*options, context)
                                   : runBatch(*options, context);
  if (!agree)
    return fail(agree.takeError());
  return *agree ? 0 : 1;
}
