// Resize and Upsample. An image is resized one axis after the other, by tables
// of places and weights that are made here: rows are gathered and mixed, and
// whole rows of the inner dimensions move as vectors.

#include "Operators.h"

#include "Build.h"
#include "Checks.h"
#include "ResizeTable.h"
#include "Rows.h"
#include "Sampling.h"
#include "ScalarMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace lig::onnx_import;

//===-- What the node asks for -------------------------------------------===//

static FailureOr<ResizeRule> readRule(Node &node) {
  ResizeRule rule;
  std::string mode = node.stringAttribute("mode", "nearest");
  if (mode == "linear" || mode == "bilinear")
    rule.interpolation = ResizeRule::Linear;
  else if (mode == "cubic")
    rule.interpolation = ResizeRule::Cubic;
  else if (mode != "nearest")
    return LogicalResult(node.error() << "mode is '" << mode << "'");
  // Resize of opset 10 and Upsample have no attributes for these.
  bool old = node.opType() == "Upsample" || node.opset() < 11;
  rule.coordinates = node.stringAttribute("coordinate_transformation_mode",
                                          old ? "asymmetric" : "half_pixel");
  rule.nearest = node.stringAttribute("nearest_mode",
                                      old ? "floor" : "round_prefer_floor");
  rule.cubicCoefficient = node.floatAttribute("cubic_coeff_a", -0.75);
  rule.excludesOutside = node.intAttribute("exclude_outside", 0) != 0;
  rule.antialias = node.intAttribute("antialias", 0) != 0;
  if (std::string wrong = rule.check(); !wrong.empty())
    return LogicalResult(node.error() << wrong);
  return rule;
}

/// The axes that are resized, in the order of scales, sizes and roi.
static FailureOr<SmallVector<int64_t>> readAxes(Node &node) {
  int64_t rank = node.type(0).getRank();
  SmallVector<int64_t> axes = node.intsAttribute("axes");
  if (axes.empty()) {
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (failed(node.normalizeAxes(axes, rank)))
    return failure();
  return axes;
}

static bool isGiven(Node &node, unsigned i) {
  return node.hasInput(i) && node.type(i).getNumElements() > 0;
}

static FailureOr<SmallVector<double>>
readNumbers(Node &node, unsigned i, StringRef what, size_t count) {
  const Constant *constant = node.constant(i);
  if (!constant)
    return LogicalResult(node.error() << "input " << i << " (" << what
                                      << ") shapes the result, but is known at "
                                         "run time only");
  SmallVector<double> numbers = constant->asFloats();
  if (numbers.size() != count)
    return LogicalResult(node.error() << what << " has " << numbers.size()
                                      << " entries instead of " << count);
  return numbers;
}

/// Sizes as the policy changes them: one scale for all axes, or each its own.
static void keepAspectRatio(StringRef policy,
                            MutableArrayRef<ResizeAxis> axes) {
  if (policy == "stretch" || axes.empty())
    return;
  double scale = axes.front().scale;
  for (const ResizeAxis &axis : axes)
    scale = policy == "not_larger" ? std::min(scale, axis.scale)
                                   : std::max(scale, axis.scale);
  for (ResizeAxis &axis : axes) {
    axis.scale = scale;
    axis.to = std::llround(scale * axis.from);
  }
}

static LogicalResult readSizes(Node &node, unsigned input,
                               MutableArrayRef<ResizeAxis> axes) {
  auto sizes = readNumbers(node, input, "the sizes", axes.size());
  if (failed(sizes))
    return failure();
  for (auto [axis, size] : llvm::zip(axes, *sizes)) {
    if (!(size >= 1 && size <= 0x1p40))
      return node.error() << "a size is " << size;
    axis.to = static_cast<int64_t>(size);
    axis.scale = size / axis.from;
  }
  keepAspectRatio(node.stringAttribute("keep_aspect_ratio_policy", "stretch"),
                  axes);
  return success();
}

static LogicalResult readScales(Node &node, ArrayRef<double> scales,
                                MutableArrayRef<ResizeAxis> axes) {
  if (scales.size() != axes.size())
    return node.error() << "there are " << scales.size() << " scales for "
                        << axes.size() << " axes";
  for (auto [axis, scale] : llvm::zip(axes, scales)) {
    double extent = std::floor(axis.from * scale);
    if (!(scale > 0 && extent >= 1 && extent <= 0x1p40))
      return node.error() << "a scale is " << scale << " for an extent of "
                          << axis.from;
    axis.to = static_cast<int64_t>(extent);
    axis.scale = scale;
  }
  return success();
}

static LogicalResult readExtents(Node &node, MutableArrayRef<ResizeAxis> axes) {
  if (node.hasAttribute("scales"))
    return readScales(node, node.floatsAttribute("scales"), axes);
  bool hasRoi = node.opType() == "Resize" && node.opset() >= 11;
  unsigned scales = hasRoi ? 2 : 1;
  if (hasRoi && isGiven(node, 3))
    return readSizes(node, 3, axes);
  if (!isGiven(node, scales))
    return node.error() << "neither scales nor sizes are given";
  auto numbers = readNumbers(node, scales, "the scales", axes.size());
  if (failed(numbers))
    return failure();
  return readScales(node, *numbers, axes);
}

static LogicalResult readRegion(Node &node, MutableArrayRef<ResizeAxis> axes) {
  auto region = readNumbers(node, 1, "the region of interest", 2 * axes.size());
  if (failed(region))
    return failure();
  for (auto [i, axis] : llvm::enumerate(axes)) {
    axis.start = (*region)[i];
    axis.end = (*region)[i + axes.size()];
  }
  return success();
}

//===-- One axis ---------------------------------------------------------===//

static Value tableValue(Node &node, Constant constant) {
  Tensor tensor;
  tensor.type = constant.type;
  tensor.constant = std::make_shared<const Constant>(std::move(constant));
  return node.materialize(tensor);
}

static Value rowsValue(Node &node, ArrayRef<int64_t> rows) {
  auto type = RankedTensorType::get({int64_t(rows.size())},
                                    node.builder().getI64Type());
  return tableValue(node, Constant::fromInts(type, rows));
}

static Value weightsValue(Node &node, ArrayRef<double> weights, Type type) {
  int64_t count = weights.size();
  Value value = tableValue(
      node,
      Constant::fromFloats(RankedTensorType::get({count}, type), weights));
  return reshape(node.builder(), node.loc(), value, {count, 1});
}

/// Whether each element is repeated `times` times, one after the other.
static bool repeats(ArrayRef<int64_t> rows, int64_t times) {
  for (auto [i, row] : llvm::enumerate(rows))
    if (row != static_cast<int64_t>(i) / times)
      return false;
  return true;
}

/// Picks rows of data [O, N, I].
static Value pick(Node &node, Value data, ArrayRef<int64_t> rows) {
  auto shape = cast<RankedTensorType>(data.getType()).getShape();
  int64_t outer = shape[0], from = shape[1], inner = shape[2];
  int64_t to = rows.size();
  OpBuilder &b = node.builder();
  if (to % from || !repeats(rows, to / from))
    return gatherRows(b, node.loc(), data, rowsValue(node, rows));
  Value split = reshape(b, node.loc(), data, {outer, from, 1, inner});
  split = broadcastTo(b, node.loc(), split, {outer, from, to / from, inner});
  return reshape(b, node.loc(), split, {outer, to, inner});
}

/// Data [O, N, I] as [O, M, I].
static Value interpolate(Node &node, Value data, const ResizeTable &table) {
  auto type = cast<RankedTensorType>(data.getType());
  if (table.indices.size() == 1)
    return pick(node, data, table.indices.front());
  SmallVector<Value> inputs;
  for (auto [rows, weights] : llvm::zip(table.indices, table.weights)) {
    inputs.push_back(pick(node, data, rows));
    inputs.push_back(weightsValue(node, weights, type.getElementType()));
  }
  return elementwise(node.builder(), node.loc(), type.getElementType(), inputs,
                     [](OpBuilder &b, Location loc, ValueRange in) {
                       Value sum = multiply(b, loc, in[0], in[1]);
                       for (size_t t = 2; t < in.size(); t += 2)
                         sum = addNumbers(b, loc, sum,
                                          multiply(b, loc, in[t], in[t + 1]));
                       return sum;
                     });
}

/// The extrapolation value where an output lies outside of the input.
static Value extrapolate(Node &node, Value data, ArrayRef<bool> outside) {
  if (!llvm::is_contained(outside, true))
    return data;
  OpBuilder &b = node.builder();
  Type type = cast<RankedTensorType>(data.getType()).getElementType();
  double value = node.floatAttribute("extrapolation_value", 0);
  SmallVector<double> inside;
  for (bool out : outside)
    inside.push_back(!out);
  Value mask = weightsValue(node, inside, b.getF32Type());
  return elementwise(
      b, node.loc(), type, {data, mask},
      [=](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value keep =
            castScalar(nested, at, in[1], nested.getI1Type(), false, false);
        return arith::SelectOp::create(nested, at, keep, in[0],
                                       scalar(nested, at, type, value));
      });
}

static Value resizeAxis(Node &node, Value value, int64_t axis,
                        const ResizeRule &rule, const ResizeAxis &extents) {
  SmallVector<int64_t> shape(
      cast<RankedTensorType>(value.getType()).getShape());
  auto product = [](ArrayRef<int64_t> part) {
    return std::accumulate(part.begin(), part.end(), int64_t(1),
                           std::multiplies<int64_t>());
  };
  int64_t outer = product(ArrayRef(shape).take_front(axis));
  int64_t inner = product(ArrayRef(shape).drop_front(axis + 1));
  ResizeTable table = makeResizeTable(rule, extents);
  OpBuilder &b = node.builder();
  Value data = reshape(b, node.loc(), value, {outer, extents.from, inner});
  data = interpolate(node, data, table);
  data = extrapolate(node, data, table.outside);
  shape[axis] = extents.to;
  return reshape(b, node.loc(), data, shape);
}

//===-- The node ---------------------------------------------------------===//

static LogicalResult translateResize(Node &node) {
  if (node.type(0).getNumElements() == 0)
    return node.error() << "the input is " << node.type(0)
                        << ", which has no elements";
  FailureOr<ResizeRule> rule = readRule(node);
  FailureOr<SmallVector<int64_t>> axes = readAxes(node);
  if (failed(rule) || failed(axes))
    return failure();
  SmallVector<ResizeAxis> extents;
  for (int64_t axis : *axes)
    extents.push_back({node.shape(0)[axis], node.shape(0)[axis], 1});
  bool crops = rule->coordinates == "tf_crop_and_resize";
  if (failed(readExtents(node, extents)) ||
      (crops && failed(readRegion(node, extents))))
    return failure();
  SmallVector<int64_t> shape(node.shape(0));
  for (auto [axis, extent] : llvm::zip(*axes, extents))
    shape[axis] = extent.to;
  if (failed(node.makeType(shape, node.elementType(0))))
    return failure();

  OpBuilder &b = node.builder();
  Type type = node.elementType(0);
  Type wide = type.isF64() ? type : b.getF32Type();
  bool mixes = rule->interpolation != ResizeRule::Nearest;
  Value value = node.input(0);
  if (mixes)
    value = castTensor(b, node.loc(), value, wide, node.isUnsigned(0), false);
  for (auto [axis, extent] : llvm::zip(*axes, extents))
    if (crops || extent.scale != 1 || extent.from != extent.to)
      value = resizeAxis(node, value, axis, *rule, extent);
  if (mixes)
    value = castTensor(b, node.loc(), value, type, false, node.isUnsigned(0));
  node.setOutput(0, value, node.isUnsigned(0));
  return success();
}

void lig::onnx_import::addImageOperators(OperatorTable &table) {
  table.add("Upsample", 7, translateResize);
  table.add("Resize", 10, translateResize);
  table.add("GridSample", 16, translateGridSample);
  table.add("RoiAlign", 10, translateRoiAlign);
}
