// The levels of a pyramid share a head and differ in size, so they cannot be a
// batch. Side by side in one larger image they can be convolved at once, by
// whatever kernel suits convolutions: nothing about the operation is new but
// the size of its image.
//
// Between images lie zeros, as many as a window reaches beyond an edge, so an
// image sees the zeros that it was padded with. A convolution writes something
// else there; whoever convolves its result puts the zeros back first, which
// becomes part of what made the result.

#include "JoinImages.h"

#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/TensorMoves.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace lig::net;
using lig::typeOf;

bool lig::net::keepsImageSize(ConvOp conv) {
  RankedTensorType input = typeOf(conv.getInput()),
                   result = typeOf(conv.getResult());
  auto isOne = [](int64_t value) { return value == 1; };
  return result.getRank() == 4 && input.hasStaticShape() &&
         result.hasStaticShape() && isa<FloatType>(result.getElementType()) &&
         input.getElementType() == result.getElementType() &&
         llvm::all_of(conv.getStrides(), isOne) &&
         input.getShape().drop_front(2) == result.getShape().drop_front(2) &&
         !llvm::all_of(conv.getPads(), [](int64_t pad) { return pad == 0; });
}

Pixels lig::net::imageSizeOf(ConvOp conv) {
  ArrayRef<int64_t> shape = typeOf(conv.getResult()).getShape();
  return {shape[2], shape[3]};
}

Pixels lig::net::gapOf(ConvOp conv) {
  ArrayRef<int64_t> pads = conv.getPads();
  return {std::max(pads[0], pads[2]), std::max(pads[1], pads[3])};
}

//===-- Images and mosaics -----------------------------------------------===//

/// `type` with the images of another size.
static RankedTensorType withPixels(RankedTensorType type, Pixels size) {
  SmallVector<int64_t> shape(type.getShape());
  shape[2] = size.rows;
  shape[3] = size.columns;
  return RankedTensorType::get(shape, type.getElementType());
}

/// The value that `images` are parts of, in the places of `mosaic`; null if
/// there is none.
static Value findWhole(ValueRange images, const Mosaic &mosaic) {
  Value whole;
  for (auto [image, place, size] :
       llvm::zip(images, mosaic.places, mosaic.images)) {
    auto slice = image.getDefiningOp<tensor::ExtractSliceOp>();
    auto type = dyn_cast<RankedTensorType>(image.getType());
    if (!slice || !type || type.getRank() != 4 || !slice.hasUnitStride() ||
        slice->getNumOperands() != 1 ||
        slice.getSourceType() != withPixels(type, mosaic.size) ||
        slice.getStaticOffsets() !=
            ArrayRef<int64_t>{0, 0, place.rows, place.columns} ||
        type != withPixels(type, size) ||
        (whole && slice.getSource() != whole))
      return {};
    whole = slice.getSource();
  }
  return whole;
}

static SmallVector<OpFoldResult> attributesOf(OpBuilder &b,
                                              ArrayRef<int64_t> values) {
  return getAsIndexOpFoldResult(b.getContext(), values);
}

/// The images, channels last, among zeros.
static Value makeWhole(ImplicitLocOpBuilder &b, ValueRange images,
                       const Mosaic &mosaic) {
  RankedTensorType type = withPixels(typeOf(images.front()), mosaic.size);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  SmallVector<int64_t> shape = {type.getDimSize(0), type.getDimSize(2),
                                type.getDimSize(3), type.getDimSize(1)};
  Value room = tensor::EmptyOp::create(b, shape, type.getElementType());
  Value whole = linalg::FillOp::create(b, zero, room).getResult(0);
  for (auto [image, place, size] :
       llvm::zip(images, mosaic.places, mosaic.images)) {
    Value turned = lig::makeTranspose(b, b.getLoc(), image, {0, 2, 3, 1});
    whole = tensor::InsertSliceOp::create(
        b, turned, whole,
        attributesOf(b, {0, place.rows, place.columns, 0}),
        attributesOf(b, typeOf(turned).getShape()),
        attributesOf(b, {1, 1, 1, 1}));
  }
  return lig::makeTranspose(b, b.getLoc(), whole, {0, 3, 1, 2});
}

