// Reductions whose inputs are contiguous along the reduction: dot products,
// matmuls with a transposed right side, sums and maxima of rows.
//
// Each result has a vector of partial results, joined when the loop is done.
// Rows and columns of results share what they load; few results take several
// vectors each instead, so that one step need not wait for the one before.
// Steps that fill no vector are masked at the end, or added one by one.

#include "Body.h"
#include "Combiner.h"
#include "SharedLoop.h"
#include "Stages.h"
#include "Strategies.h"
#include "TiledLoops.h"
#include "Windows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// Whether results lie along a row that windows slide over: taps are few then.
static bool slidesAlongResults(const Nest &nest) {
  return llvm::any_of(
      nest.loopsOfKind(/*reduction=*/false), [&](unsigned loop) {
        if (!storesLanes(nest, loop) || nest.loops[loop].extent < 4)
          return false;
        for (unsigned i = 0; i < nest.numInputs; ++i)
          if (nest.accesses[i].strides[loop] <= 2 &&
              slidesAlong(nest, nest.accesses[i], loop))
            return true;
        return false;
      });
}

/// The reduction that all inputs are contiguous along; -1 where none is.
static int chooseLaneLoop(const Nest &nest) {
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/true)) {
    bool suits = nest.loops[loop].extent >= 4, moves = false;
    for (unsigned i = 0; i < nest.numInputs; ++i) {
      const Access &access = nest.accesses[i];
      suits &= access.strides[loop] == 0 || access.strides[loop] == 1;
      suits &= !access.strides[loop] || !access.element.isInteger(1);
      moves |= access.strides[loop] == 1;
    }
    if (suits && moves)
      return loop;
  }
  return -1;
}

namespace {
class LaneReduction {
public:
  LaneReduction(Emitter &emitter, ArrayRef<Combiner> combiners,
                const Tile &tile)
      : e(emitter), combiners(combiners), tile(tile) {}

  void emit(ArrayRef<unsigned> order) {
    if (e.machine.threads)
      shared = chooseSharedLoop(e.nest, order, tile.lanes, e.machine,
                                [&](unsigned loop) {
        bool isRow = int(loop) == tile.rowLoop;
        bool isColumn = int(loop) == tile.columnLoop;
        return e.nest.loops[loop].extent / (isRow      ? tile.rows
                                            : isColumn ? tile.columns
                                                       : 1);
      });
    level(order, e.start(), tile);
  }

private:
  void level(ArrayRef<unsigned> order, const Position &position,
             const Tile &tile);
  void tileAt(const Position &position, const Tile &tile);
  SmallVector<Value> reduce(ArrayRef<unsigned> loops, const Position &position,
                            const Tile &tile, int64_t end, ValueRange carried);
  int64_t reduceRest(ArrayRef<unsigned> loops, const Position &position,
                     const Tile &tile, int64_t whole,
                     SmallVector<Value> &carried);
  SmallVector<Value> joinLanes(ArrayRef<Value> partial, const Tile &tile,
                               ArrayRef<Value> starts);

  Emitter &e;
  ArrayRef<Combiner> combiners;
  Tile tile;
  /// The loop that threads share, and whether that is around already.
  int shared = -1;
  bool isShared = false;
};
} // namespace

void LaneReduction::level(ArrayRef<unsigned> order, const Position &position,
                          const Tile &tile) {
  if (order.empty())
    return tileAt(position, tile);
  unsigned loop = order.front();
  bool isRow = int(loop) == tile.rowLoop;
  bool isColumn = int(loop) == tile.columnLoop;
  int64_t extent = e.nest.loops[loop].extent;
  int64_t step = isRow ? tile.rows : isColumn ? tile.columns : 1;
  int64_t whole = extent / step * step;
  if (whole == step)
    level(order.drop_front(), position, tile);
  else if (whole && int(loop) == shared && !isShared) {
    isShared = true;
    e.sharedLoop(whole, step, [&](Value iv) {
      level(order.drop_front(), e.advance(position, loop, iv), tile);
    });
    isShared = false;
  } else if (whole)
    e.loop(whole, step, {}, [&](Value iv, ValueRange) -> SmallVector<Value> {
      level(order.drop_front(), e.advance(position, loop, iv), tile);
      return {};
    });
  if (whole == extent)
    return;
  Tile smaller = tile;
  (isRow ? smaller.rows : smaller.columns) = extent - whole;
  level(order.drop_front(), e.advance(position, loop, whole), smaller);
}

