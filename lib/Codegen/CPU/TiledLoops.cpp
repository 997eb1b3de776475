// One recursion over the parallel loops: whole tiles in a loop, then the rest
// once more with a smaller tile. At the bottom stands a tile: load what
// accumulation starts from, run the reduction loops with the accumulators as
// carried values, store.

#include "TiledLoops.h"
#include "Body.h"
#include "Overlap.h"
#include "SharedLoop.h"
#include "Stages.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// Where room on a thread's stack begins.
static constexpr int64_t kStackAlignment = 64;

bool canMask(const Nest &nest, int laneLoop, const Machine &machine,
             std::optional<unsigned> packed) {
  if (machine.vectorBits < 256 || mayTrap(nest))
    return false;
  return llvm::all_of(llvm::enumerate(nest.accesses), [&](auto numbered) {
    const Access &access = numbered.value();
    return packed == numbered.index() || access.stride(laneLoop) == 0 ||
           (access.element.isIntOrFloat() &&
            access.element.getIntOrFloatBitWidth() >= 32);
  });
}

/// Steps of `loop` from one tile to the next.
static int64_t stepOf(const Tile &tile, int loop) {
  if (loop == tile.columnLoop)
    return tile.columns * tile.columnStep();
  if (loop == tile.laneLoop)
    return tile.lanes;
  return loop == tile.rowLoop ? tile.rows : 1;
}

static std::optional<unsigned> packedInput(const Nest &nest) {
  if (!nest.packed)
    return std::nullopt;
  return nest.packed->access;
}

namespace {
class TiledLoops {
public:
  TiledLoops(Emitter &emitter, const Schedule &schedule)
      : e(emitter), schedule(schedule),
        masks(canMask(emitter.nest, schedule.tile.laneLoop, emitter.machine,
                      packedInput(emitter.nest))) {}

  void emit() { level(schedule.parallel, e.start(), schedule.tile); }

private:
  void level(ArrayRef<unsigned> order, const Position &position,
             const Tile &tile);
  void inside(ArrayRef<unsigned> order, const Position &position,
              const Tile &tile);
  void rest(ArrayRef<unsigned> order, const Position &position,
            const Tile &tile, int64_t left);
  void group(ArrayRef<unsigned> order, Position position, const Tile &tile,
             int64_t steps);
  void tileAt(const Position &position, const Tile &tile);
  SmallVector<Value> reduce(ArrayRef<unsigned> loops, const Position &position,
                            const Tile &tile, ValueRange carried);
  SmallVector<Value> reduceInTurn(unsigned loop, const Position &position,
                                  const Tile &tile, ValueRange carried);
  SmallVector<Value> runTurns(const Position &position, unsigned loop,
                              const Tile &tile, int64_t turns,
                              ValueRange carried);
  void withOwnRoom(llvm::function_ref<void()> body);

  Emitter &e;
  const Schedule &schedule;
  bool masks;
  bool isShared = false;
  /// Steps of the lane loop in the group that is written; 0 outside of one.
  int64_t inGroup = 0;
  /// Whether tiles are copied to their panels instead of computed.
  bool fills = false;
};
} // namespace

/// The levels inside the first of `order`, which has been moved.
void TiledLoops::inside(ArrayRef<unsigned> order, const Position &position,
                        const Tile &tile) {
  if (!schedule.panel || inGroup || int(order.front()) != tile.laneLoop)
    return level(order.drop_front(), position, tile);
  Position panel = position;
  panel.offsets[schedule.panel->copy] = {};
  fillPanel(e, *schedule.panel, tile, panel);
  level(order.drop_front(), panel, tile);
}

/// Tiles of `steps` steps of the first of `order`, the lane loop: their panels,
/// then the loops inside, then those tiles one by one.
void TiledLoops::group(ArrayRef<unsigned> order, Position position,
                       const Tile &tile, int64_t steps) {
  inGroup = steps;
  if (schedule.panel) {
    position.offsets[schedule.panel->copy] = {};
    fills = true;
    level(order.front(), position, tile);
    fills = false;
  }
  SmallVector<unsigned> inner(order.drop_front());
  inner.push_back(order.front());
  level(inner, position, tile);
  inGroup = 0;
}

