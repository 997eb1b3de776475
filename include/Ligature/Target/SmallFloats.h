// Floats that machines store and do not compute with.
#ifndef LIGATURE_TARGET_SMALLFLOATS_H
#define LIGATURE_TARGET_SMALLFLOATS_H

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace lig::target {

/// Adds passes that compute sums and functions of bf16, and functions of f16, in
/// f32. Left as they are they would call functions that few libraries have.
void addSmallFloats(mlir::OpPassManager &pm);

} // namespace lig::target

#endif // LIGATURE_TARGET_SMALLFLOATS_H
