// If: a branch of its own where the condition is known while importing, else
// `scf.if`. Loops have files of their own.

#include "Operators.h"

#include "Checks.h"
#include "Loops.h"
#include "RuntimeDims.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

static LogicalResult checkBranch(Node &node, const onnx::GraphProto *graph,
                                 StringRef name) {
  if (!graph)
    return node.error() << "attribute '" << name << "' is missing";
  if (graph->output_size() < static_cast<int>(node.numOutputs()))
    return node.error() << name << " has " << graph->output_size()
                        << " outputs, but the node " << node.numOutputs();
  return success();
}

/// The two results of one output, or an error that names what differs.
static LogicalResult checkSame(Node &node, unsigned i, const Tensor &onThen,
                               const Tensor &onElse) {
  if (isDynamic(onThen) || isDynamic(onElse))
    return node.error() << "the shape of output " << i
                        << " depends on the data";
  if (onThen.type == onElse.type && onThen.isUnsigned == onElse.isUnsigned)
    return success();
  return node.error() << "output " << i << " has type " << onThen.type
                      << " in one branch and " << onElse.type
                      << " in the other; which is known at run time only";
}

/// Translates a branch into its block and ends it.
static FailureOr<SmallVector<Tensor>>
importBranch(Node &node, const onnx::GraphProto &graph, Region &region) {
  OpBuilder &b = node.builder();
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&region);
  auto outputs = node.importSubgraph(graph, {});
  if (failed(outputs))
    return failure();
  SmallVector<Value> values;
  for (const Tensor &output : *outputs)
    values.push_back(node.materialize(output));
  scf::YieldOp::create(b, node.loc(), values);
  return outputs;
}

static LogicalResult translateRuntimeIf(Node &node,
                                        const onnx::GraphProto &onThen,
                                        const onnx::GraphProto &onElse) {
  OpBuilder &b = node.builder();
  Location loc = node.loc();
  if (!node.elementType(0).isInteger(1) || node.type(0).getNumElements() != 1)
    return node.error() << "the condition has type " << node.type(0);
  SmallVector<Value> first(
      node.type(0).getRank(),
      arith::ConstantIndexOp::create(b, loc, 0).getResult());
  Value condition = tensor::ExtractOp::create(b, loc, node.input(0), first);
  // What the branches give is known when they are there: they move then.
  OperationState state(loc, scf::IfOp::getOperationName());
  state.addOperands(condition);
  state.addRegion();
  state.addRegion();
  auto draft = cast<scf::IfOp>(b.create(state));
  auto thenOutputs = importBranch(node, onThen, draft.getThenRegion());
  if (failed(thenOutputs))
    return failure();
  auto elseOutputs = importBranch(node, onElse, draft.getElseRegion());
  if (failed(elseOutputs))
    return failure();
  if (thenOutputs->size() != elseOutputs->size())
    return node.error() << "the branches have " << thenOutputs->size()
                        << " and " << elseOutputs->size() << " outputs";
  SmallVector<Type> types;
  for (unsigned i = 0; i < thenOutputs->size(); ++i) {
    if (failed(checkSame(node, i, (*thenOutputs)[i], (*elseOutputs)[i])))
      return failure();
    types.push_back((*thenOutputs)[i].type);
  }
  OperationState whole(loc, scf::IfOp::getOperationName());
  whole.addOperands(condition);
  whole.addTypes(types);
  whole.addRegion()->takeBody(draft.getThenRegion());
  whole.addRegion()->takeBody(draft.getElseRegion());
  Operation *choice = b.create(whole);
  draft.erase();
  for (unsigned i = 0; i < node.numOutputs(); ++i)
    node.setOutput(i, choice->getResult(i), (*thenOutputs)[i].isUnsigned);
  return success();
}

static LogicalResult translateIf(Node &node) {
  const onnx::GraphProto *onThen = node.graphAttribute("then_branch");
  const onnx::GraphProto *onElse = node.graphAttribute("else_branch");
  if (failed(checkBranch(node, onThen, "then_branch")) ||
      failed(checkBranch(node, onElse, "else_branch")))
    return failure();
  auto condition = node.constantInts(0);
  if (!condition)
    return translateRuntimeIf(node, *onThen, *onElse);
  if (condition->size() != 1)
    return node.error() << "the condition has type " << node.type(0);
  auto outputs =
      node.importSubgraph(condition->front() ? *onThen : *onElse, {});
  if (failed(outputs))
    return failure();
  for (unsigned i = 0; i < node.numOutputs(); ++i)
    node.setOutput(i, (*outputs)[i]);
  return success();
}

void lig::onnx_import::addControlFlowOperators(OperatorTable &table) {
  table.add("If", 1, translateIf);
  table.add("Loop", 1, translateLoop);
  table.add("Scan", 8, translateBatchedScan);
  table.add("Scan", 9, translateScan);
}
