// A reshape moves no bytes, but between a producer and the place that its result
// is inserted into it hides one from the other: the upsampling products of a
// transposed convolution have two dimensions where the image has one. Where the
// place, seen in the producer's shape, is still one strided buffer, the producer
// writes there.
//
// Such a place is cut out of the tensor that is inserted into, whose definition
// moves up to the producer: upstream's empty-tensor elimination does the same
// where nothing is reshaped.

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using lig::typeOf;

namespace lig::codegen {
#define GEN_PASS_DEF_PLACERESHAPESPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

static bool isReshape(Operation *op) {
  return isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) &&
         typeOf(op->getOperand(0)).hasStaticShape() &&
         typeOf(op->getResult(0)).hasStaticShape();
}

/// The empty tensor that `value` is made in, by operations whose results nobody
/// else sees.
static tensor::EmptyOp findRoom(Value value) {
  while (value.hasOneUse()) {
    if (auto empty = value.getDefiningOp<tensor::EmptyOp>())
      return empty;
    auto op = value.getDefiningOp<DestinationStyleOpInterface>();
    if (!op || op->getNumResults() != 1)
      break;
    value = op.getDpsInitOperand(0)->get();
  }
  return {};
}

/// The layout of a buffer's part after undoing `reshape`, which made `type`;
/// null where it is no strided one.
static MemRefType undo(Operation *reshape, MemRefType type) {
  auto before = cast<RankedTensorType>(reshape->getOperand(0).getType());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(reshape)) {
    FailureOr<MemRefType> expanded =
        memref::ExpandShapeOp::computeExpandedType(
            type, before.getShape(), collapse.getReassociationIndices());
    return succeeded(expanded) ? *expanded : MemRefType();
  }
  SmallVector<ReassociationIndices> groups =
      cast<tensor::ExpandShapeOp>(reshape).getReassociationIndices();
  if (!memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups))
    return {};
  return memref::CollapseShapeOp::computeCollapsedType(type, groups);
}

/// Reshapes from `value` back to what is not one, the last of them first.
static SmallVector<Operation *> listReshapes(Value value) {
  SmallVector<Operation *> reshapes;
  while (isReshape(value.getDefiningOp())) {
    // What reads the value before may not see it written over.
    if (!value.hasOneUse())
      return {};
    reshapes.push_back(value.getDefiningOp());
    value = reshapes.back()->getOperand(0);
  }
  return reshapes;
}

/// Whether the part that `insert` writes is a strided buffer in all shapes.
static bool hasPlace(tensor::InsertSliceOp insert,
                     ArrayRef<Operation *> reshapes) {
  RankedTensorType whole = insert.getDestType();
  if (!whole.hasStaticShape() || insert->getNumOperands() != 2)
    return false;
  auto type = dyn_cast<MemRefType>(memref::SubViewOp::inferRankReducedResultType(
      insert.getSourceType().getShape(),
      MemRefType::get(whole.getShape(), whole.getElementType()),
      insert.getMixedOffsets(), insert.getMixedSizes(),
      insert.getMixedStrides()));
  for (Operation *reshape : reshapes)
    if (type)
      type = undo(reshape, type);
  return bool(type);
}

/// `place` in the shape before `reshape`.
static Value emitUndone(OpBuilder &b, Operation *reshape, Value place) {
  Location loc = reshape->getLoc();
  RankedTensorType type = typeOf(reshape->getOperand(0));
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(reshape))
    return tensor::ExpandShapeOp::create(b, loc, type, place,
                                         collapse.getReassociationIndices());
  return tensor::CollapseShapeOp::create(
      b, loc, type, place,
      cast<tensor::ExpandShapeOp>(reshape).getReassociationIndices());
}

namespace {
struct PlaceReshapes
    : lig::codegen::impl::PlaceReshapesPassBase<PlaceReshapes> {
  void runOnOperation() override {
    SmallVector<tensor::InsertSliceOp> work;
    getOperation()->walk(
        [&](tensor::InsertSliceOp insert) { work.push_back(insert); });
    DominanceInfo dominance(getOperation());
    for (tensor::InsertSliceOp insert : work)
      numPlaced += place(insert, dominance);
  }

private:
  static bool place(tensor::InsertSliceOp insert, DominanceInfo &dominance) {
    SmallVector<Operation *> reshapes = listReshapes(insert.getSource());
    if (reshapes.empty() || !hasPlace(insert, reshapes))
      return false;
    tensor::EmptyOp room = findRoom(reshapes.back()->getOperand(0));
    if (!room)
      return false;
    Operation *user = *room->getUsers().begin();
    IRRewriter b(user);
    if (user->getBlock() != insert->getBlock() ||
        failed(moveValueDefinitions(b, insert.getDest(), user, dominance)))
      return false;
    b.setInsertionPoint(user);
    Value place = tensor::ExtractSliceOp::create(
        b, insert.getLoc(), insert.getSourceType(), insert.getDest(),
        insert.getMixedOffsets(), insert.getMixedSizes(),
        insert.getMixedStrides());
    for (Operation *reshape : reshapes)
      place = emitUndone(b, reshape, place);
    room.replaceAllUsesWith(place);
    room.erase();
    return true;
  }
};
} // namespace
