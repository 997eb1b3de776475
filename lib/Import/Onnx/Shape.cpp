// Operators that change or tell a tensor's shape and leave its elements where
// they are. Reshapes are `tensor.expand_shape` and `tensor.collapse_shape`, so
// a parameter under another shape is still that parameter.

#include "Operators.h"

#include "Build.h"
#include "RuntimeDims.h"
#include "ShapeRules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

static LogicalResult refuseDynamic(Node &node) {
  if (!isDynamic(node.tensor(0)))
    return success();
  return node.error() << "the input's shape depends on the data";
}

static LogicalResult setReshaped(Node &node, FailureOr<Extents> shape) {
  if (failed(shape) || failed(refuseDynamic(node)) ||
      failed(node.makeType(*shape, node.elementType(0))))
    return failure();
  node.setOutput(0, reshape(node.builder(), node.loc(), node.input(0), *shape),
                 node.isUnsigned(0));
  return success();
}

static LogicalResult translateReshape(Node &node) {
  return setReshaped(node, reshapedShape(node));
}

static LogicalResult translateFlatten(Node &node) {
  return setReshaped(node, flattenedShape(node));
}

/// The run-time extents of `from` in a shape that differs from its own by
/// dimensions of extent 1 only.
static SmallVector<Value> moveDims(const Tensor &from,
                                   ArrayRef<int64_t> shape) {
  SmallVector<Value> dims(shape.size());
  unsigned at = 0;
  for (auto [d, extent] : llvm::enumerate(from.type.getShape())) {
    if (extent == 1)
      continue;
    while (shape[at] == 1)
      ++at;
    dims[at++] = runtimeDim(from, d);
  }
  return dims;
}

static LogicalResult setUnitDims(Node &node, FailureOr<Extents> shape) {
  if (failed(shape))
    return failure();
  for (auto [d, extent] : llvm::enumerate(node.shape(0)))
    if (extent == 1 && runtimeDim(node.tensor(0), d))
      return node.error() << "dimension " << d << " may be empty";
  SmallVector<Value> dims = moveDims(node.tensor(0), *shape);
  Value result = reshape(node.builder(), node.loc(), node.input(0), *shape);
  setOutputWithDims(node, 0, result, node.isUnsigned(0), dims);
  return success();
}

static LogicalResult translateSqueeze(Node &node) {
  return setUnitDims(node, squeezedShape(node));
}

static LogicalResult translateUnsqueeze(Node &node) {
  return setUnitDims(node, unsqueezedShape(node));
}

static LogicalResult translateIdentity(Node &node) {
  node.setOutput(0, Tensor(node.tensor(0)));
  return success();
}

static LogicalResult translateExpand(Node &node) {
  auto shape = expandedShape(node);
  if (failed(shape) || failed(refuseDynamic(node)) ||
      failed(node.makeType(*shape, node.elementType(0))))
    return failure();
  node.setOutput(0,
                 broadcastTo(node.builder(), node.loc(), node.input(0), *shape),
                 node.isUnsigned(0));
  return success();
}

/// Integers of which some are `index` values that the run computes.
static Value packInts(Node &node, ArrayRef<int64_t> known,
                      ArrayRef<Value> dims) {
  OpBuilder &b = node.builder();
  Type type = b.getI64Type();
  SmallVector<Value> elements;
  for (auto [number, dim] : llvm::zip(known, dims))
    elements.push_back(
        dim ? Value(arith::IndexCastOp::create(b, node.loc(), type, dim))
            : Value(arith::ConstantIntOp::create(b, node.loc(), number, 64)));
  return tensor::FromElementsOp::create(
      b, node.loc(), RankedTensorType::get({int64_t(known.size())}, type),
      elements);
}

static LogicalResult translateShape(Node &node) {
  const Tensor &input = node.tensor(0);
  int64_t rank = input.type.getRank();
  auto place = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  int64_t start = place(node.intAttribute("start", 0));
  int64_t end = place(node.intAttribute("end", rank));
  ArrayRef<int64_t> part =
      input.type.getShape().slice(start, std::max<int64_t>(0, end - start));
  SmallVector<Value> dims;
  for (size_t d = 0; d < part.size(); ++d)
    dims.push_back(runtimeDim(input, start + d));
  if (llvm::any_of(dims, [](Value dim) { return static_cast<bool>(dim); })) {
    node.setOutput(0, packInts(node, part, dims));
    return success();
  }
  auto type = RankedTensorType::get({int64_t(part.size())},
                                    node.builder().getI64Type());
  node.setOutput(0, Constant::fromInts(type, part));
  return success();
}

static LogicalResult translateSize(Node &node) {
  if (failed(refuseDynamic(node)))
    return failure();
  auto type = RankedTensorType::get({}, node.builder().getI64Type());
  node.setOutput(0, Constant::fromInts(type, node.type(0).getNumElements()));
  return success();
}

void lig::onnx_import::addShapeOperators(OperatorTable &table) {
  table.add("Reshape", 5, translateReshape);
  table.add("Flatten", 1, translateFlatten);
  table.add("Squeeze", 1, translateSqueeze);
  table.add("Unsqueeze", 1, translateUnsqueeze);
  table.add("Identity", 1, translateIdentity);
  table.add("Expand", 8, translateExpand);
  table.add("Shape", 1, translateShape);
  table.add("Size", 1, translateSize);
}
