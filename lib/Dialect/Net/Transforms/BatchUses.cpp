// A weight that is read for two branches is read twice; read for a batch of two
// it is read once. The pass goes through the weights of a block in the order of
// their first uses, joins uses that do not wait for each other where that pays,
// and takes what follows along: operations on all parts of a joint tensor
// become one on the whole. So the next layer finds its data joint already.
//
// Joining may make two groups wait for each other, so groups are found when
// their turn comes, in the block as it is by then.

#include "JoinCalls.h"
#include "JoinPixels.h"
#include "JoinScans.h"
#include "JoinSizes.h"
#include "TakeAlong.h"
#include "UseGroups.h"
#include "WeightUses.h"

#include "Ligature/Analysis/WinogradCost.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace lig::net;

namespace lig::net {
#define GEN_PASS_DEF_BATCHUSESPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

/// Uses gain by being one if this share of their time is saved.
static constexpr double kLeastGain = 0.03;

namespace {
struct BatchUses : lig::net::impl::BatchUsesPassBase<BatchUses> {
  using BatchUsesPassBase::BatchUsesPassBase;

  LogicalResult initialize(MLIRContext *context) override {
    auto tiles = lig::parseWinogradTiles(winograd, context);
    if (failed(tiles))
      return failure();
    winogradTiles = std::move(*tiles);
    return success();
  }

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    cost.emplace(vectorBits, lig::countParameterBytes(function));
    dominance = &getAnalysis<DominanceInfo>();
    SmallVector<Block *> blocks;
    function.walk([&](Block *block) { blocks.push_back(block); });
    for (Block *block : blocks)
      runOnBlock(*block);
  }

private:
  using Uses = SmallVector<WeightUse>;

  /// A product, a convolution, or a loop of them.
  static std::optional<WeightUse> findUse(Operation *op) {
    if (auto scan = dyn_cast<ScanOp>(op))
      return findScanUse(scan);
    return findWeightUse(op);
  }

  void runOnBlock(Block &block) {
    llvm::MapVector<Operation *, SmallVector<Operation *>> byWeight;
    for (Operation &op : block)
      if (auto use = findUse(&op))
        byWeight[use->weight].push_back(&op);
    for (auto &[weight, uses] : byWeight) {
      if (uses.size() < 2)
        continue;
      // Joining earlier groups may have moved these.
      llvm::sort(uses, [](Operation *a, Operation *b) {
        return a->isBeforeInBlock(b);
      });
      joinSizes(uses);
      for (ArrayRef<Operation *> alike : splitAlike(uses))
        for (ArrayRef<Operation *> group : groupIndependent(alike))
          consider(group);
    }
  }

  /// Joins convolutions of images of several sizes, as far as that gains, and
  /// takes them off the list. Equal sizes make a batch, which needs no copies.
  void joinSizes(SmallVectorImpl<Operation *> &uses) {
    llvm::SmallPtrSet<Operation *, 8> seen, gone;
    for (Operation *use : uses) {
      // What was joined is gone.
      auto first = seen.contains(use) ? ConvOp() : dyn_cast<ConvOp>(use);
      if (!first)
        continue;
      SmallVector<Operation *> alike;
      bool differs = false;
      for (Operation *other : uses) {
        auto conv = seen.contains(other) ? ConvOp() : dyn_cast<ConvOp>(other);
        if (!conv || !convolveAlike(first, conv))
          continue;
        alike.push_back(conv);
        differs |= conv.getType() != first.getType();
      }
      seen.insert_range(alike);
      if (differs)
        for (ArrayRef<Operation *> group : groupIndependent(alike))
          decideSizes(group, gone);
    }
    llvm::erase_if(uses, [&](Operation *use) { return gone.contains(use); });
  }

  void decideSizes(ArrayRef<Operation *> group,
                   llvm::SmallPtrSetImpl<Operation *> &gone) {
    Uses uses = sortBySize(group);
    SmallVector<ConvOp> convs = llvm::map_to_vector(
        uses, [](const WeightUse &use) { return cast<ConvOp>(use.op); });
    JoinPlan plan = planJoin(
        convs, {*cost, int64_t(vectorBits) / 32, cacheBytes, winogradTiles},
        force);
    bool pays = plan.count > 1;
    explain(ArrayRef(uses).take_front(pays ? plan.count : uses.size()),
            plan.apart, plan.joint, pays);
    if (!pays)
      return;
    ArrayRef<ConvOp> chosen = ArrayRef(convs).take_front(plan.count);
    SmallVector<Operation *> joined(chosen.begin(), chosen.end());
    IRRewriter rewriter(&getContext());
    unsigned taken = 0;
    LogicalResult result =
        plan.way == JoinPlan::Way::Images
            ? joinImages(rewriter, chosen, plan.mosaic, *dominance, taken)
            : joinPixels(rewriter, chosen, *dominance);
    if (failed(result))
      return;
    ++numGroups;
    numJoined += plan.count;
    numTaken += taken;
    gone.insert_range(joined);
  }

