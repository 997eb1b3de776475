// Two multiply-adds and two loads a cycle, four cycles from one multiply-add to
// the next that needs its result: with that, accumulators that fill the
// registers win, and what is left over at the edges decides between them. Where
// few rows read a packed weight, the time it takes to arrive decides instead.

#include "TileChoice.h"
#include "Lookup.h"

#include "../PairSums.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;

namespace lig::codegen::cpu {

SmallVector<const Access *> inputsOf(const Nest &nest) {
  SmallVector<const Access *> inputs;
  for (unsigned i = 0; i < nest.numInputs; ++i)
    if (nest.reads(i) && !nest.accesses[i].scalar)
      inputs.push_back(&nest.accesses[i]);
  return inputs;
}

/// Bytes of an element of the packed weight.
static double packedBytes(const Nest &nest) {
  Type element = nest.accesses[nest.packed->access].element;
  return nest.packed->paired
             ? 0.5
             : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

/// Cycles that making a vector of numbers of one of codes takes from those
/// that multiply: it is widened, shifted and permuted, put together of bytes, or
/// gathered lane by lane.
static double decodeCycles(const Nest &nest, const Tile &tile,
                           const Machine &machine) {
  double cycles = 0;
  for (Operation &op : nest.body()->without_terminator())
    if (std::optional<Lookup> lookup = matchLookup(&op)) {
      double permuted = machine.vectorBits == 512 ? 1.0
                        : tile.columns % kFour    ? 3.5
                                                  : 2.0;
      cycles += machine.permutes && lookup->isSmall() ? permuted : tile.lanes;
    }
  return cycles;
}

/// Instructions in which a sum of two or four products is made and added.
static int64_t sumInstructions(const Nest &nest) {
  for (Operation &op : nest.body()->without_terminator())
    if (auto dot = dyn_cast<net::DotOp>(op)) {
      if (dot->hasAttr(kPairsFitAttr))
        return 3;
      if (dot.getKind() == net::DotKind::Pairs)
        return 2;
    }
  return 1;
}

/// Cycles that the products of one step take, which reads `loads` vectors. Two
/// multiplications begin in a cycle, and no more than five instructions: sums of
/// small integers take several, bytes are widened first, and a broadcast is never
/// part of another.
static double productCycles(const Nest &nest, const Tile &tile,
                            int64_t loads) {
  int64_t each = sumInstructions(nest);
  if (each == 1)
    return tile.size() * 0.5;
  int64_t widened = llvm::count_if(
      *nest.body(), [](Operation &op) { return isa<net::WidenOp>(op); });
  int64_t instructions =
      each * tile.size() + widened * tile.columns + loads + 2;
  return std::max(tile.size() * (each - 1) * 0.5, instructions * 0.2);
}

/// Cycles until one byte of the packed weight arrives, on average over all
/// tiles: a panel comes from afar once, and again for each row of tiles if the
/// cache does not hold it.
static double cyclesPerByte(const Nest &nest, const Tile &tile,
                            const Machine &machine) {
  if (!nest.packed)
    return 0;
  unsigned weight = nest.packed->access;
  const Access &access = nest.accesses[weight];
  int64_t steps = 1, passes = 1;
  for (auto [i, loop] : llvm::enumerate(nest.loops)) {
    if (loop.reduction)
      steps *= access.strides[i] ? loop.extent : 1;
    else if (!access.strides[i])
      passes *= int(i) == tile.rowLoop
                    ? llvm::divideCeil(loop.extent, tile.rows)
                    : loop.extent;
  }
  double panel = steps * tile.columns * tile.lanes * packedBytes(nest);
  double first = 1 / (nest.bytes(weight) <= machine.cacheBytes / 2
                          ? kNearBytes
                          : kFarBytes);
  double later =
      1 / (panel <= machine.cacheBytes * 3 / 4 ? kNearBytes : kFarBytes);
  return (first + (passes - 1) * later) / passes;
}

/// Cycles that one step of the innermost reduction takes in a tile.
static double cyclesOf(const Nest &nest, const Tile &tile,
                       double cyclesPerByte, double decode) {
  int64_t loads = 0;
  for (const Access *input : inputsOf(nest))
    loads += (input->stride(tile.rowLoop) ? tile.rows : 1) *
             (input->stride(tile.columnLoop) ? tile.columns : 1);
  double arrival = 0;
  if (nest.packed)
    arrival = tile.columns * tile.lanes * cyclesPerByte * packedBytes(nest);
  double work = productCycles(nest, tile, loads) + decode * tile.columns;
  // From one sum to the next that needs it; integers are added in one cycle.
  bool isFloat = isa<FloatType>(nest.accesses[nest.numInputs].element);
  double wait = isFloat ? 4 : 1;
  return std::max({work, loads * 0.5, wait, arrival}) + 0.3;
}

static bool fits(const Nest &nest, const Tile &tile, const Machine &machine) {
  int64_t accumulators = tile.size() * nest.numOutputs;
  if (tile.rows == 1)
    return accumulators <= machine.registers / 2;
  // The table, and a pair of codes that is being taken apart.
  int64_t others = llvm::any_of(
      *nest.body(), [](Operation &op) { return matchLookup(&op); }) ? 4 : 0;
  // NEON multiplies nothing from memory: the next operands wait in registers.
  if (machine.vectorBits == 128 && machine.registers == 32)
    others += 2;
  // Products stand in a register before they are added.
  others += sumInstructions(nest) > 1;
  return accumulators + tile.columns + 1 + others <= machine.registers;
}

/// Whether a line of each row finds room in the first cache beside the weight
/// that streams by. Rows that lie a multiple of 4 KiB apart share a set of at
/// least eight lines; those that take more than half of one push each other out.
static bool rowsStay(const Nest &nest, const Tile &tile) {
  constexpr int64_t line = 64, span = 4096, half = 4;
  return llvm::all_of(inputsOf(nest), [&](const Access *input) {
    int64_t bytes = input->stride(tile.rowLoop) *
                    llvm::divideCeil(input->element.getIntOrFloatBitWidth(), 8);
    if (bytes == 0 || bytes % line)
      return true;
    return tile.rows <= half * (span / std::gcd(bytes, span));
  });
}

/// Cycles for all tiles that `tile` cuts the output into.
static double costOf(const Nest &nest, const Tile &tile,
                     const Machine &machine) {
  double arrival = cyclesPerByte(nest, tile, machine);
  double decode = decodeCycles(nest, tile, machine);
  int64_t vectors =
      llvm::divideCeil(nest.loops[tile.laneLoop].extent, tile.lanes);
  int64_t rows = tile.rowLoop < 0 ? 1 : nest.loops[tile.rowLoop].extent;
  double cost = 0;
  for (bool leftColumns : {false, true})
    for (bool leftRows : {false, true}) {
      Tile piece = tile;
      piece.columns = leftColumns ? vectors % tile.columns : tile.columns;
      piece.rows = leftRows ? rows % tile.rows : tile.rows;
      int64_t count = (leftColumns ? 1 : vectors / tile.columns) *
                      (leftRows ? 1 : rows / tile.rows);
      if (piece.size() && count)
        cost += count * cyclesOf(nest, piece, arrival, decode);
    }
  return cost;
}

TileChoice chooseTile(const Nest &nest, int laneLoop, int64_t lanes,
                      const Access &panel, const Machine &machine,
                      int64_t columns) {
  SmallVector<int> rowLoops = {-1};
  // Of equals the innermost: its rows lie closest together.
  for (unsigned loop : llvm::reverse(nest.loopsOfKind(/*reduction=*/false)))
    if (int(loop) != laneLoop && !panel.strides[loop])
      rowLoops.push_back(loop);
  TileChoice best;
  auto consider = [&](const Tile &tile, double repeats) {
    bool fillsColumns =
        tile.columns * lanes < nest.loops[laneLoop].extent + lanes;
    if (!fillsColumns || !fits(nest, tile, machine) || !rowsStay(nest, tile))
      return;
    double cost = costOf(nest, tile, machine) * repeats;
    if (best.cycles == 0 || cost < best.cycles * 0.999)
      best = {tile, cost};
  };
  for (int rowLoop : rowLoops) {
    // Loops outside the tile repeat it.
    double repeats = 1;
    for (unsigned loop : nest.loopsOfKind(/*reduction=*/false))
      if (int(loop) != laneLoop && int(loop) != rowLoop)
        repeats *= nest.loops[loop].extent;
    int64_t maxRows = rowLoop < 0 ? 1 : nest.loops[rowLoop].extent;
    for (int64_t width = columns ? columns : 1;
         width <= (columns ? columns : kMaxColumns); ++width)
      for (int64_t rows = 1; rows <= std::min<int64_t>(maxRows, 14); ++rows)
        consider({laneLoop, lanes, lanes, rowLoop, rows, laneLoop, width},
                 repeats);
  }
  return best;
}

} // namespace lig::codegen::cpu
