// Fourier transforms and the mel scale. A transform is one sum of products with
// a table of sines and cosines: numbers count as their real and imaginary part
// in a last dimension, of extent 1 where they are real.

#include "Operators.h"

#include "Checks.h"
#include "Contract.h"
#include "Moves.h"
#include "Node.h"
#include "Rows.h"
#include "ScalarMath.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace lig::onnx_import;

/// Beyond this the table would be larger than the models it serves.
static constexpr int64_t kMaxTableBytes = int64_t(1) << 28;

namespace {
/// What a transform makes of `length` numbers.
struct Transform {
  int64_t length;
  int64_t bins;
  bool isInverse = false;
  bool isComplex = false;

  Transform(int64_t length, bool isOneSided, bool isInverse, bool isComplex)
      : length(length), bins(isOneSided ? length / 2 + 1 : length),
        isInverse(isInverse), isComplex(isComplex) {}
  int64_t parts() const { return isComplex ? 2 : 1; }
};
} // namespace

/// Table[k, n, c, c']: what part c of number n adds to part c' of bin k.
static Value makeTable(Node &node, const Transform &transform, Type type) {
  int64_t parts = transform.parts();
  SmallVector<double> table;
  table.reserve(transform.bins * transform.length * parts * 2);
  double sign = transform.isInverse ? 1 : -1;
  double scale = transform.isInverse ? 1.0 / transform.length : 1;
  for (int64_t k = 0; k < transform.bins; ++k)
    for (int64_t n = 0; n < transform.length; ++n) {
      // The angle stays exact for a long transform if whole turns are left out.
      double turn = double(k * n % transform.length) / transform.length;
      double cosine = scale * std::cos(2 * M_PI * turn);
      double sine = scale * sign * std::sin(2 * M_PI * turn);
      table.append({cosine, sine});
      if (parts == 2)
        table.append({-sine, cosine});
    }
  Tensor tensor;
  tensor.type = RankedTensorType::get(
      {transform.bins, transform.length, parts, 2}, type);
  tensor.constant = std::make_shared<const Constant>(
      Constant::fromFloats(tensor.type, table));
  return node.materialize(tensor);
}

static LogicalResult checkTable(Node &node, const Transform &transform) {
  constexpr int64_t longest = int64_t(1) << 20;
  if (transform.length < 1 || transform.length > longest ||
      transform.bins * transform.length * transform.parts() * 8 >
          kMaxTableBytes)
    return node.error() << "a transform of " << transform.length
                        << " numbers is not supported";
  return success();
}

/// The last dimension of a signal tells real numbers from complex ones.
static FailureOr<bool> isComplexSignal(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0);
  if (shape.size() < 2 || shape.back() < 1 || shape.back() > 2)
    return LogicalResult(node.error()
                         << "an input of shape " << describe(shape)
                         << " holds neither real nor complex numbers");
  if (failed(checkFloats(node, 1)))
    return failure();
  return shape.back() == 2;
}

/// Transforms data [outer, length, inner, parts] to [outer, bins, inner, 2].
static Value apply(Node &node, const Transform &transform, Value data) {
  auto type = cast<RankedTensorType>(data.getType());
  Value table = makeTable(node, transform, type.getElementType());
  // Dimensions: outer, bin, inner, part of the result; number, part.
  int64_t extents[] = {type.getDimSize(0), transform.bins,
                       type.getDimSize(2), 2,
                       transform.length,   transform.parts()};
  return contract(node.builder(), node.loc(), {data, table},
                  {{0, 4, 2, 5}, {1, 4, 5, 3}}, extents, 4,
                  type.getElementType());
}

/// The signal cut or filled up with zeros to `length` along dimension 1 of 4.
static Value fit(Node &node, Value data, int64_t length) {
  OpBuilder &b = node.builder();
  auto type = cast<RankedTensorType>(data.getType());
  SmallVector<int64_t> shape(type.getShape());
  int64_t has = shape[1];
  shape[1] = std::min(has, length);
  if (has > length)
    return slice(b, node.loc(), data, {0, 0, 0, 0}, shape);
  if (has == length)
    return data;
  SmallVector<int64_t> low(4, 0), high = {0, length - has, 0, 0};
  return padded(b, node.loc(), data, low, high, Border::Constant,
                scalar(b, node.loc(), type.getElementType(), 0));
}

