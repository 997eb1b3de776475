// Moves whose places only the run knows: Slice and Pad with computed bounds,
// and ReverseSequence. The result's shape is what the model declares.

#include "Build.h"
#include "Elements.h"
#include "Moves.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

/// For every dimension of the input the entry of `values` that `axes` assigns
/// to it (no axes: in order), or `otherwise`.
static SmallVector<Value> perDimension(Node &node, unsigned values,
                                       unsigned axes, int64_t first,
                                       int64_t count, int64_t otherwise) {
  OpBuilder &b = node.builder();
  IndexMath math(b, node.loc());
  int64_t rank = node.shape(0).size();
  SmallVector<Value> result(rank, math.constant(otherwise));
  if (!node.hasInput(values))
    return result;
  Value input = node.input(values);
  for (int64_t i = 0; i < count; ++i) {
    Value entry = math.read(input, math.constant(first + i));
    if (!node.hasInput(axes)) {
      if (i < rank)
        result[i] = entry;
      continue;
    }
    Value axis = math.read(node.input(axes), math.constant(i));
    axis = math.wrap(axis, rank);
    for (int64_t d = 0; d < rank; ++d)
      result[d] =
          math.select(math.equal(axis, math.constant(d)), entry, result[d]);
  }
  return result;
}

/// The first element that a slice reads, by the definition of Slice: counted
/// from the end if negative, then brought to the border of the tensor.
static Value sliceStart(IndexMath &math, Value start, Value step,
                        int64_t extent) {
  Value zero = math.constant(0);
  start = math.select(math.less(start, zero),
                      math.add(start, math.constant(extent)), start);
  Value last = math.select(math.less(step, zero), math.constant(extent - 1),
                           math.constant(extent));
  return math.max(math.min(start, last), zero);
}

LogicalResult lig::onnx_import::translateRuntimeSlice(Node &node) {
  ArrayRef<int64_t> from = node.shape(0);
  SmallVector<int64_t> shape = *node.declaredShape(0);
  int64_t rank = from.size();
  if (int64_t(shape.size()) != rank || node.shape(1).size() != 1)
    return node.error() << "the declared shape has rank " << shape.size()
                        << ", the input " << rank;
  for (auto [to, extent] : llvm::zip(shape, from))
    if (to > extent)
      return node.error() << "the declared extent " << to << " is beyond "
                          << extent;
  int64_t count = node.shape(1)[0];
  for (unsigned i = 2; i < node.numInputs(); ++i)
    if (node.hasInput(i) && node.shape(i) != ArrayRef(count))
      return node.error() << "starts, ends, axes and steps differ in length";
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  IndexMath math(b, loc);
  SmallVector<Value> starts = perDimension(node, 1, 3, 0, count, 0);
  SmallVector<Value> steps = perDimension(node, 4, 3, 0, count, 1);
  Value input = node.input(0);
  for (int64_t d = 0; d < rank; ++d)
    starts[d] = sliceStart(math, starts[d], steps[d], from[d]);

  Value result;
  if (!node.hasInput(4)) {
    SmallVector<OpFoldResult> offsets, ones(rank, b.getIndexAttr(1));
    for (int64_t d = 0; d < rank; ++d)
      offsets.push_back(math.clamp(starts[d], 0, from[d] - shape[d]));
    result = tensor::ExtractSliceOp::create(
        b, loc, node.type(0).clone(shape), input, offsets,
        getAsIndexOpFoldResult(b.getContext(), shape), ones);
  } else {
    result = generated(
        b, loc, shape, node.elementType(0),
        [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
          IndexMath inner(nested, at);
          SmallVector<Value> place;
          for (int64_t d = 0; d < rank; ++d)
            place.push_back(
                inner.clamp(inner.add(starts[d], inner.mul(index[d], steps[d])),
                            0, from[d] - 1));
          return tensor::ExtractOp::create(nested, at, input, place);
        });
  }
  node.setOutput(0, result, node.isUnsigned(0));
  return success();
}

/// The element inside that a border shows at `at` outside or inside [0, n).
static Value borderIndex(IndexMath &math, Value at, int64_t n, Border border) {
  if (border == Border::Wrap)
    return math.modulo(at, n);
  if (border == Border::Reflect && n > 1) {
    int64_t period = 2 * (n - 1);
    Value place = math.modulo(at, period);
    return math.min(place, math.sub(math.constant(period), place));
  }
  return math.clamp(at, 0, n - 1);
}

LogicalResult lig::onnx_import::translateRuntimePad(Node &node, Border border) {
  ArrayRef<int64_t> from = node.shape(0);
  SmallVector<int64_t> shape = *node.declaredShape(0);
  int64_t rank = from.size();
  int64_t count = node.hasInput(3) ? node.type(3).getNumElements() : rank;
  if (int64_t(shape.size()) != rank || node.shape(1) != ArrayRef(2 * count) ||
      node.type(0).getNumElements() == 0)
    return node.error() << "there should be " << 2 * count << " pads";
  OpBuilder &b = node.builder();
  IndexMath math(b, node.loc());
  SmallVector<Value> low = perDimension(node, 1, 3, 0, count, 0);
  Value fill = border == Border::Constant ? padFill(node) : Value();
  Value input = node.input(0);
  Value result = generated(
      b, node.loc(), shape, node.elementType(0),
      [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
        IndexMath inner(nested, at);
        SmallVector<Value> place;
        Value inside;
        for (int64_t d = 0; d < rank; ++d) {
          Value wanted = inner.sub(index[d], low[d]);
          place.push_back(borderIndex(inner, wanted, from[d], border));
          Value isHere = inner.equal(wanted, place.back());
          inside = inside ? arith::AndIOp::create(nested, at, inside, isHere)
                                .getResult()
                          : isHere;
        }
        Value element = tensor::ExtractOp::create(nested, at, input, place);
        if (border != Border::Constant || !inside)
          return element;
        return arith::SelectOp::create(nested, at, inside, element, fill);
      });
  node.setOutput(0, result, node.isUnsigned(0));
  return success();
}

LogicalResult lig::onnx_import::translateReverseSequence(Node &node) {
  ArrayRef<int64_t> shape = node.shape(0);
  int64_t time = node.intAttribute("time_axis", 0);
  int64_t batch = node.intAttribute("batch_axis", 1);
  if (shape.size() < 2 || time == batch || time < 0 || time > 1 || batch < 0 ||
      batch > 1)
    return node.error() << "time axis " << time << " and batch axis " << batch
                        << " should be the first two";
  if (node.shape(1) != ArrayRef(shape[batch]))
    return node.error() << "there should be " << shape[batch] << " lengths";
  OpBuilder &b = node.builder();
  Value input = node.input(0), lengths = node.input(1);
  Value result = generated(
      b, node.loc(), shape, node.elementType(0),
      [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
        IndexMath math(nested, at);
        SmallVector<Value> place(index.begin(), index.end());
        Value length =
            math.clamp(math.read(lengths, index[batch]), 0, shape[time]);
        Value back = math.sub(math.sub(length, index[time]), math.constant(1));
        place[time] =
            math.select(math.less(index[time], length), back, index[time]);
        return tensor::ExtractOp::create(nested, at, input, place);
      });
  node.setOutput(0, result, node.isUnsigned(0));
  return success();
}
