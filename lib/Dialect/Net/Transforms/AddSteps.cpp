// Speech and sensors come one moment at a time, and a recurrence needs no more:
// what it remembers is its state. So beside an entry point that runs T steps
// there may be one that runs one, on the same parameters.
//
// It is the same function with one step where there were T: every value that
// has a part for each step (TimeAxis) has one part now, states that were begun
// with inside come in as inputs, and all go out as outputs. That is right only
// if no output mixes steps (StepKinds).

#include "StepKinds.h"

#include "Ligature/Dialect/Net/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace lig::net;

namespace lig::net {
#define GEN_PASS_DEF_ADDSTEPSPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

namespace {
class StepMaker {
public:
  StepMaker(func::FuncOp entry, const TimeAxes &axes, const StepKinds &kinds)
      : entry(entry), axes(axes), kinds(kinds), b(entry.getContext()) {}

  LogicalResult check();
  void make(StringRef name, SymbolTable &symbols);

private:
  /// A state on its way from step to step.
  struct State {
    OpResult result;
    /// The entry point's own input that it begins with, through reshapes; or
    /// null if it begins with something that never changes.
    BlockArgument input;
    /// Those reshapes, the one next to the scan first.
    SmallVector<Operation *> reshapes;
    std::string name;
  };

  LogicalResult findStates();
  LogicalResult checkResults();
  void addInputs();
  void cloneOp(Operation &op);
  Value finalState(const State &state);
  void finish();

  DictionaryAttr named(const Twine &name) {
    return b.getDictionaryAttr(
        b.getNamedAttr(kNameAttr, b.getStringAttr(name)));
  }

  func::FuncOp entry, step;
  const TimeAxes &axes;
  const StepKinds &kinds;
  OpBuilder b;
  IRMapping map;
  SmallVector<State> states;
};
} // namespace

static bool isReshape(Operation *op) {
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op))
    return slice.getType().getNumElements() ==
           slice.getSourceType().getNumElements();
  return isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

static bool isComputedFromInputs(Value value) {
  if (isa<BlockArgument>(value))
    return true;
  return llvm::any_of(value.getDefiningOp()->getOperands(),
                      isComputedFromInputs);
}

LogicalResult StepMaker::findStates() {
  unsigned number = 0;
  for (ScanOp scan : axes.getScans())
    for (auto [i, init] : llvm::enumerate(scan.getInits())) {
      State state{cast<OpResult>(scan.getStates()[i]), {}, {}, {}};
      Value from = init;
      while (isReshape(from.getDefiningOp())) {
        state.reshapes.push_back(from.getDefiningOp());
        from = from.getDefiningOp()->getOperand(0);
      }
      state.input = dyn_cast<BlockArgument>(from);
      if (!isa<RankedTensorType>(init.getType()) ||
          (!state.input && isComputedFromInputs(from)))
        return scan.emitError("cannot be run step by step: state ")
               << i << " begins with what is computed from inputs";
      if (state.input && llvm::any_of(states, [&](const State &other) {
            return other.input == state.input;
          }))
        return scan.emitError("cannot be run step by step: state ")
               << i << " begins with the input of another state";
      auto name = state.input ? entry.getArgAttrOfType<StringAttr>(
                                    state.input.getArgNumber(), kNameAttr)
                              : StringAttr();
      state.name = name ? name.str() : "state" + std::to_string(number);
      ++number;
      states.push_back(std::move(state));
    }
  return success();
}

LogicalResult StepMaker::checkResults() {
  Operation *end = entry.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(end->getOperands())) {
    if (entry.getResultAttr(i, kDimOfAttr))
      return entry.emitError("cannot be run step by step: the shape of an "
                             "output depends on data");
    if (kinds.of(value) != StepKind::Mixed ||
        entry.getResultAttr(i, kStatusAttr))
      continue;
    auto name = entry.getResultAttrOfType<StringAttr>(i, kNameAttr);
    InFlightDiagnostic error =
        entry.emitError("cannot be run step by step: output '")
        << (name ? name.getValue() : StringRef("?")) << "' mixes steps";
    error.attachNote(kinds.getCulprit(value)->getLoc())
        << "by this operation, or reads them where they are not told apart";
    return error;
  }
  return success();
}

