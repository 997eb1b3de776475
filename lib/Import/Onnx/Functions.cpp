// Finding and instantiating function bodies.

#include "Functions.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
#include <onnx/defs/function.h>
#include <onnx/defs/schema.h>
#pragma clang diagnostic pop

using namespace lig::onnx_import;
using llvm::StringRef;

StringRef lig::onnx_import::canonicalDomain(StringRef domain) {
  return domain == "ai.onnx" ? StringRef() : domain;
}

static std::string keyOf(StringRef domain, StringRef name) {
  return (canonicalDomain(domain) + ":" + name).str();
}

FunctionLibrary::FunctionLibrary(const onnx::ModelProto &model) {
  for (const onnx::FunctionProto &function : model.functions())
    locals[keyOf(function.domain(), function.name())] = &function;
}

const onnx::FunctionProto *
FunctionLibrary::findLocal(const onnx::NodeProto &node) const {
  return locals.lookup(keyOf(node.domain(), node.op_type()));
}

/// The newest version of a domain that the installed definitions know, 0 if
/// they do not know the domain.
static int newestVersion(const std::string &domain) {
  const auto &known =
      onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  auto range = known.find(domain);
  return range == known.end() ? 0 : range->second.second;
}

const onnx::OpSchema *lig::onnx_import::findSchema(const onnx::NodeProto &node,
                                                   int version) {
  std::string domain = canonicalDomain(node.domain()).str();
  if (version > newestVersion(domain))
    return nullptr;
  return onnx::OpSchemaRegistry::Schema(node.op_type(), version, domain);
}

llvm::SmallVector<std::pair<unsigned, unsigned>>
lig::onnx_import::inputsOfOneType(const onnx::NodeProto &node, int version) {
  llvm::SmallVector<std::pair<unsigned, unsigned>> pairs;
  std::string domain = canonicalDomain(node.domain()).str();
  const onnx::OpSchema *schema =
      findSchema(node, std::min(version, newestVersion(domain)));
  if (!schema || schema->inputs().empty())
    return pairs;
  // By the name of the type variable, the first input that has it.
  llvm::StringMap<unsigned> firstOf;
  for (int i = 0; i < node.input_size(); ++i) {
    // What follows the last formal parameter belongs to it: it is variadic.
    const auto &formal =
        schema->inputs()[std::min<size_t>(i, schema->inputs().size() - 1)];
    if (node.input(i).empty() || !formal.GetIsHomogeneous())
      continue;
    auto [first, isNew] = firstOf.try_emplace(formal.GetTypeStr(), i);
    if (!isNew)
      pairs.push_back({first->second, i});
  }
  return pairs;
}

std::string lig::onnx_import::checkNode(const onnx::NodeProto &node,
                                        int version) {
  const onnx::OpSchema *schema = findSchema(node, version);
  if (!schema)
    return "";
  // The definitions report by exceptions, which end here.
  try {
    schema->Verify(node);
  } catch (const std::exception &error) {
    return error.what();
  }
  return "";
}

bool FunctionLibrary::hasDefinedBody(const onnx::NodeProto &node, int version,
                                     const onnx::FunctionProto **body) {
  const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(
      node.op_type(), version, canonicalDomain(node.domain()).str());
  if (!schema)
    return false;
  if (schema->HasFunction())
    *body = schema->GetFunction();
  return schema->HasFunction() || schema->HasContextDependentFunction();
}

//===-- Instantiation ----------------------------------------------------===//

/// The values of a function's attributes at one call.
using Arguments = llvm::StringMap<const onnx::AttributeProto *>;

static void
bindAttributes(google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes,
               const Arguments &arguments);

static void bindAttributes(onnx::NodeProto &node, const Arguments &arguments) {
  auto &attributes = *node.mutable_attribute();
  for (int i = attributes.size() - 1; i >= 0; --i) {
    onnx::AttributeProto &attribute = attributes[i];
    if (!attribute.ref_attr_name().empty()) {
      auto it = arguments.find(attribute.ref_attr_name());
      if (it == arguments.end()) { // left out at the call: left out here
        attributes.DeleteSubrange(i, 1);
        continue;
      }
      std::string name = attribute.name();
      attribute = *it->second;
      attribute.set_name(name);
    }
    if (attribute.has_g())
      bindAttributes(*attribute.mutable_g()->mutable_node(), arguments);
    for (onnx::GraphProto &graph : *attribute.mutable_graphs())
      bindAttributes(*graph.mutable_node(), arguments);
  }
}

static void
bindAttributes(google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes,
               const Arguments &arguments) {
  for (onnx::NodeProto &node : nodes)
    bindAttributes(node, arguments);
}

/// The body that the ONNX definitions give a node; false if there is none.
static bool buildDefinedBody(const onnx::OpSchema &schema,
                             const onnx::NodeProto &node,
                             llvm::ArrayRef<onnx::TypeProto> inputTypes,
                             onnx::FunctionProto &body) {
  if (schema.HasFunction()) {
    body = *schema.GetFunction();
    return true;
  }
  if (!schema.HasContextDependentFunction())
    return false;
  onnx::FunctionBodyBuildContextImpl context(
      node, std::vector<onnx::TypeProto>(inputTypes.begin(), inputTypes.end()));
  try {
    return schema.BuildContextDependentFunction(context, body);
  } catch (const std::exception &) {
    return false;
  }
}

std::shared_ptr<const onnx::FunctionProto>
FunctionLibrary::instantiate(const onnx::NodeProto &node, const Opsets &opsets,
                             llvm::ArrayRef<onnx::TypeProto> inputTypes) const {
  auto body = std::make_shared<onnx::FunctionProto>();
  Arguments arguments;
  if (const onnx::FunctionProto *local = findLocal(node)) {
    *body = *local;
  } else {
    StringRef domain = canonicalDomain(node.domain());
    const onnx::OpSchema *schema = onnx::OpSchemaRegistry::Schema(
        node.op_type(), opsets.lookup(domain), domain.str());
    if (!schema || !buildDefinedBody(*schema, node, inputTypes, *body))
      return nullptr;
    for (const auto &[name, attribute] : schema->attributes())
      if (attribute.default_value.type() != onnx::AttributeProto::UNDEFINED)
        arguments[name] = &attribute.default_value;
  }
  for (const onnx::AttributeProto &attribute : node.attribute())
    arguments[attribute.name()] = &attribute;
  bindAttributes(*body->mutable_node(), arguments);
  if (body->opset_import_size() == 0)
    for (const auto &entry : opsets) {
      onnx::OperatorSetIdProto *id = body->add_opset_import();
      id->set_domain(entry.first().str());
      id->set_version(entry.second);
    }
  return body;
}
