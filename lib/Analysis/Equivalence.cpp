// A transpose is found by trying: two tensors whose elements are the same in
// some order are compared under each permutation of their dimensions. Nearly
// every wrong permutation differs within a few elements, so this costs hardly
// more than the one comparison that succeeds.
//
// Bits are compared, never numbers: -0.0 is not 0.0 and a NaN is itself.

#include "Ligature/Analysis/Equivalence.h"

#include "llvm/Support/xxhash.h"

#include <cstring>
#include <numeric>

using namespace mlir;
using namespace lig;

static constexpr unsigned kMaxPermutedRank = 5;

uint64_t lig::hashBytes(ArrayRef<char> bytes) {
  return llvm::xxh3_64bits(StringRef(bytes.data(), bytes.size()));
}

static uint64_t mixBits(uint64_t value) {
  value = (value ^ (value >> 31)) * 0x9E3779B97F4A7C15ull;
  value = (value ^ (value >> 29)) * 0xBF58476D1CE4E5B9ull;
  return value ^ (value >> 32);
}

template <typename Word> static uint64_t sumWords(ArrayRef<char> bytes) {
  uint64_t sum = 0;
  for (size_t at = 0; at + sizeof(Word) <= bytes.size(); at += sizeof(Word)) {
    Word word;
    std::memcpy(&word, bytes.data() + at, sizeof(Word));
    sum += mixBits(static_cast<uint64_t>(word) + 1);
  }
  return sum;
}

uint64_t lig::hashElements(ArrayRef<char> bytes, int64_t width) {
  switch (width) {
  case 1:
    return sumWords<uint8_t>(bytes);
  case 2:
    return sumWords<uint16_t>(bytes);
  case 4:
    return sumWords<uint32_t>(bytes);
  case 8:
    return sumWords<uint64_t>(bytes);
  default:
    uint64_t sum = 0;
    for (size_t at = 0; at + width <= bytes.size(); at += width)
      sum += hashBytes(bytes.slice(at, width));
    return sum;
  }
}

/// Elements per step of each dimension, row-major.
static SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;)
    strides[i - 1] = strides[i] * shape[i];
  return strides;
}

/// True if `other` is `root`, read with `shape`, transposed by `permutation`.
static bool isTransposed(ArrayRef<char> root, ArrayRef<char> other,
                         ArrayRef<int64_t> shape,
                         ArrayRef<int64_t> permutation, int64_t width) {
  SmallVector<int64_t> from = stridesOf(shape), extents, strides;
  for (int64_t dim : permutation) {
    extents.push_back(shape[dim]);
    strides.push_back(from[dim] * width);
  }
  size_t rank = extents.size();
  SmallVector<int64_t> index(rank, 0);
  int64_t source = 0, inner = extents.back(), step = strides.back();
  for (size_t at = 0; at < other.size(); at += inner * width) {
    const char *left = root.data() + source, *right = other.data() + at;
    // The copies of a fixed size become single loads.
    if (width == 4) {
      for (int64_t i = 0; i < inner; ++i)
        if (std::memcmp(left + i * step, right + i * 4, 4) != 0)
          return false;
    } else {
      for (int64_t i = 0; i < inner; ++i)
        if (std::memcmp(left + i * step, right + i * width, width) != 0)
          return false;
    }
    for (size_t dim = rank - 1; dim-- > 0;) {
      source += strides[dim];
      if (++index[dim] < extents[dim])
        break;
      source -= strides[dim] * extents[dim];
      index[dim] = 0;
    }
  }
  return true;
}

/// The shape without extents of one, the last ones of many joined.
static SmallVector<int64_t> simplifyShape(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> result;
  for (int64_t extent : shape)
    if (extent != 1)
      result.push_back(extent);
  while (result.size() > kMaxPermutedRank) {
    int64_t last = result.pop_back_val();
    result.back() *= last;
  }
  return result;
}

std::optional<Rearrangement> lig::findTranspose(const TensorBytes &root,
                                                const TensorBytes &other) {
  int64_t width = getElementBytes(root.type.getElementType());
  if (width == 0 || root.data.size() != other.data.size() || root.data.empty())
    return std::nullopt;
  SmallVector<int64_t> rootShape = simplifyShape(root.type.getShape());
  SmallVector<int64_t> otherShape = simplifyShape(other.type.getShape());
  auto tryShape = [&](ArrayRef<int64_t> given,
                      bool isResult) -> std::optional<Rearrangement> {
    SmallVector<int64_t> permutation(given.size());
    std::iota(permutation.begin(), permutation.end(), 0);
    while (std::next_permutation(permutation.begin(), permutation.end())) {
      SmallVector<int64_t> shape(given);
      // Given as the result's, the extents are those after the transpose.
      if (isResult)
        for (auto [i, dim] : llvm::enumerate(permutation))
          shape[dim] = given[i];
      if (isTransposed(root.data, other.data, shape, permutation, width))
        return Rearrangement{shape, permutation};
    }
    return std::nullopt;
  };
  if (std::optional<Rearrangement> found = tryShape(rootShape, false))
    return found;
  if (otherShape == rootShape)
    return std::nullopt;
  return tryShape(otherShape, true);
}
