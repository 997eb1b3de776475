// The Constant operator: a tensor in an attribute.

#include "Operators.h"

#include "Node.h"
#include "TensorData.h"

using namespace mlir;
using namespace lig::onnx_import;

static LogicalResult translateConstant(Node &node) {
  Builder b(node.context());
  auto vectorOf = [](Type element, int64_t size) {
    return RankedTensorType::get({size}, element);
  };
  if (const onnx::AttributeProto *value = node.attribute("value")) {
    FailureOr<Constant> constant = node.readTensor(value->t());
    if (failed(constant))
      return failure();
    constant->name.clear();
    node.setOutput(0, std::move(*constant));
    return success();
  }
  if (const onnx::AttributeProto *value = node.attribute("sparse_value")) {
    FailureOr<Constant> constant = decodeSparseTensor(
        value->sparse_tensor(), node.context(), [&] { return node.error(); });
    if (failed(constant))
      return failure();
    node.setOutput(0, std::move(*constant));
    return success();
  }
  if (node.hasAttribute("value_float")) {
    node.setOutput(
        0, Constant::fromFloats(RankedTensorType::get({}, b.getF32Type()),
                                node.floatAttribute("value_float", 0)));
    return success();
  }
  if (node.hasAttribute("value_int")) {
    node.setOutput(0,
                   Constant::fromInts(RankedTensorType::get({}, b.getI64Type()),
                                      node.intAttribute("value_int", 0)));
    return success();
  }
  if (node.hasAttribute("value_floats")) {
    SmallVector<double> values = node.floatsAttribute("value_floats");
    node.setOutput(0, Constant::fromFloats(
                          vectorOf(b.getF32Type(), values.size()), values));
    return success();
  }
  if (node.hasAttribute("value_ints")) {
    SmallVector<int64_t> values = node.intsAttribute("value_ints");
    node.setOutput(
        0, Constant::fromInts(vectorOf(b.getI64Type(), values.size()), values));
    return success();
  }
  return node.error() << "a constant of strings is not supported";
}

void lig::onnx_import::addConstantOperators(OperatorTable &table) {
  table.add("Constant", 1, translateConstant);
}
