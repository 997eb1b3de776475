// Transposed convolution as a convolution of stride one: the input is spread
// out by its stride into zeros, with a border as wide as the filter reaches,
// and met by the filter turned around. Pads cut into that border, even beyond
// it, so the first and last input position that still matter are computed.

#include "Builders.h"
#include "Patterns.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lig::net_to_linalg {

/// [C, F/G, K..] -> [G, K.. reversed, C/G, F/G].
static Value turnFilter(ImplicitLocOpBuilder &b, Value filter, int64_t groups) {
  RankedTensorType type = typeOf(filter);
  unsigned spatial = type.getRank() - 2;
  filter = splitDim(b, filter, 0, groups, type.getDimSize(0) / groups);
  SmallVector<int64_t> permutation = {0};
  for (unsigned i = 0; i < spatial; ++i)
    permutation.push_back(3 + i);
  permutation.append({1, 2});
  filter = transpose(b, filter, permutation);
  if (llvm::all_of(type.getShape().drop_front(2),
                   [](int64_t extent) { return extent == 1; }))
    return filter;
  RankedTensorType turned = typeOf(filter);
  SmallVector<AffineExpr> exprs;
  for (unsigned i = 0; i < turned.getRank(); ++i) {
    AffineExpr dim = b.getAffineDimExpr(i);
    bool isTap = i >= 1 && i <= spatial;
    exprs.push_back(isTap ? turned.getDimSize(i) - 1 - dim : dim);
  }
  AffineMap reversed =
      AffineMap::get(turned.getRank(), 0, exprs, b.getContext());
  return elementwise(
      b, filter, reversed, turned.getShape(), turned.getElementType(),
      [](ImplicitLocOpBuilder &, ValueRange in) { return in[0]; });
}

Value lowerConvTranspose(ImplicitLocOpBuilder &b, net::ConvTransposeOp op) {
  Value input = toChannelsLast(b, op.getInput());
  RankedTensorType type = typeOf(input);
  unsigned spatial = type.getRank() - 2;
  ArrayRef<int64_t> outer = typeOf(op.getResult()).getShape().drop_front(2);
  ArrayRef<int64_t> taps = typeOf(op.getFilter()).getShape().drop_front(2);

  SmallVector<int64_t> shape(type.getShape()), starts(type.getRank(), 0),
      counts(type.getShape()), offsets(type.getRank(), 0),
      steps(type.getRank(), 1), ones(type.getRank(), 1);
  bool reached = true;
  for (unsigned i = 0; i < spatial; ++i) {
    int64_t stride = op.getStrides()[i];
    int64_t reach = (taps[i] - 1) * op.getDilations()[i];
    int64_t border = reach - op.getPads()[i];
    int64_t extent = outer[i] + reach;
    // Input position x lands at border + x * stride.
    int64_t first = border >= 0 ? 0 : llvm::divideCeilSigned(-border, stride);
    int64_t last =
        std::min<int64_t>(type.getDimSize(1 + i) - 1,
                          llvm::divideFloorSigned(extent - 1 - border, stride));
    shape[1 + i] = extent;
    starts[1 + i] = first;
    counts[1 + i] = last - first + 1;
    offsets[1 + i] = border + first * stride;
    steps[1 + i] = stride;
    reached &= last >= first;
  }

  auto attrs = [&](ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(b.getContext(), values);
  };
  if (!reached || shape != type.getShape() || counts != type.getShape()) {
    Value spread = filled(b, shape, constant(b, type.getElementType(), 0));
    if (reached) {
      if (counts != type.getShape())
        input = tensor::ExtractSliceOp::create(b, input, attrs(starts),
                                               attrs(counts), attrs(ones));
      spread = tensor::InsertSliceOp::create(b, input, spread, attrs(offsets),
                                             attrs(counts), attrs(steps));
    }
    input = spread;
  }

  SmallVector<int64_t> unit(spatial, 1);
  Value result =
      convolve(b, input, turnFilter(b, op.getFilter(), op.getGroups()),
               op.getBias(), outer, unit, op.getDilations());
  return toChannelsFirst(b, result);
}

} // namespace lig::net_to_linalg
