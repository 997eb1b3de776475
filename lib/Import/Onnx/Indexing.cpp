// Gathers: reading at places that data names. Places known while importing
// become slices where they lie in a row.

#include "Operators.h"

#include "Build.h"
#include "Elements.h"
#include "Rows.h"
#include "RuntimeDims.h"
#include "ShapeRules.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <numeric>

using namespace mlir;
using namespace lig::onnx_import;

static int64_t product(ArrayRef<int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t(1),
                         std::multiplies<>());
}

/// The range that constant indices walk through one by one, if they do.
static std::optional<int64_t> rangeStart(Node &node, int64_t extent) {
  const Constant *indices = node.constant(1);
  if (!indices || indices->numElements() == 0)
    return std::nullopt;
  SmallVector<int64_t> values = indices->asInts();
  for (int64_t &value : values)
    value += value < 0 ? extent : 0;
  for (auto [i, value] : llvm::enumerate(values))
    if (value - values[0] != int64_t(i) || value < 0 || value >= extent)
      return std::nullopt;
  return values[0];
}

static LogicalResult translateGather(Node &node) {
  ArrayRef<int64_t> from = node.shape(0), at = node.shape(1);
  auto axis = node.normalizeAxis(node.intAttribute("axis", 0), from.size());
  if (failed(axis))
    return failure();
  if (runtimeDim(node.tensor(0), *axis))
    return node.error() << "the extent along the axis depends on the data";
  Extents shape(from.take_front(*axis));
  shape.append(at.begin(), at.end());
  shape.append(from.begin() + *axis + 1, from.end());
  SmallVector<Value> dims;
  for (int64_t d = 0; d < *axis; ++d)
    dims.push_back(runtimeDim(node.tensor(0), d));
  for (size_t d = 0; d < at.size(); ++d)
    dims.push_back(runtimeDim(node.tensor(1), d));
  for (size_t d = *axis + 1; d < from.size(); ++d)
    dims.push_back(runtimeDim(node.tensor(0), d));
  if (failed(node.makeType(shape, node.elementType(0))))
    return failure();

  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Value result;
  if (auto start = rangeStart(node, from[*axis])) {
    Extents offsets(from.size(), 0), sizes(from);
    offsets[*axis] = *start;
    sizes[*axis] = product(at);
    result = slice(b, loc, node.input(0), offsets, sizes);
  } else {
    auto indices = checkedIndices(node, 1, from[*axis], /*isTuple=*/false);
    if (failed(indices))
      return failure();
    Value data = reshape(b, loc, node.input(0),
                         {product(from.take_front(*axis)), from[*axis],
                          product(from.drop_front(*axis + 1))});
    result = gatherRows(b, loc, data, reshape(b, loc, *indices, product(at)));
  }
  setOutputWithDims(node, 0, reshape(b, loc, result, shape), node.isUnsigned(0),
                    dims);
  return success();
}

static LogicalResult translateGatherElements(Node &node) {
  ArrayRef<int64_t> from = node.shape(0), shape = node.shape(1);
  auto axis = node.normalizeAxis(node.intAttribute("axis", 0), from.size());
  if (failed(axis))
    return failure();
  if (shape.size() != from.size())
    return node.error() << "the indices have rank " << shape.size()
                        << ", the data " << from.size();
  for (auto [d, extent] : llvm::enumerate(shape))
    if (int64_t(d) != *axis && extent > from[d])
      return node.error() << "the indices have extent " << extent
                          << " in dimension " << d << ", the data " << from[d];
  auto indices = checkedIndices(node, 1, from[*axis], /*isTuple=*/false);
  if (failed(indices))
    return failure();
  if (product(from) == 0 && product(shape) != 0)
    return node.error() << "there is nothing to gather from";
  Value data = node.input(0);
  Value result = generated(
      node.builder(), node.loc(), shape, node.elementType(0),
      [&](OpBuilder &b, Location loc, ArrayRef<Value> index) -> Value {
        SmallVector<Value> place(index.begin(), index.end());
        place[*axis] = IndexMath(b, loc).read(*indices, index);
        return tensor::ExtractOp::create(b, loc, data, place);
      });
  setOutputWithDims(node, 0, result, node.isUnsigned(0),
                    node.tensor(1).runtimeDims);
  return success();
}

static LogicalResult translateGatherND(Node &node) {
  ArrayRef<int64_t> from = node.shape(0), at = node.shape(1);
  int64_t batch = node.intAttribute("batch_dims", 0);
  int64_t depth = at.empty() ? -1 : at.back();
  if (batch < 0 || depth < 1 || batch >= int64_t(at.size()) ||
      batch + depth > int64_t(from.size()) ||
      from.take_front(batch) != at.take_front(batch))
    return node.error() << "index tuples of " << depth << " behind " << batch
                        << " batch dimensions do not fit rank " << from.size();
  ArrayRef<int64_t> extents = from.slice(batch, depth);
  ArrayRef<int64_t> inner = from.drop_front(batch + depth);
  Extents shape(at.drop_back());
  shape.append(inner.begin(), inner.end());
  if (failed(node.makeType(shape, node.elementType(0))))
    return failure();
  SmallVector<Value> dims(shape.size());
  for (size_t d = 0; d + 1 < at.size(); ++d)
    dims[d] = runtimeDim(node.tensor(1), d);
  if (isDynamic(node.tensor(0)))
    return node.error() << "the input's shape depends on the data";
  if (product(from) == 0 && product(shape) != 0)
    return node.error() << "there is nothing to gather from";

  auto indices = checkedIndices(node, 1, extents, /*isTuple=*/true);
  if (failed(indices))
    return failure();
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  Value tuples = reshape(b, loc, *indices, {product(at.drop_back()), depth});
  int64_t batches = product(from.take_front(batch));
  Value rows = rowNumbers(b, loc, tuples, extents, batches);
  Value data = reshape(b, loc, node.input(0),
                       {1, batches * product(extents), product(inner)});
  Value result = gatherRows(b, loc, data, rows);
  setOutputWithDims(node, 0, reshape(b, loc, result, shape), node.isUnsigned(0),
                    dims);
  return success();
}

void lig::onnx_import::addIndexingOperators(OperatorTable &table) {
  table.add("Gather", 1, translateGather);
  table.add("GatherElements", 11, translateGatherElements);
  table.add("GatherND", 11, translateGatherND);
  table.add("Scatter", 9, translateScatterElements);
  table.add("ScatterElements", 11, translateScatterElements);
  table.add("ScatterND", 11, translateScatterND);
  table.add("TensorScatter", 24, translateTensorScatter);
  table.add("Compress", 9, translateCompress);
  table.add("NonZero", 9, translateNonZero);
  table.add("Unique", 11, translateUnique);
}
