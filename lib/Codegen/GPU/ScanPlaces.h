// Where operands of a loop's operations lie, as functions of the loop's step.
#ifndef LIGATURE_CODEGEN_GPU_SCANPLACES_H
#define LIGATURE_CODEGEN_GPU_SCANPLACES_H

#include "ScanBody.h"

namespace lig::codegen::gpu {

/// The place of an operand, with the step of `loop` as a variable.
Place placeOf(mlir::linalg::GenericOp op, mlir::OpOperand &operand,
              mlir::scf::ForOp loop);

/// The first and the last element that a place comes to in step 0.
std::pair<int64_t, int64_t> spanOf(const ScanOp &op, const Place &place);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_SCANPLACES_H
