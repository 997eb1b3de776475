// How the threads of a block share rows and their elements.
#ifndef LIGATURE_CODEGEN_GPU_ROWSHAPE_H
#define LIGATURE_CODEGEN_GPU_ROWSHAPE_H

#include <cstdint>

namespace lig::codegen::gpu {

struct RowShape {
  /// What a thread takes of memory at once: so many neighbours, rows or
  /// elements of one.
  int64_t width = 1;
  bool piecesOfRows = false;
  /// Threads of a row, and rows of a block; of pieces of rows, so many pieces.
  int64_t lanes = 1, rows = 128;
  /// Elements of a thread, or pieces of them, which it keeps in registers; 0
  /// where they are so many, or needed so seldom, that it loads each when it
  /// needs it.
  int64_t slots = 1;
  /// Whether neighbouring threads have neighbouring elements, not rows.
  bool lanesInner = true;

  int64_t threads() const { return lanes * rows; }
  bool isLoop() const { return slots == 0; }
  /// Whether warps of a row meet in shared memory.
  bool needsShared() const { return lanesInner ? lanes > 32 : lanes > 1; }
  /// Rows of a thread, and elements that it takes at once.
  int64_t linesOfThread() const { return piecesOfRows ? width : 1; }
  int64_t elementsAtOnce() const { return piecesOfRows ? 1 : width; }
};

/// Rows, and how often threads go through them.
struct RowWork {
  int64_t count, length; ///< rows, elements of each
  unsigned passes;
  bool isContiguous; ///< whether a row lies in memory one after the other
};

/// Rows from which a thread may take several without leaving others idle.
int64_t fewestRowsForPieces(int64_t multiprocessors, int64_t width);

/// For pieces of `width` rows or elements.
RowShape chooseRowShape(const RowWork &work, bool piecesOfRows, int64_t width,
                        int64_t multiprocessors);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_ROWSHAPE_H
