// The walk over a graph: names, scopes, nodes, subgraphs and functions.
#pragma once

#include "Dimensions.h"
#include "ExternalData.h"
#include "Functions.h"
#include "Node.h"
#include "Parameters.h"

#include "llvm/ADT/ScopeExit.h"

namespace lig::onnx_import {

/// What is the same for all graphs of one model.
struct ModelContext {
  std::shared_ptr<const onnx::ModelProto> model;
  FunctionLibrary functions;
  Dimensions dimensions;
  ExternalData externalData;
  Parameters parameters;
  mlir::Location location;
};

/// The names that nodes of one graph see.
struct Scope {
  /// The graph around, whose names are visible too; null for the model's graph
  /// and for a function's body.
  const Scope *outer = nullptr;
  llvm::StringMap<Tensor> tensors;
  /// Static shapes that the graph declares for its values.
  llvm::StringMap<llvm::SmallVector<int64_t>> declaredShapes;
  const Opsets *opsets = nullptr;
  /// Owns the messages that this scope's nodes lie in.
  std::shared_ptr<const void> owner;
};

class GraphImporter {
public:
  GraphImporter(ModelContext &model, mlir::OpBuilder &builder)
      : model(model), builder(builder) {}

  /// Translates the nodes of `graph` in `scope`, which holds its inputs.
  mlir::LogicalResult importGraph(const onnx::GraphProto &graph, Scope &scope);
  /// Declares initializers of a graph as constants in `scope`; those whose name
  /// is there already (an input with another value) are skipped.
  mlir::LogicalResult readInitializers(const onnx::GraphProto &graph,
                                       Scope &scope);
  /// The outputs of a graph after importGraph, by name.
  mlir::FailureOr<llvm::SmallVector<Tensor>>
  outputsOf(const onnx::GraphProto &graph, Scope &scope);
  /// See Node::importSubgraph.
  mlir::FailureOr<llvm::SmallVector<Tensor>>
  importSubgraph(const onnx::GraphProto &graph,
                 llvm::ArrayRef<Tensor> arguments, mlir::Location loc);

  /// Null if no graph in sight has the name.
  const Tensor *lookup(llvm::StringRef name) const;
  Scope &currentScope() { return *scope; }
  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::Value materialize(const Tensor &tensor, mlir::Location loc);
  /// A tensor message as a constant that shares its bytes.
  mlir::FailureOr<Constant>
  readTensor(const onnx::TensorProto &proto,
             llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

  /// See Node::requireInRange.
  void requireInRange(mlir::Value isInRange);
  /// What requireInRange was given, for the entry point to report.
  llvm::ArrayRef<mlir::Value> rangeChecks() const { return checks; }

private:
  mlir::LogicalResult
  importNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes);
  mlir::LogicalResult importNode(const onnx::NodeProto &proto);
  mlir::LogicalResult checkInputs(const Node &node,
                                  const onnx::NodeProto &proto);
  mlir::LogicalResult checkOutputs(const Node &node,
                                   const onnx::NodeProto &proto);
  /// Expands a node that is a function; nullopt if it is none.
  std::optional<mlir::LogicalResult> importCall(const Node &node,
                                                const onnx::NodeProto &proto);
  /// Runs `body` with `inner` as the current scope.
  template <typename Body> auto inScope(Scope &inner, Body body) {
    Scope *before = std::exchange(scope, &inner);
    llvm::scope_exit restore([&] { scope = before; });
    return body();
  }

  ModelContext &model;
  mlir::OpBuilder &builder;
  Scope *scope = nullptr;
  llvm::SmallVector<mlir::Value> checks;
  /// Functions that call each other must end somewhere.
  unsigned callDepth = 0;
};

} // namespace lig::onnx_import
