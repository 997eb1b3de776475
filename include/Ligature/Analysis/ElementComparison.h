/// Compares tensors element by element, for diagnostics that show where two
/// differ.
#ifndef LIGATURE_ANALYSIS_ELEMENTCOMPARISON_H
#define LIGATURE_ANALYSIS_ELEMENTCOMPARISON_H

#include "Ligature/Analysis/TensorBytes.h"

namespace lig {

/// The row-major position of the first element that differs by more than
/// `tolerance`; with 0, by any bit. Both have one type.
std::optional<int64_t> findDifference(const TensorBytes &a,
                                      const TensorBytes &b, double tolerance);

/// How two tensors of one type differ.
struct Differences {
  /// Elements with other bits, and the row-major position of the first.
  int64_t count = 0, first = 0;
  /// The largest distance between two numbers; elements of which one is a NaN
  /// have none and are counted.
  double largest = 0;
  int64_t withoutDistance = 0;
};
Differences compareElements(const TensorBytes &a, const TensorBytes &b);

/// "[3, 0, 5]" for a row-major position.
std::string printPosition(mlir::RankedTensorType type, int64_t position);

/// The element as a number with all digits that matter, or its bytes.
std::string printElement(const TensorBytes &bytes, int64_t position);

} // namespace lig

#endif // LIGATURE_ANALYSIS_ELEMENTCOMPARISON_H
