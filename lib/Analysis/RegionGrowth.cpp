// A region grows in all steps at once. Operations of one class, one in each
// step, that feed a member at the same operand become a member themselves. It
// ends where the steps read the same value (an invariant), or what the step
// before has made (a state), or values without anything in common (inputs).
//
// Where the steps differ in the first alone, the others may read what the step
// before will be found to make: the operations behind those values are taken
// as members of the steps before. The last step has no reader that shows its
// part of them, so it is looked up by class and operands, and may lack some.
// At last, what reads members in every step joins them, which brings in what
// steps only put out.

#include "RegionGrowth.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lig;
using Read = RepeatedRegion::Read;

//===-- Steps ------------------------------------------------------------===//

/// The values of one operand, one for each step that has the member.
SmallVector<Value> RegionGrowth::getValues(unsigned member,
                                           unsigned slot) const {
  SmallVector<Value> values;
  for (Operation *op : members[member])
    if (op)
      values.push_back(classes.get(op).reads[slot]);
  return values;
}

/// What the values are to the members found so far, or nothing.
std::optional<Read> RegionGrowth::classify(ArrayRef<Value> values) {
  if (llvm::all_equal(values))
    return Read{Read::Invariant};
  auto find = [&](Value value) -> std::optional<Place> {
    Operation *producer = classes.getProducer(value);
    auto it = producer ? places.find(producer) : places.end();
    return it == places.end() ? std::nullopt : std::optional(it->second);
  };
  // The second step tells: its producer is in the same step or in the first.
  std::optional<Place> second = find(values[1]);
  if (!second || second->step > 1)
    return std::nullopt;
  unsigned result = cast<OpResult>(values[1]).getResultNumber();
  unsigned lag = 1 - second->step;
  for (auto [step, value] : llvm::enumerate(values)) {
    if (step < lag)
      continue;
    std::optional<Place> place = find(value);
    if (!place || place->member != second->member ||
        place->step + lag != step ||
        cast<OpResult>(value).getResultNumber() != result)
      return std::nullopt;
  }
  return Read{lag ? Read::State : Read::Internal, second->member, result};
}

/// The operations that make the values, if they are of one class, distinct, not
/// in the region yet, and give the values by the same result.
RegionGrowth::Steps RegionGrowth::getProducers(ArrayRef<Value> values) const {
  Steps steps;
  for (Value value : values) {
    Operation *producer = classes.getProducer(value);
    if (!producer || !classes.get(producer).isMovable ||
        places.contains(producer) || llvm::is_contained(steps, producer) ||
        cast<OpResult>(value).getResultNumber() !=
            cast<OpResult>(values[0]).getResultNumber())
      return {};
    steps.push_back(producer);
    if (classes.get(producer).id != classes.get(steps[0]).id)
      return {};
  }
  return steps;
}

/// False if the steps read parameters that do not belong together: almost all
/// the same says that a step is not a step of this region.
bool RegionGrowth::isPlausible(const Steps &steps) const {
  size_t numReads = classes.get(steps[0]).reads.size();
  for (size_t slot = 0; slot < numReads; ++slot) {
    llvm::SmallDenseSet<Value> parameters;
    size_t count = 0;
    for (Operation *op : steps) {
      if (!op)
        continue;
      Value value = classes.get(op).reads[slot];
      if (value.getDefiningOp<share::GetOp>())
        parameters.insert(value);
      ++count;
    }
    if (parameters.size() > 1 && 2 * parameters.size() <= count)
      return false;
  }
  return true;
}

/// Makes the operations a member; those of one step less get an empty last.
bool RegionGrowth::add(Steps steps) {
  if (steps.empty() || !isPlausible(steps))
    return false;
  for (auto [step, op] : llvm::enumerate(steps))
    if (op)
      places[op] = {static_cast<unsigned>(members.size()),
                    static_cast<unsigned>(step)};
  steps.resize(numSteps, nullptr);
  backward.push_back(members.size());
  forward.push_back(members.size());
  members.push_back(std::move(steps));
  return true;
}

