// GridSample: each place of the result names a point of the image. A point is
// a mixture of its neighbours, the same for all channels: their places and
// weights are computed once, rows of channels are gathered and mixed as
// vectors. Outside of the image either weights are zero or places are moved
// inside, as the padding mode says.

#include "Sampling.h"

#include "Checks.h"
#include "Elements.h"
#include "FloatMath.h"
#include "Rows.h"
#include "ScalarMath.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <numeric>

using namespace mlir;
using namespace lig::onnx_import;

namespace {
enum class Interpolation { Nearest, Linear, Cubic };
enum class Padding { Zeros, Border, Reflection };

/// The free coefficient of Keys' cubic kernel that ONNX prescribes.
constexpr double kCubic = -0.75;

class GridSampler {
public:
  GridSampler(Node &node, Interpolation interpolation, Padding padding,
              bool alignsCorners)
      : node(node), b(node.builder()), loc(node.loc()),
        image(node.shape(0).drop_front(2)), interpolation(interpolation),
        padding(padding), alignsCorners(alignsCorners),
        type(node.elementType(0).isF64() ? node.elementType(0)
                                         : Type(b.getF32Type())) {}
  Value sample();

private:
  /// Along one dimension: an index in the image and what it counts.
  struct Tap {
    Value index, weight;
  };
  unsigned tapsPerDim() const {
    return interpolation == Interpolation::Nearest  ? 1
           : interpolation == Interpolation::Linear ? 2
                                                    : 4;
  }
  Value placeOf(FloatMath &math, Value grid, int64_t extent) const;
  Value reflect(FloatMath &math, Value place, int64_t extent) const;
  Tap tapAt(OpBuilder &b, Location loc, Value place, unsigned tap,
            int64_t extent) const;
  Value cubicWeight(FloatMath &math, Value fraction, unsigned tap) const;
  Tap combined(OpBuilder &b, Location loc, ArrayRef<Value> at, Value grid,
               unsigned tap) const;

  Node &node;
  OpBuilder &b;
  Location loc;
  ArrayRef<int64_t> image;
  Interpolation interpolation;
  Padding padding;
  bool alignsCorners;
  Type type;
};
} // namespace

/// `place` mirrored at the edges of the image as often as it takes.
Value GridSampler::reflect(FloatMath &math, Value place, int64_t extent) const {
  double low = alignsCorners ? 0 : -0.5;
  double span = alignsCorners ? extent - 1 : extent;
  if (span <= 0)
    return math.constant(0);
  Value far = math.abs(math.sub(place, math.constant(low)));
  Value flips = math.floor(math.div(far, math.constant(span)));
  Value rest = math.sub(far, math.mul(flips, math.constant(span)));
  Value half = math.mul(flips, math.constant(0.5));
  Value isEven =
      math.less(math.abs(math.sub(half, math.floor(half))), math.constant(0.25));
  Value back = math.sub(math.constant(span), rest);
  return math.add(math.select(isEven, rest, back), math.constant(low));
}

/// The grid's number, -1 to 1 from edge to edge, as a place in elements.
Value GridSampler::placeOf(FloatMath &math, Value grid, int64_t extent) const {
  Value place =
      alignsCorners
          ? math.mul(math.add(grid, math.constant(1)),
                     math.constant((extent - 1) / 2.0))
          : math.sub(math.mul(math.add(grid, math.constant(1)),
                              math.constant(extent / 2.0)),
                     math.constant(0.5));
  // A cubic kernel reaches over the edge, so there each tap is moved instead.
  bool moves = interpolation != Interpolation::Cubic;
  if (moves && padding == Padding::Reflection)
    place = reflect(math, place, extent);
  if (moves && padding != Padding::Zeros)
    return math.clamp(place, 0, extent - 1);
  // Farther out nothing changes, or reflection has no meaning any more.
  double reach = padding == Padding::Zeros ? 4 : 0x1p20;
  return math.clamp(place, -reach, extent + reach);
}

/// Keys, "Cubic convolution interpolation for digital image processing", 1981,
/// at the distance from `fraction` to the tap; tap 1 is the one before it.
Value GridSampler::cubicWeight(FloatMath &math, Value fraction,
                               unsigned tap) const {
  Value x = math.abs(math.sub(fraction, math.constant(double(tap) - 1)));
  auto horner = [&](std::initializer_list<double> coefficients) {
    Value sum;
    for (double coefficient : coefficients)
      sum = sum ? math.add(math.mul(sum, x), math.constant(coefficient))
                : math.constant(coefficient);
    return sum;
  };
  if (tap == 1 || tap == 2)
    return horner({kCubic + 2, -(kCubic + 3), 0, 1});
  return horner({kCubic, -5 * kCubic, 8 * kCubic, -4 * kCubic});
}

GridSampler::Tap GridSampler::tapAt(OpBuilder &b, Location loc, Value place,
                                    unsigned tap, int64_t extent) const {
  FloatMath math(b, loc, type);
  Value first, weight;
  if (interpolation == Interpolation::Nearest) {
    first = math.roundEven(place);
    weight = math.constant(1);
  } else {
    Value floor = math.floor(place);
    Value fraction = math.sub(place, floor);
    bool isCubic = interpolation == Interpolation::Cubic;
    first = math.add(floor, math.constant(double(tap) - isCubic));
    weight = isCubic ? cubicWeight(math, fraction, tap)
             : tap   ? fraction
                     : math.sub(math.constant(1), fraction);
  }
  if (interpolation == Interpolation::Cubic && padding == Padding::Reflection)
    first = math.roundEven(reflect(math, first, extent));
  Value inside = math.clamp(first, 0, extent - 1);
  if (padding == Padding::Zeros) {
    Value distance = math.abs(math.sub(first, inside));
    weight = math.select(math.less(distance, math.constant(0.5)), weight,
                         math.constant(0));
  }
  return {math.toIndex(inside), weight};
}

