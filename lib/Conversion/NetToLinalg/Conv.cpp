// Convolution as one generic op over channels-last data:
//
//   out[n, o.., g, f] += in[n, o*stride + k*dilation.., g, c] * w[g, k.., c, f]
//
// The innermost parallel loop runs over filters (or, depthwise, over channels),
// so input, filter and output are all read along their last dimension or
// broadcast: that is what vectorises. One group drops the g loop; a depthwise
// convolution drops c and f. A few filters over many channels are dot products
// instead: their taps come as w[g, f, k.., c]. The bias is where accumulation
// starts.

#include "Builders.h"
#include "Patterns.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace lig::net_to_linalg {

namespace {
/// Numbers the loops of the convolution and builds its three maps.
struct ConvLoops {
  ConvLoops(ImplicitLocOpBuilder &b, unsigned spatial, bool grouped,
            bool depthwise, bool dots)
      : spatial(spatial), grouped(grouped), depthwise(depthwise), dots(dots),
        b(b) {
    unsigned next = 1 + spatial;
    if (grouped || depthwise)
      group = next++;
    if (!depthwise)
      filter = next++;
    numParallel = next;
    firstKernel = next;
    next += spatial;
    if (!depthwise)
      channel = next++;
    numLoops = next;
  }

  AffineExpr dim(unsigned i) { return b.getAffineDimExpr(i); }
  AffineMap map(ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(numLoops, 0, exprs, b.getContext());
  }

  AffineMap input(ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations) {
    SmallVector<AffineExpr> exprs = {dim(0)};
    for (unsigned i = 0; i < spatial; ++i)
      exprs.push_back(dim(1 + i) * strides[i] +
                      dim(firstKernel + i) * dilations[i]);
    if (grouped || depthwise)
      exprs.push_back(dim(group));
    if (!depthwise)
      exprs.push_back(dim(channel));
    return map(exprs);
  }

  AffineMap weights() {
    SmallVector<AffineExpr> exprs;
    if (grouped)
      exprs.push_back(dim(group));
    if (dots)
      exprs.push_back(dim(filter));
    for (unsigned i = 0; i < spatial; ++i)
      exprs.push_back(dim(firstKernel + i));
    exprs.push_back(dim(depthwise ? group : channel));
    if (!depthwise && !dots)
      exprs.push_back(dim(filter));
    return map(exprs);
  }

  AffineMap output() {
    SmallVector<AffineExpr> exprs;
    for (unsigned i = 0; i < numParallel; ++i)
      exprs.push_back(dim(i));
    return map(exprs);
  }

  unsigned spatial;
  bool grouped, depthwise, dots;
  unsigned group = 0, filter = 0, channel = 0, firstKernel = 0;
  unsigned numParallel = 0, numLoops = 0;

private:
  ImplicitLocOpBuilder &b;
};
} // namespace

Value startFrom(ImplicitLocOpBuilder &b, Value bias, ArrayRef<int64_t> shape,
                Type element) {
  if (!bias)
    return filled(b, shape, constant(b, element, 0));
  // A grouped result ends in [G, F/G]; the bias is split in the same way.
  unsigned rank = shape.size(), tail = typeOf(bias).getRank();
  AffineMap map = b.getMultiDimIdentityMap(rank).getMinorSubMap(tail);
  return elementwise(b, bias, map, shape, element,
                     [&](ImplicitLocOpBuilder &s, ValueRange in) {
                       return convertFloat(s, in[0], element);
                     });
}

Value convolve(ImplicitLocOpBuilder &b, Value input, Value filter, Value bias,
               ArrayRef<int64_t> outer, ArrayRef<int64_t> strides,
               ArrayRef<int64_t> dilations, Type element) {
  unsigned spatial = outer.size();
  ArrayRef<int64_t> taps = typeOf(filter).getShape();
  int64_t groups = taps.front(), channels = taps[1 + spatial],
          filters = taps.back();
  bool depthwise = groups > 1 && channels == 1 && filters == 1;
  bool grouped = groups > 1 && !depthwise;
  bool dots = !depthwise && filters < 8 && channels >= 16;
  ConvLoops loops(b, spatial, grouped, depthwise, dots);
  if (dots) {
    SmallVector<int64_t> filtersFirst = {0, int64_t(2 + spatial)};
    for (unsigned i = 0; i <= spatial; ++i)
      filtersFirst.push_back(1 + i);
    filter = transpose(b, filter, filtersFirst);
  }

  SmallVector<int64_t> shape = {typeOf(input).getDimSize(0)};
  llvm::append_range(shape, outer);
  if (grouped)
    shape.push_back(groups);
  shape.push_back(depthwise ? groups : filters);

  if (grouped) {
    input = splitDim(b, input, 1 + spatial, groups, channels);
    if (bias)
      bias = splitDim(b, bias, 0, groups, filters);
  } else if (depthwise) {
    // [G, K.., 1, 1] holds its taps in the order [G][K..]; channels go last.
    filter = joinDims(b, joinDims(b, filter, spatial + 1), spatial);
    SmallVector<int64_t> permutation;
    for (unsigned i = 0; i < spatial; ++i)
      permutation.push_back(1 + i);
    permutation.push_back(0);
    filter = transpose(b, filter, permutation);
  } else {
    filter = joinDims(b, filter, 0);
  }

  if (!element)
    element = typeOf(input).getElementType();
  Type accumulator = accumulatorOf(element);
  Value result =
      reduce(b, {input, filter}, startFrom(b, bias, shape, accumulator),
             {loops.input(strides, dilations), loops.weights(), loops.output()},
             loops.numLoops - loops.numParallel,
             [&](ImplicitLocOpBuilder &s, ValueRange in) {
               Value x = convertFloat(s, in[0], accumulator);
               Value w = convertFloat(s, in[1], accumulator);
               return add(s, in[2], multiply(s, x, w));
             });
  if (grouped)
    result = joinDims(b, result, 1 + spatial);
  return convertTensor(b, result, element);
}

Value lowerConv(ImplicitLocOpBuilder &b, net::ConvOp op) {
  RankedTensorType type = typeOf(op.getInput());
  unsigned spatial = type.getRank() - 2;
  int64_t groups = op.getGroups();

  SmallVector<int64_t> low(type.getRank(), 0), high(type.getRank(), 0);
  for (unsigned i = 0; i < spatial; ++i) {
    low[1 + i] = op.getPads()[i];
    high[1 + i] = op.getPads()[i + spatial];
  }
  Value input = pad(b, toChannelsLast(b, op.getInput()), low, high,
                    constant(b, type.getElementType(), 0));

  // [F, C/G, K..] -> [G, F/G, C/G, K..] -> [G, K.., C/G, F/G]
  Value filter = splitDim(b, op.getFilter(), 0, groups,
                          typeOf(op.getFilter()).getDimSize(0) / groups);
  SmallVector<int64_t> permutation = {0};
  for (unsigned i = 0; i < spatial; ++i)
    permutation.push_back(3 + i);
  permutation.append({2, 1});
  filter = transpose(b, filter, permutation);

  Value result = convolve(b, input, filter, op.getBias(),
                          typeOf(op.getResult()).getShape().drop_front(2),
                          op.getStrides(), op.getDilations(),
                          typeOf(op.getResult()).getElementType());
  return toChannelsFirst(b, result);
}

} // namespace lig::net_to_linalg
