// net.dot and net.widen: words of fixed width, alone or in every lane.

#include "Ligature/Dialect/Net/IR/Net.h"

using namespace mlir;
using namespace lig::net;

static LogicalResult checkWidth(Operation *op, Value value, unsigned bits) {
  Type element = getElementTypeOrSelf(value.getType());
  if (element.isInteger(bits))
    return success();
  return op->emitOpError() << "has an operand or result of " << element
                           << ", but words have " << bits << " bits";
}

LogicalResult DotOp::verify() {
  if (failed(checkWidth(*this, getA(), 32)))
    return failure();
  auto words = dyn_cast<ShapedType>(getA().getType());
  auto sums = dyn_cast<ShapedType>(getAcc().getType());
  if (bool(words) != bool(sums) ||
      (words && words.getShape() != sums.getShape()))
    return emitOpError() << "adds products of " << getA().getType() << " to "
                         << getAcc().getType();
  if (getKind() != DotKind::BF16)
    return checkWidth(*this, getAcc(), 32);
  Type sum = getElementTypeOrSelf(getAcc().getType());
  if (sum.isF32())
    return success();
  return emitOpError() << "adds products of bf16 to " << sum << ", not f32";
}

LogicalResult WidenOp::verify() {
  if (failed(checkWidth(*this, getBytes(), 16)) ||
      failed(checkWidth(*this, getResult(), 32)))
    return failure();
  auto from = dyn_cast<ShapedType>(getBytes().getType());
  auto to = dyn_cast<ShapedType>(getResult().getType());
  if (bool(from) != bool(to) || (from && from.getShape() != to.getShape()))
    return emitOpError() << "makes " << getResult().getType() << " of "
                         << getBytes().getType();
  return success();
}
