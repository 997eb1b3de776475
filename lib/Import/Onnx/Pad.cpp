// Pad and CenterCropPad. A constant border is a `tensor.pad`; the others are
// concatenations of slices of the tensor itself, so that every part is a plain
// copy. Borders wider than the tensor grow it several times.

#include "Build.h"
#include "Moves.h"
#include "RuntimeDims.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace lig::onnx_import;

static int64_t extentOf(Value value, int64_t axis) {
  return cast<RankedTensorType>(value.getType()).getDimSize(axis);
}

/// input[..., offset : offset + size, ...] along `axis`.
static Value sliceAlong(OpBuilder &b, Location loc, Value input, int64_t axis,
                        int64_t offset, int64_t size) {
  SmallVector<int64_t> sizes(
      cast<RankedTensorType>(input.getType()).getShape());
  SmallVector<int64_t> offsets(sizes.size(), 0);
  offsets[axis] = offset;
  sizes[axis] = size;
  return slice(b, loc, input, offsets, sizes);
}

/// As much of the missing border on one side as one copy can give.
static Value borderPart(OpBuilder &b, Location loc, Value value, int64_t axis,
                        int64_t missing, bool atEnd, Border border,
                        int64_t period) {
  int64_t extent = extentOf(value, axis);
  if (border == Border::Edge || period == 1) {
    Value line = sliceAlong(b, loc, value, axis, atEnd ? extent - 1 : 0, 1);
    SmallVector<int64_t> shape(
        cast<RankedTensorType>(value.getType()).getShape());
    shape[axis] = missing;
    return broadcastTo(b, loc, line, shape);
  }
  if (border == Border::Reflect) {
    int64_t size = std::min(missing, extent - 1);
    Value part =
        sliceAlong(b, loc, value, axis, atEnd ? extent - 1 - size : 1, size);
    return reversed(b, loc, part, axis);
  }
  int64_t whole = extent / period * period;
  int64_t size = std::min(missing, whole);
  return sliceAlong(b, loc, value, axis, atEnd ? extent - whole : whole - size,
                    size);
}

/// Grows one axis by a border that is made of the tensor itself.
static Value growAxis(OpBuilder &b, Location loc, Value value, int64_t axis,
                      int64_t low, int64_t high, Border border) {
  int64_t period = extentOf(value, axis);
  while (low > 0 || high > 0) {
    SmallVector<Value> parts;
    if (low > 0)
      parts.push_back(
          borderPart(b, loc, value, axis, low, false, border, period));
    parts.push_back(value);
    if (high > 0)
      parts.push_back(
          borderPart(b, loc, value, axis, high, true, border, period));
    if (low > 0)
      low -= extentOf(parts.front(), axis);
    if (high > 0)
      high -= extentOf(parts.back(), axis);
    value = concat(b, loc, axis, parts);
  }
  return value;
}

Value lig::onnx_import::padded(OpBuilder &b, Location loc, Value input,
                               ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                               Border border, Value fill) {
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<int64_t> offsets, sizes, shape;
  SmallVector<OpFoldResult> before, after;
  for (int64_t d = 0; d < type.getRank(); ++d) {
    offsets.push_back(std::max<int64_t>(-low[d], 0));
    sizes.push_back(std::max<int64_t>(type.getDimSize(d) - offsets.back() +
                                          std::min<int64_t>(high[d], 0),
                                      0));
    before.push_back(b.getIndexAttr(std::max<int64_t>(low[d], 0)));
    after.push_back(b.getIndexAttr(std::max<int64_t>(high[d], 0)));
    shape.push_back(type.getDimSize(d) + low[d] + high[d]);
  }
  Value value = slice(b, loc, input, offsets, sizes);
  if (shape == sizes)
    return value;
  if (border == Border::Constant)
    return tensor::PadOp::create(b, loc, type.clone(shape), value, before,
                                 after, fill);
  for (int64_t d = 0; d < type.getRank(); ++d)
    value = growAxis(b, loc, value, d, std::max<int64_t>(low[d], 0),
                     std::max<int64_t>(high[d], 0), border);
  return value;
}

