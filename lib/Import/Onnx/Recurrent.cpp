// RNN, GRU and LSTM: one `net.scan` over time for each direction. The input's
// projection needs no state, so it is one product over all steps before the
// scan; the scan's body is a cell. Weights are read as the model stores them,
// through indexing maps.
//
// Sequences shorter than the longest are masked: a step past the end of one
// leaves its states as they are and gives zero. Run from the last step, that is
// also what reversing each sequence within its length means.

#include "Operators.h"

#include "Build.h"
#include "Checks.h"
#include "Moves.h"
#include "RecurrentCells.h"
#include "Statistics.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::onnx_import;

namespace {
/// The inputs that all three operators have, then those of LSTM.
enum Input { X, W, R, B, SequenceLens, InitialH, InitialC, P };

/// One node on its way through the scans.
class Recurrence {
public:
  Recurrence(Node &node, const CellKind &cell)
      : node(node), cell(cell), b(node.builder()), loc(node.loc()) {}
  LogicalResult translate();

private:
  LogicalResult readShapes();
  LogicalResult checkShapes();
  LogicalResult readDirections();
  LogicalResult readMask();
  CellWeights weightsOf(int64_t direction);
  Value part(Value all, int64_t direction, ArrayRef<int64_t> shape);
  Value bias(int64_t direction, bool isRecurrent);
  Value initialState(unsigned input, int64_t direction);
  Value project(const CellWeights &weights);
  void run(int64_t direction);
  SmallVector<Value> step(const CellWeights &weights, Value projected,
                          Value mask, ValueRange states);
  Value masked(Value mask, Value value, Value otherwise);
  void setOutputs();
  Value joined(ArrayRef<Value> parts, bool hasTime);

  Node &node;
  const CellKind &cell;
  OpBuilder &b;
  Location loc;
  int64_t steps = 0, batch = 0, features = 0, hidden = 0;
  /// Whether each direction runs from the last step to the first.
  SmallVector<bool> reverse;
  SmallVector<RecurrentActivation> activations;
  bool batchFirst = false, stacks = false;
  Type wide;
  /// [T, B] i1, true while a sequence lasts; null where all last to the end.
  Value mask;
  /// What each direction gave: all outputs, then final states.
  SmallVector<Value> sequences;
  SmallVector<SmallVector<Value>> finals;
};
} // namespace

//===-- Reading the node -------------------------------------------------===//

LogicalResult Recurrence::readShapes() {
  if (failed(checkFloats(node, 4)))
    return failure();
  for (unsigned i : {InitialH, InitialC, P})
    if (node.hasInput(i) && node.elementType(i) != node.elementType(X))
      return node.error() << "input " << i << " has elements of type "
                          << node.elementType(i);
  if (node.shape(X).size() != 3 || node.shape(R).size() != 3 ||
      node.type(X).getNumElements() == 0)
    return node.error() << "the input has shape " << describe(node.shape(X))
                        << " and the recurrent weight "
                        << describe(node.shape(R))
                        << ", but both should have rank 3";
  batchFirst = node.intAttribute("layout", 0) == 1;
  steps = node.shape(X)[batchFirst ? 1 : 0];
  batch = node.shape(X)[batchFirst ? 0 : 1];
  features = node.shape(X)[2];
  hidden = node.shape(R)[2];
  wide = accumulatorOf(node.elementType(X));
  stacks = node.wantsOutput(0);
  if (hidden < 1 || node.intAttribute("hidden_size", hidden) != hidden)
    return node.error() << "hidden_size is "
                        << node.intAttribute("hidden_size", hidden)
                        << ", but the recurrent weight has shape "
                        << describe(node.shape(R));
  return success();
}

LogicalResult Recurrence::readDirections() {
  std::string direction = node.stringAttribute("direction", "forward");
  if (direction == "forward")
    reverse = {false};
  else if (direction == "reverse")
    reverse = {true};
  else if (direction == "bidirectional")
    reverse = {false, true};
  else
    return node.error() << "direction '" << direction << "' is not known";
  auto read = readActivations(node, reverse.size() * cell.activations.size(),
                              cell.activations);
  if (failed(read))
    return failure();
  activations = *read;
  return success();
}

LogicalResult Recurrence::checkShapes() {
  int64_t directions = reverse.size(), rows = cell.gates * hidden;
  SmallVector<int64_t> state = {directions, batch, hidden};
  if (batchFirst)
    std::swap(state[0], state[1]);
  if (failed(checkShape(node, W, {directions, rows, features},
                        "the input weight")) ||
      failed(checkShape(node, R, {directions, rows, hidden},
                        "the recurrent weight")) ||
      failed(checkShape(node, B, {directions, 2 * rows}, "the bias")) ||
      failed(checkShape(node, SequenceLens, batch, "sequence_lens")) ||
      failed(checkShape(node, InitialH, state, "initial_h")))
    return failure();
  if (cell.states == 2 &&
      (failed(checkShape(node, InitialC, state, "initial_c")) ||
       failed(checkShape(node, P, {directions, 3 * hidden}, "the peepholes"))))
    return failure();
  return LogicalResult(node.makeType({steps, batch, rows}, wide));
}

