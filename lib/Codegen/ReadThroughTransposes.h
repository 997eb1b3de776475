// Tied weights that are used in both orientations, stored in one.
#ifndef LIGATURE_LIB_CODEGEN_READTHROUGHTRANSPOSES_H
#define LIGATURE_LIB_CODEGEN_READTHROUGHTRANSPOSES_H

#include "mlir/IR/BuiltinOps.h"

namespace lig::codegen {
/// Where a parameter is read both as it is and transposed, makes the linalg
/// consumers of the transpose read the parameter through their maps. Returns
/// how many did.
unsigned readThroughTransposes(mlir::ModuleOp module);
} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_READTHROUGHTRANSPOSES_H
