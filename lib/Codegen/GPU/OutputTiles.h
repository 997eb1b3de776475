// A contraction's output cut into tiles, one for each block.
#ifndef LIGATURE_CODEGEN_GPU_OUTPUTTILES_H
#define LIGATURE_CODEGEN_GPU_OUTPUTTILES_H

#include "ContractionLoops.h"
#include "Kernel.h"
#include "Strategies.h"

namespace lig::codegen::gpu {

/// Steps of the loops of a contraction.
struct ContractionSize {
  int64_t batch, rows, columns, sums;
};
ContractionSize sizeOf(mlir::linalg::GenericOp op,
                       const ContractionLoops &loops);

struct TileExtent {
  int64_t rows, columns;
};

/// Number of the shape that keeps the machine busiest: whole waves of blocks,
/// and the slices of `depth` steps that a tile reads for its products.
size_t chooseTile(llvm::ArrayRef<TileExtent> shapes,
                  const ContractionSize &size, int64_t depth,
                  const Machine &machine);

int64_t countTiles(const ContractionSize &size, TileExtent tile);

/// Where a block's tile begins.
struct TilePlace {
  mlir::Value row, column;
  /// Values of the batch loops.
  LoopValues values;
};
TilePlace placeTile(Kernel &kernel, const ContractionLoops &loops,
                    TileExtent tile);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_OUTPUTTILES_H
