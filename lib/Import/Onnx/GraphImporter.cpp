// The walk over a graph.

#include "GraphImporter.h"

#include "Fold.h"
#include "RuntimeDims.h"
#include "TensorData.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace lig::onnx_import;

const Tensor *GraphImporter::lookup(StringRef name) const {
  for (const Scope *at = scope; at; at = at->outer) {
    auto it = at->tensors.find(name);
    if (it != at->tensors.end())
      return &it->second;
  }
  return nullptr;
}

Value GraphImporter::materialize(const Tensor &tensor, Location loc) {
  if (tensor.value)
    return tensor.value;
  return model.parameters.get(builder, loc, tensor.constant);
}

FailureOr<Constant>
GraphImporter::readTensor(const onnx::TensorProto &proto,
                          llvm::function_ref<InFlightDiagnostic()> emitError) {
  FailureOr<Constant> constant =
      decodeTensor(proto, builder.getContext(), model.externalData, emitError);
  if (succeeded(constant) && !constant->owner)
    constant->owner = scope->owner;
  return constant;
}

void GraphImporter::requireInRange(Value isInRange) {
  // A value made inside a loop or a branch cannot leave it.
  if (isa<func::FuncOp>(builder.getInsertionBlock()->getParentOp()))
    checks.push_back(isInRange);
}

//===-- Graphs -----------------------------------------------------------===//

LogicalResult GraphImporter::readInitializers(const onnx::GraphProto &graph,
                                              Scope &inner) {
  return inScope(inner, [&]() -> LogicalResult {
    auto define = [&](const std::string &name, auto read) -> LogicalResult {
      if (inner.tensors.count(name))
        return success();
      FailureOr<Constant> constant = read([&] {
        return emitError(model.location) << "initializer '" << name << "': ";
      });
      if (failed(constant))
        return failure();
      constant->name = name;
      Tensor &tensor = inner.tensors[name];
      tensor.type = constant->type;
      tensor.isUnsigned = constant->isUnsigned;
      tensor.constant = std::make_shared<Constant>(std::move(*constant));
      return success();
    };
    for (const onnx::TensorProto &proto : graph.initializer())
      if (failed(define(proto.name(),
                        [&](auto error) { return readTensor(proto, error); })))
        return failure();
    for (const onnx::SparseTensorProto &proto : graph.sparse_initializer())
      if (failed(define(proto.values().name(), [&](auto error) {
            return decodeSparseTensor(proto, builder.getContext(), error);
          })))
        return failure();
    return success();
  });
}

LogicalResult GraphImporter::importGraph(const onnx::GraphProto &graph,
                                         Scope &inner) {
  auto declare = [&](const onnx::ValueInfoProto &info) {
    if (!info.type().tensor_type().has_shape())
      return;
    if (auto shape = model.dimensions.resolve(info.type().tensor_type().shape(),
                                              /*unknown=*/nullptr))
      inner.declaredShapes[info.name()] = *shape;
  };
  llvm::for_each(graph.value_info(), declare);
  llvm::for_each(graph.output(), declare);
  return inScope(inner, [&] { return importNodes(graph.node()); });
}

FailureOr<SmallVector<Tensor>>
GraphImporter::outputsOf(const onnx::GraphProto &graph, Scope &inner) {
  return inScope(inner, [&]() -> FailureOr<SmallVector<Tensor>> {
    SmallVector<Tensor> outputs;
    for (const onnx::ValueInfoProto &info : graph.output()) {
      const Tensor *tensor = lookup(info.name());
      if (!tensor)
        return emitError(model.location)
               << "output '" << info.name() << "' of graph '" << graph.name()
               << "' is made by no node";
      outputs.push_back(*tensor);
    }
    return outputs;
  });
}

FailureOr<SmallVector<Tensor>>
GraphImporter::importSubgraph(const onnx::GraphProto &graph,
                              ArrayRef<Tensor> arguments, Location loc) {
  if (graph.input_size() != static_cast<int>(arguments.size()))
    return emitError(loc) << "subgraph '" << graph.name() << "' has "
                          << graph.input_size() << " inputs, but gets "
                          << arguments.size();
  Scope inner;
  inner.outer = scope;
  inner.opsets = scope->opsets;
  inner.owner = scope->owner;
  for (auto [info, argument] : llvm::zip(graph.input(), arguments))
    inner.tensors[info.name()] = argument;
  if (failed(readInitializers(graph, inner)) ||
      failed(importGraph(graph, inner)))
    return failure();
  return outputsOf(graph, inner);
}

//===-- Nodes ------------------------------------------------------------===//

static Location locationOf(const onnx::NodeProto &node, Location model) {
  std::string name = node.name();
  if (name.empty() && node.output_size() > 0)
    name = node.output(0);
  if (name.empty())
    name = node.op_type();
  return NameLoc::get(StringAttr::get(model.getContext(), name), model);
}

LogicalResult GraphImporter::importNodes(
    const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes) {
  for (const onnx::NodeProto &node : nodes)
    if (failed(importNode(node)))
      return failure();
  return success();
}