/// Runs `body` with room for the panel on the stack of the thread that is
/// there.
void TiledLoops::withOwnRoom(llvm::function_ref<void()> body) {
  if (!schedule.ownRoom)
    return body();
  unsigned copy = schedule.panel->copy;
  auto type = cast<MemRefType>(e.nest.accesses[copy].source.getType());
  Value room = memref::AllocaOp::create(e.b, type,
                                        e.b.getI64IntegerAttr(kStackAlignment));
  Value common = e.replaceBuffer(copy, room);
  body();
  e.replaceBuffer(copy, common);
}

void TiledLoops::level(ArrayRef<unsigned> order, const Position &position,
                       const Tile &tile) {
  if (order.empty())
    return tileAt(position, tile);
  unsigned loop = order.front();
  int64_t extent = e.nest.loops[loop].extent, step = stepOf(tile, loop);
  bool groups = false;
  if (int(loop) == tile.laneLoop && inGroup) {
    extent = inGroup;
  } else if (int(loop) == tile.laneLoop && schedule.group > 1) {
    groups = true;
    step *= schedule.group;
  }
  auto inside = [&](const Position &at) {
    groups ? group(order, at, tile, step) : this->inside(order, at, tile);
  };
  int64_t whole = extent / step * step;
  if (whole == step) {
    inside(position);
  } else if (whole && int(loop) == schedule.shared && !isShared) {
    isShared = true;
    e.sharedLoop(whole, step, [&](Value iv) {
      withOwnRoom([&] { inside(e.advance(position, loop, iv)); });
    });
    isShared = false;
  } else if (whole) {
    e.loop(whole, step, {}, [&](Value iv, ValueRange) -> SmallVector<Value> {
      inside(e.advance(position, loop, iv));
      return {};
    });
  }
  if (whole < extent && groups)
    group(order, e.advance(position, loop, whole), tile, extent - whole);
  else if (whole < extent && whole && schedule.overlaps)
    inside(e.advance(position, loop, extent - step));
  else if (whole < extent)
    rest(order, e.advance(position, loop, whole), tile, extent - whole);
}

/// The last `left` steps of the first loop of `order`.
void TiledLoops::rest(ArrayRef<unsigned> order, const Position &position,
                      const Tile &tile, int64_t left) {
  int loop = order.front();
  Tile smaller = tile;
  if (loop != tile.laneLoop) {
    bool isRow = loop == tile.rowLoop;
    if (isRow && schedule.loopOverLeftRows && left > 1) {
      smaller.rows = 1;
      e.loop(left, 1, {}, [&](Value iv, ValueRange) -> SmallVector<Value> {
        inside(order, e.advance(position, loop, iv), smaller);
        return {};
      });
      return;
    }
    (isRow ? smaller.rows : smaller.columns) = left;
    return inside(order, position, smaller);
  }
  // Columns along another loop are as many as before.
  auto setColumns = [&](int64_t columns) {
    if (tile.columnLoop == tile.laneLoop)
      smaller.columns = columns;
  };
  int64_t vectors = left / tile.lanes, tail = left % tile.lanes;
  bool narrow = tail == 1 || (tail && !masks) ||
                (vectors == 0 && llvm::isPowerOf2_64(tail));
  // A pair is taken apart as a whole.
  narrow &= !e.nest.packed || !e.nest.packed->paired;
  if (int64_t columns = vectors + (tail && !narrow)) {
    setColumns(columns);
    smaller.active = tail && !narrow ? tail : tile.lanes;
    inside(order, position, smaller);
  }
  if (!tail || !narrow)
    return;
  int64_t done = vectors * tile.lanes;
  setColumns(1);
  smaller.lanes = smaller.active = llvm::bit_floor<uint64_t>(tail);
  inside(order, e.advance(position, loop, done), smaller);
  if (int64_t more = tail - smaller.lanes)
    rest(order, e.advance(position, loop, done + smaller.lanes), smaller, more);
}

SmallVector<Value> TiledLoops::reduce(ArrayRef<unsigned> loops,
                                      const Position &position,
                                      const Tile &tile, ValueRange carried) {
  if (loops.empty())
    return runBody(e, tile, position, carried);
  unsigned loop = loops.front();
  if (loops.size() <= schedule.written) {
    SmallVector<Value> results(carried);
    for (int64_t step = 0; step < e.nest.loops[loop].extent; ++step)
      results = reduce(loops.drop_front(), e.advance(position, loop, step),
                       tile, results);
    return results;
  }
  if (schedule.turns > 1 && loops.size() == 1)
    return reduceInTurn(loop, position, tile, carried);
  return e.loop(e.nest.loops[loop].extent, 1, carried,
                [&](Value iv, ValueRange accumulators) {
                  return reduce(loops.drop_front(),
                                e.advance(position, loop, iv), tile,
                                accumulators);
                });
}