/// One inside of images, zero between them.
static DenseElementsAttr makeMask(Builder &b, const Mosaic &mosaic) {
  auto [rows, columns] = mosaic.size;
  std::vector<float> inside(rows * columns, 0);
  for (auto [place, size] : llvm::zip(mosaic.places, mosaic.images))
    for (int64_t y = 0; y < size.rows; ++y)
      std::fill_n(inside.begin() + (place.rows + y) * columns + place.columns,
                  size.columns, 1);
  return DenseElementsAttr::get(
      RankedTensorType::get({rows, columns}, b.getF32Type()),
      ArrayRef<float>(inside));
}

/// True if `whole` is what clearGaps made with `mask`.
static bool isCleared(Value whole, DenseElementsAttr mask) {
  auto op = whole.getDefiningOp<linalg::GenericOp>();
  return op && llvm::any_of(op.getInputs(), [&](Value input) {
           DenseElementsAttr constant;
           return matchPattern(input, m_Constant(&constant)) &&
                  constant == mask;
         });
}

/// `whole` with zeros between its images, whatever is there: a multiplication
/// by zero would keep what is not a number.
static linalg::GenericOp makeCleared(ImplicitLocOpBuilder &b, Value whole,
                                     DenseElementsAttr mask) {
  RankedTensorType type = typeOf(whole);
  AffineMap same = b.getMultiDimIdentityMap(4);
  AffineMap pixel =
      AffineMap::get(4, 0, {b.getAffineDimExpr(2), b.getAffineDimExpr(3)},
                     b.getContext());
  Value room =
      tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  return linalg::GenericOp::create(
      b, type, ValueRange{whole, arith::ConstantOp::create(b, mask)}, room,
      ArrayRef{same, pixel, same},
      SmallVector(4, utils::IteratorType::parallel),
      [&](OpBuilder &nested, Location loc, ValueRange in) {
        Value none = arith::ConstantOp::create(nested, loc,
                                               nested.getF32FloatAttr(0));
        Value zero = arith::ConstantOp::create(
            nested, loc, nested.getZeroAttr(type.getElementType()));
        Value isInside = arith::CmpFOp::create(
            nested, loc, arith::CmpFPredicate::OGT, in[1], none);
        Value kept =
            arith::SelectOp::create(nested, loc, isInside, in[0], zero);
        linalg::YieldOp::create(nested, loc, kept);
      });
}

/// True if `op` reads one of the images.
static bool readsImage(Operation *op, const Mosaic &mosaic) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
  if (!slice || !slice.hasUnitStride() || slice.getType().getRank() != 4)
    return false;
  ArrayRef<int64_t> from = slice.getStaticOffsets();
  ArrayRef<int64_t> size = slice.getStaticSizes();
  return llvm::any_of(llvm::zip(mosaic.places, mosaic.images), [&](auto image) {
    return Pixels{from[2], from[3]} == std::get<0>(image) &&
           Pixels{size[2], size[3]} == std::get<1>(image);
  });
}

/// Puts zeros between the images of `whole`, in the operation that makes it if
/// nothing reads more of it than the images.
static Value clearGaps(RewriterBase &rewriter, Value whole,
                       const Mosaic &mosaic) {
  DenseElementsAttr mask = makeMask(rewriter, mosaic);
  if (isCleared(whole, mask))
    return whole;
  OpBuilder::InsertionGuard guard(rewriter);
  ImplicitLocOpBuilder b(whole.getLoc(), rewriter);
  b.setInsertionPointAfterValue(whole);
  linalg::GenericOp cleared = makeCleared(b, whole, mask);
  rewriter.replaceUsesWithIf(whole, cleared.getResult(0), [&](OpOperand &use) {
    return readsImage(use.getOwner(), mosaic);
  });
  OpOperand *read = cleared.getDpsInputOperand(0);
  if (!whole.hasOneUse() || !linalg::areElementwiseOpsFusable(read))
    return cleared.getResult(0);
  rewriter.setInsertionPoint(cleared);
  auto fused = linalg::fuseElementwiseOps(rewriter, read);
  if (failed(fused))
    return cleared.getResult(0);
  Operation *made = whole.getDefiningOp();
  Value result = fused->replacements.lookup(cleared.getResult(0));
  rewriter.replaceOp(cleared, result);
  if (made->use_empty())
    rewriter.eraseOp(made);
  return result;
}

