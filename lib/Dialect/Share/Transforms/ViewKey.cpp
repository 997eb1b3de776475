// Attributes are unique in their context, so two chains of moves are the same
// if one attribute that lists their steps is.

#include "ViewKey.h"

#include "Ligature/Analysis/ParameterMoves.h"

using namespace mlir;

Attribute lig::share::getMoveKey(Value value) {
  SmallVector<Attribute> steps;
  while (Operation *op = value.getDefiningOp()) {
    if (auto get = dyn_cast<GetOp>(op)) {
      steps.push_back(get.getSourceAttr());
      return ArrayAttr::get(op->getContext(), steps);
    }
    Value operand = getMovedOperand(op);
    if (!operand)
      break;
    Builder b(op->getContext());
    unsigned number = llvm::find(op->getOperands(), operand).getIndex();
    steps.append({op->getName().getIdentifier(), op->getAttrDictionary(),
                  TypeAttr::get(value.getType()),
                  b.getI32IntegerAttr(number)});
    value = operand;
  }
  return {};
}
