// Tries the strategies on every structured operation on buffers that the host
// reaches; what none of them takes is left as it was.

#include "DataDependence.h"
#include "Strategies.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace lig::codegen::gpu;

namespace lig::codegen {
#define GEN_PASS_DEF_GPUEMITSTRATEGIESPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

static std::optional<Precision> parsePrecision(StringRef name) {
  return llvm::StringSwitch<std::optional<Precision>>(name)
      .Case("f32", Precision::F32)
      .Case("tf32", Precision::TF32)
      .Case("bf16", Precision::BF16)
      .Case("f16", Precision::F16)
      .Default(std::nullopt);
}

namespace {
struct GpuEmitStrategies
    : lig::codegen::impl::GpuEmitStrategiesPassBase<GpuEmitStrategies> {
  using GpuEmitStrategiesPassBase::GpuEmitStrategiesPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (parsePrecision(compute))
      return success();
    return emitError(UnknownLoc::get(context))
           << "unknown precision '" << compute << "' (f32, tf32, bf16 or f16)";
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    IRRewriter rewriter(&getContext());
    DataDependence dependence(function);
    SmallVector<linalg::LinalgOp> work;
    function.walk([&](linalg::LinalgOp op) {
      // What only reads and writes elements gains nothing here.
      if (op.getNumReductionLoops() && op.hasPureBufferSemantics() &&
          dependence.isReached(op))
        work.push_back(op);
    });
    for (linalg::LinalgOp op : work) {
      rewriter.setInsertionPoint(op);
      auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
      if (!generic) {
        FailureOr<linalg::GenericOp> made =
            linalg::generalizeNamedOp(rewriter, op);
        if (failed(made))
          continue;
        generic = *made;
      }
      write(rewriter, generic);
    }
  }

private:
  void write(RewriterBase &rewriter, linalg::GenericOp op) {
    Machine machine{int64_t(multiprocessors), *parsePrecision(compute)};
    if (succeeded(emitTensorContraction(rewriter, op, machine)))
      ++numTensorContractions;
    else if (succeeded(emitContraction(rewriter, op, machine)))
      ++numContractions;
    else if (succeeded(emitRowReduction(rewriter, op)))
      ++numRowReductions;
  }
};
} // namespace
