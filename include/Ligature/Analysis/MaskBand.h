/// Which keys a mask that is known leaves to each query.
#ifndef LIGATURE_ANALYSIS_MASKBAND_H
#define LIGATURE_ANALYSIS_MASKBAND_H

#include "Ligature/Dialect/Net/IR/Net.h"

namespace lig {

/// Query `row` sees none but keys of [first, last] that are of [row - behind,
/// row + ahead].
struct MaskBand {
  int64_t first, last, behind, ahead;
  /// What the score of a hidden key may be at most, where that is a number:
  /// then it is hidden only from queries that see a score far above it.
  std::optional<double> hiddenScore;
  /// Where that number is added to a score: the score of a hidden key is at most
  /// `hiddenScore` and this times the magnitude of its product.
  double scoreFactor = 0;
};

/// The narrowest band of what neither constant masks of `op` nor comparisons of
/// places hide; nothing where nothing is known to be hidden. Numbers that a
/// constant adds hide only if `boundsScores`: whoever asks has to bound products.
std::optional<MaskBand> findMaskBand(net::AttentionOp op,
                                     bool boundsScores = false);

} // namespace lig

#endif // LIGATURE_ANALYSIS_MASKBAND_H
