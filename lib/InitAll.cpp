// The one file that names every dialect, pass and back end.

#include "Ligature/InitAll.h"

#include "Ligature/Codegen/Bufferize.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Conversion/Passes.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Dialect/Share/Transforms/Passes.h"
#include "Ligature/Pipelines/Phases.h"
#include "Ligature/Target/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

void lig::registerAllDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<share::ShareDialect, net::NetDialect>();
  share::registerBufferizableOpInterfaceExternalModels(registry);
  net::registerBufferizableOpInterfaceExternalModels(registry);
}

void lig::registerAllPasses() {
  mlir::registerAllPasses();
  share::registerSharePasses();
  net::registerNetPasses();
  registerConversionPasses();
  codegen::registerCodegenPasses();
  codegen::registerBufferizePipeline();
  target::registerTargetPasses();
  registerPhasePipelines();
}
