// Bias, activation, pooling, normalisation, reshapes, residual additions: on
// every slice the same, so one operation on the whole. Operations that differ,
// such as a scale of its own for each branch, stay apart and read slices.

#include "TakeAlong.h"
#include "JoinCalls.h"
#include "WeightUses.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::net;

/// The users, one a slice, that are like `user` and read slices where it does;
/// nothing if a slice has none.
static std::optional<SmallVector<Operation *>>
findAlike(OpOperand &use, const JointSlices &joint, const CallDims &dims) {
  Operation *first = use.getOwner();
  SmallVector<Operation *> calls = {first};
  for (Value slice : ArrayRef(joint.slices).drop_front()) {
    auto isLike = [&](OpOperand &other) {
      Operation *op = other.getOwner();
      return other.getOperandNumber() == use.getOperandNumber() &&
             op->getBlock() == first->getBlock() &&
             !llvm::is_contained(calls, op) && areAlike(first, op, dims);
    };
    auto found = llvm::find_if(slice.getUses(), isLike);
    if (found == slice.use_end())
      return std::nullopt;
    calls.push_back(found->getOwner());
  }
  for (auto [i, dim] : llvm::enumerate(dims.operands))
    if (dim != CallDims::kSame && !areJoint(operandsOf(calls, i), dim))
      return std::nullopt;
  return calls;
}

/// The concatenation of all slices is what they are slices of.
static void foldConcats(RewriterBase &rewriter, const JointSlices &joint) {
  for (Operation *user :
       llvm::make_early_inc_range(joint.slices.front().getUsers())) {
    auto concat = dyn_cast<tensor::ConcatOp>(user);
    if (!concat || int64_t(concat.getDim()) != joint.dim ||
        !llvm::equal(concat.getInputs(), joint.slices))
      continue;
    auto slice = joint.slices.front().getDefiningOp<tensor::ExtractSliceOp>();
    rewriter.replaceOp(concat, slice.getSource());
  }
}

/// One group of users that can be joined, or nothing.
static std::optional<std::pair<SmallVector<Operation *>, CallDims>>
findGroup(const JointSlices &joint) {
  for (OpOperand &use : joint.slices.front().getUses()) {
    Operation *op = use.getOwner();
    if (findWeightUse(op))
      continue;
    auto dims = findCallDims(op, use.getOperandNumber(), joint.dim);
    if (!dims)
      continue;
    if (auto calls = findAlike(use, joint, *dims))
      return std::make_pair(*calls, *dims);
  }
  return std::nullopt;
}

unsigned lig::net::takeAlong(RewriterBase &rewriter, JointSlices joint,
                             DominanceInfo &dominance) {
  unsigned count = 0;
  SmallVector<JointSlices> work = {std::move(joint)};
  while (!work.empty()) {
    JointSlices next = work.pop_back_val();
    while (auto group = findGroup(next)) {
      auto &[calls, dims] = *group;
      auto slices = joinCalls(rewriter, calls, dims, dominance);
      if (failed(slices))
        break;
      ++count;
      for (auto [values, dim] : llvm::zip(*slices, dims.results))
        work.push_back({values, dim});
    }
    foldConcats(rewriter, next);
  }
  return count;
}
