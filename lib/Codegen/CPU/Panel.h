// A copy of the part of an operand that a row of tiles reads again and again.
#ifndef LIGATURE_CODEGEN_CPU_PANEL_H
#define LIGATURE_CODEGEN_CPU_PANEL_H

#include "Emitter.h"

namespace lig::codegen::cpu {

/// An operand that is copied, one tile of lanes at a time, to where each step
/// of the reduction is one contiguous piece.
struct Panel {
  /// The access that reads the copy, and the one that reads the operand.
  unsigned copy;
  unsigned operand;
  /// Elements from one step of the reduction to the next.
  int64_t pitch;
};

/// Makes room for `count` panels of `access`, which stand one after another
/// along `laneLoop`, in front of the kernel and lets `nest` read them there.
Panel addPanel(mlir::ImplicitLocOpBuilder &b, Nest &nest, unsigned access,
               int64_t pitch, int laneLoop, int64_t count);

/// Bytes that the panel would take.
int64_t panelBytes(const Nest &nest, unsigned access, int64_t pitch);

/// Copies what `tile` at `position` reads.
void fillPanel(Emitter &emitter, const Panel &panel, const Tile &tile,
               const Position &position);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_PANEL_H
