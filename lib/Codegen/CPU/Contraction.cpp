// Matmuls and convolutions of every kind, and any reduction whose lanes can lie
// along an output dimension.
//
// The lanes go where the output and one input are contiguous and the other
// inputs are contiguous or constant. A second output dimension that some input
// does not depend on makes the rows of a register tile; the table of tiles is
// all tiles that fit the registers, weighed by a count of cycles.

#include "Body.h"
#include "Strategies.h"
#include "TiledLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace lig::codegen::cpu {

bool isContraction(const Nest &nest) {
  if (nest.numOutputs != 1 || nest.loopsOfKind(true).empty())
    return false;
  Operation *add = nest.body()->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(add))
    return false;
  return llvm::any_of(add->getOperands(), [](Value operand) {
    return isa_and_nonnull<arith::MulFOp, arith::MulIOp>(
        operand.getDefiningOp());
  });
}

/// Operands that the body reads more than once a tile.
static SmallVector<const Access *> inputsOf(const Nest &nest) {
  SmallVector<const Access *> inputs;
  for (unsigned i = 0; i < nest.numInputs; ++i)
    if (nest.reads(i) && !nest.accesses[i].scalar)
      inputs.push_back(&nest.accesses[i]);
  return inputs;
}

/// The output dimension for the lanes; -1 where none suits. With a panel, one
/// input may be strided there.
static int chooseLaneLoop(const Nest &nest, bool panel = false) {
  int best = -1;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false)) {
    bool suits = hasVectorForm(nest, loop) && storesLanes(nest, loop);
    bool moves = false;
    for (const Access *input : inputsOf(nest)) {
      bool isFree = panel && !moves;
      suits &= input->strides[loop] == 0 || input->strides[loop] == 1 || isFree;
      moves |= input->strides[loop] != 0;
    }
    if (suits && moves &&
        (best < 0 || nest.loops[loop].extent > nest.loops[best].extent))
      best = loop;
  }
  return best;
}

/// Cycles that one step of the innermost reduction takes in a tile: two
/// multiply-adds and two loads a cycle, four cycles from one to the next.
static double cyclesOf(const Nest &nest, const Tile &tile) {
  int64_t loads = 0;
  for (const Access *input : inputsOf(nest))
    loads += (input->stride(tile.rowLoop) ? tile.rows : 1) *
             (input->stride(tile.columnLoop) ? tile.columns : 1);
  return std::max({tile.size() * 0.5, loads * 0.5, 4.0}) + 0.3;
}

static bool fits(const Nest &nest, const Tile &tile, const Machine &machine) {
  int64_t accumulators = tile.size() * nest.numOutputs;
  if (tile.rows == 1)
    return accumulators <= machine.registers / 2;
  return accumulators + tile.columns + 1 <= machine.registers;
}

/// Cycles for all tiles that `tile` cuts the output into.
static double costOf(const Nest &nest, const Tile &tile) {
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
        cost += count * cyclesOf(nest, piece);
    }
  return cost;
}

/// The operand read along the lanes that moves along the fewest dimensions:
/// weights, rather than data that a depthwise convolution also reads so.
static const Access *panelOf(const Nest &nest, int laneLoop) {
  const Access *panel = nullptr;
  auto moves = [](const Access *access) {
    return llvm::count_if(access->strides, [](int64_t s) { return s != 0; });
  };
  for (const Access *input : inputsOf(nest))
    if (input->stride(laneLoop) && (!panel || moves(input) < moves(panel)))
      panel = input;
  return panel;
}

static Tile chooseTile(const Nest &nest, int laneLoop, int64_t lanes,
                       const Machine &machine) {
  const Access *panel = panelOf(nest, laneLoop);
  SmallVector<int> rowLoops = {-1};
  // Of equals the innermost: its rows lie closest together.
  for (unsigned loop : llvm::reverse(nest.loopsOfKind(/*reduction=*/false)))
    if (int(loop) != laneLoop && !panel->strides[loop])
      rowLoops.push_back(loop);
  Tile best;
  double bestCost = -1;
  for (int rowLoop : rowLoops) {
    // Loops outside the tile repeat it.
    double repeats = 1;
    for (unsigned loop : nest.loopsOfKind(/*reduction=*/false))
      if (int(loop) != laneLoop && int(loop) != rowLoop)
        repeats *= nest.loops[loop].extent;
    int64_t maxRows = rowLoop < 0 ? 1 : nest.loops[rowLoop].extent;
    for (int64_t columns = 1; columns <= 8; ++columns)
      for (int64_t rows = 1; rows <= std::min<int64_t>(maxRows, 14); ++rows) {
        Tile tile{laneLoop, lanes, lanes, rowLoop, rows, laneLoop, columns};
        bool fillsColumns =
            columns * lanes < nest.loops[laneLoop].extent + lanes;
        if (!fillsColumns || !fits(nest, tile, machine))
          continue;
        double cost = costOf(nest, tile) * repeats;
        if (bestCost < 0 || cost < bestCost * 0.999) {
          best = tile;
          bestCost = cost;
        }
      }
  }
  return best;
}

