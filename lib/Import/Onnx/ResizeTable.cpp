// Places and weights of Resize.

#include "ResizeTable.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace lig::onnx_import;

std::string ResizeRule::check() const {
  static const llvm::StringRef known[] = {
      "half_pixel",        "half_pixel_symmetric", "pytorch_half_pixel",
      "align_corners",     "asymmetric",           "tf_half_pixel_for_nn",
      "tf_crop_and_resize"};
  static const llvm::StringRef roundings[] = {
      "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
  if (!llvm::is_contained(known, coordinates))
    return "coordinate_transformation_mode is '" + coordinates + "'";
  if (!llvm::is_contained(roundings, nearest))
    return "nearest_mode is '" + nearest + "'";
  return "";
}

/// The place in the input that output `i` stands for.
static double placeOf(llvm::StringRef mode, const ResizeAxis &axis, int64_t i) {
  double from = axis.from, to = axis.to;
  double centre = (i + 0.5) / axis.scale;
  if (mode == "asymmetric")
    return i / axis.scale;
  if (mode == "align_corners") {
    // The reference takes the extent before it is rounded down.
    double extent = from * axis.scale;
    return extent == 1 || to == 1 ? 0 : i * (from - 1) / (extent - 1);
  }
  if (mode == "tf_half_pixel_for_nn")
    return centre;
  if (mode == "tf_crop_and_resize")
    return to > 1 ? axis.start * (from - 1) +
                        i * (axis.end - axis.start) * (from - 1) / (to - 1)
                  : 0.5 * (axis.start + axis.end) * (from - 1);
  if (mode == "pytorch_half_pixel" && to <= 1)
    return 0;
  if (mode == "half_pixel_symmetric")
    return from / 2 * (1 - to / (axis.scale * from)) + centre - 0.5;
  return centre - 0.5;
}

static double rounded(llvm::StringRef mode, double x) {
  if (mode == "floor")
    return std::floor(x);
  if (mode == "ceil")
    return std::ceil(x);
  return mode == "round_prefer_ceil" ? std::floor(x + 0.5) : std::ceil(x - 0.5);
}

/// The interpolation kernel at distance `x` from its centre; the cubic one is
/// Keys, "Cubic convolution interpolation for digital image processing", 1981.
static double kernel(const ResizeRule &rule, double x) {
  x = std::fabs(x);
  if (rule.interpolation == ResizeRule::Linear)
    return std::max(0.0, 1 - x);
  double a = rule.cubicCoefficient;
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/// The weights of one output, of which input `first` is the first.
static llvm::SmallVector<double> weightsAt(const ResizeRule &rule,
                                           const ResizeAxis &axis, double ratio,
                                           double stretch, int64_t first,
                                           int64_t begin, int64_t count) {
  llvm::SmallVector<double> weights;
  double sum = 0;
  for (int64_t t = 0; t < count; ++t) {
    bool inside = first + t >= 0 && first + t < axis.from;
    double weight = kernel(rule, (begin + t - ratio) / stretch);
    weights.push_back(rule.excludesOutside && !inside ? 0 : weight);
    sum += weights.back();
  }
  if ((rule.excludesOutside || rule.antialias) && sum != 0)
    for (double &weight : weights)
      weight /= sum;
  return weights;
}

ResizeTable lig::onnx_import::makeResizeTable(const ResizeRule &rule,
                                              const ResizeAxis &axis) {
  bool nearest = rule.interpolation == ResizeRule::Nearest;
  double stretch = rule.antialias ? std::max(1.0, 1 / axis.scale) : 1;
  double support = rule.interpolation == ResizeRule::Cubic ? 2 : 1;
  int64_t begin = nearest ? 0 : std::floor(-support * stretch) + 1;
  int64_t count = nearest ? 1 : 2 - 2 * begin;
  ResizeTable table;
  table.indices.resize(count);
  table.weights.resize(count);
  for (int64_t i = 0; i < axis.to; ++i) {
    double place = placeOf(rule.coordinates, axis, i);
    table.outside.push_back(rule.coordinates == "tf_crop_and_resize" &&
                            (place < 0 || place > axis.from - 1));
    // Far outside, clamping gives the same and cannot overflow.
    place = std::clamp(place, -double(count) - 1, double(axis.from + count));
    double base = nearest ? rounded(rule.nearest, place) : std::floor(place);
    int64_t first = static_cast<int64_t>(base) + begin;
    llvm::SmallVector<double> weights = {1};
    if (!nearest)
      weights =
          weightsAt(rule, axis, place - base, stretch, first, begin, count);
    for (int64_t t = 0; t < count; ++t) {
      table.indices[t].push_back(
          std::clamp<int64_t>(first + t, 0, axis.from - 1));
      table.weights[t].push_back(weights[t]);
    }
  }
  return table;
}
