// Exporters write padding before a convolution as an operation of its own, and
// a bias where there is none.

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace lig::net;

/// True for a pad of the spatial dimensions alone with the constant +0 or -0.
static bool isSpatialZeroPad(tensor::PadOp pad) {
  auto isStatic = [](ArrayRef<int64_t> values) {
    return llvm::none_of(values, ShapedType::isDynamic);
  };
  if (!pad || !isStatic(pad.getStaticLow()) || !isStatic(pad.getStaticHigh()))
    return false;
  for (unsigned dim : {0, 1})
    if (pad.getStaticLow()[dim] != 0 || pad.getStaticHigh()[dim] != 0)
      return false;
  Value value = pad.getConstantPaddingValue();
  return value && (matchPattern(value, m_AnyZeroFloat()) ||
                   matchPattern(value, m_Zero()));
}

namespace {
/// conv(pad(x)) reads x with larger pads.
struct FoldPad : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp conv,
                                PatternRewriter &rewriter) const override {
    auto pad = conv.getInput().getDefiningOp<tensor::PadOp>();
    if (!pad || pad.getSourceType().getRank() < 3 || !isSpatialZeroPad(pad))
      return failure();
    size_t rank = conv.getStrides().size();
    SmallVector<int64_t> pads(conv.getPads());
    for (size_t i = 0; i < rank; ++i)
      if (pad.getStaticLow()[i + 2] < 0 || pad.getStaticHigh()[i + 2] < 0 ||
          llvm::AddOverflow(pads[i], pad.getStaticLow()[i + 2], pads[i]) ||
          llvm::AddOverflow(pads[i + rank], pad.getStaticHigh()[i + 2],
                            pads[i + rank]))
        return failure();
    rewriter.modifyOpInPlace(conv, [&] {
      conv.getInputMutable().assign(pad.getSource());
      conv.setPads(pads);
    });
    return success();
  }
};

/// A bias of zeros adds nothing.
struct DropZeroBias : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp conv,
                                PatternRewriter &rewriter) const override {
    if (!conv.getBias() || !(matchPattern(conv.getBias(), m_PosZeroFloat()) ||
                             matchPattern(conv.getBias(), m_Zero())))
      return failure();
    rewriter.modifyOpInPlace(conv, [&] { conv.getBiasMutable().clear(); });
    return success();
  }
};
} // namespace

void ConvOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<FoldPad, DropZeroBias>(context);
}
