/// Slices that a scan hands its steps.
#ifndef LIGATURE_DIALECT_NET_IR_SCANSLICES_H
#define LIGATURE_DIALECT_NET_IR_SCANSLICES_H

#include "Ligature/Dialect/Net/IR/Net.h"

namespace lig::net {

/// The scan that hands `value` to its steps and the number of the input of which
/// it is a slice; a null scan for any other value.
struct ScanSlice {
  ScanOp scan;
  unsigned input = 0;
};
ScanSlice findScanSlice(mlir::Value value);

/// One more input of `scan`, with a leading dimension of steps; returns what a
/// step reads of it, the last first if `isReversed`.
mlir::Value addScanInput(ScanOp scan, mlir::Value stack,
                         bool isReversed = false);

} // namespace lig::net

#endif // LIGATURE_DIALECT_NET_IR_SCANSLICES_H