void RegionGrowth::removeLast() {
  for (Operation *op : members.back())
    if (op)
      places.erase(op);
  members.pop_back();
  backward.pop_back();
  forward.pop_back();
}

//===-- Growth -----------------------------------------------------------===//

void RegionGrowth::growBackward(unsigned member) {
  size_t numReads = classes.get(members[member][0]).reads.size();
  for (unsigned slot = 0; slot < numReads; ++slot) {
    SmallVector<Value> values = getValues(member, slot);
    if (!classify(values) && !add(getProducers(values)))
      open.push_back({member, slot});
  }
}

/// Looks for states behind operands that are still open.
void RegionGrowth::growAcross() {
  auto slots = std::exchange(open, {});
  for (auto [index, slot] : llvm::enumerate(slots)) {
    SmallVector<Value> values = getValues(slot.first, slot.second);
    if (classify(values))
      continue;
    // One at a time: what it brings in may settle the others.
    if (values.size() == numSteps &&
        add(getProducers(ArrayRef(values).drop_front()))) {
      open.append(slots.begin() + index + 1, slots.end());
      return;
    }
    open.push_back(slot);
  }
}

/// In each step an unplaced operation like `first` that reads the same result
/// of `member` at the same operand. The last step may have none.
RegionGrowth::Steps RegionGrowth::matchReaders(unsigned member, unsigned result,
                                               Operation *first) {
  auto candidates = [&](unsigned step) {
    SmallVector<Operation *> alike;
    if (Operation *op = members[member][step])
      for (Operation *reader : classes.getReaders(op->getResult(result)))
        if (!places.contains(reader) && classes.get(reader).isMovable &&
            classes.get(reader).id == classes.get(first).id)
          alike.push_back(reader);
    return alike;
  };
  SmallVector<Operation *> own = candidates(0);
  size_t rank = llvm::find(own, first) - own.begin();
  Steps steps;
  for (unsigned step = 0; step < numSteps; ++step) {
    SmallVector<Operation *> alike = candidates(step);
    if (rank < alike.size() && !llvm::is_contained(steps, alike[rank]))
      steps.push_back(alike[rank]);
    else if (step + 1 < numSteps)
      return {};
  }
  return steps;
}

/// True if every operand of the member is something to the region already, or
/// a parameter of its own in each step.
bool RegionGrowth::isSettled(unsigned member) {
  size_t numReads = classes.get(members[member][0]).reads.size();
  for (unsigned slot = 0; slot < numReads; ++slot) {
    SmallVector<Value> values = getValues(member, slot);
    bool areParameters =
        members[member].back() && llvm::all_of(values, [](Value value) {
          return value.getDefiningOp<share::GetOp>() != nullptr;
        });
    if (!classify(values) && !areParameters)
      return false;
  }
  return true;
}

void RegionGrowth::growForward(unsigned member) {
  Operation *op = members[member][0];
  for (unsigned result = 0; result < op->getNumResults(); ++result)
    for (Operation *first : classes.getReaders(op->getResult(result))) {
      if (places.contains(first) || !classes.get(first).isMovable)
        continue;
      Steps steps = matchReaders(member, result, first);
      if (add(steps) && !isSettled(members.size() - 1))
        removeLast();
    }
}

