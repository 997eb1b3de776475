/// Conversions between dialects, one folder a pair.
#ifndef LIGATURE_CONVERSION_PASSES_H
#define LIGATURE_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

namespace lig {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Ligature/Conversion/Passes.h.inc"
} // namespace lig

#endif // LIGATURE_CONVERSION_PASSES_H
