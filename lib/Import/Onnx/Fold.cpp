// Which nodes are folded.

#include "Fold.h"

#include "FoldRules.h"

using namespace mlir;
using namespace lig::onnx_import;

bool lig::onnx_import::mayFold(ArrayRef<int64_t> shape, Type elementType) {
  // Shapes, indices and masks are computed in these types, weights in none of
  // them. Of the others, scales of a Resize and bounds of a Clip are folded.
  bool isShapeLike = elementType.isInteger(64) || elementType.isInteger(32) ||
                     elementType.isInteger(1);
  int64_t room = isShapeLike ? 4096 : 16;
  for (int64_t extent : shape) {
    if (extent == 0)
      return true;
    if (extent > room)
      return false;
    room /= extent;
  }
  return true;
}

bool lig::onnx_import::mayFold(RankedTensorType type) {
  return mayFold(type.getShape(), type.getElementType());
}

int64_t lig::onnx_import::broadcastOffset(ArrayRef<int64_t> index,
                                          ArrayRef<int64_t> shape) {
  int64_t offset = 0;
  index = index.take_back(shape.size());
  for (auto [i, extent] : llvm::zip(index, shape))
    offset = offset * extent + (extent == 1 ? 0 : i);
  return offset;
}

FailureOr<bool> lig::onnx_import::foldNode(Node &node) {
  Evaluator evaluate = findArithmeticEvaluator(node.opType());
  if (!evaluate)
    evaluate = findMovementEvaluator(node.opType());
  if (!evaluate || node.numInputs() == 0 || !node.hasInput(0))
    return false;
  for (unsigned i = 0; i < node.numInputs(); ++i)
    if (node.hasInput(i) && (!node.constant(i) || !mayFold(node.type(i))))
      return false;
  return evaluate(node);
}
