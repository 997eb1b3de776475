// Eklundh's transposition: quarters of ever smaller squares change places, so
// n lines take log2(n) rounds of n two-operand shuffles.

#include "Transpose.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::cpu {

SmallVector<Value> transposeSquare(ImplicitLocOpBuilder &b,
                                   ArrayRef<Value> lines) {
  int64_t size = lines.size();
  SmallVector<Value> square(lines);
  for (int64_t half = size / 2; half > 0; half /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < size; ++lane) {
      bool upper = lane & half;
      low.push_back(upper ? size + lane - half : lane);
      high.push_back(upper ? size + lane : lane + half);
    }
    for (int64_t line = 0; line < size; ++line) {
      if (line & half)
        continue;
      Value first = square[line], second = square[line + half];
      square[line] = vector::ShuffleOp::create(b, first, second, low);
      square[line + half] = vector::ShuffleOp::create(b, first, second, high);
    }
  }
  return square;
}

} // namespace lig::codegen::cpu
