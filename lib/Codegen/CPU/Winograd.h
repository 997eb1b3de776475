// Convolutions of three by three taps with a quarter of the multiplications:
// F(4x4, 3x3) of A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2015.
#ifndef LIGATURE_CODEGEN_CPU_WINOGRAD_H
#define LIGATURE_CODEGEN_CPU_WINOGRAD_H

#include "Emitter.h"
#include "PanelLayout.h"

namespace lig::codegen::cpu {

/// Outputs and inputs of a tile along one dimension, and products of a tile.
inline constexpr int64_t kTileOut = 4, kTileIn = 6, kTileProducts = 36;

/// A convolution with steps of one, its loops named.
struct WinogradConv {
  unsigned data, filters;
  /// Output rows, columns and filters of a group; groups and images, or -1.
  int rows, columns, outputs, groups, images;
  /// Input channels of a group: part of the loop over filter columns where those
  /// are one.
  int channelLoop;
  int64_t channels;
  int64_t numGroups;
  int64_t lanes;
  /// Strides of the filter's taps, channels and groups.
  int64_t rowTap, columnTap, channelStep, groupStep;
  /// Cycles that are saved, by a margin; negative where they are lost.
  double saved;

  int64_t allChannels() const { return numGroups * channels; }
  bool operator==(const WinogradConv &other) const {
    return rowTap == other.rowTap && columnTap == other.columnTap &&
           channelStep == other.channelStep && groupStep == other.groupStep &&
           channels == other.channels && numGroups == other.numGroups;
  }
};

/// Names the loops of `nest` if it is such a convolution, and says whether the
/// products that are saved outweigh the transforms and the larger weights.
std::optional<WinogradConv> matchWinograd(const Nest &nest,
                                          const Machine &machine);

/// The 36 products of a tile, as one contraction of all tiles of a block, with
/// the filters in `layout`; reads and writes places that `nest` lacks yet.
Nest winogradProducts(const Nest &nest, const WinogradConv &conv,
                      const Machine &machine);

/// The loop over filters of those products; they are parts, groups if there are
/// several, tiles, filters and channels.
inline int productLanes(const WinogradConv &conv) {
  return conv.numGroups > 1 ? 3 : 2;
}

/// Filters `weight`, F elements a group of stride `filterStep` from `offset` on,
/// as [36][groups][channels][F].
std::vector<float> transformFilters(const float *weight, int64_t offset,
                                    int64_t numFilters, int64_t filterStep,
                                    const WinogradConv &conv);

/// Writes the convolution; the access of the filters is to panels in `layout`.
void emitWinograd(Emitter &emitter, const WinogradConv &conv,
                  const PanelLayout &layout);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_WINOGRAD_H