/// The element type, with its sign where ONNX tells signed from unsigned.
static Type signedElementType(const Tensor &tensor) {
  Type type = tensor.type.getElementType();
  return tensor.isUnsigned
             ? IntegerType::get(type.getContext(), type.getIntOrFloatBitWidth(),
                                IntegerType::Unsigned)
             : type;
}

LogicalResult GraphImporter::checkInputs(const Node &node,
                                         const onnx::NodeProto &proto) {
  for (const std::string &name : proto.input())
    if (!name.empty() && !lookup(name))
      return node.error() << "input '" << name
                          << "' is made by no input, initializer or earlier "
                             "node; the graph is cyclic, not sorted or "
                             "incomplete";
  for (auto [first, second] : inputsOfOneType(proto, node.opset())) {
    Type a = signedElementType(node.tensor(first)),
         b = signedElementType(node.tensor(second));
    if (a != b)
      return node.error() << "inputs " << first << " and " << second
                          << " differ in element type: " << a << " and " << b;
  }
  return success();
}

LogicalResult GraphImporter::checkOutputs(const Node &node,
                                          const onnx::NodeProto &proto) {
  for (const std::string &name : proto.output())
    if (!name.empty() && !scope->tensors.count(name))
      return node.error() << "output '" << name
                          << "' is not supported by this operator's "
                             "translation";
  return success();
}

LogicalResult GraphImporter::importNode(const onnx::NodeProto &proto) {
  StringRef domain = canonicalDomain(proto.domain());
  int version = scope->opsets->lookup(domain);
  Node node(*this, proto, version, locationOf(proto, model.location));
  std::string problem = checkNode(proto, version);
  if (!problem.empty())
    return node.error() << problem;
  if (failed(checkInputs(node, proto)))
    return failure();
  for (const std::string &name : proto.output())
    if (!name.empty() && scope->tensors.count(name))
      return node.error() << "output '" << name << "' is made twice";

  // The model's own functions come before operators of the same name.
  bool isLocal = model.functions.findLocal(proto);
  if (!isLocal && domain.empty()) {
    FailureOr<bool> folded = foldNode(node);
    if (failed(folded) || *folded)
      return failure(failed(folded));
  }
  Translation translate =
      isLocal ? nullptr
              : OperatorTable::get().find(domain, proto.op_type(), version);
  if (translate) {
    if (failed(checkDynamicInputs(node)) || failed(translate(node)) ||
        node.readMissingInput() || failed(checkOutputs(node, proto)))
      return failure();
    carryThroughElementwise(node);
    return success();
  }
  if (std::optional<LogicalResult> expanded = importCall(node, proto))
    return *expanded;
  return node.error() << "the operator is not supported";
}

//===-- Functions --------------------------------------------------------===//

static int onnxDataType(const Tensor &tensor) {
  using onnx::TensorProto;
  for (int type = 1; type <= TensorProto::BFLOAT16; ++type) {
    ElementType element = elementTypeOf(type, tensor.type.getContext());
    if (element && element.type == tensor.type.getElementType() &&
        element.isUnsigned == tensor.isUnsigned)
      return type;
  }
  return TensorProto::UNDEFINED;
}

static onnx::TypeProto typeProtoOf(const Tensor *tensor) {
  onnx::TypeProto proto;
  if (!tensor)
    return proto;
  auto *type = proto.mutable_tensor_type();
  type->set_elem_type(onnxDataType(*tensor));
  for (int64_t extent : tensor->type.getShape())
    type->mutable_shape()->add_dim()->set_dim_value(extent);
  return proto;
}

std::optional<LogicalResult>
GraphImporter::importCall(const Node &node, const onnx::NodeProto &proto) {
  SmallVector<onnx::TypeProto> inputTypes;
  for (const std::string &name : proto.input())
    inputTypes.push_back(typeProtoOf(name.empty() ? nullptr : lookup(name)));
  std::shared_ptr<const onnx::FunctionProto> body =
      model.functions.instantiate(proto, *scope->opsets, inputTypes);
  if (!body)
    return std::nullopt;

  constexpr unsigned maximalDepth = 64;
  if (callDepth == maximalDepth)
    return LogicalResult(node.error()
                         << "functions call each other without end");
  ++callDepth;
  llvm::scope_exit leave([&] { --callDepth; });

  Opsets opsets = readOpsets(body->opset_import());
  Scope inner;
  inner.opsets = &opsets;
  inner.owner = body;
  for (int i = 0; i < body->input_size() && i < proto.input_size(); ++i)
    if (!proto.input(i).empty())
      inner.tensors[body->input(i)] = *lookup(proto.input(i));
  if (failed(inScope(inner, [&] { return importNodes(body->node()); })))
    return failure();
  for (int i = 0; i < body->output_size() && i < proto.output_size(); ++i) {
    auto it = inner.tensors.find(body->output(i));
    if (!proto.output(i).empty() && it != inner.tensors.end())
      scope->tensors[proto.output(i)] = it->second;
  }
  return checkOutputs(node, proto);
}
