// Tied weights that are used in several orientations, stored in one.
#ifndef LIGATURE_LIB_CODEGEN_READTHROUGHTRANSPOSES_H
#define LIGATURE_LIB_CODEGEN_READTHROUGHTRANSPOSES_H

#include "ParameterReads.h"

namespace lig::codegen {
/// Where a parameter stays as it is, makes the linalg consumers of its
/// transposes read it through their maps; where it is only read transposed, in
/// several ways, makes all read the most frequent one. Returns how many
/// consumers changed.
unsigned readThroughTransposes(mlir::ModuleOp module,
                               const ParameterReads &reads);
} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_READTHROUGHTRANSPOSES_H