/// Runs the reduction loops; the lane loop goes to `end` in whole steps.
SmallVector<Value> LaneReduction::reduce(ArrayRef<unsigned> loops,
                                         const Position &position,
                                         const Tile &tile, int64_t end,
                                         ValueRange carried) {
  if (loops.empty()) {
    SmallVector<Value> results = runBody(e, tile, position, carried);
    // Lanes behind the end keep what they have.
    if (tile.active < tile.lanes)
      for (auto [result, before] : llvm::zip(results, carried))
        result = arith::SelectOp::create(
            e.b, e.mask(tile.lanes, tile.active), result, before);
    return results;
  }
  unsigned loop = loops.front();
  bool isLane = int(loop) == this->tile.laneLoop;
  int64_t step = 1;
  if (isLane)
    step =
        tile.columnLoop == int(loop) ? tile.lanes * tile.columns : tile.lanes;
  return e.loop(isLane ? end : e.nest.loops[loop].extent, step, carried,
                [&](Value iv, ValueRange accumulators) {
                  return reduce(loops.drop_front(),
                                e.advance(position, loop, iv), tile, end,
                                accumulators);
                });
}

/// One scalar a result: its partial vectors joined with where it starts.
SmallVector<Value> LaneReduction::joinLanes(ArrayRef<Value> partial,
                                            const Tile &tile,
                                            ArrayRef<Value> starts) {
  SmallVector<Value> results;
  int64_t split = tile.columnLoop == tile.laneLoop ? tile.columns : 1;
  for (auto [i, start] : llvm::enumerate(starts)) {
    const Combiner &combiner = combiners[i / (tile.size() / split)];
    ArrayRef<Value> vectors = partial.slice(i * split, split);
    Value sum = vectors.front();
    for (Value next : vectors.drop_front())
      sum = combine(e.b, combiner, sum, next);
    bool isFloat = isa<FloatType>(start.getType());
    results.push_back(vector::ReductionOp::create(
        e.b, combiner.kind, sum, start,
        isFloat ? arith::FastMathFlags::reassoc : arith::FastMathFlags::none));
  }
  return results;
}

/// What is left behind `whole` steps of the lane loop, vector by vector where
/// the last one can be masked. Returns the steps that this makes.
int64_t LaneReduction::reduceRest(ArrayRef<unsigned> loops,
                                  const Position &position, const Tile &tile,
                                  int64_t whole, SmallVector<Value> &carried) {
  int64_t left = e.nest.loops[tile.laneLoop].extent - whole;
  int64_t tail = left % tile.lanes, vectors = left - tail;
  int64_t split = tile.columnLoop == tile.laneLoop ? tile.columns : 1;
  Tile piece = tile;
  if (split > 1) {
    piece.columnLoop = -1;
    piece.columns = 1;
  }
  // The first vector of each result takes them.
  auto add = [&](int64_t from, int64_t steps) {
    SmallVector<Value> own;
    for (size_t i = 0; i < carried.size(); i += split)
      own.push_back(carried[i]);
    own = reduce(loops, e.advance(position, tile.laneLoop, from), piece, steps,
                 own);
    for (auto [i, value] : llvm::enumerate(own))
      carried[i * split] = value;
  };
  if (vectors)
    add(whole, vectors);
  if (!tail || !canMask(e.nest, tile.laneLoop, e.machine, std::nullopt))
    return vectors;
  piece.active = tail;
  add(whole + vectors, tile.lanes);
  return left;
}

void LaneReduction::tileAt(const Position &position, const Tile &tile) {
  SmallVector<unsigned> loops = e.nest.loopsOfKind(/*reduction=*/true);
  // The lane loop is innermost, where its loads are contiguous.
  llvm::erase(loops, unsigned(tile.laneLoop));
  loops.push_back(tile.laneLoop);
  int64_t extent = e.nest.loops[tile.laneLoop].extent;
  bool splits = tile.columnLoop == tile.laneLoop;

  SmallVector<Value> carried;
  for (const Combiner &combiner : combiners) {
    Type type = lanesOf(combiner.neutral.getType(), tile.lanes);
    TypedAttr neutral =
        DenseElementsAttr::get(cast<ShapedType>(type), combiner.neutral);
    carried.append(tile.size(), e.constant(neutral));
  }
  int64_t step = tile.lanes * (splits ? tile.columns : 1);
  int64_t whole = extent / step * step;
  carried = reduce(loops, position, tile, whole, carried);
  whole += reduceRest(loops, position, tile, whole, carried);

  Tile single = tile;
  single.laneLoop = -1;
  single.lanes = single.active = 1;
  if (splits) {
    single.columnLoop = -1;
    single.columns = 1;
  }
  carried = joinLanes(carried, tile, startValues(e, single, position));
  if (whole < extent) {
    Position tail = e.advance(position, tile.laneLoop, whole);
    // Steps of one element: the tile no longer has lanes.
    loops.pop_back();
    std::function<SmallVector<Value>(ArrayRef<unsigned>, const Position &,
                                     ValueRange)>
        finish = [&](ArrayRef<unsigned> left, const Position &at,
                     ValueRange accumulators) -> SmallVector<Value> {
      unsigned loop = left.empty() ? tile.laneLoop : left.front();
      int64_t end = left.empty() ? extent - whole : e.nest.loops[loop].extent;
      return e.loop(end, 1, accumulators, [&](Value iv, ValueRange inner) {
        Position next = e.advance(at, loop, iv);
        if (left.empty())
          return runBody(e, single, next, inner);
        return finish(left.drop_front(), next, inner);
      });
    };
    carried = finish(loops, tail, carried);
  }
  finish(e, single, position, carried);
}

