// How the threads of a block share rows and their elements.
#ifndef LIGATURE_CODEGEN_GPU_ROWSHAPE_H
#define LIGATURE_CODEGEN_GPU_ROWSHAPE_H

#include <cstdint>

namespace lig::codegen::gpu {

struct RowShape {
  /// Threads of a row, and rows of a block.
  int64_t lanes = 1, rows = 128;
  /// Elements of a thread, which it keeps in registers; 0 where they are so
  /// many, or needed so seldom, that it loads each when it needs it.
  int64_t slots = 1;
  /// Whether neighbouring threads have neighbouring elements, not rows.
  bool lanesInner = true;

  int64_t threads() const { return lanes * rows; }
  bool isLoop() const { return slots == 0; }
  /// Whether warps of a row meet in shared memory.
  bool needsShared() const { return lanesInner ? lanes > 32 : lanes > 1; }
};

/// For `count` rows of `length` elements, through which `passes` go;
/// `contiguous` says whether they lie in memory one after the other.
RowShape chooseRowShape(int64_t count, int64_t length, unsigned passes,
                        bool contiguous, int64_t multiprocessors);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_ROWSHAPE_H
