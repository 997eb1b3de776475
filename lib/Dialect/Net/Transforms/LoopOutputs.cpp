// Few values leave a loop in more than its last step, and those mostly go into
// one concatenation, which the stacked result of a loop already is.

#include "LoopOutputs.h"

#include "JoinSlices.h"

#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::net;
using lig::RepeatedRegion;

/// Uses of `value` by anything but the members.
static SmallVector<OpOperand *> getOuterUses(Value value,
                                             const RepeatedRegion &region) {
  SmallVector<OpOperand *> uses;
  Block *block = value.getParentBlock();
  for (OpOperand &use : value.getUses()) {
    Operation *user = block->findAncestorOpInBlock(*use.getOwner());
    if (!region.contains(user))
      uses.push_back(&use);
  }
  return uses;
}

static SmallVector<Value> getResults(const RepeatedRegion &region,
                                     unsigned member, unsigned result) {
  SmallVector<Value> values;
  for (Operation *op : region.members[member].steps)
    if (op)
      values.push_back(op->getResult(result));
  return values;
}

/// Where `values` follow one another among the operands of `concat`, or -1.
static int64_t findSequence(tensor::ConcatOp concat, ArrayRef<Value> values) {
  SmallVector<Value> inputs(concat.getInputs());
  auto found = std::search(inputs.begin(), inputs.end(), values.begin(),
                           values.end());
  return found == inputs.end() ? -1 : found - inputs.begin();
}

static bool isConcatenatedBackwards(ArrayRef<Value> values) {
  SmallVector<Value> backwards(llvm::reverse(values));
  return llvm::any_of(values[0].getUsers(), [&](Operation *user) {
    auto concat = dyn_cast<tensor::ConcatOp>(user);
    return concat && findSequence(concat, backwards) >= 0;
  });
}

std::optional<std::vector<LoopOutput>>
lig::net::findLoopOutputs(const RepeatedRegion &region) {
  std::vector<LoopOutput> outputs;
  for (unsigned index = 0; index < region.members.size(); ++index)
    for (unsigned result = 0;
         result < region.members[index].steps[0]->getNumResults(); ++result) {
      SmallVector<Value> values = getResults(region, index, result);
      SmallVector<unsigned> steps;
      for (auto [step, value] : llvm::enumerate(values))
        if (!getOuterUses(value, region).empty())
          steps.push_back(step);
      if (steps.empty())
        continue;
      LoopOutput output;
      output.member = index;
      output.result = result;
      auto state = llvm::find_if(region.states, [&](const auto &state) {
        return state.member == index && state.result == result;
      });
      if (state != region.states.end())
        output.state = state - region.states.begin();
      auto type = dyn_cast<RankedTensorType>(values[0].getType());
      if (steps.front() == region.numSteps - 1)
        output.kind = LoopOutput::Final;
      else if (steps.size() == 1 && steps[0] == region.numSteps - 2 &&
               output.state)
        output.kind = LoopOutput::Delayed;
      else if (!type || !type.hasStaticShape())
        return std::nullopt;
      else
        output.isReversed = isConcatenatedBackwards(values);
      outputs.push_back(output);
    }
  return outputs;
}

static void replaceInConcat(OpBuilder &b, tensor::ConcatOp concat,
                            ArrayRef<Value> values, Value stacked) {
  int64_t first = findSequence(concat, values);
  if (first < 0)
    return;
  SmallVector<Value> inputs(concat.getInputs());
  Value joined = joinAlong(b, concat.getLoc(), stacked, concat.getDim());
  inputs.erase(inputs.begin() + first, inputs.begin() + first + values.size());
  inputs.insert(inputs.begin() + first, joined);
  if (inputs.size() == 1)
    concat.getResult().replaceAllUsesWith(joined);
  else
    concat.getInputsMutable().assign(inputs);
}

void lig::net::readStacked(OpBuilder &b, const RepeatedRegion &region,
                           const LoopOutput &output, Value stacked) {
  SmallVector<Value> values =
      getResults(region, output.member, output.result);
  SmallVector<Value> ordered(values);
  if (output.isReversed)
    std::reverse(ordered.begin(), ordered.end());
  if (values.size() == region.numSteps)
    for (Operation *user : llvm::to_vector(values[0].getUsers()))
      if (auto concat = dyn_cast<tensor::ConcatOp>(user))
        replaceInConcat(b, concat, ordered, stacked);
  for (auto [step, value] : llvm::enumerate(values)) {
    SmallVector<OpOperand *> uses = getOuterUses(value, region);
    if (uses.empty())
      continue;
    int64_t place = output.isReversed ? region.numSteps - 1 - step : step;
    Value slice =
        lig::makeLeadingSlice(b, value.getLoc(), stacked, place, 1);
    slice = lig::makeReshape(
        b, value.getLoc(), slice,
        cast<RankedTensorType>(value.getType()).getShape());
    for (OpOperand *use : uses)
      use->set(slice);
  }
}
