// Finding unsupported operators.

#include "SupportCheck.h"

#include "Node.h"

#include "llvm/ADT/StringSet.h"

#include <map>

using namespace mlir;
using namespace lig::onnx_import;

namespace {
class Check {
public:
  explicit Check(const FunctionLibrary &functions) : functions(functions) {}

  void visit(const onnx::GraphProto &graph, const Opsets &opsets) {
    visit(graph.node(), opsets);
  }
  LogicalResult report(Location loc);

private:
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
  void visit(const Nodes &nodes, const Opsets &opsets) {
    for (const onnx::NodeProto &node : nodes)
      visit(node, opsets);
  }
  void visit(const onnx::NodeProto &node, const Opsets &opsets);
  void visitFunction(const onnx::FunctionProto &function,
                     const Opsets &callerOpsets);
  void noteUnsupported(const onnx::NodeProto &node, int version);

  const FunctionLibrary &functions;
  llvm::StringSet<> visited;
  /// "domain.Operator (opset N)" to the first node that has it.
  std::map<std::string, const onnx::NodeProto *> unsupported;
};
} // namespace

void Check::noteUnsupported(const onnx::NodeProto &node, int version) {
  std::string text = node.domain().empty() ? "" : node.domain() + ".";
  text += node.op_type() + " (opset " + std::to_string(version) + ")";
  unsupported.try_emplace(text, &node);
}

void Check::visitFunction(const onnx::FunctionProto &function,
                          const Opsets &callerOpsets) {
  if (!visited.insert(function.domain() + ":" + function.name()).second)
    return;
  Opsets own = readOpsets(function.opset_import());
  visit(function.node(), own.empty() ? callerOpsets : own);
}

void Check::visit(const onnx::NodeProto &node, const Opsets &opsets) {
  StringRef domain = canonicalDomain(node.domain());
  auto it = opsets.find(domain);
  int version = it == opsets.end() ? 0 : it->second;
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      visit(attribute.g(), opsets);
    for (const onnx::GraphProto &graph : attribute.graphs())
      visit(graph, opsets);
  }
  if (const onnx::FunctionProto *local = functions.findLocal(node))
    return visitFunction(*local, opsets);
  if (OperatorTable::get().find(domain, node.op_type(), version))
    return;
  const onnx::FunctionProto *body = nullptr;
  if (!FunctionLibrary::hasDefinedBody(node, version, &body))
    return noteUnsupported(node, version);
  if (body)
    visitFunction(*body, opsets);
}

LogicalResult Check::report(Location loc) {
  if (unsupported.empty())
    return success();
  auto first = unsupported.begin();
  InFlightDiagnostic diagnostic = emitError(loc);
  diagnostic << "node '" << first->second->name() << "': operator "
             << first->first << " is not supported";
  if (unsupported.size() > 1) {
    diagnostic << "; nor are ";
    llvm::interleaveComma(llvm::drop_begin(unsupported), diagnostic,
                          [&](auto &entry) { diagnostic << entry.first; });
  }
  return diagnostic;
}

LogicalResult lig::onnx_import::checkSupport(const onnx::ModelProto &model,
                                             const FunctionLibrary &functions,
                                             Location loc) {
  Check check(functions);
  check.visit(model.graph(), readOpsets(model.opset_import()));
  return check.report(loc);
}
