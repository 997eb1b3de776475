// Weights as narrower numbers, and how far those are from what they stand for.
#ifndef LIGATURE_LIB_CODEGEN_WEIGHTFORMAT_H
#define LIGATURE_LIB_CODEGEN_WEIGHTFORMAT_H

#include "Ligature/Analysis/TensorBytes.h"

namespace lig::codegen {

/// Codebooks have codes of 4 bits or a byte, kept in a byte each until kernels
/// pack them, and a table of what the codes stand for.
enum class WeightFormat { BF16, F16, Int8, Codebook4, Codebook8 };
std::optional<WeightFormat> parseWeightFormat(llvm::StringRef name);
llvm::StringRef stringifyWeightFormat(WeightFormat format);
mlir::Type getElementType(WeightFormat format, mlir::MLIRContext *context);

/// The channel of element i is i / inner % channels, i being its row-major
/// position: every channel of integers has a scale of its own.
struct Channels {
  int64_t channels = 1;
  int64_t inner = 1;
  bool operator==(const Channels &other) const {
    return channels == other.channels && inner == other.inner;
  }
};

struct NarrowWeights {
  TensorBytes values;
  /// One f32 a channel; of no elements for floats and exact codebooks.
  TensorBytes scales;
  /// What codes stand for: 16 f32, or as many as there are for codes of a byte;
  /// of no elements for other formats.
  TensorBytes table;
  /// The greatest distance of an element from what is read instead, in parts of
  /// the greatest magnitude in the tensor.
  double error = 0;
};

/// `wide` (f32) in `format`: floats rounded to nearest even, integers in
/// [-127, 127] times the scale of their channel, symmetric around zero.
/// A codebook has the distinct values themselves if they are few enough, with
/// no scales; else codes of 4 bits stand for the clusters of all values divided
/// by the root of their channel's mean square. Nothing if an element is no
/// finite number, or none in the format.
std::optional<NarrowWeights> narrowWeights(const TensorBytes &wide,
                                           WeightFormat format,
                                           Channels channels);

} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_WEIGHTFORMAT_H
