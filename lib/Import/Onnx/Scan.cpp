// Scan as `net.scan`, which is nearly the same: inputs are cut and outputs
// stacked along their first axis, so others are moved there. Until operator set
// 8 every operand had a batch: a scan over it goes around the scan over time.

#include "Loops.h"

#include "Build.h"
#include "Checks.h"
#include "Steps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lig::onnx_import;

namespace {
/// A Scan's operands, apart from where they come from.
struct ScanOperands {
  const onnx::GraphProto *graph;
  SmallVector<Tensor> states, inputs;
  SmallVector<bool> reverseInputs, reverseOutputs;
  unsigned numStacked() const {
    return graph->output_size() - states.size();
  }
};
} // namespace

static Tensor withValue(const Tensor &like, Value value) {
  Tensor tensor;
  tensor.type = cast<RankedTensorType>(value.getType());
  tensor.isUnsigned = like.isUnsigned;
  tensor.value = value;
  return tensor;
}

/// Scans over the leading dimension; returns final states and stacked outputs.
/// `limit`, if not null, bounds the steps.
static FailureOr<SmallVector<Tensor>>
scanLeading(Node &node, const ScanOperands &operands, Value limit) {
  OpBuilder &b = node.builder();
  int64_t length = operands.inputs.front().type.getDimSize(0);
  Steps::Over over;
  over.count = arith::ConstantIndexOp::create(b, node.loc(), length);
  if (limit)
    over.count = arith::MinSIOp::create(b, node.loc(), over.count, limit);
  over.reverseInputs = operands.reverseInputs;
  over.reverseOutputs = operands.reverseOutputs;
  SmallVector<Tensor> slices;
  for (const Tensor &input : operands.inputs) {
    over.inputs.push_back(node.materialize(input));
    slices.push_back(input);
    slices.back().type = sliceType(input.type);
  }
  for (const Tensor &state : operands.states)
    over.inits.push_back(node.materialize(state));

  Steps steps(node, operands.states, slices);
  SmallVector<Tensor> arguments;
  for (unsigned i = 0; i < operands.states.size(); ++i)
    arguments.push_back(steps.state(i));
  for (unsigned i = 0; i < slices.size(); ++i)
    arguments.push_back(steps.slice(i));
  auto outputs = steps.import(*operands.graph, arguments);
  if (failed(outputs) || failed(checkStates(node, operands.states, *outputs)))
    return failure();
  SmallVector<Value> yielded;
  for (auto [i, output] : llvm::enumerate(*outputs)) {
    yielded.push_back(steps.materialize(output));
    if (i < operands.states.size())
      continue;
    RankedTensorType type = stackedType(length, output.type);
    if (failed(node.makeType(type.getShape(), type.getElementType())))
      return failure();
    over.stacked.push_back(type);
  }
  auto scan = steps.finish(over, yielded, Value());
  SmallVector<Tensor> results;
  for (auto [output, result] : llvm::zip(*outputs, scan.getResults()))
    results.push_back(withValue(output, result));
  return results;
}

/// Splits the node's inputs from `first` on into states and scanned ones.
static LogicalResult readOperands(Node &node, unsigned first,
                                  ScanOperands &operands) {
  operands.graph = node.graphAttribute("body");
  int64_t scanned = node.intAttribute("num_scan_inputs", 0);
  int64_t given = int64_t(node.numInputs()) - first;
  if (!operands.graph || scanned < 1 || scanned > given)
    return node.error() << "num_scan_inputs is " << scanned << " of " << given
                        << " inputs";
  for (unsigned i = first; i < node.numInputs(); ++i)
    (i < node.numInputs() - scanned ? operands.states : operands.inputs)
        .push_back(node.tensor(i));
  int64_t outputs = operands.graph->output_size();
  if (outputs < int64_t(operands.states.size()) ||
      outputs < int64_t(node.numOutputs()))
    return node.error() << "the body has " << outputs << " outputs, but there "
                        << "are " << operands.states.size() << " states and "
                        << node.numOutputs() << " results";
  return success();
}

/// One flag or axis for each of `count` operands; zero where left out.
static FailureOr<SmallVector<int64_t>>
listOf(Node &node, StringRef name, size_t count) {
  SmallVector<int64_t> zeros(count, 0);
  SmallVector<int64_t> list = node.intsAttribute(name, zeros);
  if (list.empty())
    list = zeros;
  if (list.size() != count)
    return LogicalResult(node.error() << "attribute '" << name << "' has "
                                      << list.size() << " entries, but should "
                                      << "have " << count);
  return list;
}

static LogicalResult readDirections(Node &node, StringRef inputs,
                                    StringRef outputs, ScanOperands &operands) {
  auto in = listOf(node, inputs, operands.inputs.size());
  auto out = listOf(node, outputs, operands.numStacked());
  if (failed(in) || failed(out))
    return failure();
  operands.reverseInputs.assign(in->begin(), in->end());
  operands.reverseOutputs.assign(out->begin(), out->end());
  return success();
}