/// The operation of the last step that reads what `member` would read there.
Operation *RegionGrowth::findInLastStep(unsigned member) {
  Operation *model = members[member][0];
  SmallVector<Value> wanted;
  Value clue;
  for (size_t slot = 0; slot < classes.get(model).reads.size(); ++slot) {
    std::optional<Read> read = classify(getValues(member, slot));
    Value value;
    if (read && read->kind == Read::Invariant)
      value = classes.get(model).reads[slot];
    else if (read) {
      unsigned back = read->kind == Read::State ? 2 : 1;
      Operation *producer = members[read->index][numSteps - back];
      if (!producer)
        return nullptr;
      value = producer->getResult(read->result);
      clue = value;
    }
    wanted.push_back(value);
  }
  if (!clue)
    return nullptr;
  for (Operation *reader : classes.getReaders(clue)) {
    const OperationClasses::Facts &facts = classes.get(reader);
    if (facts.id == classes.get(model).id && !places.contains(reader) &&
        llvm::all_of(llvm::zip(wanted, facts.reads), [](auto pair) {
          return !std::get<0>(pair) || std::get<0>(pair) == std::get<1>(pair);
        }))
      return reader;
  }
  return nullptr;
}

void RegionGrowth::completeLastStep() {
  SmallVector<unsigned> partial;
  for (auto [member, steps] : llvm::enumerate(members))
    if (!steps.back())
      partial.push_back(member);
  llvm::sort(partial, [&](unsigned a, unsigned b) {
    return classes.get(members[a][0]).position <
           classes.get(members[b][0]).position;
  });
  for (unsigned member : partial)
    if (Operation *found = findInLastStep(member)) {
      members[member].back() = found;
      places[found] = {member, numSteps - 1};
      if (!isPlausible(members[member])) {
        members[member].back() = nullptr;
        places.erase(found);
      }
    }
}

std::optional<RepeatedRegion>
RegionGrowth::grow(ArrayRef<Operation *> anchors) {
  members.clear();
  places.clear();
  open.clear();
  backward.clear();
  forward.clear();
  numSteps = anchors.size();
  if (!add(Steps(anchors)))
    return std::nullopt;
  while (true) {
    if (!backward.empty()) {
      unsigned member = backward.front();
      backward.pop_front();
      growBackward(member);
      continue;
    }
    growAcross();
    if (!backward.empty())
      continue;
    if (forward.empty())
      break;
    unsigned member = forward.front();
    forward.pop_front();
    growForward(member);
  }
  completeLastStep();
  return finish();
}

//===-- Result -----------------------------------------------------------===//

/// True if some value that the region reads depends on what it makes.
bool RegionGrowth::feedsItself(const RepeatedRegion &region) const {
  llvm::DenseSet<Operation *> seen;
  SmallVector<Value> work;
  for (const RepeatedRegion::State &state : region.states)
    work.push_back(state.init);
  for (const auto &input : region.inputs)
    llvm::append_range(work, input);
  for (const RepeatedRegion::Member &member : region.members)
    for (auto [read, value] :
         llvm::zip(member.reads, classes.get(member.steps[0]).reads))
      if (read.kind == Read::Invariant)
        work.push_back(value);
  while (!work.empty()) {
    Operation *producer = classes.getProducer(work.pop_back_val());
    if (!producer || !seen.insert(producer).second)
      continue;
    if (places.contains(producer))
      return true;
    llvm::append_range(work, classes.get(producer).reads);
  }
  return false;
}

/// True if the index is cut to what a tensor of `extent` has, so that it is
/// right even where no step of the model asked for it.
static bool isClamped(OpFoldResult index, int64_t extent) {
  auto value = dyn_cast<Value>(index);
  if (!value)
    return true;
  while (auto cast = value.getDefiningOp<arith::IndexCastOp>())
    value = cast.getIn();
  auto extract = value.getDefiningOp<tensor::ExtractOp>();
  auto generic =
      extract ? extract.getTensor().getDefiningOp<linalg::GenericOp>() : nullptr;
  if (!generic)
    return false;
  Value yielded = generic.getBody()->getTerminator()->getOperand(0);
  APInt low, high;
  auto max = yielded.getDefiningOp<arith::MaxSIOp>();
  auto min = max ? max.getLhs().getDefiningOp<arith::MinSIOp>() : nullptr;
  return min && matchPattern(max.getRhs(), m_ConstantInt(&low)) &&
         matchPattern(min.getRhs(), m_ConstantInt(&high)) && !low.isNegative() &&
         low.getSExtValue() < extent && high.getSExtValue() < extent;
}

