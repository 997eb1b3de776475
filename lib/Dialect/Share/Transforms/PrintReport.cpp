// The sharing report from the middle of a pipeline, where a pass's effect on
// sharing is to be seen.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "Ligature/Analysis/Sharing.h"

namespace lig::share {
#define GEN_PASS_DEF_PRINTREPORTPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

namespace {
struct PrintReport : lig::share::impl::PrintReportPassBase<PrintReport> {
  using PrintReportPassBase::PrintReportPassBase;
  void runOnOperation() override {
    lig::SharingReport report = lig::analyzeSharing(getOperation());
    if (json)
      llvm::outs() << llvm::formatv("{0:2}", report.toJSON()) << '\n';
    else
      report.printText(llvm::outs());
    markAllAnalysesPreserved();
  }
};
} // namespace
