/// Passes over parameters: merging, tying, verifying.
#ifndef LIGATURE_DIALECT_SHARE_TRANSFORMS_PASSES_H
#define LIGATURE_DIALECT_SHARE_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

namespace lig::share {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

#endif // LIGATURE_DIALECT_SHARE_TRANSFORMS_PASSES_H