/// The axis was an attribute before opset 20 and is an input since.
static FailureOr<int64_t> readAxis(Node &node) {
  int64_t axis = node.intAttribute("axis", 1), rank = node.type(0).getRank();
  if (node.opset() >= 20) {
    axis = -2;
    if (node.hasInput(2)) {
      auto given = node.requireInts(2, "the axis");
      if (failed(given))
        return failure();
      if (given->size() != 1)
        return LogicalResult(node.error() << "there are " << given->size()
                                          << " axes instead of one");
      axis = given->front();
    }
  }
  FailureOr<int64_t> normal = node.normalizeAxis(axis, rank);
  if (succeeded(normal) && *normal == rank - 1)
    return LogicalResult(
        node.error() << "the last dimension holds parts of numbers");
  return normal;
}

static LogicalResult translateDFT(Node &node) {
  FailureOr<bool> isComplex = isComplexSignal(node);
  if (failed(isComplex))
    return failure();
  FailureOr<int64_t> axis = readAxis(node);
  if (failed(axis))
    return failure();
  ArrayRef<int64_t> shape = node.shape(0);
  int64_t length = shape[*axis];
  if (node.hasInput(1)) {
    auto given = node.requireInts(1, "the length");
    if (failed(given) || given->size() != 1)
      return failed(given) ? failure()
                           : LogicalResult(node.error()
                                           << "the length is no number");
    length = given->front();
  }
  bool isOneSided = node.intAttribute("onesided", 0) != 0;
  Transform transform(length, isOneSided,
                      node.intAttribute("inverse", 0) != 0, *isComplex);
  if (isOneSided && (*isComplex || transform.isInverse))
    return node.error() << "only a forward transform of real numbers is "
                           "one-sided";
  if (failed(checkTable(node, transform)))
    return failure();
  auto product = [](ArrayRef<int64_t> extents) {
    return std::accumulate(extents.begin(), extents.end(), int64_t(1),
                           std::multiplies<int64_t>());
  };
  SmallVector<int64_t> result(shape);
  result[*axis] = transform.bins;
  result.back() = 2;
  if (failed(node.makeType(result, node.elementType(0))))
    return failure();
  OpBuilder &b = node.builder();
  Value data = reshape(b, node.loc(), node.input(0),
                       {product(shape.take_front(*axis)), shape[*axis],
                        product(shape.drop_front(*axis + 1).drop_back()),
                        shape.back()});
  data = apply(node, transform, fit(node, data, length));
  node.setOutput(0, reshape(b, node.loc(), data, result));
  return success();
}

/// Frames [batch, frames, length, parts] of a signal, multiplied by a window.
static Value makeFrames(Node &node, int64_t frames, int64_t step,
                        int64_t length) {
  OpBuilder &b = node.builder();
  ArrayRef<int64_t> shape = node.shape(0);
  SmallVector<int64_t> places;
  for (int64_t frame = 0; frame < frames; ++frame)
    for (int64_t i = 0; i < length; ++i)
      places.push_back(frame * step + i);
  Tensor rows;
  rows.type = RankedTensorType::get({frames * length}, b.getI64Type());
  rows.constant =
      std::make_shared<const Constant>(Constant::fromInts(rows.type, places));
  Value data =
      gatherRows(b, node.loc(), node.input(0), node.materialize(rows));
  data = reshape(b, node.loc(), data, {shape[0], frames, length, shape[2]});
  if (!node.hasInput(2))
    return data;
  Value window = reshape(b, node.loc(), node.input(2), {length, 1});
  return elementwise(b, node.loc(), node.elementType(0), {data, window},
                     [](OpBuilder &nested, Location at, ValueRange in) {
                       return multiply(nested, at, in[0], in[1]);
                     });
}

