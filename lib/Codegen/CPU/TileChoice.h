// Which register tile a contraction is cut into: a count of cycles over all
// tiles that fit the registers.
#ifndef LIGATURE_CODEGEN_CPU_TILECHOICE_H
#define LIGATURE_CODEGEN_CPU_TILECHOICE_H

#include "Emitter.h"

namespace lig::codegen::cpu {

/// Operands that the body reads at every step of a reduction.
llvm::SmallVector<const Access *> inputsOf(const Nest &nest);

struct TileChoice {
  Tile tile;
  /// Cycles for all tiles that the output is cut into.
  double cycles = 0;
};

/// The cheapest tile with lanes along `laneLoop`; `columns` vectors wide if
/// that is not 0. Rows go along a loop that `panel` does not move with.
TileChoice chooseTile(const Nest &nest, int laneLoop, int64_t lanes,
                      const Access &panel, const Machine &machine,
                      int64_t columns = 0);

/// Bytes a cycle that the second cache delivers, and what lies behind it.
inline constexpr double kNearBytes = 44, kFarBytes = 26;

/// The most vectors that a tile may be wide.
inline constexpr int64_t kMaxColumns = 8;

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_TILECHOICE_H
