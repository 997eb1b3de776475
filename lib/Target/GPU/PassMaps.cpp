// The conversion of kernels drops what arguments are marked with, so maps are
// known by number until here.

#include "TensorMaps.h"

#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

namespace lig::target {
#define GEN_PASS_DEF_GPUPASSMAPSPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;

namespace {
struct GpuPassMaps : lig::target::impl::GpuPassMapsPassBase<GpuPassMaps> {
  void runOnOperation() override {
    OpBuilder b(&getContext());
    auto bytes = LLVM::LLVMArrayType::get(b.getI8Type(), LIG_TENSOR_MAP_BYTES);
    getOperation()->walk([&](LLVM::LLVMFuncOp kernel) {
      auto maps =
          kernel->getAttrOfType<DenseI32ArrayAttr>(lig::target::gpu::kMapsAttr);
      for (int32_t number : maps ? maps.asArrayRef() : ArrayRef<int32_t>()) {
        kernel.setArgAttr(number, LLVM::LLVMDialect::getByValAttrName(),
                          TypeAttr::get(bytes));
        kernel.setArgAttr(number, LLVM::LLVMDialect::getAlignAttrName(),
                          b.getI64IntegerAttr(LIG_TENSOR_MAP_ALIGNMENT));
        kernel.setArgAttr(number, NVVM::NVVMDialect::getGridConstantAttrName(),
                          b.getUnitAttr());
      }
    });
  }
};
} // namespace