static SmallVector<Value> takeImages(ImplicitLocOpBuilder &b, Value whole,
                                     const Mosaic &mosaic) {
  SmallVector<Value> images;
  for (auto [place, size] : llvm::zip(mosaic.places, mosaic.images))
    images.push_back(tensor::ExtractSliceOp::create(
        b, whole, attributesOf(b, {0, 0, place.rows, place.columns}),
        attributesOf(b, withPixels(typeOf(whole), size).getShape()),
        attributesOf(b, {1, 1, 1, 1})));
  return images;
}

//===-- What follows -----------------------------------------------------===//

/// An operation on every element by itself, without regard to where it is, that
/// does no harm to whatever lies between images.
static bool treatsElementsAlike(linalg::LinalgOp op) {
  return op.hasPureTensorSemantics() && op.getNumReductionLoops() == 0 &&
         op->getNumResults() == 1 && op.getNumLoops() == 4 &&
         op.getIndexingMapsArray().back().isIdentity() &&
         op.getDpsInits()[0].getDefiningOp<tensor::EmptyOp>() &&
         op.getBlock()->getOps<linalg::IndexOp>().empty() &&
         llvm::all_of(op.getBlock()->without_terminator(),
                      [](Operation &inner) { return isPure(&inner); });
}

/// What operand number `i` of `ops`, one for each image, is for the mosaic:
/// null if nothing at hand.
static Value findJointOperand(ArrayRef<Operation *> ops, unsigned i,
                              const Mosaic &mosaic) {
  auto first = cast<linalg::LinalgOp>(ops.front());
  OpOperand &operand = first->getOpOperand(i);
  AffineMap map = first.getMatchingIndexingMap(&operand);
  SmallVector<Value> values = llvm::map_to_vector(
      ops, [&](Operation *op) { return op->getOperand(i); });
  if (map.isIdentity())
    return findWhole(values, mosaic);
  bool isCommon = llvm::all_equal(values) && !map.isFunctionOfDim(2) &&
                  !map.isFunctionOfDim(3);
  return isCommon ? values.front() : Value();
}

static bool doesTheSame(Operation *a, Operation *b) {
  return a->getName() == b->getName() && a->getBlock() == b->getBlock() &&
         a->getNumOperands() == b->getNumOperands() &&
         a->getAttrDictionary() == b->getAttrDictionary() &&
         cast<RankedTensorType>(a->getResult(0).getType()).getElementType() ==
             cast<RankedTensorType>(b->getResult(0).getType())
                 .getElementType() &&
         OperationEquivalence::isRegionEquivalentTo(
             &a->getRegion(0), &b->getRegion(0),
             OperationEquivalence::IgnoreLocations);
}

/// One operation for each image that does to it what `use` does to the first;
/// nothing if an image has none.
static SmallVector<Operation *> findAlike(OpOperand &use,
                                          ArrayRef<Value> images) {
  Operation *first = use.getOwner();
  auto op = dyn_cast<linalg::LinalgOp>(first);
  if (!op || !treatsElementsAlike(op))
    return {};
  SmallVector<Operation *> ops = {first};
  for (Value image : images.drop_front()) {
    auto found = llvm::find_if(image.getUses(), [&](OpOperand &other) {
      auto owner = dyn_cast<linalg::LinalgOp>(other.getOwner());
      return owner && other.getOperandNumber() == use.getOperandNumber() &&
             treatsElementsAlike(owner) && doesTheSame(first, owner) &&
             !llvm::is_contained(ops, other.getOwner());
    });
    if (found == image.use_end())
      return {};
    ops.push_back(found->getOwner());
  }
  return ops;
}

