// Two sequences through one recurrence read its weights twice as often as they
// need to: a step multiplies them with one row, then again with another. As one
// loop a step multiplies them with both.
//
// What has to be shown is that a body treats rows by themselves. States are
// joined along their leading dimension, the one of batches; from there on each
// operation's rule (CallDims) says along which dimension its operands and
// results are joined. A slice that no such operation reads is the same for all
// loops, and so is what is captured: where an operation needs as many of it as
// there are loops, a destination grows and other values are repeated.

#include "JoinScans.h"
#include "JoinCalls.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lig::net;

namespace {
/// Along which dimension each value of a body is joined, if it is.
class BodyDims {
public:
  explicit BodyDims(ScanOp scan) : scan(scan) {}

  /// False if the body does not keep loops apart.
  bool follow();

  std::optional<int64_t> find(Value value) const {
    auto it = dims.find(value);
    return it == dims.end() ? std::nullopt : std::optional(it->second);
  }
  /// The dimensions of an operation that differs from loop to loop, or null.
  const CallDims *find(Operation *op) const {
    auto it = calls.find(op);
    return it == calls.end() ? nullptr : &it->second;
  }

private:
  bool followOperation(Operation &op, bool &changed);
  bool set(Value value, int64_t dim, bool &changed);
  bool yieldsApart();

  ScanOp scan;
  llvm::DenseMap<Value, int64_t> dims;
  llvm::DenseMap<Operation *, CallDims> calls;
};
} // namespace

bool BodyDims::set(Value value, int64_t dim, bool &changed) {
  auto [it, isNew] = dims.try_emplace(value, dim);
  changed |= isNew;
  return it->second == dim;
}

bool BodyDims::followOperation(Operation &op, bool &changed) {
  auto joined = llvm::find_if(op.getOpOperands(), [&](OpOperand &operand) {
    return find(operand.get()).has_value();
  });
  if (joined == op.getOpOperands().end())
    return op.getNumRegions() == 0 || isa<linalg::LinalgOp>(op);
  auto found =
      findCallDims(&op, joined->getOperandNumber(), *find(joined->get()));
  if (!found)
    return false;
  for (auto [operand, dim] : llvm::zip(op.getOperands(), found->operands)) {
    if (dim == CallDims::kSame) {
      if (find(operand))
        return false;
      continue;
    }
    // What does not depend on the loop is repeated.
    bool isRepeated = !find(operand) && !llvm::is_contained(
                                            scan.getSliceArgs(), operand);
    if (!isRepeated && !set(operand, dim, changed))
      return false;
  }
  for (auto [result, dim] : llvm::zip(op.getResults(), found->results))
    if (!set(result, dim, changed))
      return false;
  calls[&op] = *found;
  return true;
}

/// Whether states go on as they came in, and slices come from one loop each.
bool BodyDims::yieldsApart() {
  return llvm::all_of(scan.getYieldedStates(),
                      [&](Value value) { return find(value) == 0; }) &&
         llvm::all_of(scan.getYieldedSlices(), [&](Value value) {
           return find(value).has_value();
         });
}

bool BodyDims::follow() {
  bool changed = false;
  for (Value state : scan.getStateArgs()) {
    auto type = dyn_cast<RankedTensorType>(state.getType());
    if (!type || type.getRank() == 0 || !type.hasStaticShape())
      return false;
    set(state, 0, changed);
  }
  // A slice may turn out to be joined after operations that read it.
  while (changed) {
    changed = false;
    for (Operation &op : scan.getBody().front().without_terminator())
      if (!followOperation(op, changed))
        return false;
  }
  return yieldsApart();
}