LogicalResult Recurrence::readMask() {
  if (!node.hasInput(SequenceLens))
    return success();
  if (!isa<IntegerType>(node.elementType(SequenceLens)))
    return node.error() << "sequence_lens has elements of type "
                        << node.elementType(SequenceLens);
  if (auto known = node.constantInts(SequenceLens))
    if (llvm::all_of(*known, [&](int64_t length) { return length >= steps; }))
      return success();
  Type number = b.getI64Type();
  mask = elementwise(
      b, loc, {steps, batch}, b.getI1Type(), node.input(SequenceLens),
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value place = linalg::IndexOp::create(nested, at, 0);
        place = arith::IndexCastOp::create(nested, at, number, place);
        Value length = castScalar(nested, at, in[0], number, false, false);
        return arith::CmpIOp::create(nested, at, arith::CmpIPredicate::slt,
                                     place, length);
      });
  return success();
}

//===-- Weights and states -----------------------------------------------===//

/// all[direction] under another shape of as many elements.
Value Recurrence::part(Value all, int64_t direction, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> sizes(cast<RankedTensorType>(all.getType()).getShape());
  SmallVector<int64_t> offsets(sizes.size(), 0);
  offsets[0] = direction;
  sizes[0] = 1;
  return reshape(b, loc, slice(b, loc, all, offsets, sizes), shape);
}

Value Recurrence::bias(int64_t direction, bool isRecurrent) {
  if (!node.hasInput(B))
    return {};
  int64_t rows = cell.gates * hidden;
  Value both = part(node.input(B), direction, 2 * rows);
  return slice(b, loc, both, isRecurrent ? rows : 0, rows);
}

CellWeights Recurrence::weightsOf(int64_t direction) {
  CellWeights weights;
  int64_t rows = cell.gates * hidden;
  weights.batch = batch;
  weights.hidden = hidden;
  weights.wide = wide;
  weights.input = part(node.input(W), direction, {rows, features});
  weights.recurrent = part(node.input(R), direction, {rows, hidden});
  weights.inputBias = bias(direction, false);
  weights.recurrentBias = bias(direction, true);
  if (cell.states == 2 && node.hasInput(P))
    weights.peepholes = part(node.input(P), direction, 3 * hidden);
  size_t count = cell.activations.size();
  weights.activations.assign(activations.begin() + direction * count,
                             activations.begin() + (direction + 1) * count);
  weights.linearBeforeReset = node.intAttribute("linear_before_reset", 0) != 0;
  weights.coupledInput = node.intAttribute("input_forget", 0) != 0;
  return weights;
}

Value Recurrence::initialState(unsigned input, int64_t direction) {
  if (!node.hasInput(input))
    return filled(b, loc, {batch, hidden}, scalar(b, loc, wide, 0));
  Value all = node.input(input), state;
  if (batchFirst)
    state = slice(b, loc, all, {0, direction, 0}, {batch, 1, hidden});
  else
    state = slice(b, loc, all, {direction, 0, 0}, {1, batch, hidden});
  state = reshape(b, loc, state, {batch, hidden});
  return castTensor(b, loc, state, wide, false, false);
}

/// The input's product for all steps, biases included: [T, B, G*H].
Value Recurrence::project(const CellWeights &weights) {
  int64_t rows = cell.gates * hidden;
  Value bias = weights.inputBias;
  if (bias && cell.hoistsRecurrentBias(weights))
    bias = elementwise(
        b, loc, wide, {bias, weights.recurrentBias},
        [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
          return arith::AddFOp::create(
              nested, at, castScalar(nested, at, in[0], wide, false, false),
              castScalar(nested, at, in[1], wide, false, false));
        });
  Value input = node.input(X);
  if (!batchFirst) {
    Value flat = reshape(b, loc, input, {steps * batch, features});
    Value init = biasRows(b, loc, steps * batch, rows, bias, wide);
    return reshape(b, loc, addProduct(b, loc, flat, weights.input, init),
                   {steps, batch, rows});
  }
  // Each batch element's steps lie together; the product reorders them.
  Value flat = reshape(b, loc, input, {batch * steps, features});
  Value init = biasRows(b, loc, batch * steps, rows, bias, wide);
  Value product = reshape(b, loc, addProduct(b, loc, flat, weights.input, init),
                          {batch, steps, rows});
  return batch == 1 ? reshape(b, loc, product, {steps, batch, rows})
                    : transpose(b, loc, product, {1, 0, 2});
}

