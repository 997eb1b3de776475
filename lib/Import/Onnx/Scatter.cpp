// Scatters: writing at places that data names. All of them become rows that are
// brought into a flat copy of the data.

#include "Build.h"
#include "Elements.h"
#include "Rows.h"
#include "ShapeRules.h"

#include "llvm/ADT/StringSwitch.h"

#include <numeric>

using namespace mlir;
using namespace lig::onnx_import;

static int64_t product(ArrayRef<int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t(1),
                         std::multiplies<>());
}

static FailureOr<Meeting> meetingOf(Node &node) {
  std::string reduction = node.stringAttribute("reduction", "none");
  auto meeting = llvm::StringSwitch<std::optional<Meeting>>(reduction)
                     .Case("none", Meeting::Replace)
                     .Case("add", Meeting::Add)
                     .Case("mul", Meeting::Multiply)
                     .Case("min", Meeting::Minimum)
                     .Case("max", Meeting::Maximum)
                     .Default(std::nullopt);
  if (!meeting)
    return LogicalResult(node.error()
                         << "there is no reduction '" << reduction << "'");
  return *meeting;
}

/// Brings `updates` [K, I] into input 0 as rows [N, I].
static LogicalResult setScattered(Node &node, Value rows, Value updates,
                                  Meeting meeting) {
  OpBuilder &b = node.builder();
  int64_t width = cast<RankedTensorType>(updates.getType()).getDimSize(1);
  int64_t total = node.type(0).getNumElements();
  Value data = reshape(b, node.loc(), node.input(0),
                       {width == 0 ? 0 : total / width, width});
  Value result = scatterRows(b, node.loc(), data, rows, updates, meeting,
                             node.isUnsigned(0));
  node.setOutput(0, reshape(b, node.loc(), result, node.shape(0)),
                 node.isUnsigned(0));
  return success();
}

LogicalResult lig::onnx_import::translateScatterElements(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0), at = node.shape(1);
  auto axis = node.normalizeAxis(node.intAttribute("axis", 0), shape.size());
  auto meeting = meetingOf(node);
  if (failed(axis) || failed(meeting))
    return failure();
  if (at.size() != shape.size() || node.shape(2) != at)
    return node.error() << "data, indices and updates do not fit each other";
  for (auto [d, extent] : llvm::enumerate(at))
    if (int64_t(d) != *axis && extent > shape[d])
      return node.error() << "the indices have extent " << extent
                          << " in dimension " << d << ", the data " << shape[d];
  auto indices = checkedIndices(node, 1, shape[*axis], /*isTuple=*/false);
  if (failed(indices))
    return failure();
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Extents strides = rowMajorStrides(shape);
  Value offsets = generated(
      b, loc, at, b.getI64Type(),
      [&](OpBuilder &nested, Location where, ArrayRef<Value> index) -> Value {
        IndexMath math(nested, where);
        Value offset =
            math.mul(math.read(*indices, index), math.constant(strides[*axis]));
        for (int64_t d = 0; d < int64_t(shape.size()); ++d)
          if (d != *axis)
            offset =
                math.add(offset, math.mul(index[d], math.constant(strides[d])));
        return math.toInt(offset, nested.getI64Type());
      });
  Value updates = reshape(b, loc, node.input(2), {product(at), 1});
  return setScattered(node, reshape(b, loc, offsets, product(at)), updates,
                      *meeting);
}

LogicalResult lig::onnx_import::translateScatterND(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0), at = node.shape(1);
  auto meeting = meetingOf(node);
  if (failed(meeting))
    return failure();
  int64_t depth = at.empty() ? -1 : at.back();
  if (depth < 1 || depth > int64_t(shape.size()))
    return node.error() << "index tuples of " << depth << " do not fit rank "
                        << shape.size();
  ArrayRef<int64_t> extents = shape.take_front(depth);
  ArrayRef<int64_t> inner = shape.drop_front(depth);
  Extents expected(at.drop_back());
  expected.append(inner.begin(), inner.end());
  if (node.shape(2) != ArrayRef<int64_t>(expected))
    return node.error() << "the updates' shape does not fit the indices";
  auto indices = checkedIndices(node, 1, extents, /*isTuple=*/true);
  if (failed(indices))
    return failure();
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  int64_t count = product(at.drop_back());
  Value rows = rowNumbers(b, loc, reshape(b, loc, *indices, {count, depth}),
                          extents, /*batches=*/1);
  return setScattered(node, rows,
                      reshape(b, loc, node.input(2), {count, product(inner)}),
                      *meeting);
}

/// A window of a cache, one start for each batch entry, written over.
LogicalResult lig::onnx_import::translateTensorScatter(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0), window = node.shape(1);
  auto axis = node.normalizeAxis(node.intAttribute("axis", -2), shape.size());
  if (failed(axis))
    return failure();
  if (*axis == 0 || window.size() != shape.size())
    return node.error() << "axis " << *axis << " should be behind the batch";
  for (auto [d, extent] : llvm::enumerate(window))
    if (int64_t(d) == *axis ? extent > shape[d] : extent != shape[d])
      return node.error() << "the update has extent " << extent
                          << " in dimension " << d << ", the cache "
                          << shape[d];
  bool hasStarts = node.hasInput(2);
  if (hasStarts && node.shape(2) != shape.take_front(1))
    return node.error() << "there should be " << shape[0] << " starts";
  bool circular = node.stringAttribute("mode", "linear") == "circular";
  int64_t room = shape[*axis], length = window[*axis];
  int64_t perBatch = product(shape.slice(1, *axis - 1));
  int64_t inner = product(shape.drop_front(*axis + 1));

  Value starts;
  if (hasStarts) {
    auto checked = checkedIndices(node, 2, room, /*isTuple=*/false);
    if (failed(checked))
      return failure();
    starts = *checked;
  }
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Value rows = generated(
      b, loc, {shape[0], perBatch, length}, b.getI64Type(),
      [&](OpBuilder &nested, Location where, ArrayRef<Value> index) -> Value {
        IndexMath math(nested, where);
        Value place = index[2];
        if (starts)
          place = math.add(place, math.read(starts, index[0]));
        place = circular ? math.modulo(place, room)
                         : math.clamp(place, 0, room - 1);
        Value line =
            math.add(math.mul(index[0], math.constant(perBatch)), index[1]);
        return math.toInt(math.add(math.mul(line, math.constant(room)), place),
                          nested.getI64Type());
      });
  int64_t count = shape[0] * perBatch * length;
  return setScattered(node, reshape(b, loc, rows, count),
                      reshape(b, loc, node.input(1), {count, inner}),
                      Meeting::Replace);
}
