// A weight of 8-bit numbers, decoded before it is used, is read three times: as
// numbers, as the floats that are written, and as floats again. Where it is
// read by sums of products, their kernels decode a register of it for many rows
// at once, and an embedding decodes the rows it picks.
//
// All readers have to take part: one that needs the floats in memory has to
// have them written, and then reading them is cheapest for all. That is so of
// products of many rows, because each tile of rows would decode anew what takes
// a small part of their time to write.

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Analysis/StridedView.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using lig::typeOf;

namespace lig::codegen {
#define GEN_PASS_DEF_DECODEINPLACEPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// Longer bodies cost more than writing down what they compute.
static constexpr size_t kMostSteps = 6;
/// What a signed code of a byte can count.
static constexpr int64_t kMostEntries = 128;

/// Rows of a product that decode in place; the same where no packed form can
/// serve all readers, so that each decodes what lies apart.
static constexpr int64_t kMostRows = 64;
static constexpr int64_t kMostRowsUnpacked = 8;

/// Whether `step` looks an entry up in a table from outside, by a code.
static bool isLookup(Operation &step) {
  auto extract = dyn_cast<tensor::ExtractOp>(step);
  if (!extract || typeOf(extract.getTensor()).getRank() != 1 ||
      !typeOf(extract.getTensor()).hasStaticShape() ||
      !extract.getTensor().getDefiningOp<lig::share::GetOp>())
    return false;
  Operation *cast = extract.getIndices()[0].getDefiningOp();
  bool isByte = cast && cast->getNumOperands() == 1 &&
                cast->getOperand(0).getType().isInteger(8);
  return isByte &&
         (isa<arith::IndexCastUIOp>(cast) ||
          (isa<arith::IndexCastOp>(cast) &&
           typeOf(extract.getTensor()).getDimSize(0) <= kMostEntries));
}

static bool isStep(Operation &step) {
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(step))
    return llvm::all_of(step.getUsers(),
                        [](Operation *user) { return isLookup(*user); });
  return isLookup(step) || step.hasTrait<OpTrait::ConstantLike>() ||
         isa<arith::ExtSIOp, arith::ExtUIOp, arith::SIToFPOp, arith::UIToFPOp,
             arith::ExtFOp, arith::SubIOp, arith::AddIOp, arith::SubFOp,
             arith::AddFOp, arith::MulFOp>(step);
}

/// Whether an element of the result is made of one of each input, at a place
/// that can be told from its own.
static bool isElementwise(linalg::GenericOp op) {
  auto isPlain = [](AffineExpr expr) {
    return isa<AffineDimExpr, AffineConstantExpr>(expr);
  };
  return op->getNumResults() == 1 && op.hasPureTensorSemantics() &&
         op.getNumReductionLoops() == 0 &&
         op.getIndexingMapsArray().back().isPermutation() &&
         !op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) &&
         llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
           return isa<RankedTensorType>(input->get().getType()) &&
                  llvm::all_of(op.getMatchingIndexingMap(input).getResults(),
                               isPlain);
         });
}

static bool isDecoding(linalg::GenericOp op);

/// Whether `value` is a parameter's narrower numbers, or made of such in turn.
static bool isOfNumbers(Value value) {
  auto decoding = value.getDefiningOp<linalg::GenericOp>();
  if (decoding)
    return isDecoding(decoding);
  Type element = typeOf(value).getElementType();
  return element.isIntOrFloat() && element.getIntOrFloatBitWidth() < 32 &&
         lig::getStridedView(value);
}

/// An elementwise operation that makes floats of a parameter of as many
/// narrower numbers, in few steps.
static bool isDecoding(linalg::GenericOp op) {
  if (!isElementwise(op))
    return false;
  RankedTensorType type = typeOf(op.getResult(0));
  return type.getElementType().isF32() &&
         op.getBody()->getOperations().size() <= kMostSteps + 1 &&
         llvm::all_of(op.getBody()->without_terminator(), isStep) &&
         llvm::any_of(op.getDpsInputs(), [&](Value input) {
           return typeOf(input).getNumElements() == type.getNumElements() &&
                  isOfNumbers(input);
         });
}

/// Whether the input is a factor of what the reduction adds up.
static bool isProductOf(linalg::GenericOp op, OpOperand &use) {
  Value value = op.getMatchingBlockArgument(&use);
  while (value.hasOneUse())
    if (auto product = dyn_cast<arith::MulFOp>(*value.getUsers().begin()))
      value = product;
    else
      break;
  auto sum = op.getBody()
                 ->getTerminator()
                 ->getOperand(0)
                 .getDefiningOp<arith::AddFOp>();
  return sum && value.getDefiningOp<arith::MulFOp>() && value.hasOneUse() &&
         *value.getUsers().begin() == sum;
}

namespace {
/// How a product reads a weight: its rows, and of each dimension of the weight
/// whether it is summed over.
struct Reading {
  int64_t rows = 1;
  SmallVector<bool> sums;
};
} // namespace

static Reading readingOf(linalg::GenericOp op, OpOperand &use) {
  Reading reading;
  AffineMap map = op.getMatchingIndexingMap(&use);
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  for (auto [loop, extent] : llvm::enumerate(extents))
    if (!map.isFunctionOfDim(loop))
      reading.rows *= extent;
  for (AffineExpr expr : map.getResults())
    reading.sums.push_back(kinds[cast<AffineDimExpr>(expr).getPosition()] ==
                           utils::IteratorType::reduction);
  return reading;
}

