// Makes a module that shows a problem as small as it can: mlir-reduce with
// Ligature's dialects and passes, and those of plugins.

#include "Ligature/InitAll.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "llvm/Support/CommandLine.h"

static llvm::cl::list<std::string>
    passPlugins("load-pass-plugin",
                llvm::cl::desc("Load passes from a plugin"),
                llvm::cl::value_desc("LIBRARY"));
static llvm::cl::list<std::string>
    dialectPlugins("load-dialect-plugin",
                   llvm::cl::desc("Load dialects from a plugin"),
                   llvm::cl::value_desc("LIBRARY"));

template <typename Plugin> static Plugin load(const std::string &library) {
  llvm::Expected<Plugin> plugin = Plugin::load(library);
  if (!plugin)
    llvm::report_fatal_error(plugin.takeError(), /*gen_crash_diag=*/false);
  return *plugin;
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  lig::registerAllDialects(registry);
  lig::registerAllPasses();
  mlir::MLIRContext context(registry);
  // The reducer reads the command line itself; plugins load while it does.
  passPlugins.setCallback([](const std::string &library) {
    load<mlir::PassPlugin>(library).registerPassRegistryCallbacks();
  });
  dialectPlugins.setCallback([&](const std::string &library) {
    mlir::DialectRegistry added;
    load<mlir::DialectPlugin>(library).registerDialectRegistryCallbacks(added);
    context.appendDialectRegistry(added);
  });
  return failed(mlir::mlirReduceMain(argc, argv, context));
}
