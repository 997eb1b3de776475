// A weight that is computed from shared ones would have to be stored beside
// them or computed in every run. But a product with it is linear in it:
//
//   x (s W) = s (x W)      x (U + V) = x U + x V      x (B A) = (x B) A
//
// so a scale becomes work on the sums, a sum two products, and a low-rank delta
// two narrow ones. The shared weight is read where it lies.

#include "Ligature/Analysis/StridedView.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using lig::typeOf;

namespace lig::codegen {
#define GEN_PASS_DEF_FACTORVIEWSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// A generic operation whose body adds the product of its two inputs, floats,
/// to its only output.
static bool isSumOfProducts(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0 || !op.hasPureTensorSemantics())
    return false;
  Block *body = op.getBody();
  auto sum = body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum || body->getOperations().size() != 3)
    return false;
  Value out = body->getArgument(2);
  Value other = sum.getLhs() == out ? sum.getRhs() : sum.getLhs();
  auto product = other.getDefiningOp<arith::MulFOp>();
  if (!product || !llvm::is_contained(sum->getOperands(), out))
    return false;
  Value a = body->getArgument(0), b = body->getArgument(1);
  return (product.getLhs() == a && product.getRhs() == b) ||
         (product.getLhs() == b && product.getRhs() == a);
}

/// What a scan hands its body slices of, if `value` is such a slice; else
/// `value`.
static Value getScanInput(Value value) {
  while (auto argument = dyn_cast<BlockArgument>(value)) {
    auto scan = dyn_cast<lig::net::ScanOp>(argument.getOwner()->getParentOp());
    unsigned first = scan ? 1 + scan.getNumStates() : 0;
    if (!scan || argument.getArgNumber() < first)
      break;
    value = scan.getInputs()[argument.getArgNumber() - first];
  }
  return value;
}

/// True if `value` is computed from parameters and constants alone, in more
/// than moves of one parameter.
static bool isComputedFromParameters(Value value) {
  if (lig::getStridedView(value) || !value.getDefiningOp())
    return false;
  llvm::SetVector<Operation *> seen;
  bool readsParameter = false;
  auto visit = [&](Value operand) {
    operand = getScanInput(operand);
    if (Operation *op = operand.getDefiningOp())
      return (void)seen.insert(op), true;
    return false;
  };
  if (!visit(value))
    return false;
  for (size_t i = 0; i < seen.size(); ++i) {
    Operation *op = seen[i];
    readsParameter |= isa<lig::share::GetOp>(op);
    if (!isa<lig::share::GetOp, arith::ConstantOp, tensor::EmptyOp,
             tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
             tensor::ExtractSliceOp, linalg::LinalgOp>(op) ||
        !llvm::all_of(op->getOperands(), visit))
      return false;
  }
  return readsParameter;
}

namespace {
/// constant * weight * scales..., each tensor with its map over the loops of
/// the operation that adds the terms up.
struct Term {
  double constant = 1;
  SmallVector<std::pair<Value, AffineMap>> factors;
};

/// A sum of products and the input of it that is computed from parameters.
struct Use {
  linalg::GenericOp op;
  unsigned weight;

  Value getWeight() { return op.getDpsInputOperand(weight)->get(); }
  Value getData() { return op.getDpsInputOperand(1 - weight)->get(); }
  AffineMap mapOf(unsigned input) { return op.getIndexingMapsArray()[input]; }
  AffineMap outMap() { return op.getIndexingMapsArray().back(); }
};
} // namespace

