// Pools over windows and over whole images. MaxPool's indices and MaxUnpool
// have a file of their own.

#include "Operators.h"

#include "Build.h"
#include "Checks.h"
#include "PoolIndices.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lig::onnx_import;

static LogicalResult checkImage(Node &node) {
  if (node.shape(0).size() < 3 || node.type(0).getNumElements() == 0)
    return node.error() << "the input has shape " << describe(node.shape(0))
                        << ", but should have [N, C] and spatial dimensions";
  return success();
}

namespace {
/// A pool's window and the type of its result.
struct Placed {
  Window window;
  RankedTensorType type;
};
} // namespace

static FailureOr<Placed> placePool(Node &node) {
  if (failed(checkImage(node)))
    return failure();
  ArrayRef<int64_t> image = node.shape(0).drop_front(2);
  SmallVector<int64_t> kernel = node.intsAttribute("kernel_shape");
  if (kernel.size() != image.size())
    return LogicalResult(node.error() << "kernel_shape is " << describe(kernel)
                                      << ", but the input has shape "
                                      << describe(node.shape(0)));
  auto window = readWindow(node, kernel);
  if (failed(window))
    return failure();
  auto extents =
      placeWindow(node, *window, image, node.intAttribute("ceil_mode", 0) != 0);
  if (failed(extents))
    return failure();
  SmallVector<int64_t> shape(node.shape(0).take_front(2));
  shape.append(*extents);
  auto type = node.makeType(shape, node.elementType(0));
  if (failed(type))
    return failure();
  return Placed{*window, *type};
}

static Value pool(Node &node, lig::net::PoolKind kind, Value input,
                  const Placed &placed, bool countsPads = false,
                  int64_t p = 2) {
  const Window &window = placed.window;
  return lig::net::PoolOp::create(node.builder(), node.loc(), placed.type, kind,
                                  input, window.kernel, window.strides,
                                  window.dilations, window.pads, countsPads, p);
}

/// Unsigned integers in an order that signed comparison understands, and back.
static Value flipSign(Node &node, Value value) {
  Type type = cast<RankedTensorType>(value.getType()).getElementType();
  return elementwise(node.builder(), node.loc(), type, value,
                     [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
                       Value sign = extreme(b, loc, type, /*greatest=*/false,
                                            /*isUnsigned=*/false);
                       return arith::XOrIOp::create(b, loc, in[0], sign);
                     });
}

static Value maximum(Node &node, const Placed &placed) {
  Value input = node.input(0);
  if (!node.isUnsigned(0))
    return pool(node, lig::net::PoolKind::Max, input, placed);
  return flipSign(
      node, pool(node, lig::net::PoolKind::Max, flipSign(node, input), placed));
}

static LogicalResult translateMaxPool(Node &node) {
  auto placed = placePool(node);
  if (failed(placed))
    return failure();
  if (node.wantsOutput(0))
    node.setOutput(0, maximum(node, *placed), node.isUnsigned(0));
  if (node.wantsOutput(1))
    node.setOutput(1, poolIndices(node, placed->window, placed->type));
  return success();
}

static LogicalResult translateAveragePool(Node &node) {
  if (failed(checkFloats(node, 1)))
    return failure();
  auto placed = placePool(node);
  if (failed(placed))
    return failure();
  bool countsPads = node.intAttribute("count_include_pad", 0) != 0;
  node.setOutput(0, pool(node, lig::net::PoolKind::Average, node.input(0),
                         *placed, countsPads));
  return success();
}

/// The order of a norm: a float in the first operator set.
static FailureOr<int64_t> orderOf(Node &node) {
  int64_t order = node.opset() < 2 ? truncated(node.floatAttribute("p", 2))
                                   : node.intAttribute("p", 2);
  if (order < 1 || order > 64)
    return LogicalResult(node.error() << "the norm has order " << order);
  return order;
}

static LogicalResult translateLpPool(Node &node) {
  if (failed(checkFloats(node, 1)))
    return failure();
  auto placed = placePool(node);
  auto order = orderOf(node);
  if (failed(placed) || failed(order))
    return failure();
  node.setOutput(0, pool(node, lig::net::PoolKind::Lp, node.input(0), *placed,
                         /*countsPads=*/false, *order));
  return success();
}

/// A window over the whole image.
static FailureOr<Placed> placeGlobal(Node &node) {
  if (failed(checkFloats(node, 1)) || failed(checkImage(node)))
    return failure();
  ArrayRef<int64_t> image = node.shape(0).drop_front(2);
  SmallVector<int64_t> ones(image.size(), 1), zeros(2 * image.size(), 0);
  SmallVector<int64_t> shape(node.shape(0).take_front(2));
  shape.append(ones);
  return Placed{Window{llvm::to_vector(image), ones, ones, zeros},
                RankedTensorType::get(shape, node.elementType(0))};
}

template <lig::net::PoolKind kind>
static LogicalResult translateGlobalPool(Node &node) {
  auto placed = placeGlobal(node);
  auto order = orderOf(node);
  if (failed(placed) || failed(order))
    return failure();
  node.setOutput(0, pool(node, kind, node.input(0), *placed,
                         /*countsPads=*/false, *order));
  return success();
}

void lig::onnx_import::addPoolingOperators(OperatorTable &table) {
  using lig::net::PoolKind;
  table.add("MaxPool", 1, translateMaxPool);
  table.add("AveragePool", 1, translateAveragePool);
  table.add("LpPool", 2, translateLpPool);
  table.add("GlobalAveragePool", 1, translateGlobalPool<PoolKind::Average>);
  table.add("GlobalMaxPool", 1, translateGlobalPool<PoolKind::Max>);
  table.add("GlobalLpPool", 1, translateGlobalPool<PoolKind::Lp>);
  table.add("MaxUnpool", 9, translateMaxUnpool);
}
