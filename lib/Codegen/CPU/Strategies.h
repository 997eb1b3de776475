// The ways to write a kernel, tried in order; each says whether facts of the
// operation suit it, and if so writes it.
#ifndef LIGATURE_CODEGEN_CPU_STRATEGIES_H
#define LIGATURE_CODEGEN_CPU_STRATEGIES_H

#include "Emitter.h"

namespace lig::codegen::cpu {

/// Sums of products with lanes along an output dimension, blocked in registers.
bool emitContraction(Emitter &emitter);

/// Reductions along the lanes: one accumulator a lane, joined at the end.
bool emitLaneReduction(Emitter &emitter);

/// Any other reduction: lanes along an output dimension, or scalars in
/// registers.
bool emitReduction(Emitter &emitter);

/// No reduction at all.
bool emitElementwise(Emitter &emitter);

/// Whether each element of the result is a sum of products.
bool isContraction(const Nest &nest);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_STRATEGIES_H