/// The order of dimensions that brings `axis` to the front, or back.
static SmallVector<int64_t> toFront(int64_t axis, int64_t rank, bool back) {
  SmallVector<int64_t> order;
  for (int64_t d = 0; d < rank; ++d) {
    if (back)
      order.push_back(d < axis ? d + 1 : d == axis ? 0 : d);
    else
      order.push_back(d == 0 ? axis : d <= axis ? d - 1 : d);
  }
  return order;
}

static LogicalResult checkLengths(Node &node, const ScanOperands &operands,
                                  unsigned leading) {
  ArrayRef<int64_t> first;
  for (const Tensor &input : operands.inputs) {
    ArrayRef<int64_t> shape = input.type.getShape();
    if (shape.size() < leading)
      return node.error() << "a scanned input has type " << input.type;
    shape = shape.take_front(leading);
    if (first.empty())
      first = shape;
    if (first != shape)
      return node.error() << "scanned inputs have " << describe(first)
                          << " and " << describe(shape) << " steps";
  }
  return success();
}

LogicalResult lig::onnx_import::translateScan(Node &node) {
  OpBuilder &b = node.builder();
  ScanOperands operands;
  if (failed(readOperands(node, 0, operands)) ||
      failed(readDirections(node, "scan_input_directions",
                            "scan_output_directions", operands)))
    return failure();
  auto inAxes = listOf(node, "scan_input_axes", operands.inputs.size());
  auto outAxes = listOf(node, "scan_output_axes", operands.numStacked());
  if (failed(inAxes) || failed(outAxes))
    return failure();
  for (auto [input, axis] : llvm::zip(operands.inputs, *inAxes)) {
    int64_t rank = input.type.getRank();
    auto normal = node.normalizeAxis(axis, rank);
    if (failed(normal))
      return failure();
    if (*normal != 0)
      input = withValue(input,
                        transpose(b, node.loc(), node.materialize(input),
                                  toFront(*normal, rank, /*back=*/false)));
  }
  if (failed(checkLengths(node, operands, 1)))
    return failure();
  auto results = scanLeading(node, operands, Value());
  if (failed(results))
    return failure();
  for (unsigned i = 0; i < node.numOutputs(); ++i) {
    Tensor result = (*results)[i];
    if (i >= operands.states.size()) {
      int64_t rank = result.type.getRank();
      auto axis =
          node.normalizeAxis((*outAxes)[i - operands.states.size()], rank);
      if (failed(axis))
        return failure();
      result = withValue(result, transpose(b, node.loc(), result.value,
                                           toFront(*axis, rank, true)));
    }
    node.setOutput(i, result);
  }
  return success();
}

/// Directions count for inputs; outputs are always stacked forward.
LogicalResult lig::onnx_import::translateBatchedScan(Node &node) {
  OpBuilder &b = node.builder();
  ScanOperands batched;
  if (failed(readOperands(node, 1, batched)) ||
      failed(checkLengths(node, batched, 2)))
    return failure();
  auto directions = listOf(node, "directions", batched.inputs.size());
  if (failed(directions))
    return failure();
  int64_t batch = batched.inputs.front().type.getDimSize(0);
  SmallVector<Tensor> all = batched.states;
  all.append(batched.inputs);
  if (node.hasInput(0))
    all.push_back(node.tensor(0));
  Steps::Over over;
  over.count = arith::ConstantIndexOp::create(b, node.loc(), batch);
  SmallVector<Tensor> slices;
  for (const Tensor &tensor : all) {
    if (tensor.type.getRank() < 1 || tensor.type.getDimSize(0) != batch)
      return node.error() << "an operand has type " << tensor.type
                          << ", but the batch is " << batch;
    over.inputs.push_back(node.materialize(tensor));
    slices.push_back(tensor);
    slices.back().type = sliceType(tensor.type);
  }

  Steps steps(node, {}, slices);
  ScanOperands single;
  single.graph = batched.graph;
  single.reverseInputs.assign(directions->begin(), directions->end());
  for (unsigned i = 0; i < batched.states.size(); ++i)
    single.states.push_back(steps.slice(i));
  for (unsigned i = 0; i < batched.inputs.size(); ++i)
    single.inputs.push_back(steps.slice(batched.states.size() + i));
  FailureOr<SmallVector<Tensor>> results;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&steps.getBlock());
    Value limit;
    if (node.hasInput(0))
      limit = arith::IndexCastOp::create(
          b, node.loc(), b.getIndexType(),
          singleElement(b, node.loc(), steps.slice(all.size() - 1).value));
    results = scanLeading(node, single, limit);
  }
  if (failed(results))
    return failure();
  SmallVector<Value> yielded;
  for (const Tensor &result : *results) {
    yielded.push_back(result.value);
    over.stacked.push_back(stackedType(batch, result.type));
  }
  auto scan = steps.finish(over, yielded, Value());
  for (unsigned i = 0; i < node.numOutputs(); ++i)
    node.setOutput(i, scan.getResult(i), (*results)[i].isUnsigned);
  return success();
}
