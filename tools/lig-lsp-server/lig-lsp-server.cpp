// What an editor asks about MLIR text: mlir-lsp-server with Ligature's
// dialects, and those of plugins.

#include "Ligature/InitAll.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Support/CommandLine.h"

static llvm::cl::list<std::string>
    dialectPlugins("load-dialect-plugin",
                   llvm::cl::desc("Load dialects from a plugin"),
                   llvm::cl::value_desc("LIBRARY"));

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  lig::registerAllDialects(registry);
  // The server reads the command line itself; plugins load while it does.
  dialectPlugins.setCallback([&](const std::string &library) {
    auto plugin = mlir::DialectPlugin::load(library);
    if (!plugin)
      llvm::report_fatal_error(plugin.takeError(), /*gen_crash_diag=*/false);
    plugin->registerDialectRegistryCallbacks(registry);
  });
  return failed(mlir::MlirLspServerMain(argc, argv, registry));
}
