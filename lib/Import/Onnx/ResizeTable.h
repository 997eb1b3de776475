// Which input elements make each output element along one axis of Resize, and
// with what weights (ONNX operators, Resize: coordinate_transformation_mode,
// mode, nearest_mode, exclude_outside, antialias).
#pragma once

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace lig::onnx_import {

struct ResizeRule {
  enum Interpolation { Nearest, Linear, Cubic };
  Interpolation interpolation = Nearest;
  std::string coordinates = "half_pixel";
  std::string nearest = "round_prefer_floor";
  /// The free coefficient of Keys' cubic kernel.
  double cubicCoefficient = -0.75;
  bool excludesOutside = false, antialias = false;

  /// Empty, or what attribute has a value that no specification lists.
  std::string check() const;
};

/// An axis of `from` elements that becomes one of `to`. The region of interest
/// is in parts of the axis.
struct ResizeAxis {
  int64_t from, to;
  double scale;
  double start = 0, end = 1;
};

/// Output i is the sum over t of weights[t][i] * input[indices[t][i]], unless
/// it lies outside of the input and takes the extrapolation value.
struct ResizeTable {
  llvm::SmallVector<llvm::SmallVector<int64_t>> indices;
  llvm::SmallVector<llvm::SmallVector<double>> weights;
  llvm::SmallVector<bool> outside;
};

ResizeTable makeResizeTable(const ResizeRule &rule, const ResizeAxis &axis);

} // namespace lig::onnx_import
