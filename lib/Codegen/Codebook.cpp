// In one dimension the values nearest to an entry lie together once all are
// sorted, and sums over them are differences of running sums: a step of k-means
// costs a few binary searches, however many weights there are.

#include "Codebook.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

#include <set>

using namespace lig::codegen;

std::optional<std::vector<float>>
lig::codegen::findDistinctValues(llvm::ArrayRef<float> values, size_t most) {
  std::set<uint32_t> bits;
  for (float value : values)
    if (bits.insert(llvm::bit_cast<uint32_t>(value)).second &&
        bits.size() > most)
      return std::nullopt;
  std::vector<float> result;
  for (uint32_t value : bits)
    result.push_back(llvm::bit_cast<float>(value));
  return result;
}

size_t lig::codegen::findNearest(llvm::ArrayRef<float> table, float value) {
  size_t above = llvm::lower_bound(table, value) - table.begin();
  if (above == 0)
    return 0;
  bool isBelow = above == table.size() ||
                 value - table[above - 1] <= table[above] - value;
  return isBelow ? above - 1 : above;
}

std::vector<float> lig::codegen::findClusters(llvm::ArrayRef<float> values,
                                              size_t count) {
  constexpr int mostSteps = 200;
  std::vector<float> sorted(values.begin(), values.end());
  llvm::sort(sorted);
  std::vector<double> sums = {0};
  for (float value : sorted)
    sums.push_back(sums.back() + value);
  std::vector<float> centres;
  for (size_t i = 0; i < count; ++i)
    centres.push_back(sorted[(2 * i + 1) * sorted.size() / (2 * count)]);
  for (int step = 0; step < mostSteps; ++step) {
    std::vector<float> next;
    size_t from = 0;
    for (size_t i = 0; i < count; ++i) {
      size_t to = sorted.size();
      if (i + 1 < count) {
        double middle = (double(centres[i]) + centres[i + 1]) / 2;
        to = std::max<size_t>(
            from, std::upper_bound(sorted.begin(), sorted.end(), middle) -
                      sorted.begin());
      }
      next.push_back(from == to ? centres[i]
                                : float((sums[to] - sums[from]) / (to - from)));
      from = to;
    }
    // An entry without values of its own stays, and may be overtaken.
    llvm::sort(next);
    if (next == centres)
      break;
    centres = next;
  }
  return centres;
}

std::optional<int64_t>
lig::codegen::countCodedBytes(const TensorBytes &values) {
  if (!mlir::RankedTensorType(values.type).getElementType().isF32())
    return std::nullopt;
  llvm::ArrayRef<float> floats(
      reinterpret_cast<const float *>(values.data.data()),
      values.data.size() / sizeof(float));
  auto table = findDistinctValues(floats, kLargeTable);
  if (!table)
    return std::nullopt;
  if (table->size() <= kSmallTable)
    return (floats.size() + 1) / 2 + kSmallTable * sizeof(float);
  return floats.size() + table->size() * sizeof(float);
}
