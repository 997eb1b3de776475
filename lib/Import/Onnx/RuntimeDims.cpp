// Carrying run-time extents through operators.

#include "RuntimeDims.h"

#include "Elements.h"

#include "Build.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace lig::onnx_import;

Value lig::onnx_import::runtimeDim(const Tensor &tensor, unsigned d) {
  return d < tensor.runtimeDims.size() ? tensor.runtimeDims[d] : Value();
}

bool lig::onnx_import::isDynamic(const Tensor &tensor) {
  return llvm::any_of(tensor.runtimeDims,
                      [](Value dim) { return static_cast<bool>(dim); });
}

void lig::onnx_import::setOutputWithDims(Node &node, unsigned i, Value value,
                                         bool isUnsigned,
                                         ArrayRef<Value> dims) {
  Tensor tensor;
  tensor.type = cast<RankedTensorType>(value.getType());
  tensor.isUnsigned = isUnsigned;
  tensor.value = value;
  if (llvm::any_of(dims, [](Value dim) { return static_cast<bool>(dim); }))
    tensor.runtimeDims.assign(dims.begin(), dims.end());
  node.setOutput(i, std::move(tensor));
}

static bool isElementwise(StringRef op) {
  return llvm::StringSwitch<bool>(op)
      .Cases({"Add", "Sub", "Mul", "Div", "Mod", "Pow", "Max", "Min"}, true)
      .Cases({"Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"},
             true)
      .Cases({"And", "Or", "Not", "Where", "Cast", "Clip", "Neg", "Abs"}, true)
      .Cases({"Exp", "Log", "Sqrt", "Floor", "Ceil", "Relu", "Sigmoid"}, true)
      .Default(false);
}

/// Operators whose translation knows about run-time extents.
static bool knowsExtents(StringRef op) {
  return llvm::StringSwitch<bool>(op)
      .Cases({"Shape", "Size", "Reshape", "Flatten", "Squeeze", "Unsqueeze"},
             true)
      .Cases({"Identity", "Expand", "Transpose", "Concat", "Split", "Slice"},
             true)
      .Cases({"Tile", "Pad", "Gather", "GatherElements", "GatherND"}, true)
      .Cases({"NonZero", "If", "Loop", "Scan"}, true)
      .Default(false);
}

LogicalResult lig::onnx_import::checkDynamicInputs(Node &node) {
  for (unsigned i = 0; i < node.numInputs(); ++i)
    if (node.hasInput(i) && isDynamic(node.tensor(i)) &&
        !knowsExtents(node.opType()) && !isElementwise(node.opType()))
      return node.error() << "the shape of input " << i
                          << " depends on the data, which is not supported";
  return success();
}

void lig::onnx_import::carryThroughElementwise(Node &node) {
  if (!isElementwise(node.opType()))
    return;
  const Tensor *result = node.output(0);
  if (!result || !result->value)
    return;
  SmallVector<Value> dims(result->type.getRank());
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    if (!node.hasInput(i) || !isDynamic(node.tensor(i)))
      continue;
    ArrayRef<Value> own = node.tensor(i).runtimeDims;
    size_t lead = dims.size() - own.size();
    for (auto [d, dim] : llvm::enumerate(own))
      if (dim)
        dims[lead + d] = dim;
  }
  if (llvm::any_of(dims, [](Value dim) { return static_cast<bool>(dim); }))
    setOutputWithDims(node, 0, result->value, result->isUnsigned, dims);
}

Value lig::onnx_import::packed(OpBuilder &b, Location loc, Value value,
                               ArrayRef<Value> dims) {
  // Along the first dimension contents are packed as they are.
  bool isPacked =
      llvm::none_of(dims.drop_front(dims.empty() ? 0 : 1),
                    [](Value dim) { return static_cast<bool>(dim); });
  auto type = cast<RankedTensorType>(value.getType());
  if (isPacked || type.getNumElements() == 0)
    return value;
  Value flat = generated(
      b, loc, type.getNumElements(), type.getElementType(),
      [&](OpBuilder &nested, Location at, ArrayRef<Value> index) -> Value {
        IndexMath math(nested, at);
        SmallVector<Value> place(type.getRank());
        Value rest = index[0];
        for (int64_t d = type.getRank() - 1; d >= 0; --d) {
          Value extent = dims[d] ? math.max(dims[d], math.constant(1))
                                 : math.constant(type.getDimSize(d));
          place[d] = arith::RemSIOp::create(nested, at, rest, extent);
          rest = arith::DivSIOp::create(nested, at, rest, extent);
        }
        return tensor::ExtractOp::create(nested, at, value, place);
      });
  return reshape(b, loc, flat, type.getShape());
}
