// Operations without reduction: copies, fills, broadcasts, transpositions and
// arithmetic, several results at once.
//
// Lanes go along the dimension that the outputs are contiguous in. An operand
// that is contiguous along another dimension is read in squares and turned in
// registers, as many at once as use whole lines of the cache; other strides are
// gathered.

#include "Body.h"
#include "Strategies.h"
#include "TiledLoops.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// The dimension for the lanes: every output contiguous, most inputs easy.
static int chooseLaneLoop(const Nest &nest) {
  int best = -1;
  int64_t bestScore = -1;
  for (unsigned loop = 0; loop < nest.loops.size(); ++loop) {
    if (!hasVectorForm(nest, loop) || !storesLanes(nest, loop))
      continue;
    int64_t easy = llvm::count_if(nest.accesses, [&](const Access &access) {
      return access.strides[loop] == 0 || access.strides[loop] == 1;
    });
    int64_t score =
        easy * 1000 + std::min<int64_t>(nest.loops[loop].extent, 999);
    if (score > bestScore) {
      best = loop;
      bestScore = score;
    }
  }
  return best;
}

/// The dimension that makes squares: contiguous in an operand that is strided
/// along the lanes, and at least `least` steps long.
static int chooseSquareLoop(const Nest &nest, int laneLoop, int64_t lanes,
                            int64_t least) {
  if (nest.loops[laneLoop].extent < lanes)
    return -1;
  for (const Access &access : nest.accesses) {
    if (access.strides[laneLoop] == 0 || access.strides[laneLoop] == 1)
      continue;
    for (unsigned loop = 0; loop < nest.loops.size(); ++loop)
      if (int(loop) != laneLoop && access.strides[loop] == 1 &&
          nest.loops[loop].extent >= least)
        return loop;
  }
  return -1;
}

/// Whether computing an element twice gives the same again.
static bool isRepeatable(const Nest &nest) {
  for (unsigned i = 0; i < nest.accesses.size(); ++i) {
    bool isOutput = i >= nest.numInputs;
    if (nest.accesses[i].scalar || !nest.reads(i))
      continue;
    if (isOutput)
      return false;
    for (Store store : nest.stores)
      if (rootOf(nest.accesses[store.access].source) ==
          rootOf(nest.accesses[i].source))
        return false;
  }
  return true;
}

/// Makes the tile two squares, if there is room, of `side` steps of `loop`: of
/// f32 they are as long as a line of the cache.
static void makeSquares(const Nest &nest, unsigned loop, int64_t side,
                        Schedule &schedule) {
  schedule.tile.lanes = side;
  schedule.tile.rowLoop = loop;
  int64_t extent = nest.loops[loop].extent;
  schedule.tile.rows = 2 * side <= extent ? 2 * side : std::min(side, extent);
  schedule.loopOverLeftRows = true;
  schedule.overlaps = isRepeatable(nest);
}

/// Vectors per step: more while the body is too small to hide the loop.
static int64_t chooseColumns(const Nest &nest, int64_t vectors) {
  int64_t size = 0;
  for (Operation &op : nest.body()->without_terminator()) {
    bool isCheap = !isa<math::MathDialect>(op.getDialect()) ||
                   isa<math::AbsFOp, math::AbsIOp, math::FmaOp, math::SqrtOp,
                       math::FloorOp, math::CeilOp, math::RoundEvenOp>(op);
    size += isCheap ? 1 : 16;
  }
  int64_t wanted = size <= 4 ? 4 : size <= 10 ? 2 : 1;
  return vectors >= 2 * wanted ? wanted : 1;
}

/// The longest step that an operand takes along `loop`.
static int64_t longestStep(const Nest &nest, unsigned loop) {
  int64_t longest = 0;
  for (const Access &access : nest.accesses)
    longest = std::max(longest, std::abs(access.strides[loop]));
  return longest;
}

/// The loops, those with the longest steps outermost; squares move along
/// neighbouring lines of both sides.
static SmallVector<unsigned> orderLoops(const Nest &nest, const Tile &tile) {
  SmallVector<unsigned> order;
  for (unsigned loop = 0; loop < nest.loops.size(); ++loop)
    if (int(loop) != tile.laneLoop && int(loop) != tile.rowLoop)
      order.push_back(loop);
  const Access &output = nest.accesses[nest.numInputs];
  llvm::sort(order, [&](unsigned x, unsigned y) {
    int64_t strideX = std::abs(output.strides[x]);
    int64_t strideY = std::abs(output.strides[y]);
    return strideX != strideY ? strideX > strideY : x < y;
  });
  if (tile.rowLoop >= 0)
    order.push_back(tile.rowLoop);
  if (tile.laneLoop >= 0)
    order.push_back(tile.laneLoop);
  if (tile.rowLoop >= 0 &&
      longestStep(nest, tile.rowLoop) < longestStep(nest, tile.laneLoop))
    std::swap(order.back(), order[order.size() - 2]);
  return order;
}

bool emitElementwise(Emitter &emitter) {
  const Nest &nest = emitter.nest;
  if (!nest.loopsOfKind(/*reduction=*/true).empty())
    return false;
  Schedule schedule;
  Tile &tile = schedule.tile;
  int laneLoop = chooseLaneLoop(nest);
  if (laneLoop >= 0) {
    int64_t extent = nest.loops[laneLoop].extent;
    tile.laneLoop = tile.columnLoop = laneLoop;
    tile.lanes = std::min<int64_t>(nativeLanes(nest, emitter.machine),
                                   llvm::PowerOf2Ceil(extent));
    // A square takes a register a line.
    int64_t side = std::min<int64_t>(tile.lanes, 8);
    int square = chooseSquareLoop(nest, laneLoop, side, side);
    // The lines of an image of seven columns are seven eighths of a square.
    if (square < 0 && canMask(nest, laneLoop, emitter.machine, std::nullopt))
      square = chooseSquareLoop(nest, laneLoop, side, side / 2 + 1);
    if (square >= 0 && side > 1) {
      makeSquares(nest, square, side, schedule);
    } else {
      tile.columns = chooseColumns(nest, extent / tile.lanes);
    }
    tile.active = tile.lanes;
  }
  schedule.parallel = orderLoops(nest, tile);
  emitTiledLoops(emitter, schedule);
  return true;
}

} // namespace lig::codegen::cpu
