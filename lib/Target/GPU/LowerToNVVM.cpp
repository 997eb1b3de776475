// Kernels first, while the host is still on buffers: their conversions look at
// a gpu.module alone.

#include "Ligature/Target/GPU/LowerToNVVM.h"

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Target/FunctionsToLLVM.h"
#include "Ligature/Target/SmallFloats.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

static void buildKernels(OpPassManager &pm) {
  lig::target::addSmallFloats(pm);
  math::MathExtendToSupportedTypesOptions extend;
  extend.targetTypeStr = "f32";
  pm.addPass(math::createMathExtendToSupportedTypes(extend));
  pm.addPass(lig::codegen::createGpuExpandMathPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  VectorTransferToSCFOptions toLoops;
  toLoops.enableFullUnroll();
  pm.addPass(createConvertVectorToSCFPass(toLoops));
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createConvertNVGPUToNVVMPass());
  pm.addPass(createSCFToControlFlowPass());
  // The conversion of gpu takes vectors along: by itself that of vector knows
  // no shared memory.
  ConvertGpuOpsToNVVMOpsOptions kernels;
  kernels.useBarePtrCallConv = true;
  pm.addPass(createConvertGpuOpsToNVVMOps(kernels));
  pm.addPass(lig::target::createGpuUseInstructionsPass());
  // The few that upstream has no function of the library for.
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(lig::target::createGpuAlignSharedPass());
  pm.addPass(lig::target::createGpuPassMapsPass());
}

static void buildHost(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  lig::target::addFunctionsToLLVM(pm);
  pm.addPass(lig::target::createCpuWrapEntriesPass());
}

void lig::target::gpu::buildLowerToNVVMPipeline(OpPassManager &pm) {
  pm.addPass(createGpuOutlineKernelsPass());
  buildKernels(pm.nest<mlir::gpu::GPUModuleOp>());
  buildHost(pm);
}
