// Matmuls and convolutions of every kind, and any reduction whose lanes can lie
// along an output dimension.
//
// The lanes go where the output and one input are contiguous and the other
// inputs are contiguous or constant. A second output dimension that some input
// does not depend on makes the rows of a register tile. Weights that were packed
// at compile time are read panel by panel; other operands that many tiles read
// are copied to panels first.

#include "Body.h"
#include "Gates.h"
#include "Overlap.h"
#include "Strategies.h"
#include "TileChoice.h"
#include "TiledLoops.h"
#include "Windows.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace lig::codegen::cpu {

bool isContraction(const Nest &nest) {
  if (nest.numOutputs != 1 || nest.loopsOfKind(true).empty())
    return false;
  Operation *add = nest.body()->getTerminator()->getOperand(0).getDefiningOp();
  if (auto dot = dyn_cast_or_null<net::DotOp>(add))
    return dot.getAcc() == nest.body()->getArguments().back();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(add))
    return false;
  return llvm::any_of(add->getOperands(), [](Value operand) {
    return isa_and_nonnull<arith::MulFOp, arith::MulIOp>(
        operand.getDefiningOp());
  });
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
      suits &= loadsLanes(nest, *input, loop) || isFree;
      moves |= input->strides[loop] != 0;
    }
    if (suits && moves &&
        (best < 0 || nest.loops[loop].extent > nest.loops[best].extent))
      best = loop;
  }
  return best;
}

/// The operand read along the lanes that moves along the fewest dimensions:
/// weights, rather than data that a depthwise convolution also reads so.
static const Access *panelOf(const Nest &nest, int laneLoop) {
  if (nest.packed)
    return &nest.accesses[nest.packed->access];
  const Access *panel = nullptr;
  auto moves = [](const Access *access) {
    return llvm::count_if(access->strides, [](int64_t s) { return s != 0; });
  };
  for (const Access *input : inputsOf(nest))
    if (input->stride(laneLoop) && (!panel || moves(input) < moves(panel)))
      panel = input;
  return panel;
}

/// Loops that move the panel go outside, so that all that does not move it
/// reuses it. A panel that stays in the first cache anyway, or that is read no
/// more often than the data, leaves the lanes innermost, where the data is
/// contiguous.
static SmallVector<unsigned> orderLoops(const Nest &nest, const Tile &tile,
                                        bool copies, bool shares) {
  const Access *panel = panelOf(nest, tile.laneLoop);
  int64_t bytes = nest.bytes(panel - nest.accesses.data());
  bool stays = !copies && (shares || bytes <= (16 << 10));
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
    bool isVector = input->stride(tile.laneLoop) != 0;
    return row && isVector && input->strides[last] &&
           (row % input->strides[last] == 0 || input->strides[last] % row == 0);
  });
}

/// Vectors that the steps written out load in a tile of `rows` rows.
static int64_t loadsOf(const Nest &nest, const Schedule &schedule,
                       int64_t rows) {
  int64_t loads = 0;
  for (const Access *input : inputsOf(nest)) {
    SmallVector<int64_t> places = {0};
    auto spread = [&](int64_t stride, int64_t extent) {
      SmallVector<int64_t> next;
      for (int64_t place : places)
        for (int64_t step = 0; step < extent; ++step)
          next.push_back(place + step * stride);
      places = std::move(next);
    };
    spread(input->stride(schedule.tile.rowLoop), rows);
    for (unsigned loop :
         ArrayRef(schedule.reductions).take_back(schedule.written))
      spread(input->strides[loop], nest.loops[loop].extent);
    llvm::sort(places);
    places.erase(llvm::unique(places), places.end());
    // Every second element is picked out of two vectors.
    bool picks = input->stride(schedule.tile.laneLoop) > 1;
    loads += places.size() * (picks ? 3 : 1);
  }
  return loads;
}

/// Whether computing an element twice gives the same again.
static bool isRepeatable(const Nest &nest) {
  for (auto [i, access] : llvm::enumerate(nest.accesses)) {
    unsigned output = i - nest.numInputs;
    bool isStored = i >= nest.numInputs && output < nest.numOutputs;
    if (isStored && !nest.starts[output] && !nest.startsAtZero)
      return false;
    if (access.scalar || isStored)
      continue;
    for (Store store : nest.stores)
      if (store.access != i &&
          rootOf(nest.accesses[store.access].source) == rootOf(access.source))
        return false;
  }
  return true;
}

