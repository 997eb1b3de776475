// Looks at files of parameters, compares, checks and converts them.

#include "Commands.h"

#include "Ligature/InitAll.h"
#include "Ligature/Support/FatalErrors.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  lig::exitOnFatalErrors("lig-params");
  lig::params::parseCommandLine(argc, argv);
  mlir::DialectRegistry registry;
  lig::registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler diagnostics(sources, &context);
  llvm::Expected<bool> right = lig::params::runCommand(context);
  if (right)
    return *right ? 0 : 1;
  llvm::outs().flush();
  llvm::errs() << "lig-params: error: " << llvm::toString(right.takeError())
               << "\n";
  return 1;
}
