// Blocks of tiles go through three steps: the inputs of a tile become as many
// numbers, contractions over the channels make products of each, and every tile
// of those becomes outputs, which take the bias and the stages in registers.
// Inputs beyond the edge are zero.

#include "SharedLoop.h"
#include "Stages.h"
#include "Strategies.h"
#include "WeightLayout.h"
#include "WinogradTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// The machine for the three steps of a block: they share its tiles among
/// threads together or not at all, as each reads what the one before has
/// written.
static Machine machineFor(const Nest &nest, const WinogradConv &conv,
                          const Machine &machine) {
  const WinogradBlocks &blocks = conv.blocks;
  WinogradShape shape = conv.shape;
  shape.height = blocks.height * conv.tileOut();
  shape.width = blocks.columns * conv.tileOut();
  // Two vectors are multiplied and added in a cycle.
  double cycles = shape.getWork().flops / (4 * conv.lanes);
  int64_t bytes = conv.tileProducts() * blocks.tiles() *
                  int64_t(sizeof(float)) *
                  (conv.allChannels() + winogradFilters(nest, conv));
  Machine result = machine;
  result.threads = machine.threads && isWorthSharing(cycles, bytes, machine);
  result.shares = result.threads;
  return result;
}

namespace {
class WinogradWriter {
public:
  WinogradWriter(Emitter &emitter, const WinogradConv &conv,
                 const PanelLayout &layout)
      : e(emitter), conv(conv), layout(layout), nest(emitter.nest),
        blocks(conv.blocks), machine(machineFor(nest, conv, emitter.machine)),
        transform(emitter, conv) {}

  void write();

private:
  /// Transformed columns of a tile.
  using Columns = SmallVector<SmallVector<Value, 6>, 6>;
  static SmallVector<Value> lineOf(const Columns &columns, int64_t y) {
    return llvm::map_to_vector(columns,
                               [&](const auto &column) { return column[y]; });
  }

  void writeImage(const Position &position);
  void writeBlock(const Position &position, int64_t tileRows, int64_t leftRows);
  void
  forTiles(const Position &position, int64_t tileRows, int64_t leftRows,
           int64_t extent,
           function_ref<void(const Position &, Value, Value, int64_t, int64_t)>
               body);
  void transformInput(const Position &position, Value tile, int64_t rows,
                      int64_t columns);
  void writeProducts(int64_t tiles);
  void transformOutput(const Position &position, Value tile, Value filter,
                       int64_t rows, int64_t columns);

  Emitter &e;
  const WinogradConv &conv;
  const PanelLayout &layout;
  const Nest &nest;
  const WinogradBlocks &blocks;
  Machine machine;
  WinogradTile transform;
  Value data, sums;
};
} // namespace

/// `rows` and `columns` of the inputs lie inside the image. `tile` is where its
/// first part stands.
void WinogradWriter::transformInput(const Position &position, Value tile,
                                    int64_t rows, int64_t columns) {
  const Access &from = nest.accesses[conv.data];
  int64_t extent = conv.tileIn();
  Columns turned;
  for (int64_t x = 0; x < extent; ++x) {
    SmallVector<Value, 6> column(extent, transform.zero());
    for (int64_t y = 0; x < columns && y < rows; ++y) {
      Linear at = position.offsets[conv.data];
      at.constant +=
          y * from.strides[conv.rows] + x * from.strides[conv.columns];
      column[y] = e.load(conv.data, at, 1, conv.lanes, conv.lanes);
    }
    turned.push_back(transform.transformData(column));
  }
  int64_t pitch = winogradPitch(blocks.tiles(), conv.allChannels(), conv.lanes);
  for (int64_t y = 0; y < extent; ++y)
    for (auto [x, value] :
         llvm::enumerate(transform.transformData(lineOf(turned, y))))
      vector::StoreOp::create(
          e.b, value, data,
          e.materialize({tile, (y * extent + int64_t(x)) * pitch}));
}

/// The same back: `rows` and `columns` of the outputs lie inside the image.
void WinogradWriter::transformOutput(const Position &position, Value at,
                                     Value filter, int64_t rows,
                                     int64_t columns) {
  int64_t pitch =
      winogradPitch(blocks.tiles(), winogradFilters(nest, conv), conv.lanes);
  int64_t extent = conv.tileIn();
  Columns turned;
  for (int64_t x = 0; x < extent; ++x) {
    SmallVector<Value> column;
    for (int64_t y = 0; y < extent; ++y)
      column.push_back(vector::LoadOp::create(
          e.b, transform.getType(), sums,
          e.materialize({at, (y * extent + x) * pitch})));
    turned.push_back(transform.transformSums(column));
  }
  Tile tile{conv.outputs, conv.lanes,   conv.lanes, conv.columns,
            columns,      conv.outputs, 1};
  Position place = e.advance(position, conv.outputs, filter);
  for (int64_t y = 0; y < rows; ++y) {
    Position row = e.advance(place, conv.rows, y);
    SmallVector<Value> results = startValues(e, tile, row);
    SmallVector<Value, 6> outputs = transform.transformSums(lineOf(turned, y));
    for (int64_t x = 0; x < columns; ++x)
      results[x] = transform.add(results[x], outputs[x]);
    finish(e, tile, row, results);
  }
}

