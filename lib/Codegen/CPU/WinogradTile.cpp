// F(4, 3) interpolates at 0, 1, -1, 2, -2 and infinity, F(2, 3) at the first
// three and infinity: fewer products are saved, and less is rounded.

#include "WinogradTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::cpu {

static constexpr double kFilters4[][3] = {{1.0 / 4, 0, 0},
                                          {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                          {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                          {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                          {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                          {0, 0, 1}};
static constexpr double kFilters2[][3] = {
    {1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

std::vector<float> transformFilters(const float *weight, int64_t offset,
                                    int64_t numFilters, int64_t filterStep,
                                    const WinogradConv &conv) {
  const double(*g)[3] = conv.tileOut() == 4 ? kFilters4 : kFilters2;
  int64_t extent = conv.tileIn(), channels = conv.allChannels();
  std::vector<float> result(conv.tileProducts() * channels * numFilters);
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t f = 0; f < numFilters; ++f) {
      const float *taps = weight + offset + c / conv.channels * conv.groupStep +
                          c % conv.channels * conv.channelStep + f * filterStep;
      for (int64_t y = 0; y < extent; ++y)
        for (int64_t x = 0; x < extent; ++x) {
          double sum = 0;
          for (int64_t a = 0; a < 3; ++a)
            for (int64_t b = 0; b < 3; ++b)
              sum += g[y][a] * g[x][b] *
                     taps[a * conv.rowTap + b * conv.columnTap];
          result[((y * extent + x) * channels + c) * numFilters + f] =
              float(sum);
        }
    }
  return result;
}

WinogradTile::WinogradTile(Emitter &emitter, const WinogradConv &conv)
    : e(emitter), outputs(conv.tileOut()),
      type(cast<VectorType>(lanesOf(emitter.b.getF32Type(), conv.lanes))) {}

Value WinogradTile::add(Value x, Value y) {
  return arith::AddFOp::create(e.b, x, y);
}

Value WinogradTile::sub(Value x, Value y) {
  return arith::SubFOp::create(e.b, x, y);
}

Value WinogradTile::fma(Value x, double factor, Value y) {
  return vector::FMAOp::create(e.b, x, constant(factor), y);
}

Value WinogradTile::constant(double value) {
  return e.constant(DenseElementsAttr::get(type, float(value)));
}

SmallVector<Value, 6> WinogradTile::transformData(ArrayRef<Value> x) {
  if (outputs == 2)
    return {sub(x[0], x[2]), add(x[1], x[2]), sub(x[2], x[1]), sub(x[3], x[1])};
  Value even = fma(x[2], -4, x[4]), odd = fma(x[1], -4, x[3]);
  Value far = sub(x[4], x[2]), near = sub(x[3], x[1]);
  return {fma(x[0], 4, fma(x[2], -5, x[4])),
          add(even, odd),
          sub(even, odd),
          fma(near, 2, far),
          fma(near, -2, far),
          fma(x[1], 4, fma(x[3], -5, x[5]))};
}

SmallVector<Value, 6> WinogradTile::transformSums(ArrayRef<Value> m) {
  Value sum1 = add(m[1], m[2]), difference1 = sub(m[1], m[2]);
  if (outputs == 2)
    return {add(m[0], sum1), add(difference1, m[3])};
  Value sum2 = add(m[3], m[4]), difference2 = sub(m[3], m[4]);
  return {add(add(m[0], sum1), sum2), fma(difference2, 2, difference1),
          fma(sum2, 4, sum1), add(fma(difference2, 8, difference1), m[5])};
}

} // namespace lig::codegen::cpu
