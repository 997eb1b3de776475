// A step of a recurrence multiplies its input with one weight and its state
// with another. The first product waits for nothing, so it is one product for
// all steps before the loop, which then slices it: a weight is read once, not
// once a step. What does not depend on the step at all is computed once.
//
// A value that depends on slices alone has a joint form outside of the loop:
// the values of all steps one after another along one dimension. Of a slice, or
// a slice in another shape, that is the tensor it is sliced from; an operation
// has one if its operands have and its rule (CallDims) keeps steps apart.

#include "CallDims.h"
#include "JoinCalls.h"
#include "WeightUses.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace lig::net;

namespace lig::net {
#define GEN_PASS_DEF_HOISTSCANINPUTSPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

/// One product gains over one a step if this share of the time is saved.
static constexpr double kLeastGain = 0.03;

namespace {
/// What a value in a scan's body depends on, the most varying of it.
enum class Varies { Never, WithSlices, WithState };

/// Takes work out of one scan.
class Hoister {
public:
  Hoister(ScanOp scan, const lig::CallCost &cost);

  /// Returns how many values are computed once now.
  unsigned hoistInvariants();
  /// Replaces the scan by one with more inputs. Returns how many products run
  /// before it now.
  unsigned hoistProducts();

private:
  Varies classify(Operation *op) const;
  Varies varies(Value value) const;
  bool isDefinedOutside(Value value) const {
    return !body.getParent()->isAncestor(value.getParentRegion());
  }
  Value moveOut(Value value);
  std::optional<BlockArgument> sliceUnder(Value value) const;
  Value joinSteps(Value value, int64_t dim);
  Value joinSteps(Operation *op, const CallDims &dims, unsigned result);
  Value joinMade(Value value, int64_t dim);
  bool gains(const WeightUse &use) const;
  bool hoist(const WeightUse &use);
  void addInputs();

  ScanOp scan;
  const lig::CallCost &cost;
  OpBuilder b;
  Block &body;
  /// How many steps there are, or 0 if all inputs were not read by all steps.
  int64_t steps = 0;
  llvm::DenseMap<Value, Varies> classes;
  IRMapping outside;
  /// Whether the joint value in the making runs backwards, once it is known.
  std::optional<bool> isReversed;
  /// New inputs, and the body's values that are slices of them.
  SmallVector<std::tuple<Value, bool, Value>> added;
};
} // namespace

Hoister::Hoister(ScanOp scan, const lig::CallCost &cost)
    : scan(scan), cost(cost), b(scan), body(scan.getBody().front()) {
  IntegerAttr count;
  if (!scan.getConditional() &&
      matchPattern(scan.getCount(), m_Constant(&count)))
    steps = count.getInt();
  for (Value argument : body.getArguments())
    classes[argument] = Varies::WithState;
  for (Value slice : scan.getSliceArgs())
    classes[slice] = Varies::WithSlices;
  for (Operation &op : body) {
    Varies kind = classify(&op);
    for (Value result : op.getResults())
      classes[result] = kind;
  }
}

Varies Hoister::varies(Value value) const {
  auto it = classes.find(value);
  return it == classes.end() ? Varies::Never : it->second;
}

Varies Hoister::classify(Operation *op) const {
  Varies most = Varies::Never;
  op->walk([&](Operation *inner) {
    // A division might trap where no step would have run it.
    if (!isPure(inner) && !inner->hasTrait<OpTrait::IsTerminator>())
      most = Varies::WithState;
    for (Value operand : inner->getOperands())
      most = std::max(most, varies(operand));
  });
  return most;
}

//===-- What never varies ------------------------------------------------===//

/// Destinations belong where they are written, and moves of parameters cost
/// nothing anywhere.
static bool isWorthMoving(Operation *op) {
  if (isa<tensor::EmptyOp, linalg::FillOp, linalg::BroadcastOp,
          lig::share::GetOp>(op) ||
      op->hasTrait<OpTrait::ConstantLike>() ||
      op->hasTrait<OpTrait::IsTerminator>())
    return false;
  return llvm::none_of(op->getResults(), [](Value result) {
    return bool(lig::getMovedParameter(result));
  });
}

/// `value`, which never varies, computed before the scan.
Value Hoister::moveOut(Value value) {
  if (isDefinedOutside(value))
    return value;
  if (Value moved = outside.lookupOrNull(value))
    return moved;
  Operation *op = value.getDefiningOp();
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (Operation *source = operand.getDefiningOp())
        if (source->getBlock() == &body)
          outside.map(operand, moveOut(operand));
  });
  b.clone(*op, outside);
  return outside.lookup(value);
}

