// The levels of a pyramid share a head and differ in size, so they cannot be a
// batch. As rows of one matrix their pixels can: each row holds what the window
// sees from there (im2col), channels last, in the order in which a convolution
// adds up. Copying windows costs more than it gains unless images are tiny;
// where they are, reading the filter is most of the work.

#include "JoinPixels.h"

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/TensorMoves.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace lig::net;
using lig::typeOf;

bool lig::net::hasPixels(ConvOp conv) {
  Type element = typeOf(conv.getInput()).getElementType();
  auto isStatic = [](Value value) { return typeOf(value).hasStaticShape(); };
  return conv.getGroups() == 1 && (element.isF32() || element.isF64()) &&
         llvm::all_of(conv->getOperands(), isStatic) &&
         isStatic(conv.getResult()) &&
         typeOf(conv.getResult()).getElementType() == element;
}

bool lig::net::convolveAlike(ConvOp a, ConvOp b) {
  RankedTensorType left = typeOf(a.getInput()), right = typeOf(b.getInput());
  return a->getAttrDictionary() == b->getAttrDictionary() &&
         a.getFilter() == b.getFilter() && a.getBias() == b.getBias() &&
         left.getElementType() == right.getElementType();
}

/// Whether each output pixel sees one input pixel, its own.
static bool isPointwise(ConvOp conv) {
  auto isOne = [](int64_t value) { return value == 1; };
  auto isZero = [](int64_t value) { return value == 0; };
  return llvm::all_of(typeOf(conv.getFilter()).getShape().drop_front(2),
                      isOne) &&
         llvm::all_of(conv.getStrides(), isOne) &&
         llvm::all_of(conv.getPads(), isZero);
}

/// Extents of the result's images and pixels, of the window, of the channels.
static SmallVector<int64_t> windowShape(ConvOp conv) {
  ArrayRef<int64_t> result = typeOf(conv.getResult()).getShape();
  ArrayRef<int64_t> filter = typeOf(conv.getFilter()).getShape();
  SmallVector<int64_t> shape = {result[0]};
  llvm::append_range(shape, result.drop_front(2));
  llvm::append_range(shape, filter.drop_front(2));
  shape.push_back(filter[1]);
  return shape;
}

double lig::net::countGatheredBytes(ConvOp conv) {
  if (isPointwise(conv))
    return 0;
  return lig::countBytes(RankedTensorType::get(
      windowShape(conv), typeOf(conv.getInput()).getElementType()));
}

static Value padded(ImplicitLocOpBuilder &b, Value input, ConvOp conv) {
  if (llvm::all_of(conv.getPads(), [](int64_t pad) { return pad == 0; }))
    return input;
  unsigned rank = conv.getStrides().size();
  SmallVector<OpFoldResult> low(rank + 2, b.getIndexAttr(0)), high = low;
  SmallVector<int64_t> shape(typeOf(input).getShape());
  for (unsigned i = 0; i < rank; ++i) {
    int64_t before = conv.getPads()[i], after = conv.getPads()[i + rank];
    low[1 + i] = b.getIndexAttr(before);
    high[1 + i] = b.getIndexAttr(after);
    shape[1 + i] += before + after;
  }
  Type element = typeOf(input).getElementType();
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  return tensor::PadOp::create(b, RankedTensorType::get(shape, element), input,
                               low, high, zero);
}

/// [pixels, window.., channels].
static Value makeRows(ImplicitLocOpBuilder &b, ConvOp conv) {
  unsigned rank = conv.getStrides().size();
  SmallVector<int64_t> order = {0};
  for (unsigned i = 0; i < rank; ++i)
    order.push_back(2 + i);
  order.push_back(1);
  Value image = lig::makeTranspose(b, b.getLoc(), conv.getInput(), order);
  SmallVector<int64_t> shape = windowShape(conv);
  if (!isPointwise(conv)) {
    unsigned loops = shape.size();
    SmallVector<AffineExpr> place = {b.getAffineDimExpr(0)};
    for (unsigned i = 0; i < rank; ++i)
      place.push_back(b.getAffineDimExpr(1 + i) * conv.getStrides()[i] +
                      b.getAffineDimExpr(1 + rank + i) *
                          conv.getDilations()[i]);
    place.push_back(b.getAffineDimExpr(loops - 1));
    Value room = tensor::EmptyOp::create(
        b, shape, typeOf(conv.getInput()).getElementType());
    image = linalg::GenericOp::create(
                b, room.getType(), padded(b, image, conv), room,
                ArrayRef{AffineMap::get(loops, 0, place, b.getContext()),
                         b.getMultiDimIdentityMap(loops)},
                SmallVector(loops, utils::IteratorType::parallel),
                [](OpBuilder &nested, Location loc, ValueRange in) {
                  linalg::YieldOp::create(nested, loc, in[0]);
                })
                .getResult(0);
  }
  SmallVector<int64_t> rows = {1};
  for (unsigned i = 0; i <= rank; ++i)
    rows[0] *= shape[i];
  rows.append(shape.begin() + 1 + rank, shape.end());
  return lig::makeReshape(b, b.getLoc(), image, rows);
}

