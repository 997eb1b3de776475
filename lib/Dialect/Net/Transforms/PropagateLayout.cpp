// Convolutions read and write channels-last data, and the model speaks
// channels-first, so each is wrapped in two transposes. They are pushed towards
// the results: through everything that treats elements alike, they meet the
// next convolution's transpose and both are gone. A residual addition has two
// transposed operands and one transposed result; a loop may carry its states in
// the layout that its body computes them in.
//
// With T = transpose(X, p), dimension i of T is dimension p[i] of X. An
// operation that reads T through the identity therefore reads X so after its
// loop i is renamed to p[i] in all its maps.

#include "ChannelsLast.h"
#include "GeneralizeElementwise.h"

#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace lig::net {
#define GEN_PASS_DEF_PROPAGATELAYOUTPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

using lig::makeTranspose;
using lig::net::existsChannelsLast;
using lig::net::transposeOf;
using Permutation = SmallVector<int64_t>;

/// `values[i]` at place `permutation[i]`.
template <typename T>
static SmallVector<T> scatter(ArrayRef<T> values,
                              ArrayRef<int64_t> permutation) {
  SmallVector<T> result(values.begin(), values.end());
  for (auto [i, place] : llvm::enumerate(permutation))
    result[place] = values[i];
  return result;
}

namespace {
struct ComposeTransposes : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp inner = transposeOf(op.getInput());
    if (!inner)
      return failure();
    Permutation both;
    for (int64_t from : op.getPermutation())
      both.push_back(inner.getPermutation()[from]);
    if (llvm::equal(both, llvm::seq<int64_t>(0, both.size())))
      rewriter.replaceOp(op, inner.getInput());
    else
      rewriter.replaceOp(
          op, makeTranspose(rewriter, op.getLoc(), inner.getInput(), both));
    return success();
  }
};

/// A transpose that moves only dimensions of extent one moves no bytes.
struct ReshapeInstead : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto from = cast<RankedTensorType>(op.getInput().getType());
    auto to = cast<RankedTensorType>(op->getResult(0).getType());
    if (!from.hasStaticShape() || from.getRank() == 0)
      return failure();
    int64_t last = -1;
    for (int64_t dim : op.getPermutation()) {
      if (from.getDimSize(dim) == 1)
        continue;
      if (dim < last)
        return failure();
      last = dim;
    }
    SmallVector<ReassociationIndices> all(1);
    for (int64_t i = 0; i < from.getRank(); ++i)
      all[0].push_back(i);
    Value flat = tensor::CollapseShapeOp::create(rewriter, op.getLoc(),
                                                 op.getInput(), all);
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(op, to, flat, all);
    return success();
  }
};

/// Elementwise operations and reductions.
struct SinkThroughGeneric : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Permutation> permutation = choose(op);
    if (!permutation)
      return failure();
    bool isParallel = op.getNumReductionLoops() == 0;
    for (OpOperand &init : op.getDpsInitsMutable()) {
      AffineMap map = op.getMatchingIndexingMap(&init);
      if (isParallel &&
          (!map.isIdentity() || op.payloadUsesValueFromOperand(&init)))
        return failure();
      if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
        return failure();
    }
    rewrite(op, *permutation, isParallel, rewriter);
    return success();
  }

