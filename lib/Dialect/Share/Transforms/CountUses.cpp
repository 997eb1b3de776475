// The report's count of uses, kept with the parameter for whoever lists the
// parameters of a compiled model.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "Ligature/Analysis/Sharing.h"
#include "Ligature/Dialect/Share/IR/Share.h"

using namespace mlir;

namespace lig::share {
#define GEN_PASS_DEF_COUNTUSESPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

namespace {
struct CountUses : lig::share::impl::CountUsesPassBase<CountUses> {
  void runOnOperation() override {
    lig::SharingReport report = lig::analyzeSharing(getOperation());
    Builder b(&getContext());
    // The report lists parameters in the module's order.
    for (auto [param, entry] :
         llvm::zip(getOperation().getOps<lig::share::ParamOp>(),
                   report.parameters))
      param->setAttr(lig::share::kUsesAttr, b.getI64IntegerAttr(entry.uses));
  }
};
} // namespace