/// Where accumulation starts for `count` rows: zero, or the bias.
static Value makeInit(ImplicitLocOpBuilder &b, ConvOp conv, int64_t count) {
  RankedTensorType filter = typeOf(conv.getFilter());
  Type element = filter.getElementType();
  Value room = tensor::EmptyOp::create(
      b, ArrayRef<int64_t>{count, filter.getDimSize(0)}, element);
  if (conv.getBias())
    return linalg::BroadcastOp::create(b, conv.getBias(), room,
                                       ArrayRef<int64_t>{0})
        ->getResult(0);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(element));
  return linalg::FillOp::create(b, zero, room).getResult(0);
}

/// rows [M, K.., C] times the filter [F, C, K..]: [M, F].
static Value multiply(ImplicitLocOpBuilder &b, Value rows, ConvOp conv) {
  unsigned rank = conv.getStrides().size(), loops = rank + 3;
  // The filter in the order in which a convolution reads it, so that both read
  // one packed copy.
  SmallVector<int64_t> order;
  for (unsigned i = 0; i < rank; ++i)
    order.push_back(2 + i);
  order.append({1, 0});
  Value filter = lig::makeTranspose(b, b.getLoc(), conv.getFilter(), order);
  SmallVector<AffineExpr> row = {b.getAffineDimExpr(0)}, weight;
  for (unsigned i = 2; i < loops; ++i) {
    row.push_back(b.getAffineDimExpr(i));
    weight.push_back(b.getAffineDimExpr(i));
  }
  weight.push_back(b.getAffineDimExpr(1));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  iterators[0] = iterators[1] = utils::IteratorType::parallel;
  Value init = makeInit(b, conv, typeOf(rows).getDimSize(0));
  MLIRContext *context = b.getContext();
  return linalg::GenericOp::create(
             b, init.getType(), ValueRange{rows, filter}, init,
             ArrayRef{AffineMap::get(loops, 0, row, context),
                      AffineMap::get(loops, 0, weight, context),
                      AffineMap::getMultiDimIdentityMap(loops, context)
                          .getMajorSubMap(2)},
             iterators,
             [](OpBuilder &nested, Location loc, ValueRange in) {
               Value product = arith::MulFOp::create(nested, loc, in[0], in[1]);
               Value sum = arith::AddFOp::create(nested, loc, in[2], product);
               linalg::YieldOp::create(nested, loc, sum);
             })
      .getResult(0);
}

/// Rows [M, F] as the result of `conv`.
static Value makeImage(ImplicitLocOpBuilder &b, Value rows, ConvOp conv) {
  ArrayRef<int64_t> result = typeOf(conv.getResult()).getShape();
  unsigned rank = result.size() - 2;
  SmallVector<int64_t> shape = {result[0]}, order = {0, rank + 1};
  llvm::append_range(shape, result.drop_front(2));
  shape.push_back(result[1]);
  for (unsigned i = 0; i < rank; ++i)
    order.push_back(1 + i);
  Value image = lig::makeReshape(b, b.getLoc(), rows, shape);
  return lig::makeTranspose(b, b.getLoc(), image, order);
}

LogicalResult lig::net::joinPixels(RewriterBase &rewriter,
                                   ArrayRef<ConvOp> convs,
                                   DominanceInfo &dominance) {
  ConvOp first = *llvm::min_element(
      convs, [](ConvOp a, ConvOp b) { return a->isBeforeInBlock(b); });
  SmallVector<Value> inputs = llvm::map_to_vector(
      convs, [](ConvOp conv) -> Value { return conv.getInput(); });
  if (failed(moveValueDefinitions(rewriter, inputs, first, dominance)))
    return failure();
  ImplicitLocOpBuilder b(first.getLoc(), rewriter);
  b.setInsertionPoint(first);
  SmallVector<Value> rows;
  int64_t calls = 0;
  for (ConvOp conv : convs) {
    rows.push_back(makeRows(b, conv));
    auto joined = conv->getAttrOfType<IntegerAttr>(lig::share::kCallsAttr);
    calls += joined ? joined.getInt() : 1;
  }
  Value joint = multiply(b, tensor::ConcatOp::create(b, 0, rows), first);
  joint.getDefiningOp()->setAttr(lig::share::kCallsAttr,
                                 b.getI64IntegerAttr(calls));
  int64_t offset = 0;
  SmallVector<Value> images;
  for (auto [conv, row] : llvm::zip(convs, rows)) {
    int64_t count = typeOf(row).getDimSize(0);
    SmallVector<OpFoldResult> offsets = {b.getIndexAttr(offset),
                                         b.getIndexAttr(0)};
    SmallVector<OpFoldResult> sizes = {
        b.getIndexAttr(count), b.getIndexAttr(typeOf(joint).getDimSize(1))};
    SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
    Value part =
        tensor::ExtractSliceOp::create(b, joint, offsets, sizes, strides);
    images.push_back(makeImage(b, part, conv));
    offset += count;
  }
  for (auto [conv, image] : llvm::zip(convs, images))
    rewriter.replaceOp(conv, image);
  return success();
}
