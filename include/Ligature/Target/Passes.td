// Passes that turn planned kernels into the LLVM dialect.
#ifndef LIGATURE_TARGET_PASSES_TD
#define LIGATURE_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif
