// Exporters unroll what a network repeats: a transformer's layers, a cell's
// steps. Rolled up again, a body is optimised, packed and emitted once, so the
// code grows with the layers that differ and not with the depth.
//
// The analysis finds regions that differ in what they read alone. A value that
// the next step reads becomes a state, values that differ by step are sliced
// from one tensor, and what anything else reads is a final state or stacked.

#include "Ligature/Dialect/Net/Transforms/Passes.h"

#include "JoinSlices.h"
#include "LoopOutputs.h"
#include "StackInputs.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace lig::net {
#define GEN_PASS_DEF_ROLLLAYERSPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

using lig::RepeatedRegion;
using lig::net::InputStacker;
using lig::net::LoopOutput;
using lig::net::ScanOp;

namespace {
/// Writes the scan for one region and removes the region.
class Roller {
public:
  Roller(const RepeatedRegion &region, ArrayRef<LoopOutput> outputs,
         InputStacker &stacker)
      : region(region), outputs(outputs), stacker(stacker),
        block(*region.members[0].steps[0]->getBlock()),
        b(block.getTerminator()), loc(region.members[0].steps[0]->getLoc()) {}

  void roll();

private:
  void makeStates();
  void makeScan();
  void makeBody();
  void replaceResults();
  void eraseRegion();
  Value getNextState(unsigned state) const;
  Value getBodyValue(unsigned member, unsigned result) const {
    return body[member]->getResult(result);
  }

  const RepeatedRegion &region;
  ArrayRef<LoopOutput> outputs;
  InputStacker &stacker;
  Block &block;
  OpBuilder b;
  Location loc;
  ScanOp scan;
  SmallVector<Value> inits;
  /// For each output that is a state, which one.
  SmallVector<unsigned> outputStates;
  SmallVector<Operation *> body;
};
} // namespace

/// A value of `type` that nothing reads.
static Value makeUnread(OpBuilder &b, Location loc, Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor::EmptyOp::create(b, loc, tensor.getShape(),
                                   tensor.getElementType());
  return arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
}

/// The states of the region, then one for each output that needs its own.
void Roller::makeStates() {
  for (const RepeatedRegion::State &state : region.states)
    inits.push_back(state.init);
  for (const LoopOutput &output : outputs) {
    outputStates.push_back(inits.size());
    if (output.kind == LoopOutput::Stacked)
      continue;
    if (output.kind == LoopOutput::Final && output.state) {
      outputStates.back() = *output.state;
      continue;
    }
    Operation *op = region.members[output.member].steps[0];
    inits.push_back(
        makeUnread(b, loc, op->getResult(output.result).getType()));
  }
}

void Roller::makeScan() {
  SmallVector<Value> inputs;
  SmallVector<bool> reversedInputs, reversedOutputs;
  for (ArrayRef<Value> values : region.inputs) {
    InputStacker::Stack stack = stacker.stack(b, loc, values);
    inputs.push_back(stack.tensor);
    reversedInputs.push_back(stack.isReversed);
  }
  SmallVector<Type> stackedTypes;
  for (const LoopOutput &output : outputs) {
    if (output.kind != LoopOutput::Stacked)
      continue;
    Operation *op = region.members[output.member].steps[0];
    auto slice = cast<RankedTensorType>(op->getResult(output.result).getType());
    SmallVector<int64_t> shape = {region.numSteps};
    llvm::append_range(shape, slice.getShape());
    stackedTypes.push_back(
        RankedTensorType::get(shape, slice.getElementType()));
    reversedOutputs.push_back(output.isReversed);
  }
  Value count = arith::ConstantIndexOp::create(b, loc, region.numSteps);
  scan = ScanOp::create(b, loc, count, inits, inputs, stackedTypes,
                        reversedInputs, reversedOutputs);
  scan->setAttr(lig::net::kRolledAttr, b.getUnitAttr());
}

