// Passes over parameters: merging, tying, verifying.
#ifndef LIGATURE_DIALECT_SHARE_TRANSFORMS_PASSES_TD
#define LIGATURE_DIALECT_SHARE_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif
