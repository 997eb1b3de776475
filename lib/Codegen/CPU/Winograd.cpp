// Rows of tiles go through three steps while all of it is in the second cache:
// six by six inputs become 36 numbers, contractions over the channels make
// products of each, and every 36 of those become four by four outputs, which
// take the bias and the stages in registers. Inputs beyond the edge are zero.

#include "Winograd.h"
#include "SharedLoop.h"
#include "Stages.h"
#include "Strategies.h"
#include "WeightLayout.h"

#include "Ligature/Analysis/WinogradCost.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lig::codegen::cpu {

std::vector<float> transformFilters(const float *weight, int64_t offset,
                                    int64_t numFilters, int64_t filterStep,
                                    const WinogradConv &conv) {
  static constexpr double g[kTileIn][3] = {
      {1.0 / 4, 0, 0},
      {-1.0 / 6, -1.0 / 6, -1.0 / 6},
      {-1.0 / 6, 1.0 / 6, -1.0 / 6},
      {1.0 / 24, 1.0 / 12, 1.0 / 6},
      {1.0 / 24, -1.0 / 12, 1.0 / 6},
      {0, 0, 1}};
  std::vector<float> result(kTileProducts * conv.allChannels() * numFilters);
  for (int64_t c = 0; c < conv.allChannels(); ++c)
    for (int64_t f = 0; f < numFilters; ++f) {
      const float *taps = weight + offset + c / conv.channels * conv.groupStep +
                          c % conv.channels * conv.channelStep +
                          f * filterStep;
      for (int64_t y = 0; y < kTileIn; ++y)
        for (int64_t x = 0; x < kTileIn; ++x) {
          double sum = 0;
          for (int64_t a = 0; a < 3; ++a)
            for (int64_t b = 0; b < 3; ++b)
              sum += g[y][a] * g[x][b] *
                     taps[a * conv.rowTap + b * conv.columnTap];
          result[((y * kTileIn + x) * conv.allChannels() + c) * numFilters +
                 f] = float(sum);
        }
    }
  return result;
}

namespace {
/// How the image is cut into blocks of rows of tiles.
struct Blocks {
  int64_t rows, columns;
  /// Rows of tiles in a block.
  int64_t height;
  int64_t tiles() const { return height * columns; }
};
} // namespace

/// Filters of all groups.
static int64_t filtersOf(const Nest &nest, const WinogradConv &conv) {
  return conv.numGroups * nest.loops[conv.outputs].extent;
}

static Blocks cutImage(const Nest &nest, const WinogradConv &conv,
                       const Machine &machine) {
  Blocks blocks;
  blocks.rows = llvm::divideCeil(nest.loops[conv.rows].extent, kTileOut);
  blocks.columns = llvm::divideCeil(nest.loops[conv.columns].extent, kTileOut);
  int64_t rowBytes = kTileProducts * blocks.columns * int64_t(sizeof(float)) *
                     (conv.allChannels() + filtersOf(nest, conv));
  int64_t most = std::max<int64_t>(machine.cacheBytes / 2 / rowBytes, 1);
  int64_t count = llvm::divideCeil(blocks.rows, most);
  blocks.height = llvm::divideCeil(blocks.rows, count);
  return blocks;
}

/// Elements from one of the 36 parts to the next: not a multiple of a page, or
/// all parts of a tile would fall into the same few lines of the cache.
static int64_t pitchOf(int64_t tiles, int64_t extent, int64_t lanes) {
  return tiles * extent + lanes;
}

static Nest makeProducts(const Nest &nest, const WinogradConv &conv,
                         const Blocks &blocks, int64_t tiles) {
  int64_t filters = nest.loops[conv.outputs].extent;
  Nest products;
  products.op = nest.op;
  products.numInputs = 2;
  products.numOutputs = 1;
  products.starts.resize(1);
  products.startsAtZero = true;
  products.stores = {{0, 2}};
  products.loopOfDim.assign(nest.loopOfDim.size(), -1);
  int64_t channels = conv.allChannels(), all = filtersOf(nest, conv);
  products.loops = {{kTileProducts, false},
                    {tiles, false},
                    {filters, false},
                    {conv.channels, true}};
  products.accesses.resize(3);
  Access &data = products.accesses[conv.data];
  data.element = nest.accesses[conv.data].element;
  data.strides = {pitchOf(blocks.tiles(), channels, conv.lanes), channels, 0,
                  1};
  Access &weights = products.accesses[conv.filters];
  weights = nest.accesses[conv.filters];
  weights.strides = {channels * filters, 0, 1, filters};
  Access &sums = products.accesses[2];
  sums.element = data.element;
  sums.strides = {pitchOf(blocks.tiles(), all, conv.lanes), all, 1, 0};
  if (conv.numGroups == 1)
    return products;
  products.loops.insert(products.loops.begin() + 1, {conv.numGroups, false});
  data.strides.insert(data.strides.begin() + 1, conv.channels);
  weights.strides.insert(weights.strides.begin() + 1, conv.channels * filters);
  sums.strides.insert(sums.strides.begin() + 1, filters);
  return products;
}

