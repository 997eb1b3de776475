// Checks of input types and shapes; each error names both facts that clash.

#include "Checks.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace lig::onnx_import;

LogicalResult lig::onnx_import::checkFloats(const Node &node, unsigned count) {
  Type first = node.elementType(0);
  if (!isa<FloatType>(first))
    return node.error() << "input 0 has elements of type " << first
                        << ", but should have floats";
  for (unsigned i = 1; i < count; ++i)
    if (node.hasInput(i) && node.elementType(i) != first)
      return node.error() << "input " << i << " has elements of type "
                          << node.elementType(i) << ", but input 0 of type "
                          << first;
  return success();
}

LogicalResult lig::onnx_import::checkShape(const Node &node, unsigned i,
                                           ArrayRef<int64_t> shape,
                                           StringRef what) {
  if (!node.hasInput(i) || node.shape(i) == shape)
    return success();
  return node.error() << what << " (input " << i << ") has shape "
                      << describe(node.shape(i)) << ", but should have "
                      << describe(shape);
}

LogicalResult lig::onnx_import::checkSingle(const Node &node, unsigned i,
                                            StringRef what) {
  if (!node.hasInput(i) || node.type(i).getNumElements() == 1)
    return success();
  return node.error() << what << " (input " << i << ") has shape "
                      << describe(node.shape(i))
                      << ", but should be one number";
}

std::string lig::onnx_import::describe(ArrayRef<int64_t> shape) {
  std::string text = "[";
  llvm::raw_string_ostream out(text);
  llvm::interleaveComma(shape, out);
  out << "]";
  return text;
}
