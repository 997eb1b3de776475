// What a translation sees of its node.

#include "Node.h"

#include "GraphImporter.h"

using namespace mlir;
using namespace lig::onnx_import;

OpBuilder &Node::builder() { return importer.getBuilder(); }

InFlightDiagnostic Node::error() const {
  InFlightDiagnostic diagnostic = emitError(location);
  diagnostic << "node '" << proto.name() << "' (";
  if (!proto.domain().empty())
    diagnostic << proto.domain() << ".";
  diagnostic << proto.op_type() << ", opset " << opsetVersion << "): ";
  return diagnostic;
}

//===-- Inputs -----------------------------------------------------------===//

bool Node::hasInput(unsigned i) const {
  return i < numInputs() && !proto.input(i).empty();
}

const Tensor &Node::tensor(unsigned i) const {
  if (hasInput(i))
    return *importer.lookup(proto.input(i));
  // Definitions newer than the installed ones are not checked before: report
  // once, and let the translation go on with something of a type.
  if (!missingInput)
    error() << "input " << i << " is missing";
  missingInput = true;
  poison.type = RankedTensorType::get({1}, Float32Type::get(context()));
  poison.constant =
      std::make_shared<Constant>(Constant::fromFloats(poison.type, 0.0));
  return poison;
}

Value Node::input(unsigned i) {
  return importer.materialize(tensor(i), location);
}

Value Node::materialize(const Tensor &tensor) {
  return importer.materialize(tensor, location);
}

const Constant *Node::constant(unsigned i) const {
  return hasInput(i) ? tensor(i).constant.get() : nullptr;
}

std::optional<SmallVector<int64_t>> Node::constantInts(unsigned i) const {
  if (const Constant *value = constant(i))
    return value->asInts();
  return std::nullopt;
}

FailureOr<SmallVector<int64_t>> Node::requireInts(unsigned i,
                                                  StringRef what) const {
  if (!hasInput(i))
    return error() << "input " << i << " (" << what << ") is missing";
  if (auto values = constantInts(i))
    return *values;
  return error() << "input " << i << " (" << what << ", '" << proto.input(i)
                 << "') shapes the result, but is known at run time only";
}

//===-- Attributes -------------------------------------------------------===//

const onnx::AttributeProto *Node::attribute(StringRef name) const {
  for (const onnx::AttributeProto &attribute : proto.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

int64_t Node::intAttribute(StringRef name, int64_t otherwise) const {
  const onnx::AttributeProto *value = attribute(name);
  return value ? value->i() : otherwise;
}

double Node::floatAttribute(StringRef name, double otherwise) const {
  const onnx::AttributeProto *value = attribute(name);
  return value ? value->f() : otherwise;
}

std::string Node::stringAttribute(StringRef name, StringRef otherwise) const {
  const onnx::AttributeProto *value = attribute(name);
  return value ? value->s() : otherwise.str();
}

SmallVector<int64_t> Node::intsAttribute(StringRef name,
                                         ArrayRef<int64_t> otherwise) const {
  if (const onnx::AttributeProto *value = attribute(name))
    return {value->ints().begin(), value->ints().end()};
  return llvm::to_vector(otherwise);
}

SmallVector<double> Node::floatsAttribute(StringRef name) const {
  if (const onnx::AttributeProto *value = attribute(name))
    return {value->floats().begin(), value->floats().end()};
  return {};
}

SmallVector<std::string> Node::stringsAttribute(StringRef name) const {
  if (const onnx::AttributeProto *value = attribute(name))
    return {value->strings().begin(), value->strings().end()};
  return {};
}

const onnx::GraphProto *Node::graphAttribute(StringRef name) const {
  const onnx::AttributeProto *value = attribute(name);
  return value && value->has_g() ? &value->g() : nullptr;
}

FailureOr<std::optional<SmallVector<int64_t>>>
Node::attributeOrInput(StringRef name, unsigned i) const {
  if (hasAttribute(name))
    return std::optional(intsAttribute(name));
  if (!hasInput(i))
    return std::optional<SmallVector<int64_t>>();
  FailureOr<SmallVector<int64_t>> values = requireInts(i, name);
  if (failed(values))
    return failure();
  return std::optional(*values);
}

FailureOr<int64_t> Node::normalizeAxis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank)
    return error() << "axis " << axis << " does not fit rank " << rank;
  return axis < 0 ? axis + rank : axis;
}

LogicalResult Node::normalizeAxes(MutableArrayRef<int64_t> axes,
                                  int64_t rank) const {
  for (int64_t &axis : axes) {
    FailureOr<int64_t> normal = normalizeAxis(axis, rank);
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  return success();
}

//===-- Outputs ----------------------------------------------------------===//

bool Node::wantsOutput(unsigned i) const {
  return i < numOutputs() && !proto.output(i).empty();
}

std::optional<SmallVector<int64_t>> Node::declaredShape(unsigned i) const {
  if (!wantsOutput(i))
    return std::nullopt;
  const auto &declared = importer.currentScope().declaredShapes;
  auto it = declared.find(proto.output(i));
  if (it == declared.end())
    return std::nullopt;
  return it->second;
}

const Tensor *Node::output(unsigned i) const {
  return wantsOutput(i) ? importer.lookup(proto.output(i)) : nullptr;
}

void Node::setOutput(unsigned i, Tensor tensor) {
  if (wantsOutput(i))
    importer.currentScope().tensors[proto.output(i)] = std::move(tensor);
}

void Node::setOutput(unsigned i, Value value, bool isUnsigned) {
  Tensor tensor;
  tensor.type = cast<RankedTensorType>(value.getType());
  tensor.isUnsigned = isUnsigned;
  tensor.value = value;
  setOutput(i, std::move(tensor));
}

void Node::setOutput(unsigned i, Constant constant) {
  if (!wantsOutput(i))
    return;
  if (constant.name.empty())
    constant.name = proto.output(i);
  Tensor tensor;
  tensor.type = constant.type;
  tensor.isUnsigned = constant.isUnsigned;
  tensor.constant = std::make_shared<Constant>(std::move(constant));
  setOutput(i, std::move(tensor));
}

void Node::requireInRange(Value isInRange) {
  importer.requireInRange(isInRange);
}

//===-- Subgraphs and types ----------------------------------------------===//

FailureOr<RankedTensorType> Node::makeType(ArrayRef<int64_t> shape,
                                           Type elementType) const {
  if (checkedByteSize(shape, elementType) < 0) {
    InFlightDiagnostic diagnostic = error();
    diagnostic << "a tensor of shape [";
    llvm::interleaveComma(shape, diagnostic);
    return diagnostic << "] is larger than any machine";
  }
  return RankedTensorType::get(shape, elementType);
}

FailureOr<SmallVector<Tensor>>
Node::importSubgraph(const onnx::GraphProto &graph,
                     ArrayRef<Tensor> arguments) {
  return importer.importSubgraph(graph, arguments, location);
}

FailureOr<Constant> Node::readTensor(const onnx::TensorProto &proto) const {
  return importer.readTensor(proto, [&] { return error(); });
}
