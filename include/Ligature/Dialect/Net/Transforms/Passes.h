/// Passes over network structure: what stays within the tensor dialects and net.
#ifndef LIGATURE_DIALECT_NET_TRANSFORMS_PASSES_H
#define LIGATURE_DIALECT_NET_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

namespace lig::net {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

#endif // LIGATURE_DIALECT_NET_TRANSFORMS_PASSES_H