void Roller::makeBody() {
  OpBuilder inner = OpBuilder::atBlockEnd(&scan.getBody().front());
  for (const RepeatedRegion::Member &member : region.members) {
    Operation *copy = inner.clone(*member.steps[0]);
    body.push_back(copy);
    for (auto [read, operand] : llvm::zip(member.reads, lig::getReads(copy)))
      switch (read.kind) {
      case RepeatedRegion::Read::Internal:
        operand->set(getBodyValue(read.index, read.result));
        break;
      case RepeatedRegion::Read::State:
        operand->set(scan.getStateArgs()[read.index]);
        break;
      case RepeatedRegion::Read::Input:
        operand->set(scan.getSliceArgs()[read.index]);
        break;
      case RepeatedRegion::Read::Invariant:
        break;
      }
  }
  SmallVector<Value> yielded;
  for (const RepeatedRegion::State &state : region.states)
    yielded.push_back(getBodyValue(state.member, state.result));
  for (auto [output, state] : llvm::zip(outputs, outputStates)) {
    if (output.kind == LoopOutput::Delayed)
      yielded.push_back(scan.getStateArgs()[*output.state]);
    else if (output.kind == LoopOutput::Final && !output.state)
      yielded.push_back(getBodyValue(output.member, output.result));
  }
  for (const LoopOutput &output : outputs)
    if (output.kind == LoopOutput::Stacked)
      yielded.push_back(getBodyValue(output.member, output.result));
  lig::net::YieldOp::create(inner, loc, yielded);
}

void Roller::replaceResults() {
  b.setInsertionPointAfter(scan);
  unsigned numStacked = 0;
  for (auto [output, state] : llvm::zip(outputs, outputStates)) {
    if (output.kind == LoopOutput::Stacked) {
      lig::net::readStacked(b, region, output,
                            scan.getStacked()[numStacked++]);
      continue;
    }
    unsigned step =
        region.numSteps - (output.kind == LoopOutput::Delayed ? 2 : 1);
    Operation *op = region.members[output.member].steps[step];
    op->getResult(output.result)
        .replaceUsesWithIf(scan.getStates()[state], [&](OpOperand &use) {
          return !region.contains(
              block.findAncestorOpInBlock(*use.getOwner()));
        });
  }
}

void Roller::eraseRegion() {
  SmallVector<Operation *> gone;
  for (const RepeatedRegion::Member &member : region.members)
    llvm::append_range(gone, llvm::make_filter_range(
                                 member.steps,
                                 [](Operation *op) { return op != nullptr; }));
  for (Operation *op : gone)
    op->dropAllReferences();
  for (Operation *op : gone)
    op->erase();
}

void Roller::roll() {
  makeStates();
  makeScan();
  makeBody();
  replaceResults();
  eraseRegion();
  // Readers of the scan may stand before it, since steps need not lie together.
  sortTopologically(&block);
}

namespace {
struct RollLayers : lig::net::impl::RollLayersPassBase<RollLayers> {
  using RollLayersPassBase::RollLayersPassBase;

  void runOnOperation() override {
    InputStacker stacker(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || !function.getBody().hasOneBlock())
        continue;
      while (rollOne(function.front(), stacker))
        ;
      lig::net::simplifyConcatenations(function.front());
    }
    numStacked += stacker.getNumStacked();
  }

private:
  /// Rolls up the largest region of the block, if there is one to roll.
  bool rollOne(Block &block, InputStacker &stacker) {
    std::vector<RepeatedRegion> regions =
        lig::findRepeatedRegions(block, minSteps);
    for (const RepeatedRegion &region : regions) {
      auto outputs = lig::net::findLoopOutputs(region);
      if (region.cost < minCost || !outputs ||
          !llvm::all_of(region.inputs, [&](ArrayRef<Value> values) {
            return stacker.canStack(values);
          }))
        continue;
      report(region);
      Roller(region, *outputs, stacker).roll();
      ++numRolled;
      numOperations += region.members.size() * (region.numSteps - 1);
      return true;
    }
    for (const RepeatedRegion &region : regions)
      reportMissed(region);
    return false;
  }

  static void report(const RepeatedRegion &region) {
    Location loc = region.members[0].steps[0]->getLoc();
    remark::passed(loc, remark::RemarkOpts::name("rolled").category("net"))
        << remark::add("{0} steps of {1} operations, {2} states, {3} inputs",
                       region.numSteps, region.members.size(),
                       region.states.size(), region.inputs.size());
  }

  void reportMissed(const RepeatedRegion &region) {
    Location loc = region.members[0].steps[0]->getLoc();
    auto out = remark::missed(
        loc, remark::RemarkOpts::name("not-rolled").category("net"));
    if (region.cost < minCost)
      out << remark::add("{0} steps that cost {1}: a loop is made from {2}",
                         region.numSteps, region.cost, unsigned(minCost));
    else
      out << remark::add("{0} steps of {1} operations: values that differ by "
                         "step cannot be stacked",
                         region.numSteps, region.members.size());
  }
};
} // namespace
