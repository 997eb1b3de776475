// Threads of a warp read neighbours in memory: elements of a row, or the same
// element of neighbouring rows. Few rows are spread over as many blocks as
// there are.

#include "RowShape.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

namespace lig::codegen::gpu {

/// Elements that a thread keeps, and threads of a block.
static constexpr int64_t kMostSlots = 16, kMostThreads = 512;

static int64_t roundUp(int64_t number) {
  return int64_t(llvm::PowerOf2Ceil(number));
}

RowShape chooseRowShape(int64_t count, int64_t length, unsigned passes,
                        bool contiguous, int64_t multiprocessors) {
  RowShape shape;
  bool isAlone = passes < 2;
  if (contiguous && length >= (isAlone ? 32 : 17)) {
    bool isLong = length > (isAlone ? 1024 : 512);
    shape.lanes = isLong ? std::clamp<int64_t>(roundUp(length / 8), 64,
                                               isAlone ? 256 : kMostThreads)
                         : std::min<int64_t>(32, roundUp(length / 2 + 1));
    int64_t warps = count * shape.lanes / 32;
    int64_t threads = warps < multiprocessors * 16 ? 32 : 128;
    shape.rows = isLong ? 1 : threads / shape.lanes;
  } else {
    shape.lanesInner = false;
    if (length >= 32 && count < multiprocessors * 256)
      shape.lanes = std::clamp<int64_t>(roundUp(length / 16), 1, 16);
    shape.rows = shape.lanes > 1 || count < multiprocessors * 64 ? 32 : 128;
  }
  shape.slots = llvm::divideCeil(length, shape.lanes);
  if (shape.slots > (isAlone && contiguous ? 4 : kMostSlots))
    shape.slots = 0;
  return shape;
}

} // namespace lig::codegen::gpu
