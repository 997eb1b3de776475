// Transposed convolution, output phase by phase. Outputs whose positions leave
// the same rest by the stride meet the same taps, at neighbouring inputs: they
// are a convolution of stride one with those taps turned around, and no zero is
// multiplied. Along one dimension, with stride s, dilation d, padding p and
// g = gcd(s, d), output s*q + phase meets tap t at input
// q + (phase + p - t*d)/s where that is whole: every (s/g)th tap, at inputs d/g
// apart.
//
// Filters as large as the stride, without padding, meet every input once: all
// phases are one product of matrices then. Where there are more phases than are
// worth writing out, the input is spread out by its stride into zeros instead,
// and met by the whole filter.

#include "Builders.h"
#include "Patterns.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;

namespace lig::net_to_linalg {

/// A convolution for each phase: code and packed weights of its own.
static constexpr int64_t kMostPhases = 36;

/// [C, F/G, K..] -> [G, K.., C/G, F/G].
static Value layOutFilter(ImplicitLocOpBuilder &b, Value filter,
                          int64_t groups) {
  RankedTensorType type = typeOf(filter);
  unsigned spatial = type.getRank() - 2;
  filter = splitDim(b, filter, 0, groups, type.getDimSize(0) / groups);
  SmallVector<int64_t> permutation = {0};
  for (unsigned i = 0; i < spatial; ++i)
    permutation.push_back(3 + i);
  permutation.append({1, 2});
  return transpose(b, filter, permutation);
}

/// [G, K.., C/G, F/G] with its taps reversed.
static Value turnFilter(ImplicitLocOpBuilder &b, Value filter) {
  RankedTensorType type = typeOf(filter);
  unsigned spatial = type.getRank() - 3;
  if (llvm::all_of(type.getShape().drop_front().drop_back(2),
                   [](int64_t extent) { return extent == 1; }))
    return filter;
  SmallVector<AffineExpr> exprs;
  for (unsigned i = 0; i < type.getRank(); ++i) {
    AffineExpr dim = b.getAffineDimExpr(i);
    bool isTap = i >= 1 && i <= spatial;
    exprs.push_back(isTap ? type.getDimSize(i) - 1 - dim : dim);
  }
  AffineMap reversed = AffineMap::get(type.getRank(), 0, exprs, b.getContext());
  return elementwise(
      b, filter, reversed, type.getShape(), type.getElementType(),
      [](ImplicitLocOpBuilder &, ValueRange in) { return in[0]; });
}

static Value slice(ImplicitLocOpBuilder &b, Value value,
                   ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes,
                   ArrayRef<int64_t> steps) {
  if (sizes == typeOf(value).getShape())
    return value;
  auto attrs = [&](ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(b.getContext(), values);
  };
  return tensor::ExtractSliceOp::create(b, value, attrs(offsets), attrs(sizes),
                                        attrs(steps));
}

//===-- One product ------------------------------------------------------===//

/// Whether every input has its own outputs, as many as there are taps.
static bool isProduct(net::ConvTransposeOp op) {
  RankedTensorType input = typeOf(op.getInput());
  RankedTensorType filter = typeOf(op.getFilter());
  bool depthwise = int64_t(op.getGroups()) == input.getDimSize(1) &&
                   filter.getDimSize(1) == 1;
  for (int64_t i = 0; i < input.getRank() - 2; ++i) {
    int64_t taps = filter.getDimSize(2 + i);
    if (op.getStrides()[i] != taps || op.getPads()[i] != 0 ||
        (op.getDilations()[i] != 1 && taps > 1) ||
        typeOf(op.getResult()).getDimSize(2 + i) !=
            taps * input.getDimSize(2 + i))
      return false;
  }
  return op.getGroups() == 1 || !depthwise;
}

/// out[n, (x, k).., g, f] = in[n, x.., g, c] * w[g, k.., c, f], with every x
/// and its k one dimension afterwards.
static Value multiplyOut(ImplicitLocOpBuilder &b, Value input, Value filter,
                         Value bias) {
  ArrayRef<int64_t> from = typeOf(input).getShape(),
                    taps = typeOf(filter).getShape();
  unsigned spatial = from.size() - 2;
  int64_t groups = taps.front(), channels = taps[1 + spatial],
          filters = taps.back();
  SmallVector<int64_t> shape = {from[0]};
  for (unsigned i = 0; i < spatial; ++i)
    shape.append({from[1 + i], taps[1 + i]});
  shape.append({groups, filters});
  unsigned parallel = shape.size();
  auto dim = [&](unsigned i) { return b.getAffineDimExpr(i); };
  AffineExpr group = dim(parallel - 2), channel = dim(parallel);
  SmallVector<AffineExpr> in = {dim(0)}, weight = {group};
  for (unsigned i = 0; i < spatial; ++i) {
    in.push_back(dim(1 + 2 * i));
    weight.push_back(dim(2 + 2 * i));
  }
  in.append({group, channel});
  weight.append({channel, dim(parallel - 1)});
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(parallel + 1, 0, exprs, b.getContext());
  };
  AffineMap out = b.getMultiDimIdentityMap(parallel);
  Type element = typeOf(input).getElementType();
  Type accumulator = accumulatorOf(element);
  if (bias)
    bias = splitDim(b, bias, 0, groups, filters);
  Value result =
      reduce(b, {splitDim(b, input, 1 + spatial, groups, channels), filter},
             startFrom(b, bias, shape, accumulator),
             {map(in), map(weight), map(out.getResults())}, 1,
             [&](ImplicitLocOpBuilder &s, ValueRange arguments) {
               Value x = convertFloat(s, arguments[0], accumulator);
               Value w = convertFloat(s, arguments[1], accumulator);
               return add(s, arguments[2], multiply(s, x, w));
             });
  result = joinDims(b, result, parallel - 2);
  for (unsigned i = 0; i < spatial; ++i)
    result = joinDims(b, result, 1 + i);
  return convertTensor(b, result, element);
}