private:
  /// The layout that most full-sized operands come in, if it is another one.
  /// Who reads operands and results in it has a say too.
  static std::optional<Permutation> choose(linalg::GenericOp op) {
    SmallVector<std::pair<Permutation, int>> votes;
    int full = 0;
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (!op.getMatchingIndexingMap(input).isIdentity() ||
          input->get().getDefiningOp<lig::share::GetOp>() ||
          input->get().getDefiningOp<arith::ConstantOp>())
        continue;
      ++full;
      linalg::TransposeOp transpose = transposeOf(input->get());
      if (!transpose)
        continue;
      Permutation permutation(transpose.getPermutation());
      auto *vote = llvm::find_if(
          votes, [&](auto &other) { return other.first == permutation; });
      if (vote == votes.end())
        votes.push_back({permutation, 1});
      else
        ++vote->second;
    }
    for (auto &[permutation, count] : votes) {
      for (OpOperand *input : op.getDpsInputOperands())
        if (op.getMatchingIndexingMap(input).isIdentity() &&
            !transposeOf(input->get()))
          count += existsChannelsLast(input->get(),
                                      invertPermutationVector(permutation));
      for (Value result : op.getResults())
        count +=
            existsChannelsLast(result, invertPermutationVector(permutation));
      if (2 * count > full)
        return permutation;
    }
    return std::nullopt;
  }

  static void rewrite(linalg::GenericOp op, ArrayRef<int64_t> permutation,
                      bool isParallel, PatternRewriter &rewriter) {
    Location loc = op.getLoc();
    Permutation inverse = invertPermutationVector(permutation);
    SmallVector<AffineExpr> renamed;
    for (int64_t to : permutation)
      renamed.push_back(rewriter.getAffineDimExpr(to));
    auto rename = [&](AffineMap map) {
      return map.replaceDimsAndSymbols(renamed, {}, map.getNumDims(), 0);
    };

    SmallVector<Value> inputs, inits;
    SmallVector<AffineMap> maps;
    for (OpOperand *input : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(input);
      linalg::TransposeOp transpose = transposeOf(input->get());
      if (map.isIdentity()) {
        bool agrees =
            transpose && llvm::equal(transpose.getPermutation(), permutation);
        inputs.push_back(
            agrees ? transpose.getInput()
                   : makeTranspose(rewriter, loc, input->get(), inverse));
        maps.push_back(map);
      } else {
        inputs.push_back(input->get());
        maps.push_back(rename(map));
      }
    }
    for (OpOperand &init : op.getDpsInitsMutable()) {
      auto type = cast<RankedTensorType>(init.get().getType());
      AffineMap map = op.getMatchingIndexingMap(&init);
      maps.push_back(isParallel ? map : rename(map));
      inits.push_back(
          isParallel ? Value(tensor::EmptyOp::create(
                           rewriter, loc, scatter(type.getShape(), permutation),
                           type.getElementType()))
                     : init.get());
    }
    SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
    auto moved = linalg::GenericOp::create(
        rewriter, loc, ValueRange(inits).getTypes(), inputs, inits, maps,
        scatter(ArrayRef(iterators), permutation));
    rewriter.cloneRegionBefore(op.getRegion(), moved.getRegion(),
                               moved.getRegion().begin());
    moved.walk([&](linalg::IndexOp index) {
      index.setDim(permutation[index.getDim()]);
    });
    SmallVector<Value> results;
    for (Value result : moved.getResults())
      results.push_back(isParallel
                            ? makeTranspose(rewriter, loc, result, permutation)
                            : result);
    rewriter.replaceOp(op, results);
  }
};

/// True if windows slide over `value`, or over it cut into groups.
static bool feedsWindow(Value value) {
  return llvm::any_of(value.getUses(), [](OpOperand &use) {
    if (auto groups = dyn_cast<tensor::ExpandShapeOp>(use.getOwner()))
      return feedsWindow(groups.getResult());
    auto user = dyn_cast<linalg::LinalgOp>(use.getOwner());
    return user &&
           !user.getMatchingIndexingMap(&use).isProjectedPermutation(true);
  });
}

struct SinkThroughPad : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::PadOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = transposeOf(op.getSource());
    Value fill = op.getConstantPaddingValue();
    if (!transpose || !fill || op.getNofold())
      return failure();
    // A window operation's own pad is best filled by the transpose itself.
    if (feedsWindow(op.getResult()))
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    SmallVector<OpFoldResult> low = op.getMixedLowPad(),
                              high = op.getMixedHighPad();
    auto type = cast<RankedTensorType>(op.getType());
    auto moved = tensor::PadOp::create(
        rewriter, op.getLoc(),
        RankedTensorType::get(scatter(type.getShape(), permutation),
                              type.getElementType()),
        transpose.getInput(), scatter(ArrayRef(low), permutation),
        scatter(ArrayRef(high), permutation), fill);
    rewriter.replaceOp(
        op, makeTranspose(rewriter, op.getLoc(), moved, permutation));
    return success();
  }
};

struct SinkThroughSlice : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = transposeOf(op.getSource());
    if (!transpose || op.getType().getRank() != op.getSourceType().getRank() ||
        !op.getType().hasStaticShape())
      return failure();
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    SmallVector<OpFoldResult> offsets = op.getMixedOffsets(),
                              sizes = op.getMixedSizes(),
                              strides = op.getMixedStrides();
    Value moved = tensor::ExtractSliceOp::create(
        rewriter, op.getLoc(), transpose.getInput(),
        scatter(ArrayRef(offsets), permutation),
        scatter(ArrayRef(sizes), permutation),
        scatter(ArrayRef(strides), permutation));
    rewriter.replaceOp(
        op, makeTranspose(rewriter, op.getLoc(), moved, permutation));
    return success();
  }
};

