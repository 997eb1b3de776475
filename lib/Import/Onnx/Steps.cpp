// Bodies of scans. A scan is made with the types of its results, which are
// known once its body is there; until then the body lies in a region of its
// own, inside the function, so that all it reads from outside is in sight.

#include "Steps.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

Steps::Steps(Node &node, ArrayRef<Tensor> states, ArrayRef<Tensor> slices)
    : node(node), states(states), slices(slices) {
  OpBuilder &b = node.builder();
  OperationState holding(node.loc(),
                         scf::ExecuteRegionOp::getOperationName());
  Region *region = holding.addRegion();
  block = &region->emplaceBlock();
  block->addArgument(b.getIndexType(), node.loc());
  for (const Tensor &state : states)
    block->addArgument(state.type, node.loc());
  for (const Tensor &slice : slices)
    block->addArgument(slice.type, node.loc());
  holder = b.create(holding);
}

Steps::~Steps() {
  if (holder)
    holder->erase();
}

static Tensor asArgument(const Tensor &like, Value value) {
  Tensor tensor;
  tensor.type = like.type;
  tensor.isUnsigned = like.isUnsigned;
  tensor.value = value;
  return tensor;
}

Tensor Steps::state(unsigned i) const {
  return asArgument(states[i], block->getArgument(1 + i));
}

Tensor Steps::slice(unsigned i) const {
  return asArgument(slices[i], block->getArgument(1 + states.size() + i));
}

FailureOr<SmallVector<Tensor>> Steps::import(const onnx::GraphProto &graph,
                                             ArrayRef<Tensor> arguments) {
  OpBuilder::InsertionGuard guard(node.builder());
  node.builder().setInsertionPointToEnd(block);
  return node.importSubgraph(graph, arguments);
}

Value Steps::materialize(const Tensor &tensor) {
  OpBuilder::InsertionGuard guard(node.builder());
  node.builder().setInsertionPointToEnd(block);
  return node.materialize(tensor);
}

OpBuilder Steps::atEnd() { return OpBuilder::atBlockEnd(block); }

lig::net::ScanOp Steps::finish(const Over &over, ArrayRef<Value> yielded,
                               Value goOn) {
  OpBuilder &b = node.builder();
  SmallVector<Value> values(yielded);
  if (goOn)
    values.push_back(goOn);
  OpBuilder end = atEnd();
  lig::net::YieldOp::create(end, node.loc(), values);
  auto scan = lig::net::ScanOp::create(
      b, node.loc(), over.count, over.inits, over.inputs, over.stacked,
      over.reverseInputs, over.reverseOutputs, static_cast<bool>(goOn));
  scan.getBody().takeBody(holder->getRegion(0));
  holder->erase();
  holder = nullptr;
  return scan;
}

RankedTensorType lig::onnx_import::sliceType(RankedTensorType type) {
  return type.clone(type.getShape().drop_front());
}

RankedTensorType lig::onnx_import::stackedType(int64_t count,
                                               RankedTensorType type) {
  SmallVector<int64_t> shape = {count};
  llvm::append_range(shape, type.getShape());
  return type.clone(shape);
}

Value lig::onnx_import::singleElement(OpBuilder &b, Location loc,
                                      Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<Value> first;
  for (int64_t d = 0; d < type.getRank(); ++d)
    first.push_back(arith::ConstantIndexOp::create(b, loc, 0));
  return tensor::ExtractOp::create(b, loc, tensor, first);
}

LogicalResult lig::onnx_import::checkStates(const Node &node,
                                            ArrayRef<Tensor> states,
                                            ArrayRef<Tensor> outputs) {
  for (auto [i, state] : llvm::enumerate(states))
    if (outputs[i].type != state.type)
      return node.error() << "state " << i << " starts as " << state.type
                          << ", but a step makes it " << outputs[i].type;
  return success();
}