static LogicalResult translateSTFT(Node &node) {
  FailureOr<bool> isComplex = isComplexSignal(node);
  if (failed(isComplex))
    return failure();
  ArrayRef<int64_t> shape = node.shape(0);
  if (shape.size() != 3)
    return node.error() << "the signal has shape " << describe(shape)
                        << " instead of [batch, length, parts]";
  auto step = node.requireInts(1, "the step between frames");
  if (failed(step))
    return failure();
  int64_t length = node.hasInput(2) ? node.type(2).getNumElements() : 0;
  if (node.hasInput(3)) {
    auto given = node.requireInts(3, "the length of a frame");
    if (failed(given) || given->size() != 1)
      return failed(given) ? failure()
                           : LogicalResult(node.error()
                                           << "the length is no number");
    length = given->front();
  }
  if (step->size() != 1 || step->front() < 1 || length < 1 ||
      length > shape[1])
    return node.error() << "frames of " << length
                        << " numbers do not fit a signal of " << shape[1];
  if (failed(checkFloats(node, 1)) ||
      (node.hasInput(2) &&
       failed(checkShape(node, 2, {length}, "the window"))))
    return failure();
  bool isOneSided = node.intAttribute("onesided", 1) != 0 && !*isComplex;
  Transform transform(length, isOneSided, /*isInverse=*/false, *isComplex);
  int64_t frames = (shape[1] - length) / step->front() + 1;
  SmallVector<int64_t> result = {shape[0], frames, transform.bins, 2};
  if (failed(checkTable(node, transform)) ||
      failed(node.makeType({shape[0], frames, length, 2},
                           node.elementType(0))) ||
      failed(node.makeType(result, node.elementType(0))))
    return failure();
  OpBuilder &b = node.builder();
  Value data = makeFrames(node, frames, step->front(), length);
  data = reshape(b, node.loc(), data,
                 {shape[0] * frames, length, 1, transform.parts()});
  data = apply(node, transform, data);
  node.setOutput(0, reshape(b, node.loc(), data, result));
  return success();
}

/// Triangles over the bins of a spectrum, evenly spaced on the mel scale,
/// 2595 log10(1 + f / 700).
static SmallVector<double> melTriangles(int64_t bands, int64_t length,
                                        double rate, double low, double high) {
  auto toMel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  auto fromMel = [](double mel) {
    return 700 * (std::pow(10, mel / 2595) - 1);
  };
  double from = toMel(low), step = (toMel(high) - from) / (bands + 2);
  SmallVector<int64_t> edges;
  for (int64_t i = 0; i < bands + 2; ++i)
    edges.push_back(
        std::floor((length + 1) * fromMel(from + i * step) / rate));
  int64_t bins = length / 2 + 1;
  SmallVector<double> table(bins * bands, 0);
  for (int64_t band = 0; band < bands; ++band) {
    int64_t left = edges[band], top = edges[band + 1], right = edges[band + 2];
    auto set = [&](int64_t bin, double value) {
      if (bin >= 0 && bin < bins)
        table[bin * bands + band] = value;
    };
    if (left == top)
      set(top, 1);
    for (int64_t bin = left; left != top && bin <= top; ++bin)
      set(bin, double(bin - left) / (top - left));
    for (int64_t bin = top; top != right && bin < right; ++bin)
      set(bin, double(right - bin) / (right - top));
  }
  return table;
}

static LogicalResult translateMelWeightMatrix(Node &node) {
  SmallVector<double> numbers;
  for (unsigned i = 0; i < 5; ++i) {
    const Constant *constant = node.constant(i);
    if (!constant || constant->numElements() != 1)
      return node.error() << "input " << i
                          << " shapes the result, but is no constant number";
    numbers.push_back(constant->asFloats().front());
  }
  constexpr double most = 1 << 20;
  if (!(numbers[0] >= 1 && numbers[0] <= most && numbers[1] >= 1 &&
        numbers[1] <= most && numbers[2] > 0 && numbers[3] >= 0 &&
        numbers[4] > numbers[3] && numbers[4] <= numbers[2]))
    return node.error() << "there are no bands of these numbers";
  int64_t bands = numbers[0], length = numbers[1];
  ElementType type =
      elementTypeOf(node.intAttribute("output_datatype", 1), node.context());
  if (!type)
    return node.error() << "the type asked for is not supported";
  auto matrix = node.makeType({length / 2 + 1, bands}, type.type);
  if (failed(matrix))
    return failure();
  if (matrix->getNumElements() > kMaxTableBytes / 8)
    return node.error() << "a matrix of " << *matrix << " is not supported";
  node.setOutput(0, Constant::fromFloats(
                        *matrix, melTriangles(bands, length, numbers[2],
                                              numbers[3], numbers[4])));
  return success();
}

void lig::onnx_import::addSignalOperators(OperatorTable &table) {
  table.add("DFT", 17, translateDFT);
  table.add("STFT", 17, translateSTFT);
  table.add("MelWeightMatrix", 17, translateMelWeightMatrix);
}