struct SinkThroughConcat : OpRewritePattern<tensor::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ConcatOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Permutation> permutation;
    bool areAll = true;
    for (Value input : op.getInputs()) {
      linalg::TransposeOp transpose = transposeOf(input);
      areAll &= bool(transpose);
      if (!transpose)
        continue;
      if (permutation && !llvm::equal(*permutation, transpose.getPermutation()))
        return failure();
      permutation = Permutation(transpose.getPermutation());
    }
    // Otherwise the others are transposed, instead of the whole.
    if (!permutation ||
        (!areAll && !existsChannelsLast(op.getResult(),
                                        invertPermutationVector(*permutation))))
      return failure();
    SmallVector<Value> sources;
    for (Value input : op.getInputs()) {
      linalg::TransposeOp transpose = transposeOf(input);
      sources.push_back(
          transpose ? transpose.getInput()
                    : makeTranspose(rewriter, op.getLoc(), input,
                                    invertPermutationVector(*permutation)));
    }
    Value moved = tensor::ConcatOp::create(
        rewriter, op.getLoc(), (*permutation)[op.getDim()], sources);
    rewriter.replaceOp(
        op, makeTranspose(rewriter, op.getLoc(), moved, *permutation));
    return success();
  }
};

/// Dimensions of the expanded or collapsed shape that each dimension stands
/// for, with the groups in `order`, numbered anew.
static SmallVector<ReassociationIndices>
regroup(ArrayRef<ReassociationIndices> groups, ArrayRef<int64_t> order) {
  SmallVector<ReassociationIndices> result;
  int64_t next = 0;
  for (int64_t group : order) {
    result.emplace_back();
    for (size_t i = 0; i < groups[group].size(); ++i)
      result.back().push_back(next++);
  }
  return result;
}

/// All dimensions of `groups`, those of one group after another in `order`.
static Permutation listGroups(ArrayRef<ReassociationIndices> groups,
                              ArrayRef<int64_t> order) {
  Permutation result;
  for (int64_t group : order)
    llvm::append_range(result, groups[group]);
  return result;
}

/// Every dimension is split where it stands before the transpose.
struct SinkThroughExpand : OpRewritePattern<tensor::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = transposeOf(op.getSrc());
    auto type = cast<RankedTensorType>(op.getType());
    if (!transpose || !type.hasStaticShape() || op.getSrcType().getRank() == 0)
      return failure();
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    // Dimension i of the source is dimension back[i] of the transpose.
    Permutation back = invertPermutationVector(transpose.getPermutation());
    Permutation dims = listGroups(groups, back);
    SmallVector<int64_t> shape;
    for (int64_t dim : dims)
      shape.push_back(type.getDimSize(dim));
    Value moved = tensor::ExpandShapeOp::create(
        rewriter, op.getLoc(),
        RankedTensorType::get(shape, type.getElementType()),
        transpose.getInput(), regroup(groups, back));
    rewriter.replaceOp(op, makeTranspose(rewriter, op.getLoc(), moved,
                                         invertPermutationVector(dims)));
    return success();
  }
};

/// A transpose after a collapse that follows another transpose moves up to it:
/// rearranging blocks of channels to pixels is one move then.
struct HoistOverCollapse : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto collapse = op.getInput().getDefiningOp<tensor::CollapseShapeOp>();
    if (!collapse || !transposeOf(collapse.getSrc()) ||
        !collapse.getType().hasStaticShape() ||
        collapse.getType().getRank() == 0)
      return failure();
    SmallVector<ReassociationIndices> groups =
        collapse.getReassociationIndices();
    ArrayRef<int64_t> order = op.getPermutation();
    Value moved = makeTranspose(rewriter, op.getLoc(), collapse.getSrc(),
                                listGroups(groups, order));
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        op, op->getResult(0).getType(), moved, regroup(groups, order));
    return success();
  }
};

struct PropagateLayout
    : lig::net::impl::PropagateLayoutPassBase<PropagateLayout> {
  using PropagateLayoutPassBase::PropagateLayoutPassBase;

  void runOnOperation() override {
    lig::net::generalizeElementwise(getOperation());
    propagate();
    if (int64_t lanes = vectorBits / 32) {
      unsigned kept = lig::net::keepChannelsFirst(getOperation(), lanes);
      numKept += kept;
      if (kept)
        propagate();
    }
    // One value may have been transposed for several readers.
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(getOperation());
    eliminateCommonSubExpressions(rewriter, dominance, getOperation());
  }

private:
  void propagate() {
    RewritePatternSet patterns(&getContext());
    patterns.add<ComposeTransposes, ReshapeInstead, SinkThroughGeneric,
                 SinkThroughPad, SinkThroughSlice, SinkThroughConcat,
                 SinkThroughExpand, HoistOverCollapse>(&getContext());
    lig::net::populateScanLayoutPatterns(patterns);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    (void)applyPatternsGreedily(getOperation(), std::move(patterns));
  }
};
} // namespace
