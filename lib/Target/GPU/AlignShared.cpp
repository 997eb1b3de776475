// Vectors of 16 bytes are loaded from shared memory, whose alignment outlining
// forgets. What has no size is dynamic: its place is the launch's to give, so it
// is defined outside; as a variable of its own it would count on top of that.

#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace lig::target {
#define GEN_PASS_DEF_GPUALIGNSHAREDPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;

namespace {
struct GpuAlignShared
    : lig::target::impl::GpuAlignSharedPassBase<GpuAlignShared> {
  void runOnOperation() override {
    constexpr uint64_t widest = 16;
    getOperation()->walk([&](LLVM::GlobalOp global) {
      if (global.getAddrSpace() == 3 &&
          global.getAlignment().value_or(1) < widest)
        global.setAlignment(widest);
      auto bytes = dyn_cast<LLVM::LLVMArrayType>(global.getGlobalType());
      if (global.getAddrSpace() == 3 && bytes && bytes.getNumElements() == 0)
        global.setLinkage(LLVM::Linkage::External);
    });
  }
};
} // namespace
