// Threads of a warp read neighbours in memory: elements of a row, or the same
// element of neighbouring rows. Few rows are spread over as many blocks as
// there are. Where a thread takes several neighbours at once, fewer threads have
// as many bytes on their way.

#include "RowShape.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

namespace lig::codegen::gpu {

/// Elements that a thread keeps, twice as many where it takes them in pieces;
/// and threads of a block.
static constexpr int64_t kMostSlots = 16, kMostThreads = 512;

static int64_t roundUp(int64_t number) {
  return int64_t(llvm::PowerOf2Ceil(number));
}

int64_t fewestRowsForPieces(int64_t multiprocessors, int64_t width) {
  return multiprocessors * 64 * width;
}

/// Lanes of a row that a warp, or part of one, goes through in a few steps.
static int64_t chooseLanes(const RowWork &work, int64_t width,
                           int64_t multiprocessors) {
  bool isAlone = work.passes < 2;
  int64_t most = isAlone ? 256 : kMostThreads;
  if (width == 1) {
    bool isLong = work.length > (isAlone ? 1024 : 512);
    return isLong ? std::clamp<int64_t>(roundUp(work.length / 8), 64, most)
                  : std::min<int64_t>(32, roundUp(work.length / 2 + 1));
  }
  // Many rows give a warp enough to wait for; of few, a row takes a block.
  int64_t pieces = work.length / width;
  int64_t steps = work.count < multiprocessors * 8 ? 2 : kMostSlots / width * 2;
  return pieces > 32 * steps
             ? std::clamp<int64_t>(roundUp(pieces / 2), 64, most)
             : std::min<int64_t>(32, roundUp(pieces));
}

RowShape chooseRowShape(const RowWork &work, bool piecesOfRows, int64_t width,
                        int64_t multiprocessors) {
  RowShape shape;
  shape.width = width;
  shape.piecesOfRows = piecesOfRows;
  bool isAlone = work.passes < 2;
  int64_t length = work.length, count = work.count;
  if (!piecesOfRows && work.isContiguous && length >= (isAlone ? 32 : 17)) {
    shape.lanes = chooseLanes(work, width, multiprocessors);
    int64_t warps = count * shape.lanes / 32;
    int64_t threads = warps < multiprocessors * 16 ? 32 : 128;
    shape.rows = shape.lanes > 32 ? 1 : threads / shape.lanes;
  } else {
    count /= shape.linesOfThread();
    shape.lanesInner = false;
    if (length >= 32 && count < multiprocessors * 256)
      shape.lanes = std::clamp<int64_t>(roundUp(length / 16), 1, 16);
    shape.rows = shape.lanes > 1 || count < multiprocessors * 64 ? 32 : 128;
  }
  shape.slots = llvm::divideCeil(length, shape.lanes * shape.elementsAtOnce());
  // Pieces of a row all come before the first is needed; as many elements of
  // several rows are as many registers.
  int64_t most = kMostSlots / width * (piecesOfRows ? 1 : 2);
  if (width == 1)
    most = isAlone && work.isContiguous ? 4 : kMostSlots;
  if (shape.slots > most)
    shape.slots = 0;
  return shape;
}

} // namespace lig::codegen::gpu