/// Expands the value of a body into terms; false where it is no sum of
/// products of arguments and constants.
static bool expand(linalg::GenericOp op, Value value, Term term,
                   SmallVectorImpl<Term> &terms,
                   SmallVector<Value> &others) {
  // `others` still has to be multiplied to the term.
  auto next = [&](Term grown) {
    if (others.empty()) {
      terms.push_back(std::move(grown));
      return true;
    }
    SmallVector<Value> rest(others);
    Value first = rest.pop_back_val();
    return expand(op, first, std::move(grown), terms, rest);
  };
  FloatAttr constant;
  if (matchPattern(value, m_Constant(&constant))) {
    term.constant *= constant.getValueAsDouble();
    return next(std::move(term));
  }
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != op.getBody() ||
        argument.getArgNumber() >= op.getNumDpsInputs())
      return false;
    OpOperand *operand = op.getDpsInputOperand(argument.getArgNumber());
    if (!isa<RankedTensorType>(operand->get().getType()))
      return false;
    term.factors.push_back({operand->get(), op.getMatchingIndexingMap(operand)});
    return next(std::move(term));
  }
  Operation *inner = value.getDefiningOp();
  if (isa_and_nonnull<arith::AddFOp, arith::SubFOp>(inner)) {
    Term second = term;
    if (isa<arith::SubFOp>(inner))
      second.constant = -second.constant;
    return expand(op, inner->getOperand(0), std::move(term), terms, others) &&
           expand(op, inner->getOperand(1), std::move(second), terms, others);
  }
  if (isa_and_nonnull<arith::MulFOp>(inner)) {
    SmallVector<Value> more(others);
    more.push_back(inner->getOperand(1));
    return expand(op, inner->getOperand(0), std::move(term), terms, more);
  }
  if (isa_and_nonnull<arith::NegFOp>(inner)) {
    term.constant = -term.constant;
    return expand(op, inner->getOperand(0), std::move(term), terms, others);
  }
  return false;
}

/// The terms of an elementwise weight, the largest tensor first in each; empty
/// where it has no such form.
static SmallVector<Term> getTerms(linalg::GenericOp weight) {
  SmallVector<Term> terms;
  SmallVector<Value> none;
  if (weight.getNumReductionLoops() != 0 || weight.getNumDpsInits() != 1 ||
      !weight.getIndexingMapsArray().back().isPermutation() ||
      !expand(weight, weight.getBody()->getTerminator()->getOperand(0), Term(),
              terms, none))
    return {};
  for (Term &term : terms) {
    auto *widest = std::max_element(
        term.factors.begin(), term.factors.end(),
        [](const auto &a, const auto &b) {
          return typeOf(a.first).getNumElements() <
                 typeOf(b.first).getNumElements();
        });
    if (widest != term.factors.end())
      std::swap(term.factors.front(), *widest);
    bool isWhole = !term.factors.empty() &&
                   typeOf(term.factors.front().first).getNumElements() ==
                       typeOf(weight.getResult(0)).getNumElements();
    // More than one whole factor is no linear function of a weight.
    if (!isWhole || llvm::any_of(ArrayRef(term.factors).drop_front(),
                                 [&](const auto &factor) {
                                   return typeOf(factor.first).getNumElements() *
                                              2 >
                                          typeOf(weight.getResult(0))
                                              .getNumElements();
                                 }))
      return {};
  }
  return terms;
}

namespace {
struct FactorViews : lig::codegen::impl::FactorViewsPassBase<FactorViews> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::LinalgOp> named;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp>(op) &&
          llvm::any_of(op->getOperands(), [](Value operand) {
            return isa<RankedTensorType>(operand.getType()) &&
                   isComputedFromParameters(operand);
          }))
        named.push_back(op);
    });
    for (linalg::LinalgOp op : named)
      generalize(op, rewriter);
    SmallVector<linalg::GenericOp> work;
    getOperation().walk([&](linalg::GenericOp op) { work.push_back(op); });
    while (!work.empty()) {
      linalg::GenericOp op = work.pop_back_val();
      if (!isSumOfProducts(op))
        continue;
      for (unsigned weight : {0u, 1u}) {
        Use use{op, weight};
        rewriter.setInsertionPoint(op);
        if (isComputedFromParameters(use.getWeight()) &&
            !isComputedFromParameters(use.getData()) &&
            (splitTerms(use, rewriter, work) ||
             splitProduct(use, rewriter, work))) {
          ++numFactored;
          break;
        }
      }
    }
    (void)runRegionDCE(rewriter, getOperation()->getRegions());
  }