/// Whether the products that read `value` are of few enough rows.
static bool haveFewRows(Value value) {
  int64_t rows = 1;
  bool isTwofold = false;
  std::optional<Reading> first;
  for (OpOperand &use : value.getUses()) {
    auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!op) {
      isTwofold = true;
      continue;
    }
    Reading reading = readingOf(op, use);
    rows = std::max(rows, reading.rows);
    isTwofold |= first && first->sums != reading.sums;
    first = reading;
  }
  return rows <= (isTwofold ? kMostRowsUnpacked : kMostRows);
}

namespace {
struct DecodeInPlace
    : lig::codegen::impl::DecodeInPlacePassBase<DecodeInPlace> {
  void runOnOperation() override {
    SymbolTableCollection tables;
    lig::ConstantEvaluator evaluator(tables);
    SmallVector<linalg::GenericOp> found;
    getOperation().walk([&](linalg::GenericOp op) {
      if (isDecoding(op) && evaluator.getFacts(op.getResult(0)).root)
        found.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::GenericOp op : llvm::reverse(found)) {
      generalizeReaders(op.getResult(0), rewriter);
      if (op->use_empty() || !llvm::all_of(op->getUses(), canDecode) ||
          !haveFewRows(op.getResult(0)))
        continue;
      numberCodes(op, rewriter);
      for (OpOperand *use : collect(op.getResult(0)))
        if (auto extract = dyn_cast<tensor::ExtractOp>(use->getOwner()))
          decodeElement(op, extract, rewriter);
        else
          decodeFactor(op, *use, rewriter);
      rewriter.eraseOp(op);
      ++numDecoded;
    }
    for (auto function : getOperation().getOps<func::FuncOp>())
      while (succeeded(runRegionDCE(rewriter, function->getRegions())))
        ;
  }

private:
  static SmallVector<OpOperand *> collect(Value value) {
    return llvm::map_to_vector(value.getUses(),
                               [](OpOperand &use) { return &use; });
  }

  static void generalizeReaders(Value value, IRRewriter &rewriter) {
    for (Operation *user : llvm::make_early_inc_range(value.getUsers())) {
      auto named = dyn_cast<linalg::LinalgOp>(user);
      if (!named || isa<linalg::GenericOp>(user) ||
          named.getNumReductionLoops() == 0)
        continue;
      rewriter.setInsertionPoint(user);
      (void)linalg::generalizeNamedOp(rewriter, named);
    }
  }

  static bool canDecode(OpOperand &use) {
    if (isa<tensor::ExtractOp>(use.getOwner()))
      return use.getOperandNumber() == 0;
    auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
    return op && op.getNumReductionLoops() != 0 && op.isDpsInput(&use) &&
           llvm::count(op->getOperands(), use.get()) == 1 &&
           !op.hasDynamicShape() &&
           llvm::all_of(
               op.getIndexingMapsArray(),
               [](AffineMap map) { return map.isProjectedPermutation(); }) &&
           isProductOf(op, use) && linalg::areElementwiseOpsFusable(&use);
  }

  /// Codes that lookups of kernels understand: none of these is negative.
  static void numberCodes(linalg::GenericOp op, IRRewriter &rewriter) {
    for (auto cast : llvm::make_early_inc_range(
             op.getBody()->getOps<arith::IndexCastOp>())) {
      rewriter.setInsertionPoint(cast);
      rewriter.replaceOpWithNewOp<arith::IndexCastUIOp>(cast, cast.getType(),
                                                        cast.getIn());
    }
  }

  /// A copy for each reader, because a result that others read is kept.
  static void decodeFactor(linalg::GenericOp op, OpOperand &use,
                           IRRewriter &rewriter) {
    Operation *reader = use.getOwner();
    rewriter.setInsertionPoint(reader);
    Operation *copy = rewriter.clone(*op);
    use.set(copy->getResult(0));
    auto fused = linalg::fuseElementwiseOps(rewriter, &use);
    assert(succeeded(fused) && "it was asked before");
    for (Value result : reader->getResults())
      rewriter.replaceAllUsesWith(result, fused->replacements.lookup(result));
    rewriter.eraseOp(reader);
    rewriter.eraseOp(copy);
  }

  /// The body of `op` where one of its elements is picked.
  static void decodeElement(linalg::GenericOp op, tensor::ExtractOp extract,
                            IRRewriter &rewriter) {
    rewriter.setInsertionPoint(extract);
    Location loc = extract.getLoc();
    // The loops of `op` by the dimensions of its result.
    AffineMap loops = inversePermutation(op.getIndexingMapsArray().back());
    SmallVector<Value> at;
    for (AffineExpr expr : loops.getResults())
      at.push_back(
          extract.getIndices()[cast<AffineDimExpr>(expr).getPosition()]);
    IRMapping mapping;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      SmallVector<Value> indices;
      for (AffineExpr expr : op.getMatchingIndexingMap(operand).getResults())
        indices.push_back(
            isa<AffineDimExpr>(expr)
                ? at[cast<AffineDimExpr>(expr).getPosition()]
                : Value(arith::ConstantIndexOp::create(
                      rewriter, loc,
                      cast<AffineConstantExpr>(expr).getValue())));
      mapping.map(
          op.getMatchingBlockArgument(operand),
          tensor::ExtractOp::create(rewriter, loc, operand->get(), indices)
              .getResult());
    }
    for (Operation &step : op.getBody()->without_terminator())
      rewriter.clone(step, mapping);
    rewriter.replaceOp(
        extract, mapping.lookup(op.getBody()->getTerminator()->getOperand(0)));
  }
};
} // namespace
