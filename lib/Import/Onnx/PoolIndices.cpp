// The indices of MaxPool come from a reduction that carries the greatest
// element and the number of its tap; a second step makes places of taps. Taps
// outside the image take part as the lowest value, and never win: ties go to
// the first tap inside.

#include "PoolIndices.h"

#include "Build.h"
#include "Checks.h"
#include "Elements.h"
#include "Moves.h"
#include "Rows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

/// The input with the lowest value around it, as far as windows reach.
static Value surround(Node &node, const Window &window,
                      ArrayRef<int64_t> extents) {
  ArrayRef<int64_t> image = node.shape(0);
  SmallVector<int64_t> low(image.size(), 0), high(image.size(), 0);
  for (unsigned d = 0; d < window.rank(); ++d) {
    int64_t end = (extents[d + 2] - 1) * window.strides[d] + window.span(d);
    low[d + 2] = window.pads[d];
    high[d + 2] = std::max<int64_t>(0, end - window.pads[d] - image[d + 2]);
  }
  Value fill = extreme(node.builder(), node.loc(), node.elementType(0),
                       /*greatest=*/false, node.isUnsigned(0));
  return padded(node.builder(), node.loc(), node.input(0), low, high,
                Border::Constant, fill);
}

static Value isGreater(OpBuilder &b, Location loc, Value x, Value y,
                       bool isUnsigned) {
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y);
  return arith::CmpIOp::create(
      b, loc,
      isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt, x, y);
}

/// Place of tap coordinate `tap` of window `o` in dimension `d` of the image.
static Value placeOf(IndexMath &math, const Window &window, unsigned d, Value o,
                     Value tap) {
  Value start = math.mul(o, math.constant(window.strides[d]));
  Value offset = math.mul(tap, math.constant(window.dilations[d]));
  return math.sub(math.add(start, offset), math.constant(window.pads[d]));
}

/// For each window, the number of the tap with the greatest element.
static Value winningTaps(Node &node, const Window &window,
                         RankedTensorType type) {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  unsigned rank = type.getRank(), spatial = window.rank();
  Value input = surround(node, window, type.getShape());
  SmallVector<AffineExpr> in = {b.getAffineDimExpr(0), b.getAffineDimExpr(1)};
  SmallVector<AffineExpr> taps;
  for (unsigned d = 0; d < spatial; ++d) {
    taps.push_back(b.getAffineDimExpr(rank + d));
    in.push_back(b.getAffineDimExpr(2 + d) * window.strides[d] +
                 taps.back() * window.dilations[d]);
  }
  unsigned loops = rank + spatial;
  AffineMap out = b.getMultiDimIdentityMap(loops).getMajorSubMap(rank);
  AffineMap maps[] = {AffineMap::get(loops, 0, in, b.getContext()),
                      AffineMap::get(loops, 0, taps, b.getContext()), out, out};
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  kinds.append(spatial, utils::IteratorType::reduction);
  Type element = type.getElementType(), number = b.getI64Type();
  bool isUnsigned = node.isUnsigned(0);
  Value extents = tensor::EmptyOp::create(b, loc, window.kernel, element);
  Value inits[] = {
      filled(b, loc, type.getShape(),
             extreme(b, loc, element, /*greatest=*/false, isUnsigned)),
      filled(b, loc, type.getShape(), scalar(b, loc, number, -1))};
  ArrayRef<int64_t> image = node.shape(0).drop_front(2);
  auto body = [&](OpBuilder &nested, Location at, ValueRange elements) {
    IndexMath math(nested, at);
    Value tap = math.constant(0), isInside;
    for (unsigned d = 0; d < spatial; ++d) {
      Value o = linalg::IndexOp::create(nested, at, 2 + d);
      Value k = linalg::IndexOp::create(nested, at, rank + d);
      tap = math.add(math.mul(tap, math.constant(window.kernel[d])), k);
      // A negative place is a huge unsigned one.
      Value inside = arith::CmpIOp::create(
          nested, at, arith::CmpIPredicate::ult, placeOf(math, window, d, o, k),
          math.constant(image[d]));
      isInside =
          isInside ? Value(arith::AndIOp::create(nested, at, isInside, inside))
                   : inside;
    }
    Value isFirst =
        arith::CmpIOp::create(nested, at, arith::CmpIPredicate::slt,
                              elements[3], scalar(nested, at, number, 0));
    Value wins = arith::OrIOp::create(
        nested, at, isFirst,
        isGreater(nested, at, elements[0], elements[2], isUnsigned));
    wins = arith::AndIOp::create(nested, at, wins, isInside);
    linalg::YieldOp::create(
        nested, at,
        ValueRange{math.select(wins, elements[0], elements[2]),
                   math.select(wins, math.toInt(tap, number), elements[3])});
  };
  return linalg::GenericOp::create(
             b, loc, TypeRange{inits[0].getType(), inits[1].getType()},
             ValueRange{input, extents}, ValueRange(inits), maps, kinds, body)
      .getResult(1);
}

