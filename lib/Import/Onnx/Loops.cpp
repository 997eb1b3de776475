// Loop as `net.scan`. The trip count is a constant, or a value of the run; a
// condition that a step computes makes the scan conditional. What a run stacks
// lies at the start of a tensor with room for the most steps there can be: the
// constant count, or the extent that the model declares.

#include "Loops.h"

#include "Build.h"
#include "Checks.h"
#include "RuntimeDims.h"
#include "Steps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

namespace {
class LoopTranslation {
public:
  LoopTranslation(Node &node, const onnx::GraphProto &graph)
      : node(node), graph(graph), b(node.builder()), loc(node.loc()),
        numStates(node.numInputs() < 2 ? 0 : node.numInputs() - 2) {}
  LogicalResult translate();

private:
  LogicalResult check();
  LogicalResult readCount();
  LogicalResult findRoom();
  FailureOr<SmallVector<Tensor>> importStep(Steps &steps);
  void setOutputs(ArrayRef<Tensor> outputs, lig::net::ScanOp scan);
  LogicalResult unroll();

  Node &node;
  const onnx::GraphProto &graph;
  OpBuilder &b;
  Location loc;
  unsigned numStates;
  SmallVector<Tensor> states;
  /// The number of steps where it is known, and always as an index.
  std::optional<int64_t> knownCount;
  Value count;
  /// The most steps that what is stacked has room for.
  int64_t room = 0;
};
} // namespace

/// A constant boolean.
static Tensor trueTensor(OpBuilder &b) {
  Tensor tensor;
  tensor.type = RankedTensorType::get({}, b.getI1Type());
  tensor.constant =
      std::make_shared<Constant>(Constant::fromInts(tensor.type, 1));
  return tensor;
}

LogicalResult LoopTranslation::check() {
  unsigned outputs = graph.output_size();
  if (graph.input_size() != static_cast<int>(numStates + 2) ||
      outputs < numStates + 1 || node.numOutputs() > outputs - 1)
    return node.error() << "the body has " << graph.input_size()
                        << " inputs and " << outputs
                        << " outputs, which do not fit " << numStates
                        << " carried values and " << node.numOutputs()
                        << " results";
  for (unsigned i = 0; i < numStates; ++i) {
    states.push_back(node.tensor(i + 2));
    if (isDynamic(states.back()))
      return node.error() << "the shape of carried value " << i
                          << " depends on the data";
  }
  for (unsigned i : {0u, 1u})
    if (node.hasInput(i) && (node.type(i).getNumElements() != 1 ||
                             !isa<IntegerType>(node.elementType(i))))
      return node.error() << "input " << i << " has type " << node.type(i);
  return success();
}

LogicalResult LoopTranslation::readCount() {
  auto starts = node.constantInts(1);
  if (starts && !starts->front())
    knownCount = 0;
  else if (auto limit = node.constantInts(0))
    knownCount = std::max<int64_t>(limit->front(), 0);
  else if (!node.hasInput(0))
    knownCount = std::numeric_limits<int64_t>::max();
  if (knownCount) {
    count = arith::ConstantIndexOp::create(b, loc, *knownCount);
  } else {
    count = arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                       singleElement(b, loc, node.input(0)));
    count = arith::MaxSIOp::create(b, loc, count,
                                   arith::ConstantIndexOp::create(b, loc, 0));
  }
  if (node.hasInput(1) && !starts) {
    Value goes = singleElement(b, loc, node.input(1));
    count = arith::SelectOp::create(b, loc, goes, count,
                                    arith::ConstantIndexOp::create(b, loc, 0));
    room = knownCount.value_or(0);
    knownCount = std::nullopt;
  }
  return success();
}

/// Bounds the count by the room for what is stacked.
LogicalResult LoopTranslation::findRoom() {
  constexpr int64_t unbounded = std::numeric_limits<int64_t>::max();
  if (knownCount)
    room = *knownCount;
  if (room > 0 && room != unbounded)
    return success();
  if (knownCount == 0 || node.numOutputs() <= numStates)
    return success();
  std::optional<int64_t> declared;
  for (unsigned i = numStates; i < node.numOutputs(); ++i)
    if (auto shape = node.declaredShape(i))
      if (!shape->empty())
        declared = std::min(declared.value_or(shape->front()), shape->front());
  if (!declared)
    return node.error() << "how many steps the outputs of all steps need room "
                           "for is known at run time only, and no static "
                           "shape is declared";
  room = *declared;
  count = arith::MinSIOp::create(b, loc, count,
                                 arith::ConstantIndexOp::create(b, loc, room));
  if (knownCount)
    knownCount = room;
  return success();
}

FailureOr<SmallVector<Tensor>> LoopTranslation::importStep(Steps &steps) {
  OpBuilder inside = steps.atEnd();
  auto type = RankedTensorType::get({}, b.getI64Type());
  Value number = arith::IndexCastOp::create(inside, loc, b.getI64Type(),
                                            steps.stepNumber());
  Tensor iteration;
  iteration.type = type;
  iteration.value = tensor::FromElementsOp::create(inside, loc, type, number);
  SmallVector<Tensor> arguments = {iteration, trueTensor(b)};
  for (unsigned i = 0; i < numStates; ++i)
    arguments.push_back(steps.state(i));
  return steps.import(graph, arguments);
}

