// Slices are arguments of a scan's body, behind the number of the step and the
// states, in the order of the scan's inputs.

#include "Ligature/Dialect/Net/IR/ScanSlices.h"

using namespace mlir;
using namespace lig::net;

ScanSlice lig::net::findScanSlice(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto scan = argument
                  ? dyn_cast<ScanOp>(argument.getOwner()->getParentOp())
                  : ScanOp();
  if (!scan)
    return {};
  unsigned first = 1 + scan.getNumStates();
  if (argument.getArgNumber() < first)
    return {};
  return {scan, argument.getArgNumber() - first};
}

Value lig::net::addScanInput(ScanOp scan, Value stack, bool isReversed) {
  if (isReversed || scan.getReverseInputs()) {
    SmallVector<bool> reversed;
    for (unsigned i = 0; i < scan.getInputs().size(); ++i)
      reversed.push_back(scan.isInputReversed(i));
    reversed.push_back(isReversed);
    scan.setReverseInputs(ArrayRef<bool>(reversed));
  }
  scan.getInputsMutable().append(stack);
  return scan.getBody().front().addArgument(
      ScanOp::getSliceType(stack.getType()), stack.getLoc());
}
