// What is paid for a quarter of the multiplications: the transforms of data and
// results, four times the weights, and tiles that reach over the edge.

#include "Ligature/Analysis/WinogradCost.h"

#include <cmath>

using namespace mlir;
using namespace lig;

/// Rows and columns of a tile's results, and products of a tile.
static constexpr double kTileOut = 4, kTileProducts = 36;
/// Cycles to transform a vector of channels of a tile, there and back.
static constexpr double kTransformCycles = 150;
/// Products of few tiles at a time are slower than those of a whole image.
static constexpr double kProductsSlower = 1.1;

double WinogradShape::countTiles() const {
  return images * std::ceil(height / kTileOut) * std::ceil(width / kTileOut);
}

/// Bytes a cycle in which the weights of one image arrive: from the last cache,
/// from a part of it where other layers' weights are as well, or from memory.
static double getArrivalRate(double bytes, double cacheBytes) {
  if (bytes <= 8 * cacheBytes)
    return 26;
  return bytes <= 24 * cacheBytes ? 11 : 4;
}

double WinogradShape::countSavedCycles(double lanes, double cacheBytes) const {
  double tiles = countTiles() / images;
  double bytes = kTileProducts * groups * channels * filters * sizeof(float);
  double products =
      groups * kTileProducts * tiles * channels * filters / (2 * lanes);
  double transforms =
      groups * tiles * (channels + filters) / lanes * kTransformCycles;
  double direct =
      groups * height * width * 9 * channels * filters / (2 * lanes);
  double arrival = bytes / getArrivalRate(bytes, cacheBytes);
  double ours = kProductsSlower * std::max(products, arrival) + transforms;
  return direct - ours * 1.15;
}

CallWork WinogradShape::getWork() const {
  double tiles = countTiles();
  CallWork work;
  // Two vectors are multiplied and added in a cycle.
  work.flops = groups * tiles *
               (kProductsSlower * 2 * kTileProducts * channels * filters +
                kTransformCycles * 4 * (channels + filters));
  work.weightBytes =
      kTileProducts * groups * channels * filters * sizeof(float);
  return work;
}

std::optional<WinogradShape> lig::matchWinogradShape(net::ConvOp conv,
                                                     int64_t lanes) {
  auto filter = cast<RankedTensorType>(conv.getFilter().getType());
  auto result = cast<RankedTensorType>(conv.getResult().getType());
  auto isOne = [](int64_t value) { return value == 1; };
  if (!filter.hasStaticShape() || !result.hasStaticShape() ||
      !filter.getElementType().isF32() || filter.getRank() != 4 ||
      filter.getDimSize(2) != 3 || filter.getDimSize(3) != 3 || lanes < 2 ||
      !llvm::all_of(conv.getStrides(), isOne) ||
      !llvm::all_of(conv.getDilations(), isOne))
    return std::nullopt;
  int64_t groups = conv.getGroups();
  int64_t filters = filter.getDimSize(0) / groups;
  int64_t channels = filter.getDimSize(1);
  if (channels % lanes != 0 || filters % lanes != 0)
    return std::nullopt;
  return WinogradShape{double(result.getDimSize(0)),
                       double(result.getDimSize(2)),
                       double(result.getDimSize(3)),
                       double(channels),
                       double(filters),
                       double(groups)};
}
