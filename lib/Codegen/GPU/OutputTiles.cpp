// Neighbouring blocks have neighbouring columns: they share the rows' data
// while it is in the cache.

#include "OutputTiles.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lig::codegen::gpu {

ContractionSize sizeOf(linalg::GenericOp op, const ContractionLoops &loops) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  auto count = [&](ArrayRef<unsigned> dims) {
    int64_t product = 1;
    for (unsigned dim : dims)
      product *= extents[dim];
    return product;
  };
  return {count(loops.batch), count(loops.rows), count(loops.columns),
          count(loops.sums)};
}

int64_t countTiles(const ContractionSize &size, TileExtent tile) {
  return size.batch * llvm::divideCeil(size.rows, tile.rows) *
         llvm::divideCeil(size.columns, tile.columns);
}

size_t chooseTile(ArrayRef<TileExtent> shapes, const ContractionSize &size,
                  int64_t depth, const Machine &machine) {
  size_t best = 0;
  int64_t leastCost = 0;
  for (auto [i, shape] : llvm::enumerate(shapes)) {
    int64_t waves =
        llvm::divideCeil(countTiles(size, shape), machine.multiprocessors);
    int64_t cost = waves * (shape.rows * shape.columns +
                            depth * (shape.rows + shape.columns));
    if (i && cost >= leastCost)
      continue;
    best = i;
    leastCost = cost;
  }
  return best;
}

TilePlace placeTile(Kernel &kernel, const ContractionLoops &loops,
                    TileExtent tile) {
  int64_t down = llvm::divideCeil(kernel.count(loops.rows), tile.rows);
  int64_t across = llvm::divideCeil(kernel.count(loops.columns), tile.columns);
  TilePlace place;
  Value number = kernel.block();
  place.column = kernel.mul(kernel.rem(number, across), tile.columns);
  number = kernel.div(number, across);
  place.row = kernel.mul(kernel.rem(number, down), tile.rows);
  place.values.resize(kernel.extents.size());
  kernel.unflatten(kernel.div(number, down), loops.batch, place.values);
  return place;
}

} // namespace lig::codegen::gpu
