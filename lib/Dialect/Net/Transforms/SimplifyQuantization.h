// Shorter forms of a quantization and of one that is taken back at once.
#ifndef LIGATURE_DIALECT_NET_TRANSFORMS_SIMPLIFYQUANTIZATION_H
#define LIGATURE_DIALECT_NET_TRANSFORMS_SIMPLIFYQUANTIZATION_H

#include "mlir/IR/PatternMatch.h"

namespace lig::net {

/// Patterns on scalar operations in the bodies of elementwise operations. All
/// give the same numbers, the sign of zero included; a NaN, for which the
/// conversion to an integer says nothing, may stay one.
void populateQuantizationPatterns(mlir::RewritePatternSet &patterns);

} // namespace lig::net

#endif // LIGATURE_DIALECT_NET_TRANSFORMS_SIMPLIFYQUANTIZATION_H
