// Native code finds parameters at offsets of one block, so their declarations
// end where the planning of memory does.

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

namespace lig::codegen {
#define GEN_PASS_DEF_DROPPARAMETERSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

using namespace mlir;

namespace {
struct DropParameters
    : lig::codegen::impl::DropParametersPassBase<DropParameters> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    WalkResult named = module.walk([](lig::share::AddressOp op) {
      op.emitOpError("names a parameter, which has no place in memory yet");
      return WalkResult::interrupt();
    });
    if (named.wasInterrupted())
      return signalPassFailure();
    for (auto param :
         llvm::make_early_inc_range(module.getOps<lig::share::ParamOp>()))
      param.erase();
    module->removeAttr(lig::share::kParamsBytesAttr);
  }
};
} // namespace