//===-- Phase by phase ---------------------------------------------------===//

namespace {
/// One phase along one dimension.
struct Phase {
  int64_t number;
  /// Outputs of it, and from one to the next.
  int64_t outputs, stride;
  /// The taps it meets, as a slice of the filter turned around.
  int64_t firstTap = 0, taps = 0, tapStep = 1;
  /// Inputs: the first, before the image if negative, and from tap to tap.
  int64_t firstInput = 0, dilation = 1;

  int64_t inputs() const { return (taps - 1) * dilation + outputs; }
};
} // namespace

static SmallVector<Phase> phasesOf(net::ConvTransposeOp op, unsigned axis) {
  int64_t stride = op.getStrides()[axis], dilation = op.getDilations()[axis];
  int64_t pad = op.getPads()[axis];
  int64_t extent = typeOf(op.getResult()).getDimSize(2 + axis);
  int64_t taps = typeOf(op.getFilter()).getDimSize(2 + axis);
  int64_t common = std::gcd(stride, dilation);
  SmallVector<Phase> phases;
  for (int64_t number = 0; number < std::min(stride, extent); ++number) {
    Phase phase{number, int64_t(llvm::divideCeil(extent - number, stride)),
                stride};
    phase.tapStep = stride / common;
    phase.dilation = dilation / common;
    for (int64_t tap = 0; tap < std::min(taps, phase.tapStep); ++tap) {
      int64_t distance = number + pad - tap * dilation;
      if (distance % stride)
        continue;
      phase.taps = (taps - 1 - tap) / phase.tapStep + 1;
      int64_t last = tap + (phase.taps - 1) * phase.tapStep;
      phase.firstTap = taps - 1 - last;
      phase.firstInput = (number + pad - last * dilation) / stride;
    }
    phases.push_back(phase);
  }
  return phases;
}

/// Every combination of one phase of each dimension.
static SmallVector<SmallVector<Phase>>
combine(ArrayRef<SmallVector<Phase>> phases) {
  SmallVector<SmallVector<Phase>> result(1);
  for (ArrayRef<Phase> ofDim : phases) {
    SmallVector<SmallVector<Phase>> longer;
    for (const SmallVector<Phase> &known : result)
      for (const Phase &phase : ofDim) {
        longer.push_back(known);
        longer.back().push_back(phase);
      }
    result = std::move(longer);
  }
  return result;
}

namespace {
class PhaseWriter {
public:
  PhaseWriter(ImplicitLocOpBuilder &b, Value input, Value filter, Value bias,
              ArrayRef<SmallVector<Phase>> phases)
      : b(b), filter(filter), bias(bias), low(typeOf(input).getRank(), 0) {
    // All phases read one padded input.
    SmallVector<int64_t> high(low.size(), 0);
    for (auto [i, ofDim] : llvm::enumerate(phases))
      for (const Phase &phase : ofDim) {
        if (phase.taps == 0)
          continue;
        int64_t end = phase.firstInput + phase.inputs();
        low[1 + i] = std::max(low[1 + i], -phase.firstInput);
        high[1 + i] =
            std::max(high[1 + i], end - typeOf(input).getDimSize(1 + i));
      }
    this->input =
        pad(b, input, low, high,
            constant(b, typeOf(input).getElementType(), 0));
  }

  /// Writes the outputs of one phase of every dimension into `result`.
  Value write(ArrayRef<Phase> phases, Value result) const;

private:
  Value compute(ArrayRef<Phase> phases, ArrayRef<int64_t> shape) const;