static bool readsVectors(const Nest &nest, int laneLoop) {
  for (Operation &op : nest.body()->without_terminator())
    if (!isa<linalg::IndexOp>(op) && !op.hasTrait<OpTrait::ConstantLike>() &&
        !OpTrait::hasElementwiseMappableTraits(&op))
      return false;
  return llvm::all_of(nest.body()->getArgumentTypes(),
                      [](Type type) { return type.isIntOrFloat(); });
}

/// Loads a step of a tile needs.
static int64_t loadsOf(const Nest &nest, const Tile &tile) {
  int64_t loads = 0;
  for (unsigned i = 0; i < nest.numInputs; ++i)
    if (nest.reads(i))
      loads += (nest.accesses[i].stride(tile.rowLoop) ? tile.rows : 1) *
               (nest.accesses[i].stride(tile.columnLoop) ? tile.columns : 1);
  return loads;
}

/// Steps that a machine can have under way at once.
static constexpr int64_t kChains = 4;

static void chooseTile(const Nest &nest, const Machine &machine, Tile &tile) {
  int64_t budget = machine.registers - 4;
  double best = -1;
  Tile choice = tile;
  SmallVector<int> candidates = {-1};
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false))
    candidates.push_back(loop);
  for (int row : candidates)
    for (int column : candidates) {
      if (column >= 0 && (row < 0 || column == row))
        continue;
      for (int64_t rows = 1; rows <= (row < 0 ? 1 : 4); ++rows)
        for (int64_t columns = 1; columns <= (column < 0 ? 1 : 4); ++columns) {
          Tile next = tile;
          next.rowLoop = row;
          next.columnLoop = column;
          next.rows = rows;
          next.columns = columns;
          if (next.size() * nest.numOutputs > budget ||
              (row >= 0 && rows > nest.loops[row].extent) ||
              (column >= 0 && columns > nest.loops[column].extent))
            continue;
          double cost =
              std::max({loadsOf(nest, next) * 0.5, next.size() * 0.5, 4.0}) /
              next.size();
          if (best < 0 || cost < best * 0.999) {
            best = cost;
            choice = next;
          }
        }
    }
  tile = choice;
  // Few results: several vectors along the reduction for each.
  int64_t vectors = nest.loops[tile.laneLoop].extent / tile.lanes;
  if (tile.columnLoop < 0 && tile.size() < kChains) {
    tile.columnLoop = tile.laneLoop;
    tile.columns = vectors >= kChains ? kChains / tile.rows : 1;
  }
}

bool emitLaneReduction(Emitter &emitter) {
  const Nest &nest = emitter.nest;
  int laneLoop = chooseLaneLoop(nest);
  if (laneLoop < 0 || !readsVectors(nest, laneLoop) || slidesAlongResults(nest))
    return false;
  SmallVector<Combiner> combiners;
  for (unsigned output = 0; output < nest.numOutputs; ++output) {
    std::optional<Combiner> combiner = matchCombiner(nest, output);
    if (!combiner)
      return false;
    combiners.push_back(*combiner);
  }
  Tile tile;
  tile.laneLoop = laneLoop;
  tile.lanes = tile.active =
      std::min<int64_t>(nativeLanes(nest, emitter.machine),
                        llvm::bit_floor<uint64_t>(nest.loops[laneLoop].extent));
  if (tile.lanes < 2)
    return false;
  chooseTile(nest, emitter.machine, tile);
  SmallVector<unsigned> order;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false))
    if (int(loop) != tile.rowLoop && int(loop) != tile.columnLoop)
      order.push_back(loop);
  if (tile.columnLoop >= 0 && tile.columnLoop != laneLoop)
    order.push_back(tile.columnLoop);
  if (tile.rowLoop >= 0)
    order.push_back(tile.rowLoop);
  LaneReduction(emitter, combiners, tile).emit(order);
  return true;
}

} // namespace lig::codegen::cpu