LogicalResult StepMaker::check() {
  if (!entry.getBody().hasOneBlock())
    return entry.emitError("cannot be run step by step: it branches");
  if (failed(findStates()))
    return failure();
  for (ScanOp scan : axes.getScans())
    if (kinds.of(scan.getStates().empty()
                     ? scan.getResult(0)
                     : scan.getStates()[0]) == StepKind::Mixed)
      return scan.emitError("cannot be run step by step: what it reads mixes "
                            "steps, or it asks for their number");
  return checkResults();
}

void StepMaker::addInputs() {
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  for (BlockArgument argument : entry.getArguments()) {
    types.push_back(axes.getStepType(argument));
    DictionaryAttr of = entry.getArgAttrDict(argument.getArgNumber());
    attributes.push_back(of ? of : b.getDictionaryAttr({}));
  }
  for (const State &state : states)
    if (!state.input) {
      types.push_back(state.result.getType());
      attributes.push_back(named(state.name));
    }
  step.setFunctionType(b.getFunctionType(types, {}));
  step.setAllArgAttrs(attributes);
  Block *body = step.addEntryBlock();
  map.map(entry.getArguments(),
          body->getArguments().take_front(entry.getNumArguments()));
  b.setInsertionPointToStart(body);
}

/// The sizes of a slice of what was `whole`, for one step.
static SmallVector<int64_t> stepSizes(const TimeAxes &axes, Value whole,
                                      ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> result(sizes);
  std::optional<TimeAxis> axis = axes.lookup(whole);
  if (axis && sizes[axis->dim] == axes.getSteps() * axis->inner)
    result[axis->dim] = axis->inner;
  return result;
}

/// Gives `copy`, a clone of `op`, the types and sizes of one step.
static void narrow(Operation *op, Operation *copy, const TimeAxes &axes) {
  for (auto [before, after] : llvm::zip(op->getResults(), copy->getResults()))
    after.setType(axes.getStepType(before));
  for (auto [from, to] : llvm::zip(op->getRegions(), copy->getRegions()))
    for (auto [before, after] :
         llvm::zip(from.getArguments(), to.getArguments()))
      after.setType(axes.getStepType(before));
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(copy))
    slice.setStaticSizes(
        stepSizes(axes, op->getOperand(0), slice.getStaticSizes()));
  else if (auto insert = dyn_cast<tensor::InsertSliceOp>(copy))
    insert.setStaticSizes(
        stepSizes(axes, op->getResult(0), insert.getStaticSizes()));
  else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(copy))
    expand.setStaticOutputShape(expand.getResultType().getShape());
  else if (auto constant = dyn_cast<arith::ConstantOp>(copy);
           constant && axes.lookup(op->getResult(0)))
    constant.setValueAttr(
        cast<DenseElementsAttr>(constant.getValue())
            .resizeSplat(cast<ShapedType>(constant.getType())));
}

/// What a broadcast over steps has become: its operand in another shape. A copy
/// of a bias would be a second parameter. Null for anything else.
static Value asReshape(OpBuilder &b, linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 1 || op.getNumResults() != 1)
    return {};
  Value input = op.getDpsInputs()[0];
  auto from = dyn_cast<RankedTensorType>(input.getType());
  auto to = cast<RankedTensorType>(op.getResult(0).getType());
  auto yielded =
      dyn_cast<BlockArgument>(op.getBody()->getTerminator()->getOperand(0));
  if (!from || !yielded || yielded.getArgNumber() != 0 ||
      from.getNumElements() != to.getNumElements() ||
      !op.getIndexingMapsArray()[1].isIdentity())
    return {};
  int64_t last = -1;
  for (AffineExpr expr : op.getIndexingMapsArray()[0].getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || int64_t(dim.getPosition()) <= last)
      return {};
    last = dim.getPosition();
  }
  if (from == to)
    return input;
  auto groups = getReassociationIndicesForReshape(to, from);
  if (!groups || from.getRank() > to.getRank())
    return {};
  return tensor::ExpandShapeOp::create(b, op.getLoc(), to, input, *groups);
}

void StepMaker::cloneOp(Operation &op) {
  Operation *clone = b.clone(op, map);
  // Only loops over rows have values of several steps inside.
  auto loop = dyn_cast<scf::ForOp>(op);
  if (loop)
    for (Operation &inner : loop.getBody()->without_terminator())
      if (inner.getNumResults())
        narrow(&inner, map.lookup(inner.getResult(0)).getDefiningOp(), axes);
  narrow(&op, clone, axes);
  OpBuilder before(clone);
  auto count = [&](int64_t steps) {
    return arith::ConstantIndexOp::create(before, op.getLoc(), steps);
  };
  auto scan = dyn_cast<ScanOp>(op);
  if (scan && llvm::is_contained(axes.getScans(), scan))
    cast<ScanOp>(clone).getCountMutable().assign(count(1));
  if (loop && loop.getNumResults() && axes.lookup(loop.getResult(0)))
    cast<scf::ForOp>(clone).getUpperBoundMutable().assign(
        count(axes.lookup(findRows(&op)->front().first)->inner));
  if (auto generic = dyn_cast<linalg::GenericOp>(clone))
    if (Value same = asReshape(b, generic))
      map.map(op.getResult(0), same);
}

