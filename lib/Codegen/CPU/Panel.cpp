// Rows that lie far apart fall into few sets of the cache and many pages, and
// an operand that is contiguous along the reduction has no lanes to load at
// all. Copied once, each panel is read by all rows of tiles at full speed.

#include "Panel.h"
#include "Transpose.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace lig::codegen::cpu {

static SmallVector<unsigned> movingReductions(const Nest &nest,
                                              const Access &access) {
  SmallVector<unsigned> loops = nest.loopsOfKind(/*reduction=*/true);
  llvm::erase_if(loops, [&](unsigned loop) { return !access.strides[loop]; });
  return loops;
}

static int64_t stepsOf(const Nest &nest, const Access &access) {
  int64_t steps = 1;
  for (unsigned loop : movingReductions(nest, access))
    steps *= nest.loops[loop].extent;
  return steps;
}

int64_t panelBytes(const Nest &nest, unsigned access, int64_t pitch) {
  const Access &of = nest.accesses[access];
  int64_t bits =
      of.element.isIntOrFloat() ? of.element.getIntOrFloatBitWidth() : 64;
  return stepsOf(nest, of) * pitch * std::max<int64_t>(bits / 8, 1);
}

Panel addPanel(ImplicitLocOpBuilder &b, Nest &nest, unsigned access,
               int64_t pitch, int laneLoop, int64_t count) {
  Access operand = nest.accesses[access];
  Access &copy = nest.accesses[access];
  int64_t steps = stepsOf(nest, operand);
  auto type = MemRefType::get({steps * pitch * count}, operand.element);
  copy.source = memref::AllocOp::create(b, type);
  copy.offset = 0;
  copy.detached = false;
  copy.start = {};
  if (count > 1) {
    copy.panelLoop = laneLoop;
    copy.panelStep = steps;
  }
  // The lane loop keeps its step of one; the kernel starts each tile anew.
  for (auto [loop, stride] : llvm::zip(nest.loops, copy.strides))
    stride = stride && !loop.reduction ? 1 : 0;
  int64_t step = pitch;
  for (unsigned loop : llvm::reverse(movingReductions(nest, operand))) {
    copy.strides[loop] = step;
    step *= nest.loops[loop].extent;
  }
  nest.accesses.push_back(operand);
  return {access, unsigned(nest.accesses.size() - 1), pitch};
}

namespace {
class PanelFiller {
public:
  PanelFiller(Emitter &emitter, const Panel &panel, const Tile &tile)
      : e(emitter), panel(panel), tile(tile),
        from(emitter.nest.accesses[panel.operand]) {}

  void fill(ArrayRef<unsigned> loops, const Position &position);

private:
  void copyStep(const Position &position);
  void copySquares(const Position &position);

  Emitter &e;
  const Panel &panel;
  const Tile &tile;
  const Access &from;
};
} // namespace

/// One step of the reduction: a row of vectors.
void PanelFiller::copyStep(const Position &position) {
  for (int64_t column = 0; column < tile.columns; ++column) {
    Value vector = e.load(
        panel.operand, e.offset(panel.operand, position, tile, 0, column),
        from.stride(tile.laneLoop), tile.lanes, tile.activeIn(column));
    e.store(vector, panel.copy, e.offset(panel.copy, position, tile, 0, column),
            tile.lanes, tile.lanes);
  }
}

/// As many steps as a vector has lanes, read along the reduction.
void PanelFiller::copySquares(const Position &position) {
  for (int64_t column = 0; column < tile.columns; ++column) {
    SmallVector<Value> lines;
    for (int64_t lane = 0; lane < tile.lanes; ++lane) {
      Linear at = e.offset(panel.operand, position, tile, 0, column);
      at.constant += lane * from.stride(tile.laneLoop);
      lines.push_back(e.load(panel.operand, at, 1, tile.lanes, tile.lanes));
    }
    for (auto [step, line] : llvm::enumerate(transposeSquare(e.b, lines))) {
      Linear at = e.offset(panel.copy, position, tile, 0, column);
      at.constant += step * panel.pitch;
      e.store(line, panel.copy, at, tile.lanes, tile.lanes);
    }
  }
}

void PanelFiller::fill(ArrayRef<unsigned> loops, const Position &position) {
  if (loops.empty())
    return copyStep(position);
  unsigned loop = loops.front();
  int64_t extent = e.nest.loops[loop].extent, done = 0;
  bool squares = loops.size() == 1 && from.stride(tile.laneLoop) != 1 &&
                 from.strides[loop] == 1 && tile.lanes > 1 &&
                 tile.active == tile.lanes;
  if (squares && extent >= tile.lanes) {
    done = extent / tile.lanes * tile.lanes;
    e.loop(done, tile.lanes, {},
           [&](Value iv, ValueRange) -> SmallVector<Value> {
             copySquares(e.advance(position, loop, iv));
             return {};
           });
  }
  if (done == extent)
    return;
  Position left = e.advance(position, loop, done);
  e.loop(extent - done, 1, {}, [&](Value iv, ValueRange) -> SmallVector<Value> {
    fill(loops.drop_front(), e.advance(left, loop, iv));
    return {};
  });
}

void fillPanel(Emitter &emitter, const Panel &panel, const Tile &tile,
               const Position &position) {
  SmallVector<unsigned> loops = movingReductions(
      emitter.nest, emitter.nest.accesses[panel.operand]);
  PanelFiller(emitter, panel, tile).fill(loops, position);
}

} // namespace lig::codegen::cpu
