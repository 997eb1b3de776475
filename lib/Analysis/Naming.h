// How reports call tensors, operations and sizes.
#ifndef LIGATURE_LIB_ANALYSIS_NAMING_H
#define LIGATURE_LIB_ANALYSIS_NAMING_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace lig {

/// Shape and element type, as `48x64xf32`.
std::string shortType(mlir::RankedTensorType type);
/// The name of the node that `op` comes from, else where the text has it, else
/// the operation's own name.
std::string nameOperation(mlir::Operation *op);
/// "1.9 MB"; units of 1000, exact below 1000.
std::string formatBytes(int64_t bytes);

} // namespace lig

#endif // LIGATURE_LIB_ANALYSIS_NAMING_H
