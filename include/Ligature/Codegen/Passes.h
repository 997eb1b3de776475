/// Passes that make kernels and plan memory.
#ifndef LIGATURE_CODEGEN_PASSES_H
#define LIGATURE_CODEGEN_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

namespace lig::codegen {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

#endif // LIGATURE_CODEGEN_PASSES_H
