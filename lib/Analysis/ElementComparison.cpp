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

std::optional<int64_t> lig::findDifference(const TensorBytes &a,
                                           const TensorBytes &b,
                                           double tolerance) {
  if (a.data == b.data)
    return std::nullopt;
  Type element = a.type.getElementType();
  int64_t width = getElementBytes(element);
  std::optional<ScalarKind> kind = getScalarKind(element);
  for (int64_t i = 0, count = a.type.getNumElements(); i < count; ++i) {
    ArrayRef<char> left = a.data.slice(i * width, width),
                   right = b.data.slice(i * width, width);
    if (left == right)
      continue;
    if (tolerance > 0 && kind) {
      Scalar x = loadScalar(*kind, left.data());
      Scalar y = loadScalar(*kind, right.data());
      double gap = isFloat(*kind)
                       ? std::abs(x.f - y.f)
                       : std::abs(static_cast<double>(x.i) -
                                  static_cast<double>(y.i));
      if (gap <= tolerance)
        continue;
    }
    return i;
  }
  return std::nullopt;
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
  Scalar value = loadScalar(*kind, raw.data());
  std::string text;
  llvm::raw_string_ostream out(text);
  if (!isFloat(*kind))
    out << value.i;
  else if (std::isnan(value.f))
    out << "a NaN of bytes 0x" << llvm::toHex(llvm::toStringRef(raw));
  else
    out << llvm::format(*kind == ScalarKind::F64 ? "%.17g" : "%.9g", value.f);
  return text;
}