/// Loops that move the panel go outside, so that all that does not move it
/// reuses it. A panel that stays in the first cache anyway leaves the lanes
/// innermost, where the data is contiguous.
static SmallVector<unsigned> orderLoops(const Nest &nest, const Tile &tile,
                                        bool copies) {
  const Access *panel = panelOf(nest, tile.laneLoop);
  int64_t bytes = nest.bytes(panel - nest.accesses.data());
  bool stays = !copies && bytes <= (16 << 10);
  SmallVector<unsigned> order, inner;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false)) {
    if (int(loop) == tile.laneLoop || int(loop) == tile.rowLoop)
      continue;
    (panel->strides[loop] && !stays ? order : inner).push_back(loop);
  }
  if (!stays)
    order.push_back(tile.laneLoop);
  order.append(inner);
  if (tile.rowLoop >= 0)
    order.push_back(tile.rowLoop);
  if (stays)
    order.push_back(tile.laneLoop);
  return order;
}

/// Whether neighbouring rows read what the steps of the innermost reduction
/// read, as windows do: written out, each vector is loaded once for all.
static bool sharesSteps(const Nest &nest, const Schedule &schedule) {
  unsigned last = schedule.reductions.back();
  const Tile &tile = schedule.tile;
  if (nest.loops[last].extent > 5)
    return false;
  return llvm::any_of(inputsOf(nest), [&](const Access *input) {
    int64_t row = input->stride(tile.rowLoop);
    return row && input->stride(tile.laneLoop) == 1 && input->strides[last] &&
           (row % input->strides[last] == 0 || input->strides[last] % row == 0);
  });
}

/// How often a panel would be read.
static int64_t usesOfPanel(const Nest &nest, const Access &panel) {
  int64_t uses = 1;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false))
    if (!panel.strides[loop])
      uses *= nest.loops[loop].extent;
  return uses;
}

/// Whether a copy of the panel costs less than reading it where it is: many
/// rows of tiles read it, and its steps lie apart.
static bool wantsPanel(const Nest &nest, const Access &panel,
                       const Tile &tile) {
  int64_t pitch = tile.columns * tile.lanes;
  unsigned number = &panel - nest.accesses.data();
  int64_t bytes = panelBytes(nest, number, pitch);
  if (bytes > (1 << 20) || usesOfPanel(nest, panel) < 24)
    return false;
  bool apart = llvm::none_of(nest.loopsOfKind(/*reduction=*/true),
                             [&](unsigned loop) {
                               return panel.strides[loop] == pitch;
                             });
  // What stays in the second cache can be read from there as it is.
  return panel.stride(tile.laneLoop) != 1 ||
         (apart && nest.bytes(number) > (256 << 10));
}

static bool emitAlongOutput(Emitter &emitter, int laneLoop) {
  const Nest &nest = emitter.nest;
  if (laneLoop < 0)
    return false;
  int64_t lanes =
      std::min<int64_t>(nativeLanes(nest, emitter.machine),
                        llvm::PowerOf2Ceil(nest.loops[laneLoop].extent));
  if (lanes == 1)
    return false;
  Schedule schedule;
  schedule.tile = chooseTile(nest, laneLoop, lanes, emitter.machine);
  schedule.reductions = nest.loopsOfKind(/*reduction=*/true);
  if (sharesSteps(nest, schedule)) {
    // What rows share stays in registers beside their accumulators.
    schedule.unrollsLast = true;
    schedule.tile.rows = std::min<int64_t>(schedule.tile.rows, 4);
    schedule.tile.columns = 1;
  }
  const Access &panel = *panelOf(nest, laneLoop);
  bool copies = wantsPanel(nest, panel, schedule.tile);
  if (panel.stride(laneLoop) != 1 && !copies)
    return false;
  schedule.parallel = orderLoops(nest, schedule.tile, copies);
  if (!copies) {
    emitTiledLoops(emitter, schedule);
    return true;
  }
  Nest copied = nest;
  schedule.panel =
      addPanel(emitter.b, copied, &panel - nest.accesses.data(),
               schedule.tile.columns * schedule.tile.lanes);
  Value room = copied.accesses[schedule.panel->copy].source;
  Emitter inner(emitter.b, emitter.constants, copied, emitter.machine);
  emitTiledLoops(inner, schedule);
  memref::DeallocOp::create(emitter.b, room);
  return true;
}

bool emitContraction(Emitter &emitter) {
  const Nest &nest = emitter.nest;
  return isContraction(nest) &&
         (emitAlongOutput(emitter, chooseLaneLoop(nest)) ||
          emitAlongOutput(emitter, chooseLaneLoop(nest, /*panel=*/true)));
}

bool emitReduction(Emitter &emitter) {
  const Nest &nest = emitter.nest;
  if (emitAlongOutput(emitter, chooseLaneLoop(nest)))
    return true;
  Schedule schedule;
  schedule.parallel = nest.loopsOfKind(/*reduction=*/false);
  schedule.reductions = nest.loopsOfKind(/*reduction=*/true);
  emitTiledLoops(emitter, schedule);
  return true;
}

} // namespace lig::codegen::cpu