std::optional<WeightUse> lig::net::findScanUse(ScanOp scan) {
  BodyDims body(scan);
  if (scan.getConditional() || !body.follow())
    return std::nullopt;
  WeightUse use{scan, {}, {}, {}};
  for (Operation &op : scan.getBody().front().without_terminator()) {
    auto inner = body.find(&op) ? findWeightUse(&op) : std::nullopt;
    if (!inner)
      continue;
    if (!use.weight)
      use.weight = inner->weight;
    use.work.flops += inner->work.flops;
    use.work.weightBytes += inner->work.weightBytes;
  }
  if (!use.weight)
    return std::nullopt;
  IntegerAttr steps;
  if (matchPattern(scan.getCount(), m_Constant(&steps))) {
    use.work.flops *= steps.getInt();
    use.work.weightBytes *= steps.getInt();
  }
  use.dims.operands.assign(1, CallDims::kSame);
  use.dims.operands.append(scan.getNumStates(), 0);
  for (Value slice : scan.getSliceArgs()) {
    std::optional<int64_t> dim = body.find(slice);
    use.dims.operands.push_back(dim ? *dim + 1 : CallDims::kSame);
  }
  use.dims.results.assign(scan.getNumStates(), 0);
  for (Value value : scan.getYieldedSlices())
    use.dims.results.push_back(*body.find(value) + 1);
  return use;
}

namespace {
/// Writes the joint body.
class BodyJoiner {
public:
  BodyJoiner(ScanOp scan, ScanOp joint, int64_t count)
      : scan(scan), joint(joint), count(count), dims(scan), before(joint),
        b(OpBuilder::atBlockEnd(&joint.getBody().front())) {
    (void)dims.follow();
    for (auto [from, to] : llvm::zip(scan.getBody().front().getArguments(),
                                     joint.getBody().front().getArguments()))
      mapping.map(from, to);
  }

  void write() {
    for (Operation &op : scan.getBody().front().without_terminator())
      if (const CallDims *call = dims.find(&op))
        writeJoint(op, *call);
      else
        b.clone(op, mapping);
    b.clone(*scan.getYield(), mapping);
  }

private:
  void writeJoint(Operation &op, const CallDims &call) {
    SmallVector<Value> operands;
    for (auto [operand, dim] : llvm::zip(op.getOperands(), call.operands))
      operands.push_back(dim == CallDims::kSame || dims.find(operand)
                             ? mapping.lookupOrDefault(operand)
                             : repeat(operand, dim));
    SmallVector<int64_t> extents;
    for (auto [type, dim] : llvm::zip(op.getResultTypes(), call.results))
      extents.push_back(count * cast<RankedTensorType>(type).getDimSize(dim));
    Operation *made = cloneJoint(b, &op, operands, call, extents);
    noteCalls(made, SmallVector<Operation *>(count, &op));
    mapping.map(op.getResults(), made->getResults());
  }

  /// `value`, which is the same for all loops, once for each along `dim`.
  Value repeat(Value value, int64_t dim) {
    Value own = mapping.lookupOrDefault(value);
    bool isOutside = !scan.getBody().isAncestor(value.getParentRegion());
    return joinValues(isOutside ? before : b, value.getLoc(),
                      SmallVector<Value>(count, own), dim);
  }

  ScanOp scan, joint;
  int64_t count;
  BodyDims dims;
  OpBuilder before, b;
  IRMapping mapping;
};
} // namespace

ScanOp lig::net::cloneJointScan(OpBuilder &b, ScanOp scan, ValueRange operands,
                                const CallDims &dims,
                                ArrayRef<int64_t> extents) {
  unsigned numStates = scan.getNumStates();
  SmallVector<Type> stacked;
  SmallVector<bool> inputs, outputs;
  for (unsigned i = 0; i < scan.getNumStacked(); ++i) {
    stacked.push_back(withExtent(scan.getStacked()[i].getType(),
                                 dims.results[numStates + i],
                                 extents[numStates + i]));
    outputs.push_back(scan.isOutputReversed(i));
  }
  for (unsigned i = 0; i < scan.getInputs().size(); ++i)
    inputs.push_back(scan.isInputReversed(i));
  auto joint = ScanOp::create(b, scan.getLoc(), operands.front(),
                              operands.slice(1, numStates),
                              operands.drop_front(1 + numStates), stacked,
                              inputs, outputs);
  joint->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
  auto type = cast<RankedTensorType>(scan->getResult(0).getType());
  BodyJoiner(scan, joint, extents[0] / type.getDimSize(dims.results[0]))
      .write();
  return joint;
}
