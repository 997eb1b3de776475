// Convolutions of three by three taps with a quarter of the multiplications
// or four ninths of them: F(4x4, 3x3) and F(2x2, 3x3) of A. Lavin, S. Gray,
// "Fast Algorithms for Convolutional Neural Networks", 2015.
#ifndef LIGATURE_CODEGEN_CPU_WINOGRAD_H
#define LIGATURE_CODEGEN_CPU_WINOGRAD_H

#include "Emitter.h"
#include "PanelLayout.h"

#include "Ligature/Analysis/WinogradCost.h"

namespace lig::codegen::cpu {

/// How the image is cut into blocks of rows of tiles.
struct WinogradBlocks {
  int64_t rows, columns;
  /// Rows of tiles in a block.
  int64_t height;
  int64_t tiles() const { return height * columns; }
};

/// A convolution with steps of one, its loops named.
struct WinogradConv {
  unsigned data, filters;
  /// Output rows, columns and filters of a group; groups and images, or -1.
  int rows, columns, outputs, groups, images;
  /// Input channels of a group: part of the loop over filter columns where
  /// those are one.
  int channelLoop;
  int64_t channels;
  int64_t numGroups;
  int64_t lanes;
  /// Strides of the filter's taps, channels and groups.
  int64_t rowTap, columnTap, channelStep, groupStep;
  /// Of one image, and the tile that was chosen.
  WinogradShape shape;
  /// Chosen after the tile.
  WinogradBlocks blocks;

  /// Outputs and inputs of a tile along one dimension, and products of a tile.
  int64_t tileOut() const { return shape.tile; }
  int64_t tileIn() const { return shape.tile + 2; }
  int64_t tileProducts() const { return tileIn() * tileIn(); }
  int64_t allChannels() const { return numGroups * channels; }
  /// Whether both take filters of one form.
  bool readsLike(const WinogradConv &other) const {
    return rowTap == other.rowTap && columnTap == other.columnTap &&
           channelStep == other.channelStep && groupStep == other.groupStep &&
           channels == other.channels && numGroups == other.numGroups;
  }
};

/// Names the loops of `nest` if it is such a convolution.
std::optional<WinogradConv> matchWinograd(const Nest &nest,
                                          const Machine &machine);

/// The blocks with which products, and all that goes between the caches, take
/// the least time.
WinogradBlocks cutImage(const Nest &nest, WinogradConv conv,
                        const Machine &machine);

/// Elements from one part of a tile's products to the next, `extent` of them a
/// tile: not a multiple of a page, or all parts of a tile would fall into the
/// same few lines of the cache.
inline int64_t winogradPitch(int64_t tiles, int64_t extent, int64_t lanes) {
  return tiles * extent + lanes;
}

/// The products of `tiles` tiles of a block, as one contraction with the
/// filters in `layout`; reads and writes places that `nest` lacks yet.
Nest winogradProducts(const Nest &nest, const WinogradConv &conv,
                      int64_t tiles);

/// Filters of all groups.
inline int64_t winogradFilters(const Nest &nest, const WinogradConv &conv) {
  return conv.numGroups * nest.loops[conv.outputs].extent;
}

/// The loop over filters of those products; they are parts, groups if there are
/// several, tiles, filters and channels.
inline int productLanes(const WinogradConv &conv) {
  return conv.numGroups > 1 ? 3 : 2;
}

/// Writes the convolution; the access of the filters is to panels in `layout`.
void emitWinograd(Emitter &emitter, const WinogradConv &conv,
                  const PanelLayout &layout);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_WINOGRAD_H