/// `turns` steps of `loop`, each added to accumulators of its own; those of
/// later turns stay as they are.
SmallVector<Value> TiledLoops::runTurns(const Position &position, unsigned loop,
                                        const Tile &tile, int64_t turns,
                                        ValueRange carried) {
  SmallVector<Value> results(carried);
  for (int64_t turn = 0; turn < turns; ++turn) {
    SmallVector<Value> own =
        runBody(e, tile, e.advance(position, loop, turn),
                carried.slice(turn * tile.size(), tile.size()));
    llvm::copy(own, results.begin() + turn * tile.size());
  }
  return results;
}

/// The innermost reduction, its accumulators joined in order at the end. The
/// first begin with `carried`.
SmallVector<Value> TiledLoops::reduceInTurn(unsigned loop,
                                            const Position &position,
                                            const Tile &tile,
                                            ValueRange carried) {
  Combiner combiner = *matchCombiner(e.nest, 0);
  Value neutral = e.splat(e.constant(combiner.neutral), tile.lanes);
  SmallVector<Value> sums(carried);
  sums.append((schedule.turns - 1) * tile.size(), neutral);
  int64_t extent = e.nest.loops[loop].extent;
  int64_t left = extent % schedule.turns, whole = extent - left;
  if (whole)
    sums = e.loop(whole, schedule.turns, sums,
                  [&](Value iv, ValueRange accumulators) {
                    return runTurns(e.advance(position, loop, iv), loop, tile,
                                    schedule.turns, accumulators);
                  });
  sums = runTurns(e.advance(position, loop, whole), loop, tile, left, sums);
  for (size_t i = tile.size(); i < sums.size(); ++i) {
    Value &sum = sums[i % tile.size()];
    sum = combine(e.b, combiner, sum, sums[i]);
  }
  sums.resize(tile.size());
  return sums;
}

void TiledLoops::tileAt(const Position &position, const Tile &tile) {
  if (fills)
    return fillPanel(e, *schedule.panel, tile, position);
  SmallVector<Value> carried;
  if (!e.nest.loopsOfKind(/*reduction=*/true).empty())
    carried = startValues(e, tile, position);
  if (const std::optional<Overlap> &overlap = schedule.overlap) {
    Tile steps = tileOfSteps(*overlap, tile);
    SmallVector<Value> partial = reduce(schedule.reductions, position, steps,
                                        neutralValues(e, steps));
    return finish(e, tile, position,
                  joinWindows(e, *overlap, tile, carried, partial));
  }
  finish(e, tile, position,
         reduce(schedule.reductions, position, tile, carried));
}

static int64_t panelBytes(const Nest &nest, const Panel &panel) {
  auto type = cast<MemRefType>(nest.accesses[panel.copy].source.getType());
  Type element = type.getElementType();
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  return type.getNumElements() * std::max<int64_t>(bits / 8, 1);
}

void emitTiledLoops(Emitter &emitter, Schedule schedule) {
  const Nest &nest = emitter.nest;
  const Tile &tile = schedule.tile;
  if (emitter.machine.threads) {
    // A panel too large for stacks is one for all: only loops inside of it can
    // be shared.
    ArrayRef<unsigned> order = schedule.parallel;
    size_t around = 0;
    if (schedule.panel)
      around = llvm::find(order, unsigned(tile.laneLoop)) + 1 - order.begin();
    if (around && panelBytes(nest, *schedule.panel) > kMostStack)
      order = order.drop_front(std::exchange(around, 0));
    schedule.shared = chooseSharedLoop(
        nest, order, tile.lanes, emitter.machine, [&](unsigned loop) {
          bool groups = int(loop) == tile.laneLoop;
          return nest.loops[loop].extent /
                 (stepOf(tile, loop) * (groups ? schedule.group : 1));
        });
    schedule.ownRoom =
        schedule.shared >= 0 &&
        llvm::is_contained(order.take_front(around), unsigned(schedule.shared));
  }
  TiledLoops(emitter, schedule).emit();
}

} // namespace lig::codegen::cpu
