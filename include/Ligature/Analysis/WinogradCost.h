/// What a convolution of three by three taps costs by Winograd's transform
/// F(4x4, 3x3), beside the plain way. Whoever arranges convolutions before the
/// transform is chosen asks here what will be chosen.
#ifndef LIGATURE_ANALYSIS_WINOGRADCOST_H
#define LIGATURE_ANALYSIS_WINOGRADCOST_H

#include "Ligature/Analysis/CallCost.h"
#include "Ligature/Dialect/Net/IR/Net.h"

namespace lig {

/// A convolution of three by three taps with steps of one.
struct WinogradShape {
  double images = 1, height = 1, width = 1;
  /// Of a group.
  double channels = 1, filters = 1;
  double groups = 1;

  /// Tiles of four by four results, those over the edge included.
  double countTiles() const;
  /// Cycles of the plain way less those of the transformed, for one image and
  /// by a margin: negative where the transform loses. Vectors have `lanes`.
  double countSavedCycles(double lanes, double cacheBytes) const;
  /// Multiplications, those that the transforms take the time of, and bytes of
  /// transformed filters.
  CallWork getWork() const;
};

/// `conv` as such a convolution; nothing if it is none, or its channels do not
/// fill vectors of `lanes`.
std::optional<WinogradShape> matchWinogradShape(net::ConvOp conv,
                                                int64_t lanes);

} // namespace lig

#endif // LIGATURE_ANALYSIS_WINOGRADCOST_H