Nest winogradProducts(const Nest &nest, const WinogradConv &conv,
                      const Machine &machine) {
  Blocks blocks = cutImage(nest, conv, machine);
  return makeProducts(nest, conv, blocks, blocks.tiles());
}

/// The machine for the three steps of a block: they share its tiles among
/// threads together or not at all, as each reads what the one before has written.
static Machine machineFor(const Nest &nest, const WinogradConv &conv,
                          const Blocks &blocks, const Machine &machine) {
  lig::WinogradShape shape;
  shape.height = blocks.height * kTileOut;
  shape.width = blocks.columns * kTileOut;
  shape.channels = conv.channels;
  shape.filters = nest.loops[conv.outputs].extent;
  shape.groups = conv.numGroups;
  // Two vectors are multiplied and added in a cycle.
  double cycles = shape.getWork().flops / (4 * conv.lanes);
  int64_t bytes = kTileProducts * blocks.tiles() * int64_t(sizeof(float)) *
                  (conv.allChannels() + filtersOf(nest, conv));
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
        blocks(cutImage(nest, conv, emitter.machine)),
        machine(machineFor(nest, conv, blocks, emitter.machine)),
        type(cast<VectorType>(lanesOf(e.b.getF32Type(), conv.lanes))) {}

  void write();

private:
  using Square = std::array<SmallVector<Value, kTileIn>, kTileIn>;

  void writeImage(const Position &position);
  void writeBlock(const Position &position, int64_t tileRows, int64_t leftRows);
  void forTiles(const Position &position, int64_t tileRows, int64_t leftRows,
                int64_t extent,
                function_ref<void(const Position &, Value, Value, int64_t,
                                  int64_t)>
                    body);
  void transformInput(const Position &position, Value tile, int64_t rows,
                      int64_t columns);
  void writeProducts(int64_t tiles);
  void transformOutput(const Position &position, Value tile, Value filter,
                       int64_t rows, int64_t columns);

  Value fma(Value x, double factor, Value y) {
    return vector::FMAOp::create(e.b, x, constant(factor), y);
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(e.b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(e.b, x, y); }
  Value constant(double value) {
    return e.constant(DenseElementsAttr::get(type, float(value)));
  }
  SmallVector<Value, kTileIn> transformData(ArrayRef<Value> x);
  SmallVector<Value, kTileIn> transformSums(ArrayRef<Value> m);

  Emitter &e;
  const WinogradConv &conv;
  const PanelLayout &layout;
  const Nest &nest;
  Blocks blocks;
  Machine machine;
  VectorType type;
  Value data, sums;
};
} // namespace

/// One column of the data's transform, six to six.
SmallVector<Value, kTileIn>
WinogradWriter::transformData(ArrayRef<Value> x) {
  Value even = fma(x[2], -4, x[4]), odd = fma(x[1], -4, x[3]);
  Value far = sub(x[4], x[2]), near = sub(x[3], x[1]);
  return {fma(x[0], 4, fma(x[2], -5, x[4])),
          add(even, odd),
          sub(even, odd),
          fma(near, 2, far),
          fma(near, -2, far),
          fma(x[1], 4, fma(x[3], -5, x[5]))};
}

/// One column of the results' transform, six to four.
SmallVector<Value, kTileIn>
WinogradWriter::transformSums(ArrayRef<Value> m) {
  Value sum1 = add(m[1], m[2]), difference1 = sub(m[1], m[2]);
  Value sum2 = add(m[3], m[4]), difference2 = sub(m[3], m[4]);
  return {add(add(m[0], sum1), sum2), fma(difference2, 2, difference1),
          fma(sum2, 4, sum1), add(fma(difference2, 8, difference1), m[5])};
}

/// `rows` and `columns` of the inputs lie inside the image. `tile` is where its
/// first part stands.
void WinogradWriter::transformInput(const Position &position, Value tile,
                                    int64_t rows, int64_t columns) {
  const Access &from = nest.accesses[conv.data];
  Square turned;
  for (int64_t x = 0; x < kTileIn; ++x) {
    SmallVector<Value, kTileIn> column(kTileIn, constant(0));
    for (int64_t y = 0; x < columns && y < rows; ++y) {
      Linear at = position.offsets[conv.data];
      at.constant +=
          y * from.strides[conv.rows] + x * from.strides[conv.columns];
      column[y] = e.load(conv.data, at, 1, conv.lanes, conv.lanes);
    }
    turned[x] = transformData(column);
  }
  int64_t pitch = pitchOf(blocks.tiles(), conv.allChannels(), conv.lanes);
  for (int64_t y = 0; y < kTileIn; ++y) {
    SmallVector<Value> line;
    for (int64_t x = 0; x < kTileIn; ++x)
      line.push_back(turned[x][y]);
    for (auto [x, value] : llvm::enumerate(transformData(line)))
      vector::StoreOp::create(
          e.b, value, data,
          e.materialize({tile, (y * kTileIn + int64_t(x)) * pitch}));
  }
}

