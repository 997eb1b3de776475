/// Places buffers with known lifetimes in one block of memory.
#ifndef LIGATURE_CODEGEN_ARENAPLANNER_H
#define LIGATURE_CODEGEN_ARENAPLANNER_H

#include <cstdint>
#include <vector>

namespace lig::codegen {

/// A buffer of `size` bytes that is live from step `first` to step `last`,
/// both included. `align` is a power of two.
struct ArenaBuffer {
  int64_t size;
  int64_t align;
  int64_t first;
  int64_t last;
};

struct ArenaPlan {
  /// Where each buffer starts, in the order they were given.
  std::vector<int64_t> offsets;
  /// Bytes that the block needs.
  int64_t peak = 0;
  /// The most bytes live at one step: no placement needs less.
  int64_t lowerBound = 0;
};

/// Two buffers overlap in the plan only if they are never live together.
ArenaPlan planArena(const std::vector<ArenaBuffer> &buffers);

} // namespace lig::codegen

#endif // LIGATURE_CODEGEN_ARENAPLANNER_H
