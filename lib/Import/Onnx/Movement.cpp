// Operators that put elements in other places, all of them known while
// importing: transposes, slices, concatenations and what is made of them.

#include "Operators.h"

#include "Build.h"
#include "Moves.h"
#include "RuntimeDims.h"
#include "ShapeRules.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

Value lig::onnx_import::reversed(OpBuilder &b, Location loc, Value input,
                                 ArrayRef<int64_t> axes) {
  auto type = cast<RankedTensorType>(input.getType());
  if (axes.empty() || type.getNumElements() == 0)
    return input;
  SmallVector<AffineExpr> from;
  for (int64_t d = 0; d < type.getRank(); ++d) {
    AffineExpr at = b.getAffineDimExpr(d);
    from.push_back(llvm::is_contained(axes, d) ? type.getDimSize(d) - 1 - at
                                               : at);
  }
  AffineMap maps[] = {AffineMap::get(type.getRank(), 0, from, b.getContext()),
                      b.getMultiDimIdentityMap(type.getRank())};
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  Value empty =
      tensor::EmptyOp::create(b, loc, type.getShape(), type.getElementType());
  return linalg::GenericOp::create(
             b, loc, type, input, empty, maps, loops,
             [](OpBuilder &nested, Location at, ValueRange elements) {
               linalg::YieldOp::create(nested, at, elements[0]);
             })
      .getResult(0);
}

Value lig::onnx_import::concat(OpBuilder &b, Location loc, int64_t axis,
                               ArrayRef<Value> parts) {
  SmallVector<Value> filledParts;
  for (Value part : parts)
    if (cast<RankedTensorType>(part.getType()).getNumElements() != 0)
      filledParts.push_back(part);
  if (filledParts.empty())
    filledParts.push_back(parts.front());
  if (filledParts.size() == 1)
    return filledParts.front();
  return tensor::ConcatOp::create(b, loc, axis, filledParts);
}

static LogicalResult translateTranspose(Node &node) {
  auto permutation = transposePermutation(node);
  if (failed(permutation))
    return failure();
  SmallVector<Value> dims;
  for (int64_t d : *permutation)
    dims.push_back(runtimeDim(node.tensor(0), d));
  Value result =
      transpose(node.builder(), node.loc(), node.input(0), *permutation);
  setOutputWithDims(node, 0, result, node.isUnsigned(0), dims);
  return success();
}

static LogicalResult translateConcat(Node &node) {
  for (unsigned i = 0; i < node.numInputs(); ++i)
    if (isDynamic(node.tensor(i)))
      return node.error() << "the shape of input " << i
                          << " depends on the data";
  auto joined = joinedShape(node);
  if (failed(joined) ||
      failed(node.makeType(joined->shape, node.elementType(0))))
    return failure();
  SmallVector<Value> parts;
  for (unsigned i = 0; i < node.numInputs(); ++i)
    parts.push_back(node.input(i));
  node.setOutput(0, concat(node.builder(), node.loc(), joined->axis, parts),
                 node.isUnsigned(0));
  return success();
}

static LogicalResult translateSplit(Node &node) {
  auto parts = splitParts(node);
  if (failed(parts))
    return failure();
  Value input = node.input(0);
  Extents offsets(node.shape(0).size(), 0), sizes(node.shape(0));
  if (runtimeDim(node.tensor(0), parts->axis))
    return node.error() << "the extent along the axis depends on the data";
  for (auto [i, size] : llvm::enumerate(parts->sizes)) {
    sizes[parts->axis] = size;
    if (node.wantsOutput(i))
      setOutputWithDims(
          node, i, slice(node.builder(), node.loc(), input, offsets, sizes),
          node.isUnsigned(0), node.tensor(0).runtimeDims);
    offsets[parts->axis] += size;
  }
  return success();
}

static LogicalResult translateSlice(Node &node) {
  bool known = node.opset() < 10;
  if (!known)
    known = node.constant(1) && node.constant(2) &&
            (!node.hasInput(3) || node.constant(3)) &&
            (!node.hasInput(4) || node.constant(4));
  if (!known && node.declaredShape(0))
    return translateRuntimeSlice(node);
  auto range = sliceRange(node);
  if (failed(range))
    return failure();
  SmallVector<int64_t> backwards;
  for (int64_t d = 0; d < int64_t(range->sizes.size()); ++d) {
    bool whole = range->sizes[d] == node.shape(0)[d] && range->steps[d] == 1;
    if (!whole && runtimeDim(node.tensor(0), d))
      return node.error() << "the extent of dimension " << d
                          << " depends on the data";
    if (range->steps[d] > 0)
      continue;
    range->steps[d] = -range->steps[d];
    if (range->sizes[d] == 0)
      continue;
    // The same elements from the lowest up, then turned around.
    range->starts[d] -= (range->sizes[d] - 1) * range->steps[d];
    backwards.push_back(d);
  }
  OpBuilder &b = node.builder();
  Value part = slice(b, node.loc(), node.input(0), range->starts, range->sizes,
                     range->steps);
  setOutputWithDims(node, 0, reversed(b, node.loc(), part, backwards),
                    node.isUnsigned(0), node.tensor(0).runtimeDims);
  return success();
}

