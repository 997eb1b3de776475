// mlir-opt with Ligature's dialects, passes and phase pipelines.

#include "Ligature/InitAll.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  lig::registerAllDialects(registry);
  lig::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Ligature optimizer driver\n", registry));
}
