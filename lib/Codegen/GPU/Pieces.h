// Neighbours that a thread takes at once, so that memory moves by 16 bytes.
#ifndef LIGATURE_CODEGEN_GPU_PIECES_H
#define LIGATURE_CODEGEN_GPU_PIECES_H

#include "ElementGroup.h"

namespace lig::codegen::gpu {

/// How an access lies in memory for the numbers of a piece.
enum class PieceKind {
  Same,       ///< all of them mean one element
  Neighbours, ///< one behind the other along the last dimension, as indexed
  Run,        ///< one behind the other in the whole buffer, by joint number
  Apart
};

/// Of a group whose rows, or elements of a row, are numbered by the loops in
/// order, the last fastest: `width` of them with consecutive numbers, the first
/// a multiple of `width`.
class Pieces {
public:
  Pieces(const ElementGroup &group, bool ofRows, int64_t width);

  PieceKind kindOf(const Access &access) const;
  /// Whether what moves most bytes moves them in whole pieces.
  bool areWorthwhile() const;

  const ElementGroup &group;
  /// Whether a piece has rows, not elements of one.
  bool ofRows;
  int64_t width;

private:
  bool areNeighbours(const Access &access, bool &same) const;
  bool isRun(const Access &access) const;

  llvm::ArrayRef<unsigned> loops;
};

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_PIECES_H
