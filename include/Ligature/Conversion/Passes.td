// Conversions between dialects, one folder a pair.
#ifndef LIGATURE_CONVERSION_PASSES_TD
#define LIGATURE_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif
