// When an output counts as equal to its reference.
#pragma once

#include "Tensor.h"

#include <optional>

namespace lig::run {

/// Integers and booleans must be equal, NaN matches NaN, and infinities match
/// themselves. Other floats have two rules, one of which all elements of a
/// tensor must keep:
/// - that of the ONNX backend tests: |got - want| <= 1e-7 + 1e-3 |want|,
/// - |got - want| <= tolerance * the largest magnitude in the reference, where
///   the tolerance is 1e-4, or one unit of precision in 16-bit types.
/// A given tolerance leaves the second rule alone.
struct Tolerance {
  enum Rule { Either, Onnx, Magnitude } rule = Either;
  double relative = 1e-4;
};

/// What differs, with the first element that does; empty if nothing does.
/// `largest`, if not null, is raised to the largest difference relative to the
/// reference's largest magnitude.
std::string compare(const Tensor &got, const Tensor &want,
                    const Tolerance &tolerance, double *largest);

} // namespace lig::run
