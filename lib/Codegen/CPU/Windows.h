// Windows that slide over an operand, and what neighbouring ones share.
#ifndef LIGATURE_CODEGEN_CPU_WINDOWS_H
#define LIGATURE_CODEGEN_CPU_WINDOWS_H

#include "Nest.h"

namespace lig::codegen::cpu {

/// Whether windows of `access` follow each other along `loop` without gaps.
bool slidesAlong(const Nest &nest, const Access &access, unsigned loop);

/// Whether such windows reach from one to the next by steps of `tap`.
bool reachesNext(const Nest &nest, const Access &access, unsigned loop,
                 unsigned tap);

/// Whether lanes along `loop` are loaded from `access` as vectors: they are
/// neighbours, or every second element of a row that windows slide over.
bool loadsLanes(const Nest &nest, const Access &access, unsigned loop);

/// Where windows slide along `laneLoop`, the other parallel loop along which
/// they lie closest; -1 if there is none.
int findWindowLoop(const Nest &nest, int laneLoop);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_WINDOWS_H