/// True if `op` may run on values that the model never gave it.
static bool isAlwaysSafe(Operation *op) {
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    auto shape = slice.getSourceType().getShape();
    for (auto [offset, size, extent] :
         llvm::zip(slice.getMixedOffsets(), slice.getStaticSizes(), shape))
      if (isa<Value>(offset) && (size != 1 || !isClamped(offset, extent)))
        return false;
    return slice.getSizes().empty() && slice.getStrides().empty();
  }
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return llvm::all_of(extract.getIndices(), [](Value index) {
      return matchPattern(index, m_Constant());
    });
  return !op->walk([&](Operation *inner) {
              bool reads = inner != op &&
                           isa<tensor::ExtractOp, tensor::ExtractSliceOp,
                               tensor::InsertSliceOp>(inner);
              return reads ? WalkResult::interrupt() : WalkResult::advance();
            }).wasInterrupted() &&
         isSpeculatable(op);
}

/// Elementwise operations become part of their neighbours' kernels.
static unsigned getCost(Operation *op) {
  if (getMovedOperand(op) || isa<tensor::EmptyOp, linalg::FillOp>(op))
    return 0;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  bool needsKernel = linalgOp ? linalgOp.getNumReductionLoops() > 0
                              : op->getNumRegions() > 0 ||
                                    isa<net::NetDialect>(op->getDialect());
  return needsKernel ? 8 : 1;
}

std::optional<RepeatedRegion> RegionGrowth::finish() {
  RepeatedRegion region;
  region.numSteps = numSteps;
  for (auto &[op, place] : places)
    region.operations.insert(op);
  // Each first step in the block's order: operands come before their readers.
  SmallVector<unsigned> order = llvm::to_vector(
      llvm::seq<unsigned>(0, members.size()));
  SmallVector<unsigned> rank(order.size());
  llvm::sort(order, [&](unsigned a, unsigned b) {
    return classes.get(members[a][0]).position <
           classes.get(members[b][0]).position;
  });
  for (auto [place, member] : llvm::enumerate(order))
    rank[member] = place;

  unsigned numWhole = 0;
  llvm::MapVector<std::tuple<Value, unsigned, unsigned>, unsigned> states;
  for (unsigned member : order) {
    const Steps &steps = members[member];
    bool isWhole = steps.back() != nullptr;
    if (!isWhole && !isAlwaysSafe(steps[0]))
      return std::nullopt;
    numWhole += isWhole;
    region.cost += getCost(steps[0]);
    RepeatedRegion::Member made{steps, {}};
    for (unsigned slot = 0; slot < classes.get(steps[0]).reads.size(); ++slot) {
      SmallVector<Value> values = getValues(member, slot);
      std::optional<Read> read = classify(values);
      if (!read) {
        if (!isWhole)
          return std::nullopt;
        auto known = llvm::find(region.inputs, values);
        read = Read{Read::Input, static_cast<unsigned>(
                                     known - region.inputs.begin())};
        if (known == region.inputs.end())
          region.inputs.push_back(values);
      } else if (read->kind == Read::State) {
        unsigned next = states.size();
        auto [it, isNew] = states.try_emplace(
            {values[0], rank[read->index], read->result}, next);
        read = Read{Read::State, it->second};
      } else if (read->kind == Read::Internal) {
        read->index = rank[read->index];
      }
      made.reads.push_back(*read);
    }
    region.members.push_back(std::move(made));
  }
  for (auto &[key, index] : states)
    region.states.push_back(
        {std::get<0>(key), std::get<1>(key), std::get<2>(key)});
  if (2 * numWhole < members.size() || feedsItself(region))
    return std::nullopt;
  return region;
}