void WinogradWriter::writeProducts(int64_t tiles) {
  Nest products = winogradProducts(nest, conv, tiles);
  products.accesses[conv.data].source = data;
  products.accesses[2].source = sums;
  const Access &filters = products.accesses[conv.filters];
  for (Nest &part : cutByPanels(products, conv.filters, productLanes(conv),
                                layout, filters.source)) {
    part.accesses[conv.filters].offset += nest.accesses[conv.filters].offset;
    Emitter inner(e.b, e.constants, part, machine);
    emitContraction(inner);
  }
}

/// Runs `body` for every tile of the block and every vector of `extent`
/// channels: where the tile stands in the image, where its first number is,
/// the channel, and how many outputs of the tile are in the image.
void WinogradWriter::forTiles(
    const Position &position, int64_t tileRows, int64_t leftRows,
    int64_t extent,
    function_ref<void(const Position &, Value, Value, int64_t, int64_t)> body) {
  int64_t out = conv.tileOut();
  auto scaled = [&](Value steps, int64_t factor) {
    return arith::MulIOp::create(e.b, steps,
                                 e.constants.index(e.b.getLoc(), factor),
                                 arith::IntegerOverflowFlags::nsw);
  };
  auto sum = [&](Value x, Value y) {
    return arith::AddIOp::create(e.b, x, y, arith::IntegerOverflowFlags::nsw);
  };
  auto channels = [&](const Position &at, Value tile, int64_t rows,
                      int64_t columns) {
    e.loop(extent, conv.lanes, {},
           [&](Value channel, ValueRange) -> SmallVector<Value> {
             body(at, sum(tile, channel), channel, rows, columns);
             return {};
           });
  };
  auto row = [&](const Position &at, Value first, int64_t rows) {
    int64_t width = nest.loops[conv.columns].extent;
    int64_t whole = width / out * out;
    e.loop(whole, out, {}, [&](Value x, ValueRange) -> SmallVector<Value> {
      channels(e.advance(at, conv.columns, x),
               sum(first, scaled(x, extent / out)), rows, out);
      return {};
    });
    if (width == whole)
      return;
    Value tile = e.materialize({first, whole / out * extent});
    channels(e.advance(at, conv.columns, whole), tile, rows, width - whole);
  };
  int64_t rowSize = blocks.columns * extent;
  int64_t whole = (tileRows - (leftRows != 0)) * out;
  auto rowAt = [&](Value y) {
    row(e.advance(position, conv.rows, y), scaled(y, rowSize / out), out);
  };
  if (machine.threads && whole > out)
    e.sharedLoop(whole, out, rowAt);
  else
    e.loop(whole, out, {}, [&](Value y, ValueRange) -> SmallVector<Value> {
      rowAt(y);
      return {};
    });
  if (leftRows)
    row(e.advance(position, conv.rows, whole),
        e.materialize({{}, whole / out * rowSize}), leftRows);
}

/// `leftRows`: outputs of the last row of tiles, where those fill no tile.
void WinogradWriter::writeBlock(const Position &position, int64_t tileRows,
                                int64_t leftRows) {
  int64_t border = conv.tileIn() - conv.tileOut();
  forTiles(position, tileRows, leftRows, conv.allChannels(),
           [&](const Position &at, Value tile, Value channel, int64_t rows,
               int64_t columns) {
             transformInput(e.advance(at, conv.channelLoop, channel), tile,
                            rows + border, columns + border);
           });
  writeProducts(tileRows * blocks.columns);
  forTiles(position, tileRows, leftRows, winogradFilters(nest, conv),
           [&](const Position &at, Value tile, Value filter, int64_t rows,
               int64_t columns) {
             transformOutput(at, tile, filter, rows, columns);
           });
}

void WinogradWriter::writeImage(const Position &position) {
  int64_t leftRows = nest.loops[conv.rows].extent % conv.tileOut();
  int64_t whole = blocks.rows / blocks.height;
  int64_t last = blocks.rows % blocks.height;
  if (last == 0 && leftRows) {
    --whole;
    last = blocks.height;
  }
  int64_t step = blocks.height * conv.tileOut();
  if (whole)
    e.loop(whole * step, step, {},
           [&](Value y, ValueRange) -> SmallVector<Value> {
             writeBlock(e.advance(position, conv.rows, y), blocks.height, 0);
             return {};
           });
  if (last)
    writeBlock(e.advance(position, conv.rows, whole * step), last, leftRows);
}

void WinogradWriter::write() {
  auto place = [&](int64_t extent) {
    int64_t pitch = winogradPitch(blocks.tiles(), extent, conv.lanes);
    return memref::AllocOp::create(
        e.b, MemRefType::get({conv.tileProducts() * pitch}, e.b.getF32Type()));
  };
  data = place(conv.allChannels());
  sums = place(winogradFilters(nest, conv));
  if (conv.images < 0)
    writeImage(e.start());
  else
    e.loop(nest.loops[conv.images].extent, 1, {},
           [&](Value image, ValueRange) -> SmallVector<Value> {
             writeImage(e.advance(e.start(), conv.images, image));
             return {};
           });
  memref::DeallocOp::create(e.b, sums);
  memref::DeallocOp::create(e.b, data);
}

void emitWinograd(Emitter &emitter, const WinogradConv &conv,
                  const PanelLayout &layout) {
  WinogradWriter(emitter, conv, layout).write();
}

} // namespace lig::codegen::cpu
