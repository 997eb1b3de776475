// A maximum over 5x5 elements takes 25 steps by itself. Of the next row's window
// four fifths are the same: what is joined over the other reductions, a part of
// each row of elements, is made once for all windows that look at it, and of
// those parts neighbouring windows share pairs and fours as well. That is ten
// steps a result, and for larger windows hardly more.
//
// The order of joining changes, so that the result must not depend on it: sums
// of floats are left alone.

#include "Overlap.h"
#include "Windows.h"

#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;

namespace lig::codegen::cpu {

/// Steps that are written out at most; more are loops.
static constexpr int64_t kMostWritten = 128;
/// Registers that joining needs beside the partial results.
static constexpr int64_t kSpareRegisters = 4;

/// Whether joining in another order gives the same.
static bool isExact(const Combiner &combiner) {
  bool rounds = combiner.kind == vector::CombiningKind::ADD ||
                combiner.kind == vector::CombiningKind::MUL;
  return !rounds || isa<IntegerType>(combiner.neutral.getType());
}

static std::optional<Combiner> matchExact(const Nest &nest) {
  if (nest.numOutputs != 1 || nest.packed || nest.gates)
    return std::nullopt;
  std::optional<Combiner> combiner = matchCombiner(nest, 0);
  bool asksForIndex =
      llvm::any_of(*nest.body(), llvm::IsaPred<linalg::IndexOp>);
  return combiner && isExact(*combiner) && !asksForIndex ? combiner
                                                         : std::nullopt;
}

/// Steps of `tap` from the window of one row to that of the next, the same for
/// all operands that move along either; 0 where there is no such number.
static int64_t stepsApart(const Nest &nest, unsigned rowLoop, unsigned tap) {
  int64_t apart = 0;
  for (unsigned i = 0; i < nest.numInputs; ++i) {
    const Access &access = nest.accesses[i];
    if (access.scalar || !nest.reads(i) ||
        (!access.strides[rowLoop] && !access.strides[tap]))
      continue;
    if (!reachesNext(nest, access, rowLoop, tap) ||
        access.strides[rowLoop] % access.strides[tap] != 0)
      return 0;
    int64_t steps = access.strides[rowLoop] / access.strides[tap];
    if (apart && apart != steps)
      return 0;
    apart = steps;
  }
  return apart;
}

std::optional<Overlap> matchOverlap(const Nest &nest, int rowLoop) {
  if (rowLoop < 0 || !matchExact(nest))
    return std::nullopt;
  for (unsigned tap : nest.loopsOfKind(/*reduction=*/true)) {
    int64_t apart = stepsApart(nest, rowLoop, tap);
    if (apart && apart < nest.loops[tap].extent)
      return Overlap{tap, nest.loops[tap].extent, apart};
  }
  return std::nullopt;
}

int findOverlapLoop(const Nest &nest, int laneLoop) {
  int best = -1;
  double most = 0;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false)) {
    std::optional<Overlap> overlap = matchOverlap(nest, loop);
    if (int(loop) == laneLoop || !overlap)
      continue;
    // Of equals the innermost, whose rows lie closest together.
    double shared = double(overlap->taps) / overlap->apart;
    if (shared >= most) {
      best = loop;
      most = shared;
    }
  }
  return best;
}

/// Steps that `rows` windows look at.
static int64_t stepsOf(const Overlap &overlap, int64_t rows) {
  return (rows - 1) * overlap.apart + overlap.taps;
}

void scheduleOverlap(const Nest &nest, const Machine &machine,
                     Schedule &schedule) {
  const Overlap &overlap = *schedule.overlap;
  Tile &tile = schedule.tile;
  schedule.reductions = nest.loopsOfKind(/*reduction=*/true);
  llvm::erase(schedule.reductions, overlap.tap);
  int64_t others = 1;
  for (unsigned loop : schedule.reductions)
    others *= nest.loops[loop].extent;
  int64_t extent = nest.loops[tile.rowLoop].extent;
  int64_t room = machine.registers - kSpareRegisters;
  auto cyclesOf = [&](int64_t rows) -> double {
    if (rows == 0)
      return 0;
    return stepsOf(overlap, rows) * others +
           rows * (llvm::Log2_64_Ceil(overlap.taps) + 1) + 4;
  };
  tile.rows = tile.columns = 1;
  double best = extent * cyclesOf(1);
  for (int64_t rows = 2; rows <= extent && stepsOf(overlap, rows) <= room;
       ++rows) {
    int64_t left = extent % rows;
    double cycles = extent / rows * cyclesOf(rows) +
                    cyclesOf(left && schedule.overlaps ? rows : left);
    if (cycles < best) {
      best = cycles;
      tile.rows = rows;
    }
  }
  int64_t steps = stepsOf(overlap, tile.rows);
  for (unsigned loop : llvm::reverse(schedule.reductions)) {
    steps *= nest.loops[loop].extent;
    if (steps > kMostWritten)
      break;
    ++schedule.written;
  }
}

Tile tileOfSteps(const Overlap &overlap, const Tile &tile) {
  Tile steps = tile;
  steps.rowLoop = overlap.tap;
  steps.rows = stepsOf(overlap, tile.rows);
  return steps;
}

SmallVector<Value> neutralValues(Emitter &emitter, const Tile &tile) {
  TypedAttr neutral = matchExact(emitter.nest)->neutral;
  Value value = emitter.constant(neutral);
  return SmallVector<Value>(tile.size(), emitter.splat(value, tile.lanes));
}

namespace {
/// Joins runs of steps, each once.
class RunJoiner {
public:
  RunJoiner(Emitter &e, const Combiner &combiner, const Tile &tile,
            ValueRange partial)
      : e(e), combiner(combiner), tile(tile), partial(partial) {}

  Value join(int64_t first, int64_t count, int64_t column);

private:
  Emitter &e;
  const Combiner &combiner;
  const Tile &tile;
  ValueRange partial;
  std::map<std::tuple<int64_t, int64_t, int64_t>, Value> known;
};
} // namespace

/// Steps [first, first + count): the largest power of two of them, then the
/// rest.
Value RunJoiner::join(int64_t first, int64_t count, int64_t column) {
  if (count == 1)
    return partial[first * tile.columns + column];
  Value &result = known[{first, count, column}];
  if (!result) {
    int64_t front = llvm::PowerOf2Ceil(count) / 2;
    Value begin = join(first, front, column);
    Value end = join(first + front, count - front, column);
    result = combine(e.b, combiner, begin, end);
  }
  return result;
}

SmallVector<Value> joinWindows(Emitter &emitter, const Overlap &overlap,
                               const Tile &tile, ValueRange starts,
                               ValueRange partial) {
  Combiner combiner = *matchExact(emitter.nest);
  RunJoiner runs(emitter, combiner, tile, partial);
  SmallVector<Value> results;
  for (int64_t row = 0; row < tile.rows; ++row)
    for (int64_t column = 0; column < tile.columns; ++column) {
      Value window = runs.join(row * overlap.apart, overlap.taps, column);
      results.push_back(combine(
          emitter.b, combiner, starts[row * tile.columns + column], window));
    }
  return results;
}

} // namespace lig::codegen::cpu