unsigned Hoister::hoistInvariants() {
  unsigned count = 0;
  for (Operation &op : body) {
    if (classify(&op) != Varies::Never || !isWorthMoving(&op))
      continue;
    bool isRead = false;
    for (Operation *user : op.getUsers()) {
      Operation *inBody = body.findAncestorOpInBlock(*user);
      isRead |= classify(inBody) != Varies::Never ||
                inBody->hasTrait<OpTrait::IsTerminator>();
    }
    if (!isRead)
      continue;
    for (Value result : op.getResults())
      result.replaceAllUsesWith(moveOut(result));
    ++count;
  }
  return count;
}

//===-- What varies with slices ------------------------------------------===//

/// The slice that `value` is in another shape.
std::optional<BlockArgument> Hoister::sliceUnder(Value value) const {
  auto slice = dyn_cast<BlockArgument>(shapedFrom(value));
  if (!slice || varies(slice) != Varies::WithSlices)
    return std::nullopt;
  return slice;
}

/// A destination for all steps.
Value Hoister::joinMade(Value value, int64_t dim) {
  auto type = cast<RankedTensorType>(value.getType());
  if (value.getDefiningOp<tensor::EmptyOp>())
    return tensor::EmptyOp::create(
        b, value.getLoc(), withExtent(type, dim, steps * type.getDimSize(dim)),
        ValueRange{});
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !op.hasPureTensorSemantics())
    return {};
  unsigned number = cast<OpResult>(value).getResultNumber();
  unsigned init = op.getDpsInitOperand(number)->getOperandNumber();
  auto dims = findCallDims(op, init, dim);
  return dims ? joinSteps(op, *dims, number) : Value();
}

/// The values of all steps, one after another along `dim`, or null.
Value Hoister::joinSteps(Value value, int64_t dim) {
  auto type = cast<RankedTensorType>(value.getType());
  if (varies(value) == Varies::Never)
    return joinMade(value, dim);
  if (auto slice = sliceUnder(value)) {
    unsigned number = slice->getArgNumber() - 1 - scan.getNumStates();
    Value whole = scan.getInputs()[number];
    if (!isLeading(type, dim) ||
        isReversed.value_or(scan.isInputReversed(number)) !=
            scan.isInputReversed(number) ||
        cast<RankedTensorType>(whole.getType()).getDimSize(0) != steps)
      return {};
    isReversed = scan.isInputReversed(number);
    SmallVector<int64_t> shape(type.getShape());
    shape[dim] *= steps;
    return lig::makeReshape(b, value.getLoc(), whole, shape);
  }
  // With other readers a product would run in the loop as well.
  Operation *op = value.getDefiningOp();
  if (findWeightUse(op) && !op->hasOneUse())
    return {};
  for (OpOperand &operand : op->getOpOperands()) {
    auto from = dyn_cast<RankedTensorType>(operand.get().getType());
    for (int64_t i = 0; from && i < from.getRank(); ++i)
      if (auto dims = findCallDims(op, operand.getOperandNumber(), i);
          dims && dims->results.size() == 1 && dims->results[0] == dim)
        return joinSteps(op, *dims, 0);
  }
  return {};
}

/// Result number `result` of `op` for all steps, or null.
Value Hoister::joinSteps(Operation *op, const CallDims &dims, unsigned result) {
  SmallVector<Value> operands;
  for (auto [operand, dim] : llvm::zip(op->getOperands(), dims.operands)) {
    bool isSame = dim == CallDims::kSame;
    if (isSame && varies(operand) != Varies::Never)
      return {};
    Value joint = isSame ? moveOut(operand) : joinSteps(operand, dim);
    if (!joint)
      return {};
    operands.push_back(joint);
  }
  SmallVector<int64_t> extents;
  for (auto [type, dim] : llvm::zip(op->getResultTypes(), dims.results))
    extents.push_back(steps * cast<RankedTensorType>(type).getDimSize(dim));
  Operation *joint = cloneJoint(b, op, operands, dims, extents);
  return joint->getResult(result);
}