Value lig::onnx_import::poolIndices(Node &node, const Window &window,
                                    RankedTensorType type) {
  OpBuilder &b = node.builder();
  Value taps = winningTaps(node, window, type);
  ArrayRef<int64_t> image = node.shape(0);
  unsigned spatial = window.rank();
  bool isColumnMajor = node.intAttribute("storage_order", 0) == 1;
  auto body = [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
    IndexMath math(nested, at);
    // A window without a place in the image has no index; it gets the first.
    Value rest = math.max(math.fromInt(in[0]), math.constant(0));
    SmallVector<Value> places(spatial);
    for (int d = spatial - 1; d >= 0; --d) {
      Value kernel = math.constant(window.kernel[d]);
      Value tap = arith::RemSIOp::create(nested, at, rest, kernel);
      rest = arith::DivSIOp::create(nested, at, rest, kernel);
      Value o = linalg::IndexOp::create(nested, at, 2 + d);
      places[d] =
          math.clamp(placeOf(math, window, d, o, tap), 0, image[2 + d] - 1);
    }
    Value result = math.add(math.mul(linalg::IndexOp::create(nested, at, 0),
                                     math.constant(image[1])),
                            linalg::IndexOp::create(nested, at, 1));
    for (unsigned i = 0; i < spatial; ++i) {
      unsigned d = isColumnMajor ? spatial - 1 - i : i;
      result =
          math.add(math.mul(result, math.constant(image[2 + d])), places[d]);
    }
    return math.toInt(result, nested.getI64Type());
  };
  return elementwise(b, node.loc(), b.getI64Type(), taps, body);
}

LogicalResult lig::onnx_import::translateMaxUnpool(Node &node) {
  ArrayRef<int64_t> image = node.shape(0);
  SmallVector<int64_t> kernel = node.intsAttribute("kernel_shape");
  if (image.size() < 3 || kernel.size() + 2 != image.size())
    return node.error() << "kernel_shape is " << describe(kernel)
                        << ", but the input has shape " << describe(image);
  auto window = readWindow(node, kernel);
  if (failed(window) || failed(checkShape(node, 1, image, "the indices")))
    return failure();
  // Indices count in the image that the pool most likely had.
  SmallVector<int64_t> natural(image.take_front(2));
  for (unsigned d = 0; d < window->rank(); ++d)
    natural.push_back((image[d + 2] - 1) * window->strides[d] +
                      window->kernel[d] - window->padBoth(d));
  SmallVector<int64_t> shape = natural;
  if (node.hasInput(2)) {
    if (auto given = node.constantInts(2))
      shape = *given;
    else if (auto declared = node.declaredShape(0))
      shape = *declared;
    else
      return node.requireInts(2, "output_shape");
  }
  auto type = node.makeType(natural, node.elementType(0));
  if (failed(type) || failed(node.makeType(shape, node.elementType(0))))
    return failure();
  if (shape.size() != natural.size() ||
      llvm::any_of(shape, [](int64_t extent) { return extent < 1; }) ||
      llvm::any_of(natural, [](int64_t extent) { return extent < 1; }))
    return node.error() << "the result has shape " << describe(shape);

  OpBuilder &b = node.builder();
  Location loc = node.loc();
  int64_t count = node.type(0).getNumElements();
  auto places = checkedIndices(node, 1, type->getNumElements(),
                               /*isTuple=*/false);
  if (failed(places))
    return failure();
  Value zero = scalar(b, loc, node.elementType(0), 0);
  Value result =
      scatterRows(b, loc, filled(b, loc, {type->getNumElements(), 1}, zero),
                  reshape(b, loc, *places, count),
                  reshape(b, loc, node.input(0), {count, 1}), Meeting::Replace,
                  node.isUnsigned(0));
  result = reshape(b, loc, result, natural);
  SmallVector<int64_t> low(shape.size(), 0), high;
  for (auto [wanted, have] : llvm::zip(shape, natural))
    high.push_back(wanted - have);
  result = padded(b, loc, result, low, high, Border::Constant, zero);
  node.setOutput(0, result, node.isUnsigned(0));
  return success();
}
