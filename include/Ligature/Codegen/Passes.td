// Passes that make kernels and plan memory.
#ifndef LIGATURE_CODEGEN_PASSES_TD
#define LIGATURE_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif
