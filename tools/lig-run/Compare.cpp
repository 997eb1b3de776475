// Comparing outputs with references.

#include "Compare.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>
#include <cstring>

using namespace lig::run;

static bool isFloat(int32_t dtype) {
  return dtype == LIG_F32 || dtype == LIG_F64 || dtype == LIG_F16 ||
         dtype == LIG_BF16;
}

/// How far apart two numbers of a type may be that are rounded differently.
static double precisionOf(int32_t dtype) {
  if (dtype == LIG_F16)
    return 0x1p-10;
  if (dtype == LIG_BF16)
    return 0x1p-7;
  return 0;
}

namespace {
/// The elements that break a rule.
struct Breaches {
  int64_t first = -1, count = 0;
  void add(int64_t index) {
    if (count++ == 0)
      first = index;
  }
};
} // namespace

static std::string report(const Tensor &got, const Tensor &want,
                          const Breaches &breaches, double difference,
                          double magnitude) {
  llvm::SmallVector<int64_t> place(want.dims.size());
  int64_t rest = breaches.first;
  for (int64_t d = want.dims.size() - 1; d >= 0; --d) {
    place[d] = rest % want.dims[d];
    rest /= want.dims[d];
  }
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "output '" << got.name << "' " << describeType(want.dtype, want.dims)
      << " differs at [";
  llvm::interleave(place, out, ",");
  out << "]: " << llvm::format("%.9g", got.at(breaches.first)) << ", expected "
      << llvm::format("%.9g", want.at(breaches.first)) << " (" << breaches.count
      << " of " << want.numElements() << " elements";
  if (isFloat(want.dtype))
    out << "; largest difference " << llvm::format("%.3g", difference)
        << ", largest magnitude " << llvm::format("%.3g", magnitude);
  out << ")";
  return text;
}

static std::string compareExactly(const Tensor &got, const Tensor &want) {
  Breaches breaches;
  int64_t width = lig_dtype_bytes(want.dtype);
  for (int64_t i = 0, end = want.numElements(); i < end; ++i)
    if (std::memcmp(got.data() + i * width, want.data() + i * width, width))
      breaches.add(i);
  return breaches.count ? report(got, want, breaches, 0, 0) : "";
}

static std::string compareFloats(const Tensor &got, const Tensor &want,
                                 const Tolerance &tolerance, double *largest) {
  int64_t count = want.numElements();
  double magnitude = 0, difference = 0;
  for (int64_t i = 0; i < count; ++i)
    if (double value = std::fabs(want.at(i)); std::isfinite(value))
      magnitude = std::max(magnitude, value);

  double allowed = magnitude * tolerance.relative;
  if (tolerance.rule != Tolerance::Magnitude)
    allowed = magnitude * std::max(tolerance.relative, precisionOf(want.dtype));
  Breaches onnx, relative;
  for (int64_t i = 0; i < count; ++i) {
    double a = got.at(i), b = want.at(i);
    if (a == b || (std::isnan(a) && std::isnan(b)))
      continue;
    double apart = std::fabs(a - b);
    // Also where one is NaN or infinite: then no comparison below holds.
    bool finite = std::isfinite(apart);
    if (finite)
      difference = std::max(difference, apart);
    if (!finite || apart > 1e-7 + 1e-3 * std::fabs(b))
      onnx.add(i);
    if (!finite || apart > allowed)
      relative.add(i);
  }
  if (largest && magnitude > 0)
    *largest = std::max(*largest, difference / magnitude);
  bool onnxCounts = tolerance.rule != Tolerance::Magnitude;
  bool relativeCounts = tolerance.rule != Tolerance::Onnx;
  if ((onnxCounts && onnx.count == 0) ||
      (relativeCounts && relative.count == 0))
    return "";
  return report(got, want, relativeCounts ? relative : onnx, difference,
                magnitude);
}

std::string lig::run::compare(const Tensor &got, const Tensor &want,
                              const Tolerance &tolerance, double *largest) {
  if (got.dtype != want.dtype || got.dims != want.dims)
    return "output '" + got.name + "' is " + describeType(got.dtype, got.dims) +
           ", expected " + describeType(want.dtype, want.dims);
  return isFloat(want.dtype) ? compareFloats(got, want, tolerance, largest)
                             : compareExactly(got, want);
}
