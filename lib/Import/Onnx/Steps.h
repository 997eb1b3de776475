// A subgraph as the body of a `net.scan`: what Loop and Scan have in common.
#pragma once

#include "Node.h"

#include "Ligature/Dialect/Net/IR/Net.h"

namespace lig::onnx_import {

/// A body on the way to becoming a scan's: its block has the scan's arguments,
/// and is not ended yet.
class Steps {
public:
  /// Opens a block with arguments for the step number, states and slices.
  Steps(Node &node, llvm::ArrayRef<Tensor> states,
        llvm::ArrayRef<Tensor> slices);
  ~Steps();

  mlir::Value stepNumber() { return block->getArgument(0); }
  /// The arguments as tensors that a subgraph takes.
  Tensor state(unsigned i) const;
  Tensor slice(unsigned i) const;
  /// Translates the subgraph at the end of the block.
  llvm::FailureOr<llvm::SmallVector<Tensor>>
  import(const onnx::GraphProto &graph, llvm::ArrayRef<Tensor> arguments);
  /// A value of the body, as SSA.
  mlir::Value materialize(const Tensor &tensor);
  mlir::Block &getBlock() { return *block; }
  /// A builder at the end of the block.
  mlir::OpBuilder atEnd();

  /// What the scan goes over; `reverse*` may be empty.
  struct Over {
    mlir::Value count;
    llvm::SmallVector<mlir::Value> inits, inputs;
    llvm::SmallVector<mlir::Type> stacked;
    llvm::SmallVector<bool> reverseInputs, reverseOutputs;
  };
  /// Ends the block with what it yields and makes the scan. `goOn`, if not
  /// null, is its condition.
  lig::net::ScanOp finish(const Over &over,
                          llvm::ArrayRef<mlir::Value> yielded,
                          mlir::Value goOn);

private:
  Node &node;
  llvm::SmallVector<Tensor> states, slices;
  /// Holds the block while its results are not known.
  mlir::Operation *holder;
  mlir::Block *block;
};

/// The type without its leading dimension, and with one more.
mlir::RankedTensorType sliceType(mlir::RankedTensorType type);
mlir::RankedTensorType stackedType(int64_t count, mlir::RankedTensorType type);
/// A single integer or boolean of a tensor as an index or i1.
mlir::Value singleElement(mlir::OpBuilder &b, mlir::Location loc,
                          mlir::Value tensor);
/// True if body outputs [first, first + count) have the types of the states;
/// else an error that names both.
llvm::LogicalResult checkStates(const Node &node,
                                llvm::ArrayRef<Tensor> states,
                                llvm::ArrayRef<Tensor> outputs);

} // namespace lig::onnx_import
