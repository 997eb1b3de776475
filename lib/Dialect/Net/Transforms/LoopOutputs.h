// What a loop that takes the place of unrolled steps has to give to the rest.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_LOOPOUTPUTS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_LOOPOUTPUTS_H

#include "Ligature/Analysis/RepeatedRegions.h"

namespace lig::net {

/// One result of a member that something outside of the region reads.
struct LoopOutput {
  unsigned member = 0, result = 0;
  enum Kind {
    /// Only the value of the last step is read.
    Final,
    /// Only the value of the last but one is read: what the state was when the
    /// last step began.
    Delayed,
    /// Values of several steps are read.
    Stacked
  } kind = Stacked;
  /// For Stacked: the rest reads the steps from the last to the first.
  bool isReversed = false;
  /// For Delayed, and for Final where there is one: the state of this value.
  std::optional<unsigned> state;
};

/// The outputs of the region, or nothing where a value cannot be stacked.
std::optional<std::vector<LoopOutput>>
findLoopOutputs(const RepeatedRegion &region);

/// Lets everything that reads result `result` of the steps from outside read
/// `stacked` [steps, ...] instead. A concatenation of all steps reads it whole.
void readStacked(mlir::OpBuilder &b, const RepeatedRegion &region,
                 const LoopOutput &output, mlir::Value stacked);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_LOOPOUTPUTS_H
