// A sum of products with a concatenated weight is a concatenation of sums, or a
// sum that goes on where another ends. Either way each part is read where it
// lies, in the form in which its other readers want it, too. The second form
// adds in the same order as before, so no result changes.

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Support/TensorMoves.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using lig::typeOf;

namespace lig::codegen {
#define GEN_PASS_DEF_SPLITCONCATENATIONSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// Narrower parts would leave vectors empty, and more of them cost more in
/// calls than a copy does.
static constexpr int64_t kLeastPart = 8;
static constexpr size_t kMostParts = 16;

namespace {
/// An input of a reduction that is a concatenation, and the loop along it.
struct Use {
  linalg::LinalgOp op;
  OpOperand *operand;
  unsigned loop;

  bool isReduction() {
    return op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction;
  }
  AffineMap outMap() {
    return op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  }
};
} // namespace

/// The dimension that `map` reads by `loop`; -1 if it does not move along it,
/// nothing if it does so in another way than step by step.
static std::optional<int64_t> dimAlong(AffineMap map, unsigned loop) {
  int64_t found = -1;
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (!expr.isFunctionOfDim(loop))
      continue;
    if (!isa<AffineDimExpr>(expr) || found >= 0)
      return std::nullopt;
    found = i;
  }
  return found;
}

/// The reduction that reads `operand`, whose parts lie along `concatDim`, if it
/// can be taken apart.
static std::optional<Use> matchUse(OpOperand &operand, int64_t concatDim) {
  auto op = dyn_cast<linalg::LinalgOp>(operand.getOwner());
  if (!op || !op.hasPureTensorSemantics() || op.hasDynamicShape() ||
      op.getNumReductionLoops() == 0 || op.getNumDpsInits() != 1 ||
      !op.isDpsInput(&operand) || op.hasIndexSemantics() ||
      llvm::count(op->getOperands(), operand.get()) != 1)
    return std::nullopt;
  auto loop = dyn_cast<AffineDimExpr>(
      op.getMatchingIndexingMap(&operand).getResult(concatDim));
  if (!loop)
    return std::nullopt;
  Use use{op, &operand, loop.getPosition()};
  for (OpOperand &other : op->getOpOperands())
    if (!dimAlong(op.getMatchingIndexingMap(&other), use.loop))
      return std::nullopt;
  if (!use.isReduction() && *dimAlong(use.outMap(), use.loop) < 0)
    return std::nullopt;
  return use;
}

static int64_t dimBehind(linalg::TransposeOp transpose, int64_t dim) {
  return llvm::find(transpose.getPermutation(), dim) -
         transpose.getPermutation().begin();
}

/// Whether all that reads `value`, behind transposes too, can be taken apart:
/// one reader that needs it whole has to have it, and then all may read that.
static bool canSplit(Value value, int64_t dim) {
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    if (auto transpose = dyn_cast<linalg::TransposeOp>(use.getOwner());
        transpose && transpose.isDpsInput(&use))
      return canSplit(transpose->getResult(0), dimBehind(transpose, dim));
    return matchUse(use, dim).has_value();
  });
}

/// `count` steps of `value` along `dim` from `first` on.
static Value cut(OpBuilder &b, Value value, int64_t dim, int64_t first,
                 int64_t count) {
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = count;
  Location loc = value.getLoc();
  if (auto fill = value.getDefiningOp<linalg::FillOp>()) {
    Value room = tensor::EmptyOp::create(b, loc, shape, type.getElementType());
    return linalg::FillOp::create(b, loc, fill.getInputs(), ValueRange{room})
        .getResult(0);
  }
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      steps(type.getRank(), b.getIndexAttr(1)), sizes;
  offsets[dim] = b.getIndexAttr(first);
  for (int64_t extent : shape)
    sizes.push_back(b.getIndexAttr(extent));
  return tensor::ExtractSliceOp::create(b, loc, value, offsets, sizes, steps);
}

/// What `use` computes with `part`, which has the `count` steps from `first`
/// on, beginning at `start`.
static Value emitPart(Use use, Value part, Value start, int64_t first,
                      int64_t count, IRRewriter &rewriter) {
  SmallVector<Value> operands(use.op->getOperands());
  operands.back() = start;
  for (OpOperand &operand : use.op->getOpOperands()) {
    Value &value = operands[operand.getOperandNumber()];
    int64_t dim = *dimAlong(use.op.getMatchingIndexingMap(&operand), use.loop);
    if (&operand == use.operand)
      value = part;
    else if (dim >= 0)
      value = cut(rewriter, value, dim, first, count);
  }
  return mlir::clone(rewriter, use.op, operands.back().getType(), operands)
      ->getResult(0);
}

static void split(Use use, ValueRange parts, int64_t concatDim,
                  IRRewriter &rewriter) {
  rewriter.setInsertionPoint(use.op);
  Value start = use.op.getDpsInits()[0];
  SmallVector<Value> results;
  int64_t first = 0;
  for (Value part : parts) {
    int64_t count = typeOf(part).getDimSize(concatDim);
    results.push_back(emitPart(use, part, start, first, count, rewriter));
    if (use.isReduction())
      start = results.back();
    first += count;
  }
  if (!use.isReduction())
    start = tensor::ConcatOp::create(
        rewriter, use.op.getLoc(), *dimAlong(use.outMap(), use.loop), results);
  rewriter.replaceOp(use.op, start);
}

namespace {
struct SplitConcatenations
    : lig::codegen::impl::SplitConcatenationsPassBase<SplitConcatenations> {
  void runOnOperation() override {
    SymbolTableCollection tables;
    lig::ConstantEvaluator evaluator(tables);
    IRRewriter rewriter(&getContext());
    SmallVector<tensor::ConcatOp> concats;
    getOperation().walk([&](tensor::ConcatOp concat) {
      if (isOfParameters(concat, evaluator) &&
          canSplit(concat.getResult(), concat.getDim()))
        concats.push_back(concat);
    });
    for (tensor::ConcatOp concat : concats) {
      splitReaders(concat.getResult(), concat.getInputs(), concat.getDim(),
                   rewriter);
      rewriter.eraseOp(concat);
    }
  }

private:
  static bool isOfParameters(tensor::ConcatOp concat,
                             lig::ConstantEvaluator &evaluator) {
    return concat.getInputs().size() <= kMostParts &&
           evaluator.getFacts(concat.getResult()).root &&
           llvm::all_of(concat.getInputs(), [&](Value part) {
             return typeOf(part).getDimSize(concat.getDim()) >= kLeastPart &&
                    lig::getMovedParameter(part);
           });
  }

  /// `whole` is `parts` one after another along `dim`.
  void splitReaders(Value whole, ValueRange parts, int64_t dim,
                    IRRewriter &rewriter) {
    for (OpOperand &operand : llvm::make_early_inc_range(whole.getUses())) {
      if (auto transpose = dyn_cast<linalg::TransposeOp>(operand.getOwner())) {
        rewriter.setInsertionPoint(transpose);
        SmallVector<Value> moved;
        for (Value part : parts)
          moved.push_back(lig::makeTranspose(rewriter, transpose.getLoc(), part,
                                             transpose.getPermutation()));
        splitReaders(transpose->getResult(0), moved, dimBehind(transpose, dim),
                     rewriter);
        rewriter.eraseOp(transpose);
        continue;
      }
      split(*matchUse(operand, dim), parts, dim, rewriter);
      ++numSplit;
    }
  }
};
} // namespace
