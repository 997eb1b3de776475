// The machine's sum of two products of bytes saturates at 16 bits. The data are
// not known, but the largest that they can be is: 255.

#include "PairSums.h"

#include <algorithm>

namespace lig::codegen {

bool pairSumsFit(llvm::ArrayRef<char> weights, llvm::ArrayRef<int64_t> shape,
                 unsigned axis) {
  int64_t extent = shape[axis], inner = 1;
  for (int64_t i : shape.drop_front(axis + 1))
    inner *= i;
  auto fits = [](int first, int second) {
    int most = std::max(first, 0) + std::max(second, 0);
    int least = std::min(first, 0) + std::min(second, 0);
    return 255 * most <= INT16_MAX && 255 * least >= INT16_MIN;
  };
  for (size_t i = 0; i < weights.size(); ++i) {
    int64_t place = i / inner % extent;
    if (place % 2)
      continue;
    int8_t second = place + 1 < extent ? weights[i + inner] : 0;
    if (!fits(int8_t(weights[i]), second))
      return false;
  }
  return true;
}

} // namespace lig::codegen
