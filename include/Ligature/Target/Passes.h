/// Passes that turn planned kernels into the LLVM dialect.
#ifndef LIGATURE_TARGET_PASSES_H
#define LIGATURE_TARGET_PASSES_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

namespace lig::target {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

#endif // LIGATURE_TARGET_PASSES_H