/// Writes out the steps of small windows, and makes the tile as many rows high
/// as is cheapest: what rows share stays in registers beside their
/// accumulators, and so do the taps.
static void writeOutSteps(const Nest &nest, const Machine &machine,
                          Schedule &schedule) {
  constexpr int64_t mostSteps = 25;
  int64_t steps = 1;
  for (unsigned loop : llvm::reverse(schedule.reductions)) {
    if (steps * nest.loops[loop].extent > mostSteps)
      break;
    steps *= nest.loops[loop].extent;
    ++schedule.written;
  }
  Tile &tile = schedule.tile;
  int64_t extent = nest.loops[tile.rowLoop].extent;
  int64_t most = std::min<int64_t>(extent, machine.registers / 2 - 2);
  auto cyclesOf = [&](int64_t rows) {
    if (rows == 0)
      return 0.0;
    double loads = loadsOf(nest, schedule, rows);
    return std::max<double>(rows * steps, loads) / 2 + rows + 4;
  };
  double best = -1;
  for (int64_t rows = 1; rows <= most; ++rows) {
    double cycles = extent / rows * cyclesOf(rows) + cyclesOf(extent % rows);
    if (best < 0 || cycles < best) {
      best = cycles;
      tile.rows = rows;
    }
  }
  tile.columns = 1;
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

/// How many tiles along the lanes each row of tiles goes through at once. The
/// rows of a large matrix come from afar for every panel; for several panels
/// that stay in the second cache they come once.
static int64_t chooseGroup(const Nest &nest, const Schedule &schedule,
                           bool copies, const Machine &machine) {
  const Tile &tile = schedule.tile;
  const Access &panel = *panelOf(nest, tile.laneLoop);
  int64_t width = tile.columns * tile.lanes;
  int64_t extent = nest.loops[tile.laneLoop].extent;
  bool isProduct = tile.rowLoop >= 0 && schedule.parallel.size() == 2 &&
                   int(schedule.parallel.front()) == tile.laneLoop;
  if (!isProduct || !(nest.packed || copies) || extent % width)
    return 1;
  int64_t rows = 0;
  for (const Access *input : inputsOf(nest))
    if (input != &panel && input->stride(tile.rowLoop))
      rows += nest.bytes(input - nest.accesses.data());
  if (rows <= machine.cacheBytes / 2)
    return 1;
  int64_t bytes = nest.bytes(&panel - nest.accesses.data()) / extent * width;
  int64_t room = std::min<int64_t>(machine.cacheBytes / 4, kMostStack);
  int64_t fitting = room / std::max<int64_t>(bytes, 1);
  return std::clamp<int64_t>(fitting, 1, std::min<int64_t>(8, extent / width));
}

/// A narrower tile than `choice` where its panel is copied and too large for
/// stacks: one panel for all is filled by one thread.
static Tile fitStack(const Nest &nest, int laneLoop, const Access &panel,
                     const TileChoice &choice, const Machine &machine) {
  const Tile &wide = choice.tile;
  unsigned number = &panel - nest.accesses.data();
  auto bytesOf = [&](int64_t columns) {
    return panelBytes(nest, number, columns * wide.lanes);
  };
  int64_t columns = wide.columns;
  while (columns > 1 && bytesOf(columns) > kMostStack)
    --columns;
  if (columns == wide.columns || bytesOf(columns) > kMostStack ||
      !machine.threads || !wantsPanel(nest, panel, wide))
    return wide;
  TileChoice narrow =
      chooseTile(nest, laneLoop, wide.lanes, panel, machine, columns);
  return narrow.cycles && narrow.cycles < 1.1 * choice.cycles ? narrow.tile
                                                              : wide;
}

static Tile tileFor(const Nest &nest, int laneLoop, const Machine &machine) {
  const Access &panel = *panelOf(nest, laneLoop);
  if (const std::optional<PackedInput> &packed = nest.packed)
    return chooseTile(nest, laneLoop, packed->lanes, panel, machine,
                      packed->columns)
        .tile;
  int64_t lanes =
      std::min<int64_t>(nativeLanes(nest, machine),
                        llvm::PowerOf2Ceil(nest.loops[laneLoop].extent));
  if (lanes == 1)
    return {};
  TileChoice choice = chooseTile(nest, laneLoop, lanes, panel, machine);
  return fitStack(nest, laneLoop, panel, choice, machine);
}

/// The reductions; of windows along the lanes those last by which they reach the
/// window of the next row: what rows share then does not wait in registers for
/// long.
static SmallVector<unsigned> orderSteps(const Nest &nest, const Tile &tile) {
  SmallVector<unsigned> loops = nest.loopsOfKind(/*reduction=*/true);
  if (nest.packed || tile.rowLoop < 0 ||
      findWindowLoop(nest, tile.laneLoop) != tile.rowLoop)
    return loops;
  SmallVector<unsigned> others, shared;
  for (unsigned tap : loops) {
    bool isShared = llvm::any_of(inputsOf(nest), [&](const Access *input) {
      return reachesNext(nest, *input, tile.rowLoop, tap);
    });
    (isShared ? shared : others).push_back(tap);
  }
  others.append(shared);
  return others;
}

/// Gives windows that lie side by side rows, and orders the steps; whether
/// rows share what they read.
static bool scheduleWindows(const Nest &nest, const Machine &machine,
                            Schedule &schedule) {
  Tile &tile = schedule.tile;
  if (tile.rowLoop < 0 && !nest.packed) {
    // Windows along the lanes have rows of windows beside them.
    tile.rowLoop = findWindowLoop(nest, tile.laneLoop);
    if (tile.rowLoop < 0)
      tile.rowLoop = findOverlapLoop(nest, tile.laneLoop);
    schedule.overlaps = tile.rowLoop >= 0 && isRepeatable(nest);
  }
  schedule.overlap = matchOverlap(nest, tile.rowLoop);
  if (schedule.overlap) {
    scheduleOverlap(nest, machine, schedule);
    return true;
  }
  schedule.reductions = orderSteps(nest, tile);
  bool shares = !nest.packed && sharesSteps(nest, schedule);
  if (shares)
    writeOutSteps(nest, machine, schedule);
  return shares;
}

static bool emitAlongOutput(Emitter &emitter, int laneLoop) {
  const Nest &nest = emitter.nest;
  if (laneLoop < 0)
    return false;
  Schedule schedule;
  schedule.tile = tileFor(nest, laneLoop, emitter.machine);
  if (schedule.tile.laneLoop < 0)
    return false;
  bool shares = scheduleWindows(nest, emitter.machine, schedule);
  const Access &panel = *panelOf(nest, laneLoop);
  bool copies = !nest.packed && emitter.machine.room &&
                wantsPanel(nest, panel, schedule.tile);
  // Lanes that lie apart would be gathered one by one.
  for (const Access *input : inputsOf(nest)) {
    bool isCopied = copies && input == &panel;
    if (!nest.packed && !isCopied && !loadsLanes(nest, *input, laneLoop))
      return false;
  }
  schedule.parallel = orderLoops(nest, schedule.tile, copies, shares);
  schedule.group = chooseGroup(nest, schedule, copies, emitter.machine);
  if (!copies) {
    emitTiledLoops(emitter, schedule);
    return true;
  }
  Nest copied = nest;
  schedule.panel =
      addPanel(emitter.b, copied, &panel - nest.accesses.data(),
               schedule.tile.columns * schedule.tile.lanes, laneLoop,
               schedule.group);
  Value room = copied.accesses[schedule.panel->copy].source;
  Emitter inner(emitter.b, emitter.constants, copied, emitter.machine);
  emitTiledLoops(inner, schedule);
  memref::DeallocOp::create(emitter.b, room);
  return true;
}

/// Whether no output dimension fills half a vector, while a reduction that all
/// inputs are contiguous along fills whole ones.
static bool areDots(const Nest &nest, int laneLoop, const Machine &machine) {
  int64_t native = nativeLanes(nest, machine);
  if (laneLoop < 0 || 2 * nest.loops[laneLoop].extent >= native)
    return false;
  return llvm::any_of(nest.loopsOfKind(/*reduction=*/true), [&](unsigned loop) {
    return nest.loops[loop].extent >= native &&
           llvm::all_of(inputsOf(nest), [&](const Access *input) {
             return input->strides[loop] == 1;
           });
  });
}

bool emitContraction(Emitter &emitter) {
  const Nest &nest = emitter.nest;
  if (nest.gates) {
    emitGates(emitter);
    return true;
  }
  if (nest.packed)
    return emitAlongOutput(emitter, nest.packed->loop);
  return isContraction(nest) &&
         !areDots(nest, chooseLaneLoop(nest, /*panel=*/true),
                  emitter.machine) &&
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