/// The state after the step in the shape of its input.
Value StepMaker::finalState(const State &state) {
  Value value = map.lookup(state.result);
  for (Operation *reshape : state.reshapes) {
    auto type = cast<RankedTensorType>(reshape->getOperand(0).getType());
    Location loc = reshape->getLoc();
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(reshape)) {
      value = tensor::CollapseShapeOp::create(b, loc, type, value,
                                              expand.getReassociationIndices());
      continue;
    }
    auto from = cast<RankedTensorType>(value.getType());
    if (from == type)
      continue;
    value = tensor::ExpandShapeOp::create(
        b, loc, type, value, *getReassociationIndicesForReshape(type, from));
  }
  return value;
}

void StepMaker::finish() {
  Operation *end = entry.getBody().front().getTerminator();
  SmallVector<Value> results;
  SmallVector<DictionaryAttr> attributes;
  auto add = [&](Value value, DictionaryAttr of) {
    results.push_back(value);
    attributes.push_back(of ? of : b.getDictionaryAttr({}));
  };
  auto addAll = [&](bool isStatus) {
    for (auto [i, value] : llvm::enumerate(end->getOperands()))
      if (bool(entry.getResultAttr(i, kStatusAttr)) == isStatus)
        add(map.lookup(value), entry.getResultAttrDict(i));
  };
  addAll(/*isStatus=*/false);
  for (const State &state : states)
    add(finalState(state), named("next_" + state.name));
  addAll(/*isStatus=*/true);
  func::ReturnOp::create(b, end->getLoc(), results);
  step.setFunctionType(b.getFunctionType(step.getArgumentTypes(),
                                         ValueRange(results).getTypes()));
  step.setAllResultAttrs(ArrayRef<DictionaryAttr>(attributes));
}

void StepMaker::make(StringRef name, SymbolTable &symbols) {
  step = func::FuncOp::create(entry.getLoc(), name, b.getFunctionType({}, {}));
  step->setAttr(kEntryAttr, b.getUnitAttr());
  symbols.insert(step, std::next(Block::iterator(entry)));
  addInputs();
  unsigned next = entry.getNumArguments();
  // What a state began with gives way to what comes in.
  DenseMap<std::pair<Operation *, unsigned>, Value> begins;
  for (const State &state : states)
    if (!state.input)
      begins[{state.result.getOwner(), state.result.getResultNumber()}] =
          step.getArgument(next++);
  for (Operation &op : entry.getBody().front().without_terminator()) {
    cloneOp(op);
    auto scan = dyn_cast<ScanOp>(op);
    if (!scan)
      continue;
    auto clone = cast<ScanOp>(map.lookup(scan.getResult(0)).getDefiningOp());
    for (unsigned i = 0; i < scan.getNumStates(); ++i)
      if (Value value = begins.lookup({&op, i}))
        clone.getInitsMutable()[i].set(value);
  }
  finish();
}

namespace {
struct AddSteps : lig::net::impl::AddStepsPassBase<AddSteps> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    SmallVector<func::FuncOp> entries;
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr(kEntryAttr))
        entries.push_back(function);
    bool hasSteps = false;
    for (func::FuncOp entry : entries) {
      TimeAxes axes(entry);
      if (axes.getScans().empty())
        continue;
      if (failed(axes.find()))
        return signalPassFailure();
      StepKinds kinds(entry, axes);
      StepMaker maker(entry, axes, kinds);
      if (failed(maker.check()))
        return signalPassFailure();
      std::string name = (entry.getName() + "_step").str();
      if (Operation *other = symbols.lookup(name)) {
        other->emitError("has the name of the entry point for one step");
        return signalPassFailure();
      }
      maker.make(name, symbols);
      ++numSteps;
      hasSteps = true;
    }
    if (!hasSteps) {
      module.emitError("has no recurrence over time, so nothing can be run "
                       "step by step");
      signalPassFailure();
    }
  }
};
} // namespace