/// Tap number `tap` of all dimensions together: a row of the image and its
/// weight. `at` is the place in the grid, whose last dimension counts from x.
GridSampler::Tap GridSampler::combined(OpBuilder &b, Location loc,
                                       ArrayRef<Value> at, Value grid,
                                       unsigned tap) const {
  IndexMath places(b, loc);
  FloatMath math(b, loc, type);
  Tap all{at[0], Value()};
  unsigned rank = image.size(), taps = tapsPerDim();
  SmallVector<unsigned> digits(rank);
  for (unsigned d = rank; d-- > 0; tap /= taps)
    digits[d] = tap % taps;
  for (unsigned d = 0; d < rank; ++d) {
    SmallVector<Value> read(at);
    read.push_back(places.constant(rank - 1 - d));
    Value number = tensor::ExtractOp::create(b, loc, grid, read);
    number = castScalar(b, loc, number, type, false, false);
    Tap own = tapAt(b, loc, placeOf(math, number, image[d]), digits[d],
                    image[d]);
    all.index = places.add(places.mul(all.index, places.constant(image[d])),
                           own.index);
    all.weight = all.weight ? math.mul(all.weight, own.weight) : own.weight;
  }
  return all;
}

Value GridSampler::sample() {
  Type element = node.elementType(0);
  ArrayRef<int64_t> grid = node.shape(1).drop_back();
  auto product = [](ArrayRef<int64_t> extents) {
    return std::accumulate(extents.begin(), extents.end(), int64_t(1),
                           std::multiplies<int64_t>());
  };
  int64_t batches = node.shape(0)[0], channels = node.shape(0)[1];
  int64_t count = product(grid);
  Value rows = reshape(b, loc, node.input(0), {batches, channels, product(image)});
  rows = reshape(b, loc, transpose(b, loc, rows, {0, 2, 1}),
                 {1, batches * product(image), channels});
  Value gridValue = node.input(1), sum;
  unsigned taps = 1;
  for (size_t d = 0; d < image.size(); ++d)
    taps *= tapsPerDim();
  for (unsigned tap = 0; tap < taps; ++tap) {
    Value index = generated(
        b, loc, grid, b.getI64Type(),
        [&](OpBuilder &nested, Location at, ArrayRef<Value> place) -> Value {
          Tap own = combined(nested, at, place, gridValue, tap);
          return IndexMath(nested, at).toInt(own.index, nested.getI64Type());
        });
    Value weight = generated(
        b, loc, grid, type,
        [&](OpBuilder &nested, Location at, ArrayRef<Value> place) -> Value {
          return combined(nested, at, place, gridValue, tap).weight;
        });
    Value picked = gatherRows(b, loc, rows, reshape(b, loc, index, {count}));
    picked = castTensor(b, loc, picked, type, node.isUnsigned(0), false);
    SmallVector<Value> inputs = {picked, reshape(b, loc, weight, {count, 1})};
    if (sum)
      inputs.push_back(sum);
    sum = elementwise(b, loc, type, inputs,
                      [](OpBuilder &nested, Location at, ValueRange in) {
                        Value part = multiply(nested, at, in[0], in[1]);
                        return in.size() == 2
                                   ? part
                                   : addNumbers(nested, at, part, in[2]);
                      });
  }
  sum = castTensor(b, loc, sum, element, false, node.isUnsigned(0));
  sum = reshape(b, loc, sum, {batches, count / batches, channels});
  SmallVector<int64_t> shape = {batches, channels};
  llvm::append_range(shape, grid.drop_front());
  return reshape(b, loc, transpose(b, loc, sum, {0, 2, 1}), shape);
}

LogicalResult lig::onnx_import::translateGridSample(Node &node) {
  ArrayRef<int64_t> data = node.shape(0), grid = node.shape(1);
  int64_t rank = data.size(), newest = node.opset() >= 20 ? 5 : 4;
  if (rank < 4 || rank > newest || int64_t(grid.size()) != rank ||
      grid.back() != rank - 2 || grid[0] != data[0])
    return node.error() << "a grid of shape " << describe(grid)
                        << " does not fit an input of shape " << describe(data);
  if (node.type(0).getNumElements() == 0 || node.type(1).getNumElements() == 0)
    return node.error() << "there is nothing to sample";
  if (!isa<FloatType>(node.elementType(1)))
    return node.error() << "the grid holds " << node.elementType(1)
                        << " instead of floats";
  std::string mode = node.stringAttribute("mode", "linear");
  std::string padding = node.stringAttribute("padding_mode", "zeros");
  auto interpolation =
      llvm::StringSwitch<std::optional<Interpolation>>(mode)
          .Case("nearest", Interpolation::Nearest)
          .Cases({"linear", "bilinear"}, Interpolation::Linear)
          .Cases({"cubic", "bicubic"}, Interpolation::Cubic)
          .Default(std::nullopt);
  auto border = llvm::StringSwitch<std::optional<Padding>>(padding)
                    .Case("zeros", Padding::Zeros)
                    .Case("border", Padding::Border)
                    .Case("reflection", Padding::Reflection)
                    .Default(std::nullopt);
  if (!interpolation || !border)
    return node.error() << "mode is '" << mode << "', padding_mode '" << padding
                        << "'";
  GridSampler sampler(node, *interpolation, *border,
                      node.intAttribute("align_corners", 0) != 0);
  node.setOutput(0, sampler.sample(), node.isUnsigned(0));
  return success();
}