  ImplicitLocOpBuilder &b;
  Value input, filter, bias;
  SmallVector<int64_t> low;
};
} // namespace

Value PhaseWriter::compute(ArrayRef<Phase> phases,
                           ArrayRef<int64_t> shape) const {
  unsigned spatial = phases.size();
  if (llvm::any_of(phases, [](const Phase &p) { return p.taps == 0; }))
    return startFrom(b, bias, shape, typeOf(input).getElementType());
  SmallVector<int64_t> inputs(typeOf(input).getShape()),
      taps(typeOf(filter).getShape());
  SmallVector<int64_t> firstInputs(inputs.size(), 0), steps(inputs.size(), 1);
  SmallVector<int64_t> firstTaps(taps.size(), 0), tapSteps(taps.size(), 1);
  SmallVector<int64_t> outer, dilations;
  for (auto [i, phase] : llvm::enumerate(phases)) {
    firstInputs[1 + i] = low[1 + i] + phase.firstInput;
    inputs[1 + i] = phase.inputs();
    firstTaps[1 + i] = phase.firstTap;
    taps[1 + i] = phase.taps;
    tapSteps[1 + i] = phase.tapStep;
    outer.push_back(phase.outputs);
    dilations.push_back(phase.dilation);
  }
  return convolve(b, slice(b, input, firstInputs, inputs, steps),
                  slice(b, filter, firstTaps, taps, tapSteps), bias, outer,
                  SmallVector<int64_t>(spatial, 1), dilations);
}

Value PhaseWriter::write(ArrayRef<Phase> phases, Value result) const {
  SmallVector<int64_t> shape(typeOf(result).getShape()),
      offsets(shape.size(), 0), steps(shape.size(), 1);
  for (auto [i, phase] : llvm::enumerate(phases)) {
    shape[1 + i] = phase.outputs;
    offsets[1 + i] = phase.number;
    steps[1 + i] = phase.stride;
  }
  Value part = compute(phases, shape);
  if (shape == typeOf(result).getShape())
    return part;
  auto attrs = [&](ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(b.getContext(), values);
  };
  return tensor::InsertSliceOp::create(b, part, result, attrs(offsets),
                                       attrs(shape), attrs(steps));
}

//===-- Spread out -------------------------------------------------------===//

/// The convolution of stride one over zeros with the input between them. Pads
/// cut into the border, even beyond it, so the first and last input position
/// that still matter are computed.
static Value convolveSpread(ImplicitLocOpBuilder &b, net::ConvTransposeOp op,
                            Value input, Value filter) {
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

  if (!reached || shape != type.getShape() || counts != type.getShape()) {
    Value spread = filled(b, shape, constant(b, type.getElementType(), 0));
    if (reached) {
      auto attrs = [&](ArrayRef<int64_t> values) {
        return getAsIndexOpFoldResult(b.getContext(), values);
      };
      input = slice(b, input, starts, counts, ones);
      spread = tensor::InsertSliceOp::create(b, input, spread, attrs(offsets),
                                             attrs(counts), attrs(steps));
    }
    input = spread;
  }

  return convolve(b, input, filter, op.getBias(), outer,
                  SmallVector<int64_t>(spatial, 1), op.getDilations());
}

Value lowerConvTranspose(ImplicitLocOpBuilder &b, net::ConvTransposeOp op) {
  Value input = toChannelsLast(b, op.getInput());
  Value filter = layOutFilter(b, op.getFilter(), op.getGroups());
  if (isProduct(op))
    return toChannelsFirst(b, multiplyOut(b, input, filter, op.getBias()));
  filter = turnFilter(b, filter);
  RankedTensorType type = typeOf(op.getResult());
  unsigned spatial = type.getRank() - 2;
  int64_t count = 1;
  for (unsigned i = 0; i < spatial && count <= kMostPhases; ++i)
    count *= std::min({op.getStrides()[i], type.getDimSize(2 + i),
                       kMostPhases + 1});
  if (count > kMostPhases)
    return toChannelsFirst(b, convolveSpread(b, op, input, filter));
  SmallVector<SmallVector<Phase>> phases;
  for (unsigned i = 0; i < spatial; ++i)
    phases.push_back(phasesOf(op, i));
  SmallVector<int64_t> shape = {type.getDimSize(0)};
  llvm::append_range(shape, type.getShape().drop_front(2));
  shape.push_back(type.getDimSize(1));
  PhaseWriter writer(b, input, filter, op.getBias(), phases);
  Value result = empty(b, shape, type.getElementType());
  for (ArrayRef<Phase> combination : combine(phases))
    result = writer.write(combination, result);
  return toChannelsFirst(b, result);
}

} // namespace lig::net_to_linalg
