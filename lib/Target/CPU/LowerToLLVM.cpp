// The upstream conversions in an order that leaves nothing unconverted, and the
// contract of what comes out.

#include "Ligature/Target/CPU/LowerToLLVM.h"
#include "Ligature/Target/FunctionsToLLVM.h"
#include "Ligature/Target/SmallFloats.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace lig::target {
#define GEN_PASS_DEF_VERIFYNATIVEPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;

void lig::target::cpu::buildLowerToLLVMPipeline(OpPassManager &pm) {
  pm.addPass(createCpuFormTeamsPass());
  pm.addPass(createCpuOutlineTasksPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createCpuKeepMaximaPass());
  lig::target::addSmallFloats(pm);
  VectorTransferToSCFOptions toLoops;
  toLoops.enableFullUnroll();
  pm.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass(toLoops));
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());
  ConvertVectorToLLVMPassOptions vectors;
  // Kernels add lanes in any order; ordered sums would add one at a time.
  vectors.reassociateFPReductions = true;
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  // The library's functions take numbers: vectors were taken apart for them.
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  lig::target::addFunctionsToLLVM(pm);
  pm.addPass(createCpuCallTasksPass());
  pm.addPass(createCpuWrapEntriesPass());
}

namespace {
struct VerifyNative : lig::target::impl::VerifyNativePassBase<VerifyNative> {
  void runOnOperation() override {
    WalkResult walk =
        getOperation().walk<WalkOrder::PreOrder>([](Operation *op) {
          if (isa<ModuleOp, gpu::GPUModuleOp>(op) ||
              isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()))
            return WalkResult::advance();
          if (isa_and_nonnull<NVVM::NVVMDialect>(op->getDialect()) &&
              op->getParentOfType<gpu::GPUModuleOp>())
            return WalkResult::advance();
          op->emitOpError(
              "breaks the contract of the native phase: it is not of "
              "the LLVM dialect");
          return WalkResult::interrupt();
        });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
