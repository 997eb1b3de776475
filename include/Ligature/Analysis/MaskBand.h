// Which keys a constant mask leaves to each query.
#ifndef LIGATURE_ANALYSIS_MASKBAND_H
#define LIGATURE_ANALYSIS_MASKBAND_H

#include "Ligature/Dialect/Net/IR/Net.h"

namespace lig {

/// Query `row` sees none but keys of [first, last] that are of [row - behind,
/// row + ahead].
struct MaskBand {
  int64_t first, last, behind, ahead;
};

/// The narrowest band of what the masks of `op`, constants that are added to
/// scores, do not make minus infinity; nothing where none of them is known.
std::optional<MaskBand> findMaskBand(net::AttentionOp op);

} // namespace lig

#endif // LIGATURE_ANALYSIS_MASKBAND_H
