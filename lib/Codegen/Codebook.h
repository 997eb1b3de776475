// Weights of few distinct values: a table of those, and which one each is.
#ifndef LIGATURE_LIB_CODEGEN_CODEBOOK_H
#define LIGATURE_LIB_CODEGEN_CODEBOOK_H

#include "Ligature/Analysis/TensorBytes.h"

namespace lig::codegen {

/// On a frozen f32 parameter: the model reads it through a table, so it is to be
/// stored as codes and not as it stands.
inline constexpr llvm::StringLiteral kCodesAttr = "share.codes";

/// Entries that codes of 4 bits and of a byte count.
inline constexpr size_t kSmallTable = 16, kLargeTable = 256;

/// The values that occur, by their bits, in ascending order of those; nothing
/// if there are more than `most`.
std::optional<std::vector<float>>
findDistinctValues(llvm::ArrayRef<float> values, size_t most);

/// `count` values such that the squared distances of all `values` (finite) to
/// the nearest are small: k-means (S. Lloyd, "Least squares quantization in
/// PCM", 1982), begun at quantiles. Ascending; depends on nothing but the
/// values.
std::vector<float> findClusters(llvm::ArrayRef<float> values, size_t count);

/// The number of the entry of ascending `table` that is nearest to `value`.
size_t findNearest(llvm::ArrayRef<float> table, float value);

/// Bytes of a codebook and its codes that stand for `values`; nothing if they
/// are no f32 or too many different ones.
std::optional<int64_t> countCodedBytes(const TensorBytes &values);

} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_CODEBOOK_H