  /// Uses that do the same to other data.
  static SmallVector<SmallVector<Operation *>>
  splitAlike(ArrayRef<Operation *> uses) {
    SmallVector<SmallVector<Operation *>> classes;
    SmallVector<CallDims> dims;
    for (Operation *op : uses) {
      CallDims own = findUse(op)->dims;
      size_t i = 0;
      while (i < classes.size() && !(dims[i].operands == own.operands &&
                                     areAlike(classes[i].front(), op, own)))
        ++i;
      if (i == classes.size()) {
        classes.emplace_back();
        dims.push_back(own);
      }
      classes[i].push_back(op);
    }
    return classes;
  }

  /// Looks for those of independent uses that gain by being joined, from the
  /// smallest on: the less there is to multiply, the more it counts to read the
  /// weight once.
  void consider(ArrayRef<Operation *> group) {
    Uses uses = sortBySize(group);
    for (ArrayRef<WeightUse> left = uses; left.size() > 1;) {
      size_t count = 2;
      while (count < left.size() && (force || gains(left, count)))
        ++count;
      decide(left.take_front(count));
      left = left.drop_front(count);
    }
  }

  static Uses sortBySize(ArrayRef<Operation *> group) {
    Uses uses;
    for (Operation *op : group)
      uses.push_back(*findUse(op));
    llvm::sort(uses, [](const WeightUse &a, const WeightUse &b) {
      return a.work.flops != b.work.flops ? a.work.flops < b.work.flops
                                          : a.op->isBeforeInBlock(b.op);
    });
    return uses;
  }

  double timeOf(ArrayRef<WeightUse> uses) const {
    lig::CallWork all = uses.front().work;
    for (const WeightUse &use : uses.drop_front())
      all.flops += use.work.flops;
    return cost->timeOf(all);
  }

  /// True if use number `count` gains by joining those before it: a share of
  /// its own time, or a hundred steps of a recurrence would come in two parts.
  bool gains(ArrayRef<WeightUse> uses, size_t count) const {
    double own = timeOf(uses[count]);
    return timeOf(uses.take_front(count)) + own -
               timeOf(uses.take_front(count + 1)) >
           kLeastGain * own;
  }

  void decide(ArrayRef<WeightUse> uses) {
    const CallDims &dims = uses.front().dims;
    SmallVector<Operation *> calls;
    double apart = 0;
    for (const WeightUse &use : uses) {
      calls.push_back(use.op);
      apart += cost->timeOf(use.work);
    }
    orderAsData(calls, dims);
    double joint =
        timeOf(uses) + cost->timeOfCopy(countCopiedBytes(calls, dims));
    bool pays = force || apart - joint > kLeastGain * apart;
    explain(uses, apart, joint, pays);
    if (!pays)
      return;
    IRRewriter rewriter(&getContext());
    auto slices = joinCalls(rewriter, calls, dims, *dominance);
    if (failed(slices))
      return;
    ++numGroups;
    numJoined += calls.size();
    for (auto [values, dim] : llvm::zip(*slices, dims.results))
      numTaken += takeAlong(rewriter, {values, dim}, *dominance);
  }

  static void explain(ArrayRef<WeightUse> uses, double apart, double joint,
                      bool pays) {
    Location loc = uses.front().op->getLoc();
    auto options =
        remark::RemarkOpts::name(pays ? "batched" : "apart").category("share");
    auto text = remark::add(
        "{0} uses of @{1}: {2:F2} us apart, {3:F2} us as one", uses.size(),
        lig::share::GetOp(uses.front().weight).getSource(), apart, joint);
    if (pays)
      remark::passed(loc, options) << text;
    else
      remark::missed(loc, options) << text;
  }

  SmallVector<int64_t, 2> winogradTiles;
  std::optional<lig::CallCost> cost;
  DominanceInfo *dominance = nullptr;
};
} // namespace
