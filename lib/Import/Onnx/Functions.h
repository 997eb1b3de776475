// Bodies of nodes that are functions: the model's own, and operators that the
// ONNX definitions describe by a function of simpler ones.
#pragma once

#include "Proto.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"

#include <memory>

namespace onnx {
class OpSchema;
}

namespace lig::onnx_import {

/// Operator set versions by domain; the standard domain is "".
using Opsets = llvm::StringMap<int>;

/// "ai.onnx" is another spelling of the standard domain.
llvm::StringRef canonicalDomain(llvm::StringRef domain);

template <typename Imports> Opsets readOpsets(const Imports &imports) {
  Opsets opsets;
  for (const onnx::OperatorSetIdProto &id : imports)
    opsets[canonicalDomain(id.domain())] =
        static_cast<int>(std::min<int64_t>(id.version(), 1 << 20));
  return opsets;
}

class FunctionLibrary {
public:
  explicit FunctionLibrary(const onnx::ModelProto &model);

  /// The model's own function for a node, or null.
  const onnx::FunctionProto *findLocal(const onnx::NodeProto &node) const;

  /// True if the ONNX definitions give the operator a function body. `body` is
  /// set when it is the same for every node.
  static bool hasDefinedBody(const onnx::NodeProto &node, int version,
                             const onnx::FunctionProto **body);

  /// The body to expand a node into, with the attributes it refers to replaced
  /// by the node's (or their defaults); null if the node is no function.
  /// `inputTypes` has an unset type for each input that is left out.
  std::shared_ptr<const onnx::FunctionProto>
  instantiate(const onnx::NodeProto &node, const Opsets &opsets,
              llvm::ArrayRef<onnx::TypeProto> inputTypes) const;

private:
  /// By "domain:name".
  llvm::StringMap<const onnx::FunctionProto *> locals;
};

/// Checks a node against its definition: the numbers of inputs and outputs, and
/// which attributes it has. Returns what is wrong, empty if nothing is or the
/// definition is newer than what is installed.
std::string checkNode(const onnx::NodeProto &node, int version);

/// Pairs of inputs that are given and that the operator's definition wants of
/// one element type. Of a version newer than what is installed, what the newest
/// installed one says.
llvm::SmallVector<std::pair<unsigned, unsigned>>
inputsOfOneType(const onnx::NodeProto &node, int version);

/// The definition of an operator, null if it is unknown or newer than what is
/// installed.
const onnx::OpSchema *findSchema(const onnx::NodeProto &node, int version);

} // namespace lig::onnx_import