void LoopTranslation::setOutputs(ArrayRef<Tensor> outputs,
                                 lig::net::ScanOp scan) {
  // The steps that ran, where not all did for sure.
  Value ran = knownCount ? Value() : count;
  if (scan.getConditional())
    ran = scan.getResults().back();
  for (unsigned i = 0; i < node.numOutputs(); ++i) {
    bool isUnsigned = outputs[i + 1].isUnsigned;
    if (i < numStates) {
      node.setOutput(i, scan.getResult(i), isUnsigned);
      continue;
    }
    SmallVector<Value> dims(outputs[i + 1].type.getRank() + 1);
    dims[0] = ran;
    setOutputWithDims(node, i, scan.getResult(i), isUnsigned, dims);
  }
}

/// The most steps that are written out where a carried value changes its shape.
static constexpr int64_t mostUnrolled = 64;

LogicalResult LoopTranslation::unroll() {
  SmallVector<SmallVector<Value>> stacks(graph.output_size() - 1 - numStates);
  SmallVector<Tensor> stackedLike(stacks.size());
  auto number = RankedTensorType::get({}, b.getI64Type());
  for (int64_t step = 0; step < *knownCount; ++step) {
    Tensor iteration;
    iteration.type = number;
    iteration.constant =
        std::make_shared<Constant>(Constant::fromInts(number, step));
    SmallVector<Tensor> arguments = {iteration, trueTensor(b)};
    arguments.append(states);
    auto outputs = node.importSubgraph(graph, arguments);
    if (failed(outputs))
      return failure();
    states.assign(outputs->begin() + 1, outputs->begin() + 1 + numStates);
    for (auto [i, stack] : llvm::enumerate(stacks)) {
      stackedLike[i] = (*outputs)[1 + numStates + i];
      Value value = node.materialize(stackedLike[i]);
      if (!stack.empty() && stackedType(1, stackedLike[i].type) !=
                                stack.front().getType())
        return node.error() << "output " << numStates + i
                            << " changes its shape from step to step";
      stack.push_back(reshape(
          b, loc, value, stackedType(1, stackedLike[i].type).getShape()));
    }
  }
  for (unsigned i = 0; i < node.numOutputs(); ++i) {
    if (i < numStates)
      node.setOutput(i, states[i]);
    else
      node.setOutput(i, tensor::ConcatOp::create(b, loc, 0,
                                                 stacks[i - numStates]),
                     stackedLike[i - numStates].isUnsigned);
  }
  return success();
}

LogicalResult LoopTranslation::translate() {
  if (failed(check()) || failed(readCount()) || failed(findRoom()))
    return failure();
  SmallVector<Value> yielded, inits;
  Steps steps(node, states, {});
  auto outputs = importStep(steps);
  if (failed(outputs))
    return failure();
  // The condition a step gives: known, the one it was given, or computed.
  const Tensor &condition = outputs->front();
  if (condition.type.getNumElements() != 1)
    return node.error() << "the body's condition is " << condition.type;
  bool goesOn = condition.constant && condition.constant->asInts()[0];
  bool keepsShapes = llvm::all_of(
      llvm::zip(states, ArrayRef(*outputs).drop_front()),
      [](auto pair) { return std::get<0>(pair).type == std::get<1>(pair).type; });
  if (!keepsShapes && goesOn && knownCount && *knownCount > 0 &&
      *knownCount <= mostUnrolled)
    return unroll();
  if (failed(checkStates(node, states, ArrayRef(*outputs).drop_front())))
    return failure();
  if (goesOn && knownCount == std::numeric_limits<int64_t>::max())
    return node.error() << "the loop has no end";

  Steps::Over over;
  over.count = count;
  for (const Tensor &state : states)
    over.inits.push_back(node.materialize(state));
  for (auto [i, output] : llvm::enumerate(ArrayRef(*outputs).drop_front())) {
    if (isDynamic(output))
      return node.error() << "the shape of body output " << i + 1
                          << " depends on the data";
    if (i >= numStates && i >= node.numOutputs())
      break;
    yielded.push_back(steps.materialize(output));
    if (i >= numStates) {
      RankedTensorType type = stackedType(room, output.type);
      if (failed(node.makeType(type.getShape(), type.getElementType())))
        return failure();
      over.stacked.push_back(type);
    }
  }
  Value goOn;
  if (!goesOn) {
    if (condition.type.getNumElements() != 1 ||
        !condition.type.getElementType().isInteger(1))
      return node.error() << "the body's condition has type " << condition.type;
    Value tensor = steps.materialize(condition);
    OpBuilder end = steps.atEnd();
    goOn = singleElement(end, loc, tensor);
  }
  setOutputs(*outputs, steps.finish(over, yielded, goOn));
  return success();
}

LogicalResult lig::onnx_import::translateLoop(Node &node) {
  const onnx::GraphProto *graph = node.graphAttribute("body");
  if (!graph)
    return node.error() << "attribute 'body' is missing";
  return LoopTranslation(node, *graph).translate();
}
