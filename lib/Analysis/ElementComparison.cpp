// Where two tensors differ, in the words of a diagnostic.

#include "Ligature/Analysis/ElementComparison.h"

#include "ScalarProgram.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;
using namespace lig;

static bool isFloat(ScalarKind kind) {
  return kind == ScalarKind::F16 || kind == ScalarKind::BF16 ||
         kind == ScalarKind::F32 || kind == ScalarKind::F64;
}

/// An element, unlike in arithmetic with the sign that its type has.
static Scalar loadElement(Type type, ScalarKind kind, ArrayRef<char> bytes) {
  Scalar value = loadScalar(kind, bytes.data());
  if (kind == ScalarKind::I1)
    value.i = value.i != 0;
  if (type.isUnsignedInteger() && bytes.size() < sizeof(value.i))
    value.i &= (int64_t(1) << (8 * bytes.size())) - 1;
  return value;
}

/// The distance of two elements of other bits, NaN where there is none.
static double getDistance(Type type, std::optional<ScalarKind> kind,
                          ArrayRef<char> left, ArrayRef<char> right) {
  if (!kind)
    return std::nan("");
  Scalar x = loadElement(type, *kind, left), y = loadElement(type, *kind, right);
  if (isFloat(*kind))
    return std::abs(x.f - y.f);
  // Exact, where doubles could not tell neighbours apart.
  bool isLess = type.isUnsignedInteger()
                    ? static_cast<uint64_t>(x.i) < static_cast<uint64_t>(y.i)
                    : x.i < y.i;
  uint64_t gap = isLess ? uint64_t(y.i) - uint64_t(x.i)
                        : uint64_t(x.i) - uint64_t(y.i);
  return static_cast<double>(gap);
}

/// Calls `handle` with the position and the distance of elements that differ
/// until it returns false.
static void
forEachDifference(const TensorBytes &a, const TensorBytes &b,
                  llvm::function_ref<bool(int64_t, double)> handle) {
  if (a.data == b.data)
    return;
  Type element = a.type.getElementType();
  int64_t width = getElementBytes(element);
  std::optional<ScalarKind> kind = getScalarKind(element);
  for (int64_t i = 0, count = a.type.getNumElements(); i < count; ++i) {
    ArrayRef<char> left = a.data.slice(i * width, width),
                   right = b.data.slice(i * width, width);
    if (left != right && !handle(i, getDistance(element, kind, left, right)))
      return;
  }
}

std::optional<int64_t> lig::findDifference(const TensorBytes &a,
                                           const TensorBytes &b,
                                           double tolerance) {
  std::optional<int64_t> found;
  forEachDifference(a, b, [&](int64_t position, double distance) {
    // A NaN is within no tolerance.
    if (tolerance > 0 && distance <= tolerance)
      return true;
    found = position;
    return false;
  });
  return found;
}

Differences lig::compareElements(const TensorBytes &a, const TensorBytes &b) {
  Differences result;
  forEachDifference(a, b, [&](int64_t position, double distance) {
    if (result.count++ == 0)
      result.first = position;
    if (std::isnan(distance))
      ++result.withoutDistance;
    else
      result.largest = std::max(result.largest, distance);
    return true;
  });
  return result;
}

std::string lig::printPosition(RankedTensorType type, int64_t position) {
  SmallVector<int64_t> index(type.getRank());
  for (int64_t dim = type.getRank(); dim-- > 0;) {
    index[dim] = position % type.getDimSize(dim);
    position /= type.getDimSize(dim);
  }
  std::string text;
  llvm::raw_string_ostream out(text);
  out << '[';
  llvm::interleaveComma(index, out);
  out << ']';
  return text;
}

std::string lig::printElement(const TensorBytes &bytes, int64_t position) {
  Type element = bytes.type.getElementType();
  int64_t width = getElementBytes(element);
  ArrayRef<char> raw = bytes.data.slice(position * width, width);
  std::optional<ScalarKind> kind = getScalarKind(element);
  if (!kind)
    return "0x" + llvm::toHex(llvm::toStringRef(raw));
  Scalar value = loadElement(element, *kind, raw);
  std::string text;
  llvm::raw_string_ostream out(text);
  if (element.isUnsignedInteger(64))
    out << static_cast<uint64_t>(value.i);
  else if (!isFloat(*kind))
    out << value.i;
  else if (std::isnan(value.f))
    out << "a NaN of bytes 0x" << llvm::toHex(llvm::toStringRef(raw));
  else
    out << llvm::format(*kind == ScalarKind::F64 ? "%.17g" : "%.9g", value.f);
  return text;
}
