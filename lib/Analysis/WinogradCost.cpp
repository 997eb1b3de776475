// What is paid for fewer multiplications: the transforms of data and results,
// larger weights, and tiles that reach over the edge. Larger tiles multiply
// less and have the largest weights.

#include "Ligature/Analysis/WinogradCost.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;
using namespace lig;

/// Products of few tiles at a time are slower than those of a whole image.
static constexpr double kProductsSlower = 1.1;

/// Cycles to transform a vector of channels of a tile, there and back.
static double getTransformCycles(int64_t tile) { return tile == 4 ? 150 : 50; }

double WinogradShape::countTiles() const {
  return images * std::ceil(height / tile) * std::ceil(width / tile);
}

double WinogradShape::countFilterBytes() const {
  return countProducts() * groups * channels * filters * sizeof(float);
}

// From the last cache, from a part of it where other layers' weights are as
// well, or from memory.
double lig::getArrivalRate(double bytes, double cacheBytes) {
  if (bytes <= 8 * cacheBytes)
    return 26;
  return bytes <= 24 * cacheBytes ? 11 : 4;
}

double WinogradShape::countSavedCycles(double lanes, double cacheBytes) const {
  double tiles = countTiles() / images, bytes = countFilterBytes();
  double products =
      groups * countProducts() * tiles * channels * filters / (2 * lanes);
  double transforms =
      groups * tiles * (channels + filters) / lanes * getTransformCycles(tile);
  double direct =
      groups * height * width * 9 * channels * filters / (2 * lanes);
  double arrival = bytes / getArrivalRate(bytes, cacheBytes);
  double ours = kProductsSlower * std::max(products, arrival) + transforms;
  return direct - ours * 1.15;
}

CallWork WinogradShape::getWork() const {
  CallWork work;
  // Two vectors are multiplied and added in a cycle.
  work.flops = groups * countTiles() *
               (kProductsSlower * 2 * countProducts() * channels * filters +
                getTransformCycles(tile) * 4 * (channels + filters));
  work.weightBytes = countFilterBytes();
  return work;
}

FailureOr<SmallVector<int64_t, 2>>
lig::parseWinogradTiles(StringRef word, MLIRContext *context) {
  using Tiles = FailureOr<SmallVector<int64_t, 2>>;
  Tiles tiles = llvm::StringSwitch<Tiles>(word)
                    .Case("auto", SmallVector<int64_t, 2>{4, 2})
                    .Case("f4", SmallVector<int64_t, 2>{4})
                    .Case("f2", SmallVector<int64_t, 2>{2})
                    .Case("none", SmallVector<int64_t, 2>())
                    .Default(failure());
  if (failed(tiles))
    emitError(UnknownLoc::get(context))
        << "winograd is '" << word << "', not auto, f4, f2 or none";
  return tiles;
}

int64_t lig::chooseWinogradTile(ArrayRef<WinogradShape> shapes,
                                ArrayRef<int64_t> tiles, double lanes,
                                double cacheBytes) {
  int64_t best = 0;
  double most = 0;
  for (int64_t tile : tiles) {
    double saved = 0;
    for (WinogradShape shape : shapes) {
      shape.tile = tile;
      saved += shape.countSavedCycles(lanes, cacheBytes);
    }
    if (saved > most) {
      most = saved;
      best = tile;
    }
  }
  return best;
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