/// The same back: `rows` and `columns` of the outputs lie inside the image.
void WinogradWriter::transformOutput(const Position &position, Value at,
                                     Value filter, int64_t rows,
                                     int64_t columns) {
  int64_t pitch = pitchOf(blocks.tiles(), filtersOf(nest, conv), conv.lanes);
  Square turned;
  for (int64_t x = 0; x < kTileIn; ++x) {
    SmallVector<Value> column;
    for (int64_t y = 0; y < kTileIn; ++y)
      column.push_back(vector::LoadOp::create(
          e.b, type, sums, e.materialize({at, (y * kTileIn + x) * pitch})));
    turned[x] = transformSums(column);
  }
  Tile tile{conv.outputs, conv.lanes,   conv.lanes, conv.columns,
            columns,      conv.outputs, 1};
  Position place = e.advance(position, conv.outputs, filter);
  for (int64_t y = 0; y < rows; ++y) {
    SmallVector<Value> line;
    for (int64_t x = 0; x < kTileIn; ++x)
      line.push_back(turned[x][y]);
    Position row = e.advance(place, conv.rows, y);
    SmallVector<Value> results = startValues(e, tile, row);
    SmallVector<Value, kTileIn> outputs = transformSums(line);
    for (int64_t x = 0; x < columns; ++x)
      results[x] = add(results[x], outputs[x]);
    finish(e, tile, row, results);
  }
}

void WinogradWriter::writeProducts(int64_t tiles) {
  Nest products = makeProducts(nest, conv, blocks, tiles);
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
    function_ref<void(const Position &, Value, Value, int64_t, int64_t)>
        body) {
  auto scaled = [&](Value steps, int64_t factor) {
    return arith::MulIOp::create(
        e.b, steps, e.constants.index(e.b.getLoc(), factor),
        arith::IntegerOverflowFlags::nsw);
  };
  auto sum = [&](Value x, Value y) {
    return arith::AddIOp::create(e.b, x, y,
                                 arith::IntegerOverflowFlags::nsw);
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
    int64_t whole = width / kTileOut * kTileOut;
    e.loop(whole, kTileOut, {},
           [&](Value x, ValueRange) -> SmallVector<Value> {
             channels(e.advance(at, conv.columns, x),
                      sum(first, scaled(x, extent / kTileOut)), rows,
                      kTileOut);
             return {};
           });
    if (width == whole)
      return;
    Value tile = e.materialize({first, whole / kTileOut * extent});
    channels(e.advance(at, conv.columns, whole), tile, rows, width - whole);
  };
  int64_t rowSize = blocks.columns * extent;
  int64_t whole = (tileRows - (leftRows != 0)) * kTileOut;
  auto rowAt = [&](Value y) {
    row(e.advance(position, conv.rows, y), scaled(y, rowSize / kTileOut),
        kTileOut);
  };
  if (machine.threads && whole > kTileOut)
    e.sharedLoop(whole, kTileOut, rowAt);
  else
    e.loop(whole, kTileOut, {}, [&](Value y, ValueRange) -> SmallVector<Value> {
      rowAt(y);
      return {};
    });
  if (leftRows)
    row(e.advance(position, conv.rows, whole),
        e.materialize({{}, whole / kTileOut * rowSize}), leftRows);
}

/// `leftRows`: outputs of the last row of tiles, where those are not four.
void WinogradWriter::writeBlock(const Position &position, int64_t tileRows,
                                int64_t leftRows) {
  constexpr int64_t border = kTileIn - kTileOut;
  forTiles(position, tileRows, leftRows, conv.allChannels(),
           [&](const Position &at, Value tile, Value channel, int64_t rows,
               int64_t columns) {
             transformInput(e.advance(at, conv.channelLoop, channel), tile,
                            rows + border, columns + border);
           });
  writeProducts(tileRows * blocks.columns);
  forTiles(position, tileRows, leftRows, filtersOf(nest, conv),
           [&](const Position &at, Value tile, Value filter, int64_t rows,
               int64_t columns) {
             transformOutput(at, tile, filter, rows, columns);
           });
}

void WinogradWriter::writeImage(const Position &position) {
  int64_t leftRows = nest.loops[conv.rows].extent % kTileOut;
  int64_t whole = blocks.rows / blocks.height;
  int64_t last = blocks.rows % blocks.height;
  if (last == 0 && leftRows) {
    --whole;
    last = blocks.height;
  }
  int64_t step = blocks.height * kTileOut;
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
    int64_t pitch = pitchOf(blocks.tiles(), extent, conv.lanes);
    return memref::AllocOp::create(
        e.b, MemRefType::get({kTileProducts * pitch}, e.b.getF32Type()));
  };
  data = place(conv.allChannels());
  sums = place(filtersOf(nest, conv));
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
