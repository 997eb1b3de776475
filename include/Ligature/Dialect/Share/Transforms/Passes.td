// Passes over parameters: merging, tying, verifying.
#ifndef LIGATURE_DIALECT_SHARE_TRANSFORMS_PASSES_TD
#define LIGATURE_DIALECT_SHARE_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def PrintReportPass : Pass<"share-print-report", "::mlir::ModuleOp"> {
  let summary = "Print which parameters are stored and who shares them";
  let description = [{
    Writes the sharing report to the standard output.

    **Before**: any module with parameters.
    **After**: the same module.
    **Keeps**: everything.
    **Refuses**: nothing.
  }];
  let options = [Option<"json", "json", "bool", "false",
                        "write JSON instead of text">];
}

#endif
