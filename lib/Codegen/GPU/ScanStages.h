// Where the blocks of a kernel that lives through a scan wait for each other.
#ifndef LIGATURE_CODEGEN_GPU_SCANSTAGES_H
#define LIGATURE_CODEGEN_GPU_SCANSTAGES_H

#include "ScanBody.h"

namespace lig::codegen::gpu {

/// Finds buffers that need two places, gives operations their stages and
/// groups, and finds what is exchanged through memory. Fails if operations
/// cannot be ordered by waiting.
mlir::LogicalResult planStages(ScanBody &body);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_SCANSTAGES_H
