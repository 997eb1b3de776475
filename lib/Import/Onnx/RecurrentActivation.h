// The activation functions that recurrent cells name in their attributes.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

struct RecurrentActivation {
  /// Lower case; names are compared without regard to case.
  std::string name;
  double alpha = 0, beta = 0;
  /// Inputs are brought into [-clip, clip] first, if that is not negative.
  double clip = -1;

  /// The function of a float scalar.
  mlir::Value apply(mlir::OpBuilder &b, mlir::Location loc,
                    mlir::Value x) const;
};

/// `count` functions: what the node's lists say, else `usual`, repeated for
/// each direction. Parameters are taken from the lists in order, by those
/// functions that have them.
llvm::FailureOr<llvm::SmallVector<RecurrentActivation>>
readActivations(const Node &node, unsigned count,
                llvm::ArrayRef<llvm::StringRef> usual);

} // namespace lig::onnx_import
