// A QuantizeLinear rounds, adds its zero point, saturates and becomes a byte; the
// DequantizeLinear behind it widens the byte and takes the zero point off. Once
// both are in one body, the number is an integer in f32 from the rounding on: it
// need not be rounded again, nor go through a byte.

#include "SimplifyQuantization.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

static std::optional<APFloat> constantOf(Value value) {
  FloatAttr constant;
  if (!matchPattern(value, m_Constant(&constant)))
    return std::nullopt;
  return constant.getValue();
}

/// Whether `value`, an f32, is an integer wherever it is finite. Sums are, since
/// f32 has no fractions where it rounds integers.
static bool isIntegral(Value value) {
  if (std::optional<APFloat> constant = constantOf(value))
    return constant->isInteger();
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<math::RoundEvenOp, arith::SIToFPOp, arith::UIToFPOp>(op))
    return true;
  return isa_and_nonnull<arith::AddFOp, arith::SubFOp, arith::MaximumFOp,
                         arith::MinimumFOp>(op) &&
         llvm::all_of(op->getOperands(), isIntegral);
}

/// Whether `value` is saturated to integers of [`least`, `most`].
static bool isSaturated(Value value, double least, double most) {
  auto below = value.getDefiningOp<arith::MinimumFOp>();
  auto above = below ? below.getLhs().getDefiningOp<arith::MaximumFOp>()
                     : arith::MaximumFOp();
  if (!above || !isIntegral(value))
    return false;
  std::optional<APFloat> low = constantOf(above.getRhs()),
                         high = constantOf(below.getRhs());
  return low && high && low->convertToDouble() >= least &&
         high->convertToDouble() <= most &&
         low->convertToDouble() <= high->convertToDouble();
}

namespace {
/// round(x) => x, for integers.
struct DropRounding : OpRewritePattern<math::RoundEvenOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::RoundEvenOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32() || !isIntegral(op.getOperand()))
      return failure();
    rewriter.replaceOp(op, op.getOperand());
    return success();
  }
};

/// float(widened(byte(x)) - zero) => x - zero, for x that fits into the byte.
struct SkipByte : OpRewritePattern<arith::SIToFPOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SIToFPOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32() || !op.getIn().getType().isInteger(32))
      return failure();
    Value number = op.getIn();
    APInt zero(32, 0);
    if (auto difference = number.getDefiningOp<arith::SubIOp>()) {
      if (!matchPattern(difference.getRhs(), m_ConstantInt(&zero)) ||
          !zero.isSignedIntN(9))
        return failure();
      number = difference.getLhs();
    }
    Operation *wide = number.getDefiningOp();
    if (!isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(wide))
      return failure();
    bool isUnsigned = isa<arith::ExtUIOp>(wide);
    Value byte = wide->getOperand(0);
    if (!byte.getType().isInteger(8))
      return failure();
    Operation *from = byte.getDefiningOp();
    if (auto cut = dyn_cast_or_null<arith::TruncIOp>(from))
      from = cut.getIn().getDefiningOp();
    if (!isa_and_nonnull<arith::FPToSIOp, arith::FPToUIOp>(from))
      return failure();
    Value x = from->getOperand(0);
    if (!x.getType().isF32() ||
        !isSaturated(x, isUnsigned ? 0 : -128, isUnsigned ? 255 : 127))
      return failure();
    Value less = arith::ConstantOp::create(
        rewriter, op.getLoc(),
        rewriter.getF32FloatAttr(float(zero.getSExtValue())));
    // A zero has no sign after the addition; x may have one.
    if (zero.isZero())
      rewriter.replaceOpWithNewOp<arith::AddFOp>(op, x, less);
    else
      rewriter.replaceOpWithNewOp<arith::SubFOp>(op, x, less);
    return success();
  }
};
} // namespace

void lig::net::populateQuantizationPatterns(RewritePatternSet &patterns) {
  patterns.add<DropRounding, SkipByte>(patterns.getContext());
}
