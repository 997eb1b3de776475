// Pads and concatenations have no kernel: they are places in a larger tensor.
// Written as insertions, they cost a producer nothing, because it can write
// into its place; only a value that other consumers need too is copied. A padded
// concatenation is one tensor with a place for each part, not two.

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using lig::typeOf;

namespace lig::codegen {
#define GEN_PASS_DEF_WRITESLICESPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// The concatenation that `pad` alone reads, if both are known now.
static tensor::ConcatOp paddedConcatenation(tensor::PadOp pad) {
  auto concat = pad.getSource().getDefiningOp<tensor::ConcatOp>();
  bool isKnown = pad.getResultType().hasStaticShape() && pad.getLow().empty() &&
                 pad.getHigh().empty() && pad.getConstantPaddingValue();
  return concat && concat->hasOneUse() && isKnown ? concat : tensor::ConcatOp();
}

namespace {
/// A part of a concatenation, and where it begins.
struct Part {
  Value value;
  SmallVector<int64_t> first;
};
} // namespace

/// The parts of `concat`, which begins at `first`, in the order in which they
/// are made: who makes one finds all before it written.
static SmallVector<Part> listParts(tensor::ConcatOp concat,
                                   SmallVector<int64_t> first) {
  SmallVector<Part> parts;
  for (Value part : concat.getInputs()) {
    parts.push_back({part, first});
    first[concat.getDim()] += typeOf(part).getDimSize(concat.getDim());
  }
  auto maker = [&](const Part &part) -> Operation * {
    Operation *op = part.value.getDefiningOp();
    return op && op->getBlock() == concat->getBlock() ? op : nullptr;
  };
  llvm::sort(parts, [&](const Part &x, const Part &y) {
    Operation *own = maker(x), *other = maker(y);
    if (own == other)
      return x.first < y.first;
    return !own || (other && own->isBeforeInBlock(other));
  });
  return parts;
}

/// Writes `parts` into `whole`.
static Value insertParts(RewriterBase &rewriter, Location loc,
                         ArrayRef<Part> parts, Value whole) {
  auto attrs = [&](ArrayRef<int64_t> values) {
    return getAsIndexOpFoldResult(rewriter.getContext(), values);
  };
  SmallVector<int64_t> steps(typeOf(whole).getRank(), 1);
  for (const Part &part : parts)
    whole = tensor::InsertSliceOp::create(
        rewriter, loc, part.value, whole, attrs(part.first),
        attrs(typeOf(part.value).getShape()), attrs(steps));
  return whole;
}

static Value makeRoom(RewriterBase &rewriter, Location loc,
                      RankedTensorType type) {
  return tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                 type.getElementType());
}

namespace {
struct WriteSlices : lig::codegen::impl::WriteSlicesPassBase<WriteSlices> {
  using WriteSlicesPassBase::WriteSlicesPassBase;

  void runOnOperation() override {
    SmallVector<tensor::PadOp> pads;
    SmallVector<tensor::ConcatOp> concats;
    getOperation()->walk([&](Operation *op) {
      auto concat = dyn_cast<tensor::ConcatOp>(op);
      if (auto pad = dyn_cast<tensor::PadOp>(op))
        pads.push_back(pad);
      else if (concat && concat.getInputs().size() <= maxOperands &&
               typeOf(concat.getResult()).hasStaticShape())
        concats.push_back(concat);
    });
    IRRewriter rewriter(&getContext());
    SmallVector<Operation *> work;
    for (tensor::PadOp pad : pads) {
      tensor::ConcatOp concat = paddedConcatenation(pad);
      if (!llvm::is_contained(concats, concat)) {
        work.push_back(pad);
        continue;
      }
      write(rewriter, pad, concat);
      llvm::erase(concats, concat);
      rewriter.eraseOp(concat);
    }
    for (tensor::ConcatOp concat : concats)
      write(rewriter, concat);
    decompose(work);
  }

private:
  static void write(RewriterBase &rewriter, tensor::ConcatOp concat) {
    rewriter.setInsertionPoint(concat);
    Location loc = concat.getLoc();
    RankedTensorType type = typeOf(concat.getResult());
    SmallVector<int64_t> first(type.getRank(), 0);
    rewriter.replaceOp(concat, insertParts(rewriter, loc,
                                           listParts(concat, first),
                                           makeRoom(rewriter, loc, type)));
  }

  static void write(RewriterBase &rewriter, tensor::PadOp pad,
                    tensor::ConcatOp concat) {
    rewriter.setInsertionPoint(pad);
    Location loc = pad.getLoc();
    Value whole = makeRoom(rewriter, loc, pad.getResultType());
    whole = linalg::FillOp::create(rewriter, loc, pad.getConstantPaddingValue(),
                                   whole)
                .getResult(0);
    SmallVector<int64_t> first(pad.getStaticLow());
    rewriter.replaceOp(
        pad, insertParts(rewriter, loc, listParts(concat, first), whole));
  }

  void decompose(ArrayRef<Operation *> pads) {
    if (pads.empty())
      return;
    RewritePatternSet patterns(&getContext());
    linalg::populateDecomposePadPatterns(patterns);
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    (void)applyOpPatternsGreedily(pads, std::move(patterns), config);
  }
};
} // namespace