//===-- The scan ---------------------------------------------------------===//

Value Recurrence::masked(Value mask, Value value, Value otherwise) {
  SmallVector<Value> operands = {value, reshape(b, loc, mask, {batch, 1})};
  if (otherwise)
    operands.push_back(otherwise);
  return elementwise(
      b, loc, wide, operands,
      [&](OpBuilder &nested, Location at, ValueRange in) -> Value {
        Value other = otherwise ? in[2] : scalar(nested, at, wide, 0);
        return arith::SelectOp::create(nested, at, in[1], in[0], other);
      });
}

/// What a step yields: new states, then the output if it is stacked.
SmallVector<Value> Recurrence::step(const CellWeights &weights, Value projected,
                                    Value mask, ValueRange states) {
  SmallVector<Value> next = cell.step(b, loc, weights, projected, states);
  Value output = next[0];
  if (mask) {
    if (stacks)
      output = masked(mask, output, Value());
    for (auto [value, before] : llvm::zip(next, states))
      value = masked(mask, value, before);
  }
  if (stacks)
    next.push_back(output);
  return next;
}

void Recurrence::run(int64_t direction) {
  CellWeights weights = weightsOf(direction);
  SmallVector<Value> inputs = {project(weights)}, states;
  if (mask)
    inputs.push_back(mask);
  states.push_back(initialState(InitialH, direction));
  if (cell.states == 2)
    states.push_back(initialState(InitialC, direction));
  SmallVector<Type> stacked;
  if (stacks)
    stacked.push_back(RankedTensorType::get({steps, batch, hidden}, wide));
  SmallVector<bool> inputsReversed(inputs.size(), reverse[direction]);
  SmallVector<bool> outputsReversed(stacked.size(), reverse[direction]);
  Value count = arith::ConstantIndexOp::create(b, loc, steps);
  auto scan = lig::net::ScanOp::create(b, loc, count, states, inputs, stacked,
                                       inputsReversed, outputsReversed);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&scan.getBody().front());
    Block::BlockArgListType slices = scan.getSliceArgs();
    SmallVector<Value> arguments(scan.getStateArgs());
    SmallVector<Value> next =
        step(weights, slices[0], mask ? Value(slices[1]) : Value(), arguments);
    lig::net::YieldOp::create(b, loc, next);
  }
  if (stacks)
    sequences.push_back(scan.getStacked()[0]);
  finals.push_back(llvm::to_vector_of<Value>(scan.getStates()));
}

//===-- Outputs ----------------------------------------------------------===//

/// One result from those of all directions: [T, B, H] or [B, H] each.
Value Recurrence::joined(ArrayRef<Value> parts, bool hasTime) {
  SmallVector<Value> expanded;
  for (Value value : parts) {
    SmallVector<int64_t> shape = {1, batch, hidden};
    if (batchFirst)
      shape = {batch, 1, hidden};
    if (hasTime && batchFirst) {
      value = transpose(b, loc, value, {1, 0, 2});
      shape = {batch, steps, 1, hidden};
    } else if (hasTime) {
      shape = {steps, 1, batch, hidden};
    }
    value = castTensor(b, loc, value, node.elementType(X), false, false);
    expanded.push_back(reshape(b, loc, value, shape));
  }
  int64_t axis = (batchFirst ? 1 : 0) + (hasTime ? 1 : 0);
  return concat(b, loc, axis, expanded);
}

void Recurrence::setOutputs() {
  if (stacks)
    node.setOutput(0, joined(sequences, /*hasTime=*/true));
  for (unsigned state = 0; state < cell.states; ++state) {
    if (!node.wantsOutput(1 + state))
      continue;
    SmallVector<Value> parts;
    for (ArrayRef<Value> states : finals)
      parts.push_back(states[state]);
    node.setOutput(1 + state, joined(parts, /*hasTime=*/false));
  }
}

LogicalResult Recurrence::translate() {
  if (failed(readShapes()) || failed(readDirections()) ||
      failed(checkShapes()) || failed(readMask()))
    return failure();
  for (size_t direction = 0; direction < reverse.size(); ++direction)
    run(direction);
  setOutputs();
  return success();
}

template <const CellKind &(*cell)()>
static LogicalResult translateRecurrent(Node &node) {
  return Recurrence(node, cell()).translate();
}

void lig::onnx_import::addRecurrentOperators(OperatorTable &table) {
  table.add("RNN", 7, translateRecurrent<rnnCell>);
  table.add("GRU", 7, translateRecurrent<gruCell>);
  table.add("LSTM", 7, translateRecurrent<lstmCell>);
}
