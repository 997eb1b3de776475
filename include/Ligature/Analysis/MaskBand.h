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
};

/// The narrowest band of what neither constant masks of `op` nor comparisons of
/// places hide; nothing where nothing is known to be hidden.
std::optional<MaskBand> findMaskBand(net::AttentionOp op);

} // namespace lig

#endif // LIGATURE_ANALYSIS_MASKBAND_H
