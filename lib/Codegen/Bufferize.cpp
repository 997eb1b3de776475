// Everything upstream's one-shot bufferization needs around it. Operations
// without a buffer form of their own are written with insertions first, so that
// producers can write into the padded or concatenated buffer directly.

#include "Ligature/Codegen/Bufferize.h"
#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void lig::codegen::buildBufferizePipeline(OpPassManager &pm) {
  pm.addPass(createOutlineConstantsPass());
  pm.addPass(createWriteSlicesPass());
  pm.addPass(createCarryInPlacePass());
  pm.addPass(createPassOutputsPass());
  pm.addPass(createSeparateDestinationsPass());
  pm.addPass(createPlaceReshapesPass());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());

  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(options));

  pm.addNestedPass<func::FuncOp>(memref::createFoldMemRefAliasOpsPass());
  // A copy onto itself folds only once both subviews are one value.
  pm.addNestedPass<func::FuncOp>(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createCanonicalizerPass());
}

void lig::codegen::registerBufferizePipeline() {
  PassPipelineRegistration<>("lig-bufferize",
                             "From tensors to buffers, outputs handed in",
                             buildBufferizePipeline);
}
