// Windows of neighbouring rows that look at the same elements.
#ifndef LIGATURE_CODEGEN_CPU_OVERLAP_H
#define LIGATURE_CODEGEN_CPU_OVERLAP_H

#include "Combiner.h"
#include "TiledLoops.h"

namespace lig::codegen::cpu {

/// The way in which windows overlap from one row of a tile to the next, where a
/// part of a window may be joined before it is known whose window that is.
std::optional<Overlap> matchOverlap(const Nest &nest, int rowLoop);

/// The parallel loop but `laneLoop` along which windows overlap most; -1 if
/// there is none.
int findOverlapLoop(const Nest &nest, int laneLoop);

/// Makes the tile of `schedule`, which has an overlap, as many rows high as is
/// cheapest, and writes out the steps that it has code for.
void scheduleOverlap(const Nest &nest, const Machine &machine,
                     Schedule &schedule);

/// The tile whose rows are the steps along `overlap` that the windows of `tile`
/// look at.
Tile tileOfSteps(const Overlap &overlap, const Tile &tile);

/// What the rows of `tile` start from, joined with their windows: with those of
/// `partial`, each joined over all other reductions, that lie in them.
llvm::SmallVector<mlir::Value> joinWindows(Emitter &emitter,
                                           const Overlap &overlap,
                                           const Tile &tile,
                                           mlir::ValueRange starts,
                                           mlir::ValueRange partial);

/// What the partial results of such a tile start from.
llvm::SmallVector<mlir::Value> neutralValues(Emitter &emitter,
                                             const Tile &tile);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_OVERLAP_H
