/// Whether two tensors known at compile time hold the same elements, in the
/// same order or in another.
#ifndef LIGATURE_ANALYSIS_EQUIVALENCE_H
#define LIGATURE_ANALYSIS_EQUIVALENCE_H

#include "Ligature/Analysis/TensorBytes.h"

namespace lig {

/// Equal for equal bytes in equal order.
uint64_t hashBytes(llvm::ArrayRef<char> bytes);

/// Equal for tensors that hold equal elements, `width` bytes each, in any
/// order.
uint64_t hashElements(llvm::ArrayRef<char> bytes, int64_t width);

/// `other` is `root` reshaped to `shape`, transposed by `permutation`
/// (dimension i of the result is dimension permutation[i]) and reshaped to
/// other's type.
struct Rearrangement {
  llvm::SmallVector<int64_t> shape;
  llvm::SmallVector<int64_t> permutation;
};

/// How `root` becomes `other`, bit for bit, if some permutation of the
/// dimensions of either does it. Both have one element type, equally many
/// elements, and different bytes. Extents of one do not matter; of more than
/// five other dimensions the last ones stay together.
std::optional<Rearrangement> findTranspose(const TensorBytes &root,
                                           const TensorBytes &other);

} // namespace lig

#endif // LIGATURE_ANALYSIS_EQUIVALENCE_H
