// Evaluation of nodes whose inputs are all known while importing: the shape
// arithmetic that exporters write out as nodes.
//
// Only what is small is folded. A large tensor is a parameter, and a moved or
// converted copy of it would be a second one that nobody could tie to the
// first; there the translation writes the operation and later passes see it.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

/// True after setting every wanted output to a constant; false where the node
/// is not one to fold; failure after an error on the node (an index outside its
/// tensor).
llvm::FailureOr<bool> foldNode(Node &node);

} // namespace lig::onnx_import
