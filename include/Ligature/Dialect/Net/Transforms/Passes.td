// Passes over network structure: what stays within the tensor dialects and net.
#ifndef LIGATURE_DIALECT_NET_TRANSFORMS_PASSES_TD
#define LIGATURE_DIALECT_NET_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif
