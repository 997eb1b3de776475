// RoiAlign (He et al., "Mask R-CNN", 2017): each region of interest is divided
// into bins, each bin is sampled at points between the elements of the image,
// and the samples are averaged or the greatest part of one is taken.

#include "Sampling.h"

#include "Checks.h"
#include "Elements.h"
#include "FloatMath.h"
#include "Rows.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

namespace {
struct RoiRule {
  /// What a coordinate of a region is in elements of the image.
  double scale;
  /// Places count from the middle of the first element instead of its edge;
  /// then a region may be smaller than one element.
  bool halfPixel;
  bool takesMaximum;
  /// Points a bin in each dimension; 0 takes as many as elements.
  int64_t points;
  int64_t height, width;
};

/// Samples one element of the result.
class RegionReader {
public:
  RegionReader(OpBuilder &b, Location loc, Type type, const RoiRule &rule)
      : b(b), loc(loc), math(b, loc, type), places(b, loc), rule(rule) {}

  Value data, rois, image, region, channel;
  int64_t height, width;

  Value read(Value binY, Value binX);

private:
  /// Along one dimension: where the points of a bin are.
  struct Bin {
    Value start, step, count;
  };
  Bin binOf(unsigned begin, int64_t bins, Value bin);
  Value sum(const Bin &y, const Bin &x);
  /// A point between two elements, and the part of the farther one.
  struct Point {
    Value low, high, part, isInside;
  };
  Point pointOf(OpBuilder &b, Location loc, const Bin &bin, Value i,
                int64_t extent) const;
  Value sample(OpBuilder &b, Location loc, const Point &y, const Point &x,
               Value partial) const;

  OpBuilder &b;
  Location loc;
  FloatMath math;
  IndexMath places;
  const RoiRule &rule;
};
} // namespace

/// `begin` is the region's first coordinate: x1, y1, x2, y2 in its row.
RegionReader::Bin RegionReader::binOf(unsigned begin, int64_t bins, Value bin) {
  double offset = rule.halfPixel ? 0.5 : 0;
  auto coordinate = [&](unsigned i) {
    Value raw = tensor::ExtractOp::create(
        b, loc, rois, ValueRange{region, places.constant(i)});
    return math.sub(math.mul(raw, math.constant(rule.scale)),
                    math.constant(offset));
  };
  Value start = coordinate(begin);
  Value size = math.sub(coordinate(begin + 2), start);
  if (!rule.halfPixel)
    size = math.max(size, math.constant(1));
  Value each = math.div(size, math.constant(bins));
  Value count = places.constant(rule.points);
  if (rule.points == 0) {
    // No region has more elements than the image reaches.
    constexpr double most = 0x1p15;
    Value needed = math.sub(math.constant(0),
                            math.floor(math.sub(math.constant(0), each)));
    count = math.toIndex(math.clamp(needed, 0, most));
  }
  Value step = math.div(each, math.fromIndex(count));
  start = math.add(start, math.mul(math.fromIndex(bin), each));
  return {start, step, count};
}

RegionReader::Point RegionReader::pointOf(OpBuilder &b, Location loc,
                                          const Bin &bin, Value i,
                                          int64_t extent) const {
  FloatMath math(b, loc, bin.start.getType());
  IndexMath places(b, loc);
  Value middle = math.add(math.fromIndex(i), math.constant(0.5));
  Value at = math.add(bin.start, math.mul(middle, bin.step));
  Value below = math.less(at, math.constant(-1));
  Value above = math.less(math.constant(extent), at);
  Value outside = arith::OrIOp::create(b, loc, below, above);
  Value inside = math.clamp(at, 0, extent - 1);
  Value low = math.floor(inside);
  Value index = math.toIndex(low);
  Value next = places.min(places.add(index, places.constant(1)),
                          places.constant(extent - 1));
  return {index, next, math.sub(inside, low),
          arith::XOrIOp::create(b, loc, outside,
                                arith::ConstantIntOp::create(b, loc, 1, 1))};
}

/// Adds what one point sees to `partial`, or lets it compete.
Value RegionReader::sample(OpBuilder &b, Location loc, const Point &y,
                           const Point &x, Value partial) const {
  FloatMath math(b, loc, partial.getType());
  Value one = math.constant(1), result = partial;
  Value isInside = arith::AndIOp::create(b, loc, y.isInside, x.isInside);
  for (bool lower : {false, true})
    for (bool right : {false, true}) {
      Value row = lower ? y.high : y.low, column = right ? x.high : x.low;
      Value weight = math.mul(lower ? y.part : math.sub(one, y.part),
                              right ? x.part : math.sub(one, x.part));
      Value element = tensor::ExtractOp::create(
          b, loc, data, ValueRange{image, channel, row, column});
      Value part = math.select(isInside, math.mul(weight, element),
                               math.constant(0));
      result = rule.takesMaximum ? math.max(result, part)
                                 : math.add(result, part);
    }
  return result;
}

Value RegionReader::sum(const Bin &y, const Bin &x) {
  Type type = y.start.getType();
  Value first = rule.takesMaximum
                    ? extreme(b, loc, type, /*greatest=*/false, false)
                    : math.constant(0);
  Value zero = places.constant(0), one = places.constant(1);
  auto rows = [&](OpBuilder &outer, Location at, Value i, ValueRange carried) {
    Point row = pointOf(outer, at, y, i, height);
    auto columns = [&](OpBuilder &inner, Location in, Value j,
                       ValueRange partial) {
      Point column = pointOf(inner, in, x, j, width);
      scf::YieldOp::create(inner, in,
                           sample(inner, in, row, column, partial[0]));
    };
    auto loop =
        scf::ForOp::create(outer, at, zero, x.count, one, carried, columns);
    scf::YieldOp::create(outer, at, loop.getResults());
  };
  return scf::ForOp::create(b, loc, zero, y.count, one, first, rows)
      .getResult(0);
}

Value RegionReader::read(Value binY, Value binX) {
  Bin y = binOf(1, rule.height, binY), x = binOf(0, rule.width, binX);
  Value total = sum(y, x);
  Value count = places.mul(y.count, x.count);
  Value isEmpty = places.equal(count, places.constant(0));
  if (rule.takesMaximum)
    return math.select(isEmpty, math.constant(0), total);
  count = places.max(count, places.constant(1));
  return math.div(total, math.fromIndex(count));
}

static FailureOr<RoiRule> readRule(Node &node) {
  RoiRule rule;
  std::string mode = node.stringAttribute("mode", "avg");
  std::string coordinates = node.stringAttribute(
      "coordinate_transformation_mode",
      node.opset() >= 16 ? "half_pixel" : "output_half_pixel");
  rule.scale = node.floatAttribute("spatial_scale", 1);
  rule.halfPixel = coordinates == "half_pixel";
  rule.takesMaximum = mode == "max";
  rule.points = node.intAttribute("sampling_ratio", 0);
  rule.height = node.intAttribute("output_height", 1);
  rule.width = node.intAttribute("output_width", 1);
  if ((mode != "avg" && mode != "max") ||
      (!rule.halfPixel && coordinates != "output_half_pixel"))
    return LogicalResult(node.error()
                         << "mode is '" << mode
                         << "', coordinate_transformation_mode '" << coordinates
                         << "'");
  if (rule.points < 0 || rule.points > (1 << 15) || rule.height < 1 ||
      rule.width < 1)
    return LogicalResult(node.error()
                         << "sampling_ratio " << rule.points
                         << " or an output of " << rule.height << " by "
                         << rule.width << " has no meaning");
  return rule;
}

LogicalResult lig::onnx_import::translateRoiAlign(Node &node) {
  ArrayRef<int64_t> data = node.shape(0), rois = node.shape(1);
  if (data.size() != 4 || rois.size() != 2 || rois[1] != 4 ||
      node.shape(2) != rois.take_front(1))
    return node.error() << "regions of shape " << describe(rois)
                        << " with batch indices of shape "
                        << describe(node.shape(2))
                        << " do not fit an input of shape " << describe(data);
  if (failed(checkFloats(node, 2)))
    return failure();
  FailureOr<RoiRule> rule = readRule(node);
  if (failed(rule))
    return failure();
  SmallVector<int64_t> shape = {rois[0], data[1], rule->height, rule->width};
  FailureOr<Value> images = checkedIndices(node, 2, data[0], false);
  if (failed(images) || failed(node.makeType(shape, node.elementType(0))))
    return failure();
  OpBuilder &b = node.builder();
  Type type = node.elementType(0);
  Type wide = type.isF64() ? type : Type(b.getF32Type());
  Value image = castTensor(b, node.loc(), node.input(0), wide, false, false);
  Value regions = castTensor(b, node.loc(), node.input(1), wide, false, false);
  Value result = generated(
      b, node.loc(), shape, wide,
      [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
        RegionReader reader(nested, at, wide, *rule);
        reader.data = image;
        reader.rois = regions;
        reader.region = index[0];
        reader.channel = index[1];
        reader.image = IndexMath(nested, at).read(*images, index[0]);
        reader.height = data[2];
        reader.width = data[3];
        return reader.read(index[2], index[3]);
      });
  node.setOutput(0,
                 castTensor(b, node.loc(), result, type, false, false));
  return success();
}