private:
  static linalg::GenericOp generalize(linalg::LinalgOp op,
                                      IRRewriter &rewriter) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation()))
      return generic;
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::GenericOp> made = linalg::generalizeNamedOp(rewriter, op);
    return succeeded(made) ? *made : linalg::GenericOp();
  }

  static Value makeZeros(OpBuilder &b, Location loc, RankedTensorType type) {
    Value zero = arith::ConstantOp::create(
        b, loc, b.getZeroAttr(type.getElementType()));
    Value room = tensor::EmptyOp::create(b, loc, type.getShape(),
                                         type.getElementType());
    return linalg::FillOp::create(b, loc, zero, room).getResult(0);
  }

  /// start + sum over the reduction loops of the inputs' product.
  static linalg::GenericOp
  makeSum(OpBuilder &b, Location loc, ArrayRef<Value> inputs,
          ArrayRef<AffineMap> maps, Value start,
          ArrayRef<utils::IteratorType> kinds) {
    return linalg::GenericOp::create(
        b, loc, start.getType(), inputs, start, maps, kinds,
        [](OpBuilder &inner, Location at, ValueRange in) {
          Value product = in[0];
          for (Value factor : in.drop_front().drop_back())
            product = arith::MulFOp::create(inner, at, product, factor);
          Value sum = arith::AddFOp::create(inner, at, in.back(), product);
          linalg::YieldOp::create(inner, at, sum);
        });
  }

  /// start + constant * sums * scales...; maps are over the dimensions of sums.
  static Value scaleSums(OpBuilder &b, Location loc, Value start, Value sums,
                         double constant, ArrayRef<Value> scales,
                         ArrayRef<AffineMap> scaleMaps) {
    RankedTensorType type = typeOf(sums);
    AffineMap same = b.getMultiDimIdentityMap(type.getRank());
    SmallVector<Value> inputs = {start, sums};
    SmallVector<AffineMap> maps = {same, same};
    inputs.append(scales.begin(), scales.end());
    maps.append(scaleMaps.begin(), scaleMaps.end());
    maps.push_back(same);
    SmallVector<utils::IteratorType> kinds(type.getRank(),
                                           utils::IteratorType::parallel);
    Value room = tensor::EmptyOp::create(b, loc, type.getShape(),
                                         type.getElementType());
    return linalg::GenericOp::create(
               b, loc, type, inputs, room, maps, kinds,
               [&](OpBuilder &inner, Location at, ValueRange in) {
                 Value product = in[1];
                 if (constant != 1)
                   product = arith::MulFOp::create(
                       inner, at, product,
                       arith::ConstantOp::create(
                           inner, at,
                           inner.getFloatAttr(type.getElementType(), constant)));
                 for (Value scale : in.drop_front(2).drop_back())
                   product = arith::MulFOp::create(inner, at, product, scale);
                 Value sum = arith::AddFOp::create(inner, at, in[0], product);
                 linalg::YieldOp::create(inner, at, sum);
               })
        .getResult(0);
  }

  /// `map` of a scale over the dimensions of the result of `use`; nothing
  /// where it moves along a loop that the result does not have.
  static std::optional<AffineMap> overResult(Use &use, AffineMap map) {
    AffineMap out = use.outMap();
    SmallVector<AffineExpr> dims(
        map.getNumDims(), getAffineConstantExpr(0, map.getContext()));
    llvm::SmallBitVector known(map.getNumDims());
    for (auto [i, expr] : llvm::enumerate(out.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim)
        return std::nullopt;
      dims[dim.getPosition()] = getAffineDimExpr(i, map.getContext());
      known.set(dim.getPosition());
    }
    for (unsigned loop = 0; loop < map.getNumDims(); ++loop)
      if (map.isFunctionOfDim(loop) && !known.test(loop))
        return std::nullopt;
    return map.replaceDimsAndSymbols(dims, {}, out.getNumResults(), 0);
  }

  /// x (c s U + ...) as a sum for each term, its scales after the sum where
  /// they are the same for all that is summed up.
  bool splitTerms(Use use, IRRewriter &rewriter,
                  SmallVectorImpl<linalg::GenericOp> &work) {
    auto named = use.getWeight().getDefiningOp<linalg::LinalgOp>();
    if (!named || named.getNumReductionLoops() != 0 ||
        isa<linalg::FillOp>(named.getOperation()))
      return false;
    linalg::GenericOp weight = generalize(named, rewriter);
    if (!weight)
      return false;
    SmallVector<Term> terms = getTerms(weight);
    // From loops of the weight's operation to those of its use.
    AffineMap toUse = use.mapOf(use.weight);
    AffineMap toWeight =
        inversePermutation(weight.getIndexingMapsArray().back());
    if (terms.empty() || !toWeight)
      return false;
    AffineMap loops = toWeight.compose(toUse);
    for (Term &term : terms)
      for (auto &[value, map] : term.factors)
        map = map.compose(loops);
    for (Term &term : terms)
      if (!inversePermutation(concatAffineMaps(
              {use.mapOf(1 - use.weight), term.factors.front().second,
               use.outMap()},
              rewriter.getContext())))
        return false;
    rewriter.setInsertionPoint(use.op);
    Value result = use.op.getDpsInits()[0];
    for (Term &term : terms)
      result = addTerm(use, term, result, rewriter, work);
    rewriter.replaceOp(use.op, result);
    return true;
  }

  static Value addTerm(Use use, const Term &term, Value start,
                       IRRewriter &rewriter,
                       SmallVectorImpl<linalg::GenericOp> &work) {
    Location loc = use.op.getLoc();
    SmallVector<Value> inputs = {use.getData(), term.factors.front().first};
    SmallVector<AffineMap> maps = {use.mapOf(1 - use.weight),
                                   term.factors.front().second};
    SmallVector<Value> scales;
    SmallVector<AffineMap> scaleMaps;
    for (auto &[value, map] : ArrayRef(term.factors).drop_front()) {
      if (std::optional<AffineMap> after = overResult(use, map)) {
        scales.push_back(value);
        scaleMaps.push_back(*after);
      } else {
        inputs.push_back(value);
        maps.push_back(map);
      }
    }
    maps.push_back(use.outMap());
    bool scalesSums = !scales.empty() || term.constant != 1;
    Value from = scalesSums ? makeZeros(rewriter, loc, typeOf(start)) : start;
    linalg::GenericOp sums = makeSum(rewriter, loc, inputs, maps, from,
                                     use.op.getIteratorTypesArray());
    work.push_back(sums);
    if (!scalesSums)
      return sums.getResult(0);
    return scaleSums(rewriter, loc, start, sums.getResult(0), term.constant,
                     scales, scaleMaps);
  }

  /// x (B A + C) as (x B) A + x C, where B A has a low rank.
  bool splitProduct(Use use, IRRewriter &rewriter,
                    SmallVectorImpl<linalg::GenericOp> &work) {
    auto named = use.getWeight().getDefiningOp<linalg::LinalgOp>();
    if (!named || named.getNumReductionLoops() != 1)
      return false;
    linalg::GenericOp weight = generalize(named, rewriter);
    AffineMap at = use.mapOf(use.weight);
    if (!weight || !isSumOfProducts(weight) || weight.getNumLoops() != 3 ||
        use.op.getNumReductionLoops() != 1 || at.getNumResults() != 2 ||
        !at.isProjectedPermutation())
      return false;
    // The loop that is summed over, and the one that only the weight has.
    SmallVector<unsigned> summed;
    use.op.getReductionDims(summed);
    unsigned k = summed.front();
    unsigned first = cast<AffineDimExpr>(at.getResult(0)).getPosition();
    unsigned second = cast<AffineDimExpr>(at.getResult(1)).getPosition();
    unsigned n = first == k ? second : first;
    AffineMap data = use.mapOf(1 - use.weight);
    if ((first != k && second != k) || data.isFunctionOfDim(n) ||
        !data.isProjectedPermutation())
      return false;
    return emitProduct(use, weight, k, n, first == k ? 0 : 1, rewriter, work);
  }

  /// `kDim` is the dimension of the weight that is summed over.
  bool emitProduct(Use use, linalg::GenericOp weight, unsigned k, unsigned n,
                   unsigned kDim, IRRewriter &rewriter,
                   SmallVectorImpl<linalg::GenericOp> &work) {
    AffineMap out = weight.getIndexingMapsArray().back();
    SmallVector<unsigned> summed;
    weight.getReductionDims(summed);
    unsigned rank = summed.front();
    int64_t width = weight.getStaticLoopRanges()[rank];
    RankedTensorType type = typeOf(use.getWeight());
    if (!out.isProjectedPermutation() || width * (type.getDimSize(0) +
                                                  type.getDimSize(1)) >
                                             type.getNumElements())
      return false;
    unsigned loopOfK = cast<AffineDimExpr>(out.getResult(kDim)).getPosition();
    // The factor that has k, and the one that has n.
    AffineMap maps[2] = {weight.getIndexingMapsArray()[0],
                         weight.getIndexingMapsArray()[1]};
    unsigned ofK = maps[0].isFunctionOfDim(loopOfK) ? 0 : 1;
    if (!maps[0].isProjectedPermutation() || !maps[1].isProjectedPermutation() ||
        maps[1 - ofK].isFunctionOfDim(loopOfK))
      return false;
    unsigned loopOfN = cast<AffineDimExpr>(out.getResult(1 - kDim)).getPosition();

    // Both sums run over the loops of the use: the first with the rank in the
    // place of n, the second with the rank in the place of k.
    MLIRContext *context = rewriter.getContext();
    auto place = [&](AffineMap map, unsigned kExpr, unsigned nExpr,
                     unsigned rankExpr) {
      SmallVector<AffineExpr> dims(3);
      dims[loopOfK] = getAffineDimExpr(kExpr, context);
      dims[loopOfN] = getAffineDimExpr(nExpr, context);
      dims[rank] = getAffineDimExpr(rankExpr, context);
      return map.replaceDimsAndSymbols(dims, {}, use.op.getNumLoops(), 0);
    };
    Location loc = use.op.getLoc();
    rewriter.setInsertionPoint(use.op);
    AffineMap outMap = use.outMap();
    SmallVector<int64_t> shape(typeOf(use.op.getResult(0)).getShape());
    for (auto [i, expr] : llvm::enumerate(outMap.getResults()))
      if (expr == getAffineDimExpr(n, context))
        shape[i] = width;
    auto narrow = RankedTensorType::get(shape, type.getElementType());
    linalg::GenericOp inner = makeSum(
        rewriter, loc,
        {use.getData(), weight.getDpsInputOperand(ofK)->get()},
        {use.mapOf(1 - use.weight), place(maps[ofK], k, n, n), outMap},
        makeZeros(rewriter, loc, narrow), use.op.getIteratorTypesArray());
    // What the product was added to takes part as a weight of its own.
    Value start = use.op.getDpsInits()[0];
    Value base = weight.getDpsInits()[0];
    auto fill = base.getDefiningOp<linalg::FillOp>();
    if (!fill || !matchPattern(fill.getInputs()[0], m_AnyZeroFloat())) {
      linalg::GenericOp rest = makeSum(
          rewriter, loc, {use.getData(), base},
          {use.mapOf(1 - use.weight), use.mapOf(use.weight), outMap}, start,
          use.op.getIteratorTypesArray());
      work.push_back(rest);
      start = rest.getResult(0);
    }
    SmallVector<AffineExpr> dims;
    for (AffineExpr expr : outMap.getResults())
      dims.push_back(expr == getAffineDimExpr(n, context)
                         ? getAffineDimExpr(k, context)
                         : expr);
    AffineMap innerMap =
        AffineMap::get(use.op.getNumLoops(), 0, dims, context);
    linalg::GenericOp outer = makeSum(
        rewriter, loc,
        {inner.getResult(0), weight.getDpsInputOperand(1 - ofK)->get()},
        {innerMap, place(maps[1 - ofK], k, n, k), outMap}, start,
        use.op.getIteratorTypesArray());
    work.push_back(inner);
    work.push_back(outer);
    rewriter.replaceOp(use.op, outer.getResults());
    return true;
  }
};
} // namespace