/// `ops` as one on the mosaic; its images take the place of their results.
static FailureOr<SmallVector<Value>>
joinElementwise(RewriterBase &rewriter, ArrayRef<Operation *> ops,
                const Mosaic &mosaic, DominanceInfo &dominance) {
  Operation *first = *llvm::min_element(
      ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  auto linalgOp = cast<linalg::LinalgOp>(ops.front());
  SmallVector<Value> operands;
  for (OpOperand *input : linalgOp.getDpsInputOperands()) {
    operands.push_back(
        findJointOperand(ops, input->getOperandNumber(), mosaic));
    if (!operands.back() ||
        !dominance.properlyDominates(operands.back(), first))
      return failure();
  }
  RankedTensorType type =
      withPixels(typeOf(ops.front()->getResult(0)), mosaic.size);
  ImplicitLocOpBuilder b(first->getLoc(), rewriter);
  b.setInsertionPoint(first);
  operands.push_back(
      tensor::EmptyOp::create(b, type.getShape(), type.getElementType()));
  Operation *joint = b.clone(*ops.front());
  joint->setOperands(operands);
  joint->getResult(0).setType(type);
  SmallVector<Value> images = takeImages(b, joint->getResult(0), mosaic);
  for (auto [op, image] : llvm::zip(ops, images))
    rewriter.replaceOp(op, image);
  return images;
}

/// Joins what follows on all images alike.
static unsigned takeImagesAlong(RewriterBase &rewriter, ArrayRef<Value> images,
                                const Mosaic &mosaic,
                                DominanceInfo &dominance) {
  unsigned count = 0;
  SmallVector<SmallVector<Value>> work = {llvm::to_vector(images)};
  while (!work.empty()) {
    SmallVector<Value> parts = work.pop_back_val();
    // Joining takes uses away, so they are looked through anew each time.
    for (bool found = true; found;) {
      found = false;
      for (OpOperand &use : parts.front().getUses()) {
        SmallVector<Operation *> ops = findAlike(use, parts);
        if (ops.empty())
          continue;
        auto next = joinElementwise(rewriter, ops, mosaic, dominance);
        if (failed(next))
          continue;
        work.push_back(*next);
        ++count;
        found = true;
        break;
      }
    }
  }
  return count;
}

//===-- Joining ----------------------------------------------------------===//

static SmallVector<Value> inputsOf(ArrayRef<ConvOp> convs) {
  return llvm::map_to_vector(
      convs, [](ConvOp conv) -> Value { return conv.getInput(); });
}

bool lig::net::readMosaic(ArrayRef<ConvOp> convs, const Mosaic &mosaic) {
  return bool(findWhole(inputsOf(convs), mosaic));
}

/// The value that the joint convolution reads, made before `first`.
static FailureOr<Value> makeInput(RewriterBase &rewriter,
                                  ImplicitLocOpBuilder &b,
                                  ArrayRef<ConvOp> convs, ConvOp first,
                                  const Mosaic &mosaic,
                                  DominanceInfo &dominance) {
  SmallVector<Value> inputs = inputsOf(convs);
  Value whole = findWhole(inputs, mosaic);
  if (whole && dominance.properlyDominates(whole, first))
    return clearGaps(rewriter, whole, mosaic);
  if (failed(moveValueDefinitions(rewriter, inputs, first, dominance)))
    return failure();
  b.setInsertionPoint(first);
  return makeWhole(b, inputs, mosaic);
}

LogicalResult lig::net::joinImages(RewriterBase &rewriter,
                                   ArrayRef<ConvOp> convs,
                                   const Mosaic &mosaic,
                                   DominanceInfo &dominance,
                                   unsigned &numTaken) {
  ConvOp first = *llvm::min_element(
      convs, [](ConvOp a, ConvOp b) { return a->isBeforeInBlock(b); });
  ImplicitLocOpBuilder b(first.getLoc(), rewriter);
  b.setInsertionPoint(first);
  FailureOr<Value> input =
      makeInput(rewriter, b, convs, first, mosaic, dominance);
  if (failed(input))
    return failure();
  int64_t calls = 0;
  for (ConvOp conv : convs) {
    auto joined = conv->getAttrOfType<IntegerAttr>(lig::share::kCallsAttr);
    calls += joined ? joined.getInt() : 1;
  }
  auto joint = cast<ConvOp>(b.clone(*first));
  joint.getInputMutable().assign(*input);
  joint.getResult().setType(withPixels(typeOf(first.getResult()), mosaic.size));
  joint->setAttr(lig::share::kCallsAttr, b.getI64IntegerAttr(calls));
  SmallVector<Value> images = takeImages(b, joint.getResult(), mosaic);
  for (auto [conv, image] : llvm::zip(convs, images))
    rewriter.replaceOp(conv, image);
  numTaken += takeImagesAlong(rewriter, images, mosaic, dominance);
  return success();
}
