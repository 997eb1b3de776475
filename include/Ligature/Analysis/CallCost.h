/// What a call of a weight costs, and so what calls gain by being one.
///
/// A call reads its weight once and multiplies each element with every row of
/// its data. Reading and multiplying overlap in part, so the time is the length
/// of the vector of both, not their sum or their maximum. Measured: a product
/// of 4 rows with a weight in the second or third cache takes 1.35 times as
/// long as one of a single row, one of 8 rows 2.1 times; this says 1.3 and 2.0.
#ifndef LIGATURE_ANALYSIS_CALLCOST_H
#define LIGATURE_ANALYSIS_CALLCOST_H

#include "mlir/IR/Operation.h"

#include <optional>

namespace lig {

/// The work of one call.
struct CallWork {
  /// Multiplications and additions.
  double flops = 0;
  /// Bytes of the parameters that are read.
  double weightBytes = 0;
};

/// The work of a convolution or linalg operation of static shape; nothing for
/// other operations.
std::optional<CallWork> getCallWork(mlir::Operation *op);

/// Bytes of all parameters that operations in `root` read, views counted as
/// they are seen: how far apart two reads of one weight lie.
int64_t countParameterBytes(mlir::Operation *root);

/// Times in microseconds on one core.
class CallCost {
public:
  /// A core with vectors of `vectorBits`; between two reads of a weight it
  /// reads `bytesBetween` bytes of others, which says where the weight waits.
  CallCost(unsigned vectorBits, int64_t bytesBetween);

  double timeOf(const CallWork &call) const;
  /// Of reading and writing `bytes`.
  double timeOfCopy(double bytes) const;

private:
  double flopsPerMicrosecond;
  double bytesPerMicrosecond;
};

} // namespace lig

#endif // LIGATURE_ANALYSIS_CALLCOST_H
