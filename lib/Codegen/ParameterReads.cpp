// A weight may be moved to where its consumers like it best only if no one
// needs it where it is: otherwise the moved one would be a second copy.

#include "ParameterReads.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Analysis/TensorBytes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using lig::codegen::ParameterReads;

/// True for a slice of whole consecutive elements of the leading dimension.
static bool isLeadingSlice(tensor::ExtractSliceOp slice) {
  auto source = slice.getSourceType();
  if (slice->getNumOperands() != 1 ||
      source.getRank() != slice.getType().getRank() || source.getRank() == 0)
    return false;
  return slice.getStaticStrides()[0] == 1 &&
         slice.getStaticSizes().drop_front() ==
             source.getShape().drop_front();
}

/// What `op` reads without moving anything, or null.
static Value getUnmoved(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return op->getOperand(0);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    if (isLeadingSlice(slice))
      return slice.getSource();
  return {};
}

lig::share::GetOp ParameterReads::getRoot(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto get = dyn_cast<share::GetOp>(op))
      return get;
    value = getUnmoved(op);
    if (!value)
      break;
  }
  return {};
}

bool ParameterReads::isFree(Value value) const {
  share::GetOp get = getRoot(value);
  if (!get)
    return false;
  auto count = [](Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getNumElements();
  };
  return count(value) == count(get) || isKept(get.getSourceAttr().getAttr());
}

/// Whether `user` only moves elements, so that what it gives may be packed.
static bool isMove(Operation *user) {
  return lig::getMovedOperand(user) ||
         isa<tensor::PadOp, tensor::ConcatOp>(user);
}

void ParameterReads::countReads(Value value, StringAttr symbol) {
  bool isRead = false;
  for (Operation *user : value.getUsers()) {
    if (getUnmoved(user) == value)
      countReads(user->getResult(0), symbol);
    else
      isRead |= !isMove(user);
  }
  if (isRead)
    elementsRead[symbol] +=
        cast<RankedTensorType>(value.getType()).getNumElements();
}

ParameterReads::ParameterReads(ModuleOp module) {
  module.walk([&](share::GetOp get) {
    countReads(get.getResult(), get.getSourceAttr().getAttr());
  });
  for (auto param : module.getOps<share::ParamOp>()) {
    StringAttr symbol = param.getSymNameAttr();
    bool isKnown = param.isFrozen() && param.getElements() &&
                   readElements(param.getElements());
    int64_t read = elementsRead.lookup(symbol);
    if (!isKnown || (read > 0 && read >= param.getTensorType().getNumElements()))
      kept.insert(symbol);
  }
}
