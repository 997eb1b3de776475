// Loops over tiles whose results stay in registers while they are summed.
#ifndef LIGATURE_CODEGEN_CPU_TILEDLOOPS_H
#define LIGATURE_CODEGEN_CPU_TILEDLOOPS_H

#include "Panel.h"

namespace lig::codegen::cpu {

/// Bytes that a kernel may take of a thread's stack.
inline constexpr int64_t kMostStack = 128 << 10;

/// Windows that overlap from one row of a tile to the next: `apart` of `taps`
/// steps of a reduction lie between their beginnings.
struct Overlap {
  unsigned tap;
  int64_t taps, apart;
};

struct Schedule {
  Tile tile;
  /// Parallel loops, outermost first; the tile's own loops step by tiles.
  llvm::SmallVector<unsigned> parallel;
  /// So many tiles along the lane loop are gone through for each step of the
  /// loops inside of it, before the next so many.
  int64_t group = 1;
  /// If set, the tile joins steps of its tap over all other reductions first,
  /// each once for all rows.
  std::optional<Overlap> overlap;
  /// Reduction loops inside a tile, outermost first, but that of the overlap.
  llvm::SmallVector<unsigned> reductions;
  /// An operand that is copied whenever the lane loop has moved; the panels of
  /// a group stand one after another.
  std::optional<Panel> panel;
  /// Whether every step of the shared loop has room of its own for the panel.
  bool ownRoom = false;
  /// So many accumulators of each result take the steps of the innermost
  /// reduction in turn, so that one step need not wait for the one before.
  int64_t turns = 1;
  /// The parallel loop that threads share; -1 if they do not.
  int shared = -1;
  /// So many of the innermost reductions are written out step by step.
  unsigned written = 0;
  /// Rows that fill no tile: a loop of single rows instead of a smaller tile.
  bool loopOverLeftRows = false;
  /// What fills no tile may be computed by one that covers some of the last
  /// again.
  bool overlaps = false;
};

/// Writes the loops; which one threads share is decided here. Steps of the lane
/// loop that fill no vector are masked, or where masks cost too much, taken in
/// smaller vectors.
void emitTiledLoops(Emitter &emitter, Schedule schedule);

/// Whether a masked vector is an instruction for every operand that moves with
/// the lanes; `packed`, which is padded to whole vectors, needs none.
bool canMask(const Nest &nest, int laneLoop, const Machine &machine,
             std::optional<unsigned> packed);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_TILEDLOOPS_H
