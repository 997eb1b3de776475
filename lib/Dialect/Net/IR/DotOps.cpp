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
  if (getKind() != DotKind::BF16)
    return checkWidth(*this, getAcc(), 32);
  Type sum = getElementTypeOrSelf(getAcc().getType());
  if (sum.isF32())
    return success();
  return emitOpError() << "adds products of bf16 to " << sum << ", not f32";
}

LogicalResult WidenOp::verify() {
  if (failed(checkWidth(*this, getBytes(), 16)))
    return failure();
  return checkWidth(*this, getResult(), 32);
}