FailureOr<Border> lig::onnx_import::borderOf(Node &node) {
  std::string mode = node.stringAttribute("mode", "constant");
  if (mode == "constant")
    return Border::Constant;
  if (mode == "edge")
    return Border::Edge;
  if (mode == "reflect")
    return Border::Reflect;
  if (mode == "wrap")
    return Border::Wrap;
  return LogicalResult(node.error() << "there is no mode '" << mode << "'");
}

Value lig::onnx_import::padFill(Node &node) {
  OpBuilder &b = node.builder();
  if (node.hasInput(2)) {
    Value value = reshape(b, node.loc(), node.input(2), {});
    return tensor::ExtractOp::create(b, node.loc(), value, ValueRange());
  }
  return scalar(b, node.loc(), node.elementType(0),
                node.floatAttribute("value", 0));
}

LogicalResult lig::onnx_import::translatePad(Node &node) {
  auto border = borderOf(node);
  if (failed(border))
    return failure();
  ArrayRef<int64_t> from = node.shape(0);
  int64_t rank = from.size();
  if (isDynamic(node.tensor(0)))
    return node.error() << "the input's shape depends on the data";
  if (node.hasInput(2) && node.type(2).getNumElements() != 1)
    return node.error() << "the value is no scalar";
  bool hasAxes = node.hasInput(3);
  if (node.opset() >= 11 && node.declaredShape(0) &&
      (!node.constant(1) || (hasAxes && !node.constant(3))))
    return translateRuntimePad(node, *border);
  auto pads = node.attributeOrInput("pads", 1);
  if (failed(pads))
    return failure();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (hasAxes) {
    auto given = node.requireInts(3, "the axes");
    if (failed(given) || failed(node.normalizeAxes(*given, rank)))
      return failure();
    axes = *given;
  }
  if (!*pads || (*pads)->size() != 2 * axes.size())
    return node.error() << "there should be " << 2 * axes.size() << " pads";

  SmallVector<int64_t> low(rank, 0), high(rank, 0), shape;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    low[axis] = (**pads)[i];
    high[axis] = (**pads)[axes.size() + i];
  }
  constexpr int64_t most = int64_t(1) << 46;
  for (int64_t d = 0; d < rank; ++d) {
    if (low[d] > most || low[d] < -most || high[d] > most || high[d] < -most ||
        from[d] + low[d] + high[d] < 0)
      return node.error() << "pads " << low[d] << " and " << high[d]
                          << " for extent " << from[d];
    shape.push_back(from[d] + low[d] + high[d]);
    bool grows = low[d] > 0 || high[d] > 0;
    int64_t left =
        from[d] + std::min<int64_t>(low[d], 0) + std::min<int64_t>(high[d], 0);
    if (left < 0 || (grows && left == 0 && *border != Border::Constant))
      return node.error() << "dimension " << d << " has nothing to pad with";
  }
  if (failed(node.makeType(shape, node.elementType(0))))
    return failure();
  Value fill = *border == Border::Constant ? padFill(node) : Value();
  node.setOutput(0,
                 padded(node.builder(), node.loc(), node.input(0), low, high,
                        *border, fill),
                 node.isUnsigned(0));
  return success();
}

LogicalResult lig::onnx_import::translateCenterCropPad(Node &node) {
  ArrayRef<int64_t> from = node.shape(0);
  int64_t rank = from.size();
  auto target = node.requireInts(1, "the shape");
  if (failed(target))
    return failure();
  SmallVector<int64_t> axes =
      node.intsAttribute("axes", llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  if (failed(node.normalizeAxes(axes, rank)))
    return failure();
  if (axes.size() != target->size())
    return node.error() << target->size() << " extents for " << axes.size()
                        << " axes";
  SmallVector<int64_t> low(rank, 0), high(rank, 0), shape(from);
  for (auto [axis, extent] : llvm::zip(axes, *target)) {
    shape[axis] = extent;
    if (extent < 0 || failed(node.makeType(shape, node.elementType(0))))
      return node.error() << "the shape has the entry " << extent;
    // An odd one is cut or added at the end.
    int64_t change = extent - from[axis];
    low[axis] = change >= 0 ? change / 2 : -(-change / 2);
    high[axis] = change - low[axis];
  }
  Value fill = scalar(node.builder(), node.loc(), node.elementType(0), 0);
  node.setOutput(0,
                 padded(node.builder(), node.loc(), node.input(0), low, high,
                        Border::Constant, fill),
                 node.isUnsigned(0));
  return success();
}
