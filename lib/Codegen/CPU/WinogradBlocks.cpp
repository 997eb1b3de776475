// How many rows of tiles are taken at a time. Filters are read once a block:
// many rows read them less often, and make tiles of registers that leave less
// over. But data and sums of a block that the second cache does not hold go to
// the last one and back.

#include "TileChoice.h"
#include "Winograd.h"

#include "llvm/Support/MathExtras.h"

namespace lig::codegen::cpu {

/// Caches of a core that the data and sums of a block may fill, as long as one
/// row does not take more: they are part of the arena.
static constexpr int64_t kMostCaches = 4;

Nest winogradProducts(const Nest &nest, const WinogradConv &conv,
                      int64_t tiles) {
  int64_t filters = nest.loops[conv.outputs].extent;
  Nest products;
  products.op = nest.op;
  products.numInputs = 2;
  products.numOutputs = 1;
  products.starts.resize(1);
  products.startsAtZero = true;
  products.stores = {{0, 2}};
  products.loopOfDim.assign(nest.loopOfDim.size(), -1);
  int64_t channels = conv.allChannels(), all = winogradFilters(nest, conv);
  products.loops = {{conv.tileProducts(), false},
                    {tiles, false},
                    {filters, false},
                    {conv.channels, true}};
  products.accesses.resize(3);
  Access &data = products.accesses[conv.data];
  data.element = nest.accesses[conv.data].element;
  data.strides = {winogradPitch(conv.blocks.tiles(), channels, conv.lanes),
                  channels, 0, 1};
  Access &weights = products.accesses[conv.filters];
  weights = nest.accesses[conv.filters];
  weights.strides = {channels * filters, 0, 1, filters};
  Access &sums = products.accesses[2];
  sums.element = data.element;
  sums.strides = {winogradPitch(conv.blocks.tiles(), all, conv.lanes), all, 1,
                  0};
  if (conv.numGroups == 1)
    return products;
  products.loops.insert(products.loops.begin() + 1, {conv.numGroups, false});
  data.strides.insert(data.strides.begin() + 1, conv.channels);
  weights.strides.insert(weights.strides.begin() + 1, conv.channels * filters);
  sums.strides.insert(sums.strides.begin() + 1, filters);
  return products;
}

/// Bytes of the data and sums of a row of tiles.
static int64_t rowBytesOf(const Nest &nest, const WinogradConv &conv) {
  return conv.tileProducts() * conv.blocks.columns * int64_t(sizeof(float)) *
         (conv.allChannels() + winogradFilters(nest, conv));
}

/// Cycles for `rows` rows of tiles, as one block: its products, or until the
/// filters have arrived, from afar for the `first` block; and the way of data
/// and sums to a cache and back.
static double cyclesOf(const Nest &nest, const WinogradConv &conv, int64_t rows,
                       bool first, const Machine &machine) {
  Nest products = winogradProducts(nest, conv, rows * conv.blocks.columns);
  // A tile's cycles are those of one channel.
  double work = conv.channels *
                chooseTile(products, productLanes(conv), conv.lanes,
                           products.accesses[conv.filters], machine)
                    .cycles;
  double filters = conv.shape.countFilterBytes();
  double arrival =
      filters /
      (first ? getArrivalRate(filters, machine.cacheBytes) : kFarBytes);
  int64_t bytes = rows * rowBytesOf(nest, conv);
  bool isNear = bytes <= machine.cacheBytes * 3 / 4;
  // What leaves the second cache is fetched before it is written, too.
  return std::max(work, arrival) +
         (isNear ? 2 * bytes / kNearBytes : 3 * bytes / kFarBytes);
}

/// Cycles for the whole image.
static double cyclesOf(const Nest &nest, const WinogradConv &conv,
                       const Machine &machine) {
  int64_t height = conv.blocks.height, whole = conv.blocks.rows / height,
          rest = conv.blocks.rows % height;
  double cycles = cyclesOf(nest, conv, height, /*first=*/true, machine);
  if (whole > 1)
    cycles += (whole - 1) * cyclesOf(nest, conv, height, false, machine);
  if (rest)
    cycles += cyclesOf(nest, conv, rest, false, machine);
  return cycles;
}

WinogradBlocks cutImage(const Nest &nest, WinogradConv conv,
                        const Machine &machine) {
  WinogradBlocks &blocks = conv.blocks;
  blocks.rows = llvm::divideCeil(nest.loops[conv.rows].extent, conv.tileOut());
  blocks.columns =
      llvm::divideCeil(nest.loops[conv.columns].extent, conv.tileOut());
  int64_t most = kMostCaches * machine.cacheBytes / rowBytesOf(nest, conv);
  WinogradBlocks best = blocks;
  best.height = 0;
  double least = 0;
  for (int64_t count = blocks.rows; count > 0; --count) {
    blocks.height = llvm::divideCeil(blocks.rows, count);
    if (blocks.height == best.height || (best.height && blocks.height > most))
      continue;
    double cycles = cyclesOf(nest, conv, machine);
    // Of blocks that are about as good the smallest.
    if (best.height && cycles > least * 0.99)
      continue;
    least = cycles;
    best = blocks;
  }
  return best;
}

} // namespace lig::codegen::cpu
