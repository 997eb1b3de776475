// Kinds of views are found from what their operations do, not from a list of
// view operations, so a new way to write a transpose is a transpose too.

#include "Ligature/Analysis/ParameterMoves.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig;

/// The operand that a linalg operation copies through its maps, or null.
static Value getCopiedOperand(linalg::GenericOp generic) {
  if (generic.getNumDpsInits() != 1 || generic.getNumReductionLoops() != 0)
    return {};
  Block *body = generic.getBody();
  if (!llvm::hasSingleElement(*body))
    return {};
  auto argument =
      dyn_cast<BlockArgument>(body->getTerminator()->getOperand(0));
  if (!argument || argument.getOwner() != body)
    return {};
  OpOperand *operand = generic.getMatchingOpOperand(argument);
  return generic.isDpsInput(operand) ? operand->get() : Value();
}

Value lig::getMovedOperand(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op))
    return op->getOperand(0);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return slice->getNumOperands() == 1 ? slice.getSource() : Value();
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return transpose.getInput();
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return getCopiedOperand(generic);
  return {};
}

share::GetOp lig::getMovedParameter(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto get = dyn_cast<share::GetOp>(op))
      return get;
    value = getMovedOperand(op);
    if (!value)
      break;
  }
  return {};
}

ViewKind lig::classifyView(share::ViewOp view) {
  return getMovedParameter(view.getYielded()) ? ViewKind::Index
                                              : ViewKind::Computed;
}

StringRef lig::stringifyViewKind(ViewKind kind) {
  return kind == ViewKind::Index ? "index" : "computed";
}

std::string lig::describeMoves(share::ViewOp view) {
  if (classifyView(view) != ViewKind::Index)
    return "computed";
  SmallVector<StringRef> words;
  Value value = view.getYielded();
  for (Operation *op = value.getDefiningOp(); !isa<share::GetOp>(op);
       op = value.getDefiningOp()) {
    StringRef word = "rearranged";
    if (isa<linalg::TransposeOp>(op))
      word = "transposed";
    else if (isa<tensor::ExtractSliceOp>(op))
      word = "cut";
    else if (!isa<linalg::GenericOp>(op))
      word = "reshaped";
    if (words.empty() || words.back() != word)
      words.push_back(word);
    value = getMovedOperand(op);
  }
  if (words.empty())
    return "the same";
  std::reverse(words.begin(), words.end());
  return llvm::join(words, ", ");
}