static LogicalResult translateTile(Node &node) {
  auto repeats = tileRepeats(node);
  if (failed(repeats))
    return failure();
  if (isDynamic(node.tensor(0)))
    return node.error() << "the input's shape depends on the data";
  Extents single, wide, shape;
  for (auto [extent, repeat] : llvm::zip(node.shape(0), *repeats)) {
    single.append({1, extent});
    wide.append({repeat, extent});
    int64_t total = 0;
    if (llvm::MulOverflow(extent, repeat, total))
      return node.error() << "a repeat is " << repeat;
    shape.push_back(total);
  }
  if (failed(node.makeType(shape, node.elementType(0))))
    return failure();
  OpBuilder &b = node.builder();
  Value value = reshape(b, node.loc(), node.input(0), single);
  value = broadcastTo(b, node.loc(), value, wide);
  node.setOutput(0, reshape(b, node.loc(), value, shape), node.isUnsigned(0));
  return success();
}

/// The block size of a rank-4 input, checked, or an error.
static FailureOr<int64_t> blockSize(Node &node) {
  int64_t block = node.intAttribute("blocksize", 0);
  if (block <= 0 || block > (1 << 20) || node.shape(0).size() != 4)
    return LogicalResult(node.error() << "blocks of size " << block
                                      << " in rank " << node.shape(0).size());
  return block;
}

static LogicalResult translateDepthToSpace(Node &node) {
  auto block = blockSize(node);
  if (failed(block))
    return failure();
  ArrayRef<int64_t> s = node.shape(0);
  int64_t k = *block, depth = s[1] / (k * k);
  if (depth * k * k != s[1])
    return node.error() << s[1] << " channels are no blocks of " << k * k;
  bool columns = node.stringAttribute("mode", "DCR") == "CRD";
  OpBuilder &b = node.builder();
  Value value = columns ? reshape(b, node.loc(), node.input(0),
                                  {s[0], depth, k, k, s[2], s[3]})
                        : reshape(b, node.loc(), node.input(0),
                                  {s[0], k, k, depth, s[2], s[3]});
  SmallVector<int64_t> order = columns ? SmallVector<int64_t>{0, 1, 4, 2, 5, 3}
                                       : SmallVector<int64_t>{0, 3, 4, 1, 5, 2};
  value = transpose(b, node.loc(), value, order);
  node.setOutput(
      0, reshape(b, node.loc(), value, {s[0], depth, s[2] * k, s[3] * k}),
      node.isUnsigned(0));
  return success();
}

static LogicalResult translateSpaceToDepth(Node &node) {
  auto block = blockSize(node);
  if (failed(block))
    return failure();
  ArrayRef<int64_t> s = node.shape(0);
  int64_t k = *block;
  if (s[2] % k || s[3] % k)
    return node.error() << "the image does not divide into blocks of " << k;
  OpBuilder &b = node.builder();
  Value value = reshape(b, node.loc(), node.input(0),
                        {s[0], s[1], s[2] / k, k, s[3] / k, k});
  value = transpose(b, node.loc(), value, {0, 3, 5, 1, 2, 4});
  node.setOutput(
      0,
      reshape(b, node.loc(), value, {s[0], s[1] * k * k, s[2] / k, s[3] / k}),
      node.isUnsigned(0));
  return success();
}

void lig::onnx_import::addMovementOperators(OperatorTable &table) {
  table.add("Transpose", 1, translateTranspose);
  table.add("Concat", 4, translateConcat);
  table.add("Split", 2, translateSplit);
  table.add("Slice", 1, translateSlice);
  table.add("Tile", 6, translateTile);
  table.add("DepthToSpace", 1, translateDepthToSpace);
  table.add("SpaceToDepth", 1, translateSpaceToDepth);
  table.add("Pad", 2, translatePad);
  table.add("CenterCropPad", 18, translateCenterCropPad);
  table.add("ReverseSequence", 10, translateReverseSequence);
}
