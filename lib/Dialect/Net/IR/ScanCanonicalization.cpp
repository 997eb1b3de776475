// A scan carries, slices and stacks only what someone needs. Exporters ask for
// every output that an operator has, so an LSTM stacks states nobody reads.

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace lig::net;

namespace {
/// What a scan could do without.
struct Spare {
  explicit Spare(ScanOp scan);
  bool any() const { return states.any() || inputs.any() || stacked.any(); }

  /// Never changes, or is written and never read.
  llvm::BitVector states;
  /// No step looks at its slice.
  llvm::BitVector inputs;
  /// Stacked for nobody.
  llvm::BitVector stacked;
};
} // namespace

Spare::Spare(ScanOp scan)
    : states(scan.getNumStates()), inputs(scan.getInputs().size()),
      stacked(scan.getNumStacked()) {
  for (auto [i, arg, result, yielded] :
       llvm::enumerate(scan.getStateArgs(), scan.getStates(),
                       scan.getYieldedStates()))
    if (yielded == arg || (arg.use_empty() && result.use_empty()))
      states.set(i);
  for (auto [i, arg] : llvm::enumerate(scan.getSliceArgs()))
    if (arg.use_empty())
      inputs.set(i);
  for (auto [i, result] : llvm::enumerate(scan.getStacked()))
    if (result.use_empty())
      stacked.set(i);
}

template <typename Range>
static auto keep(Range &&range, const llvm::BitVector &spare) {
  SmallVector<std::decay_t<decltype(*range.begin())>> kept;
  for (auto [i, value] : llvm::enumerate(range))
    if (!spare.test(i))
      kept.push_back(value);
  return kept;
}

static SmallVector<bool> keepFlags(std::optional<ArrayRef<bool>> flags,
                                   const llvm::BitVector &spare) {
  return flags ? keep(*flags, spare) : SmallVector<bool>();
}

namespace {
struct DropSpare : OpRewritePattern<ScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScanOp scan,
                                PatternRewriter &rewriter) const override {
    Spare spare(scan);
    if (!spare.any())
      return failure();
    SmallVector<Type> stackedTypes(
        keep(scan.getStacked().getTypes(), spare.stacked));
    auto made = ScanOp::create(
        rewriter, scan.getLoc(), scan.getCount(),
        keep(scan.getInits(), spare.states),
        keep(scan.getInputs(), spare.inputs), stackedTypes,
        keepFlags(scan.getReverseInputs(), spare.inputs),
        keepFlags(scan.getReverseOutputs(), spare.stacked),
        scan.getConditional());
    made->setDiscardableAttrs(scan->getDiscardableAttrDictionary());
    moveBody(scan, made, spare, rewriter);

    SmallVector<Value> results;
    auto next = made->result_begin();
    for (auto [i, init] : llvm::enumerate(scan.getInits()))
      results.push_back(spare.states.test(i) ? init : Value(*next++));
    // A result that nobody reads may be replaced by any value of its type.
    for (auto [i, stacked] : llvm::enumerate(scan.getStacked()))
      results.push_back(spare.stacked.test(i) ? Value() : Value(*next++));
    if (scan.getConditional())
      results.push_back(*next);
    for (auto [old, replacement] : llvm::zip(scan.getResults(), results))
      if (replacement)
        rewriter.replaceAllUsesWith(old, replacement);
    rewriter.eraseOp(scan);
    return success();
  }

private:
  static void moveBody(ScanOp scan, ScanOp made, const Spare &spare,
                       PatternRewriter &rewriter) {
    for (auto [i, init] : llvm::enumerate(scan.getInits()))
      if (spare.states.test(i))
        rewriter.replaceAllUsesWith(scan.getStateArgs()[i], init);
    SmallVector<Value> values = keep(scan.getYieldedStates(), spare.states);
    llvm::append_range(values, keep(scan.getYieldedSlices(), spare.stacked));
    if (scan.getConditional())
      values.push_back(scan.getYieldedCondition());
    YieldOp yield = scan.getYield();
    rewriter.modifyOpInPlace(yield,
                             [&] { yield.getValuesMutable().assign(values); });

    llvm::BitVector gone(scan.getBody().getNumArguments());
    for (unsigned i : spare.states.set_bits())
      gone.set(1 + i);
    for (unsigned i : spare.inputs.set_bits())
      gone.set(1 + spare.states.size() + i);
    Block &body = scan.getBody().front();
    rewriter.eraseBlock(&made.getBody().front());
    rewriter.inlineRegionBefore(scan.getBody(), made.getBody(),
                                made.getBody().end());
    body.eraseArguments(gone);
  }
};
} // namespace

void ScanOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<DropSpare>(context);
}
