// What an operator's translation sees: its node's inputs, attributes and
// outputs. Inputs are tensors of static shape; some are known constants.
#pragma once

#include "Constant.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <optional>

namespace lig::onnx_import {
class GraphImporter;

/// What a name in an ONNX graph stands for.
struct Tensor {
  mlir::RankedTensorType type;
  bool isUnsigned = false;
  /// The SSA value; null while only `constant` is there.
  mlir::Value value;
  /// Set when the value is known while importing.
  std::shared_ptr<const Constant> constant;
  /// For each dimension whose extent only the run tells (NonZero): an `index`
  /// value; the type then holds the upper bound. Empty for static tensors.
  llvm::SmallVector<mlir::Value> runtimeDims;
};

class Node {
public:
  Node(GraphImporter &importer, const onnx::NodeProto &proto, int opset,
       mlir::Location loc)
      : importer(importer), proto(proto), opsetVersion(opset), location(loc) {}

  //===-- Where
  //------------------------------------------------------------===//
  mlir::OpBuilder &builder();
  mlir::Location loc() const { return location; }
  mlir::MLIRContext *context() const { return location.getContext(); }
  /// The operator set version in force for this node's domain.
  int opset() const { return opsetVersion; }
  llvm::StringRef opType() const { return proto.op_type(); }
  /// Starts an error that names the node: `return node.error() << "why";`.
  mlir::InFlightDiagnostic error() const;

  //===-- Inputs
  //-----------------------------------------------------------===//
  unsigned numInputs() const { return proto.input_size(); }
  /// False for an optional input that is left out (absent or empty name).
  bool hasInput(unsigned i) const;
  const Tensor &tensor(unsigned i) const;
  mlir::RankedTensorType type(unsigned i) const { return tensor(i).type; }
  llvm::ArrayRef<int64_t> shape(unsigned i) const { return type(i).getShape(); }
  mlir::Type elementType(unsigned i) const { return type(i).getElementType(); }
  bool isUnsigned(unsigned i) const { return tensor(i).isUnsigned; }
  /// The input as an SSA value; a constant becomes `share.get` of a parameter
  /// (a single element: an `arith.constant`).
  mlir::Value input(unsigned i);
  /// The input's value if it is known while importing, else null.
  const Constant *constant(unsigned i) const;
  /// The same as integers.
  std::optional<llvm::SmallVector<int64_t>> constantInts(unsigned i) const;
  /// The same, or an error that says which input must be constant.
  llvm::FailureOr<llvm::SmallVector<int64_t>>
  requireInts(unsigned i, llvm::StringRef what) const;

  //===-- Attributes
  //-------------------------------------------------------===//
  const onnx::AttributeProto *attribute(llvm::StringRef name) const;
  bool hasAttribute(llvm::StringRef name) const { return attribute(name); }
  int64_t intAttribute(llvm::StringRef name, int64_t otherwise) const;
  double floatAttribute(llvm::StringRef name, double otherwise) const;
  std::string stringAttribute(llvm::StringRef name,
                              llvm::StringRef otherwise) const;
  llvm::SmallVector<int64_t>
  intsAttribute(llvm::StringRef name,
                llvm::ArrayRef<int64_t> otherwise = {}) const;
  llvm::SmallVector<double> floatsAttribute(llvm::StringRef name) const;
  llvm::SmallVector<std::string> stringsAttribute(llvm::StringRef name) const;
  const onnx::GraphProto *graphAttribute(llvm::StringRef name) const;
  /// Attribute `name`, which until some opset was an attribute and then became
  /// input `i` (axes, pads, repeats ...): nullopt if neither is given; an error
  /// if the input is there and not constant.
  llvm::FailureOr<std::optional<llvm::SmallVector<int64_t>>>
  attributeOrInput(llvm::StringRef name, unsigned i) const;
  /// An axis in [-rank, rank) as one in [0, rank), or an error.
  llvm::FailureOr<int64_t> normalizeAxis(int64_t axis, int64_t rank) const;
  llvm::LogicalResult normalizeAxes(llvm::MutableArrayRef<int64_t> axes,
                                    int64_t rank) const;

  //===-- Outputs
  //----------------------------------------------------------===//
  unsigned numOutputs() const { return proto.output_size(); }
  /// True if output `i` exists and has a name.
  bool wantsOutput(unsigned i) const;
  /// What the model declares for output `i` (value_info, graph outputs) when
  /// that is a static shape; a way out where an input that shapes it is only
  /// known at run time.
  std::optional<llvm::SmallVector<int64_t>> declaredShape(unsigned i) const;
  /// What output `i` was set to, or null.
  const Tensor *output(unsigned i) const;
  void setOutput(unsigned i, mlir::Value value, bool isUnsigned = false);
  void setOutput(unsigned i, Constant constant);
  void setOutput(unsigned i, Tensor tensor);

  /// Makes a run end with LIG_INDEX_OUT_OF_RANGE where `isInRange` (an i1) is
  /// false. Inside a loop or a branch nothing is reported; there, and here,
  /// translations bring indices into range before they use them.
  void requireInRange(mlir::Value isInRange);

  //===-- Subgraphs and types
  //----------------------------------------------===//
  /// A tensor type after checking that its size is sane, or an error.
  llvm::FailureOr<mlir::RankedTensorType>
  makeType(llvm::ArrayRef<int64_t> shape, mlir::Type elementType) const;
  /// Translates a subgraph at the builder's insertion point with its inputs
  /// bound to `arguments`; outer names are visible. Returns its outputs.
  llvm::FailureOr<llvm::SmallVector<Tensor>>
  importSubgraph(const onnx::GraphProto &graph,
                 llvm::ArrayRef<Tensor> arguments);
  /// The SSA value of any tensor; see input().
  mlir::Value materialize(const Tensor &tensor);
  /// A tensor in an attribute; a failure has been reported.
  llvm::FailureOr<Constant> readTensor(const onnx::TensorProto &proto) const;
  /// True if an input was read that the node lacks; that has been reported.
  bool readMissingInput() const { return missingInput; }

private:
  GraphImporter &importer;
  const onnx::NodeProto &proto;
  int opsetVersion;
  mlir::Location location;
  mutable bool missingInput = false;
  /// What tensor() gives for an input that is missing.
  mutable Tensor poison;
};

/// Translates one node: reads inputs, builds operations, sets every wanted
/// output. Returns failure after `node.error()`.
using Translation = llvm::LogicalResult (*)(Node &node);

/// The operator table. Each family file fills its part.
class OperatorTable {
public:
  /// `since` is the first operator set version that this translation handles;
  /// the newest entry not above the model's version is taken.
  void add(llvm::StringRef name, int since, Translation translate,
           llvm::StringRef domain = "");
  /// Null if nothing fits.
  Translation find(llvm::StringRef domain, llvm::StringRef name,
                   int version) const;
  struct Entry {
    std::string domain, name;
    int since;
    Translation translate;
  };
  llvm::ArrayRef<Entry> entries() const { return table; }
  /// The one table, filled on first use.
  static const OperatorTable &get();

private:
  llvm::SmallVector<Entry> table;
  /// "domain:name" to the positions of its entries.
  llvm::StringMap<llvm::SmallVector<unsigned, 2>> index;
};

} // namespace lig::onnx_import