bool Hoister::gains(const WeightUse &use) const {
  lig::CallWork all = use.work;
  all.flops *= steps;
  double bytes = 0;
  for (Type type : use.op->getResultTypes())
    bytes += double(steps) * lig::countBytes(cast<RankedTensorType>(type));
  // What stays in the loop, adding a slice, has to start as well.
  double apart = steps * (cost.timeOf(use.work) - cost.timeOf({}));
  double joint = cost.timeOf(all) + cost.timeOfCopy(bytes);
  bool pays = apart - joint > kLeastGain * apart;
  auto options = remark::RemarkOpts::name(pays ? "hoisted" : "in the loop")
                     .category("share");
  auto text = remark::add("{0} steps with @{1}: {2:F2} us in the loop, {3:F2} "
                          "us before it",
                          steps, lig::share::GetOp(use.weight).getSource(),
                          apart, joint);
  if (pays)
    remark::passed(use.op->getLoc(), options) << text;
  else
    remark::missed(use.op->getLoc(), options) << text;
  return pays;
}

/// The model had the product written out in every step.
static void noteCalls(Operation *joint, Operation *call, int64_t steps) {
  auto joined = call->getAttrOfType<IntegerAttr>(lig::share::kCallsAttr);
  joint->setAttr(
      lig::share::kCallsAttr,
      Builder(joint->getContext())
          .getI64IntegerAttr(steps * (joined ? joined.getInt() : 1)));
}

bool Hoister::hoist(const WeightUse &use) {
  Value result = use.op->getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  isReversed.reset();
  Operation *before = scan->getPrevNode();
  Value joint = joinSteps(use.op, use.dims, 0);
  if (!joint || !isReversed) {
    // Parts of it may stand before the scan already.
    for (Operation *last = scan->getPrevNode();
         last != before && last->use_empty(); last = scan->getPrevNode())
      last->erase();
    outside.clear();
    return false;
  }
  if (scan->hasAttr(kRolledAttr))
    noteCalls(joint.getDefiningOp(), use.op, steps);
  SmallVector<int64_t> shape = {steps};
  llvm::append_range(shape, type.getShape());
  Value stacked = lig::makeReshape(b, result.getLoc(), joint, shape);
  BlockArgument slice = body.addArgument(type, result.getLoc());
  classes[slice] = Varies::WithSlices;
  result.replaceAllUsesWith(slice);
  added.push_back({stacked, *isReversed, slice});
  return true;
}

/// Makes the scan again, with the inputs that were added.
void Hoister::addInputs() {
  SmallVector<Value> inputs(scan.getInputs());
  SmallVector<bool> reversed, outputs;
  for (unsigned i = 0; i < inputs.size(); ++i)
    reversed.push_back(scan.isInputReversed(i));
  for (unsigned i = 0; i < scan.getNumStacked(); ++i)
    outputs.push_back(scan.isOutputReversed(i));
  for (auto &[input, isBackwards, slice] : added) {
    inputs.push_back(input);
    reversed.push_back(isBackwards);
  }
  auto made = ScanOp::create(
      b, scan.getLoc(), scan.getCount(), scan.getInits(), inputs,
      SmallVector<Type>(scan.getStacked().getTypes()), reversed, outputs);
  made->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
  made.getBody().takeBody(scan.getBody());
  scan->replaceAllUsesWith(made);
  scan->erase();
}

unsigned Hoister::hoistProducts() {
  if (steps < 2)
    return 0;
  SmallVector<Operation *> candidates;
  for (Operation &op : body)
    if (classify(&op) == Varies::WithSlices && op.getNumResults() == 1)
      candidates.push_back(&op);
  for (Operation *op : candidates)
    if (auto use = findWeightUse(op); use && gains(*use))
      hoist(*use);
  if (!added.empty())
    addInputs();
  return added.size();
}

namespace {
struct HoistScanInputs
    : lig::net::impl::HoistScanInputsPassBase<HoistScanInputs> {
  using HoistScanInputsPassBase::HoistScanInputsPassBase;

  void runOnOperation() override {
    lig::CallCost cost(vectorBits, lig::countParameterBytes(getOperation()));
    SmallVector<ScanOp> scans; // inner ones first
    getOperation().walk([&](ScanOp scan) { scans.push_back(scan); });
    for (ScanOp scan : scans) {
      numInvariants += Hoister(scan, cost).hoistInvariants();
      numProducts += Hoister(scan, cost).hoistProducts();
    }
  }
};
} // namespace
