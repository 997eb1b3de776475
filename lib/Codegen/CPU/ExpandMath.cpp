// Exponentials, logarithms and their kin as polynomials on vectors. Without
// this each lane would be a call. exp, which softmax and most activations wait
// for, is written here; the rest is upstream's. What upstream has no polynomial
// for, and every type but f32, is left to the mathematical library.

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lig::codegen {
#define GEN_PASS_DEF_CPUEXPANDMATHPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// A machine without the instruction would call fmaf for every lane.
static void splitFma(math::FmaOp op) {
  OpBuilder b(op);
  Value product = arith::MulFOp::create(b, op.getLoc(), op.getA(), op.getB());
  Value sum = arith::AddFOp::create(b, op.getLoc(), product, op.getC());
  op.replaceAllUsesWith(sum);
  op.erase();
}

/// exp(x) as p(r) * 2^n with x = n ln 2 + r: some fifteen instructions, within
/// one unit in the last place. Below the normal numbers the result is 0.
///
/// Adding 1.5 * 2^23 rounds to an integer and leaves n in the low bits, so that
/// no conversion is needed that infinities and NaN would break. The polynomial
/// gives twice the value and the power half of it: with n = 128 half of it is
/// still finite, and with n = -126 it is 0.
static void expandExp(math::ExpOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value x = op.getOperand();
  Type type = x.getType(), whole = b.getI32Type();
  if (auto vector = dyn_cast<VectorType>(type))
    whole = vector.clone(whole);
  auto splat = [&](Type of, Attribute value) -> Value {
    auto shaped = dyn_cast<ShapedType>(of);
    return arith::ConstantOp::create(
        b, shaped ? DenseElementsAttr::get(shaped, value)
                  : cast<TypedAttr>(value));
  };
  auto number = [&](float value) {
    return splat(type, b.getF32FloatAttr(value));
  };
  auto integer = [&](int32_t value) {
    return splat(whole, b.getI32IntegerAttr(value));
  };
  auto fma = [&](Value y, Value z, Value sum) -> Value {
    return math::FmaOp::create(b, y, z, sum);
  };
  // Comparisons that leave NaN as it is.
  auto clamp = [&](arith::CmpFPredicate outside, float bound) {
    Value limit = number(bound);
    Value is = arith::CmpFOp::create(b, outside, x, limit);
    x = arith::SelectOp::create(b, is, limit, x);
  };
  clamp(arith::CmpFPredicate::OGT, 89.0f);
  clamp(arith::CmpFPredicate::OLT, -87.6f);
  Value magic = number(12582912.0f);
  Value shifted = fma(x, number(1.44269504f), magic);
  Value n = arith::SubFOp::create(b, shifted, magic);
  Value r = fma(n, number(-0.693359375f), x);
  r = fma(n, number(2.12194440e-4f), r);
  // 2 (exp(r) - 1 - r) / r^2 at the Chebyshev nodes of [-ln 2 / 2, ln 2 / 2].
  Value p = number(0.002785236807540059f);
  for (float coefficient : {0.016726357862353325f, 0.08333311229944229f,
                            0.33333152532577515f, 1.0f, 2.0f, 2.0f})
    p = fma(p, r, number(coefficient));
  Value bits = arith::BitcastOp::create(b, whole, shifted);
  bits = arith::ShLIOp::create(b, bits, integer(23));
  bits = arith::AddIOp::create(b, bits, integer(126 << 23));
  Value half = arith::BitcastOp::create(b, type, bits);
  op.replaceAllUsesWith(arith::MulFOp::create(b, p, half).getResult());
  op.erase();
}

/// No operator says which of two zeros is the greater one; to find out takes as
/// many instructions again as a maximum that keeps NaN.
template <typename OpTy> static void forgetZeroSigns(OpTy op) {
  op.setFastmath(op.getFastmath() | arith::FastMathFlags::nsz);
}

namespace {
struct CpuExpandMath
    : lig::codegen::impl::CpuExpandMathPassBase<CpuExpandMath> {
  using CpuExpandMathPassBase::CpuExpandMathPassBase;

  void runOnOperation() override {
    getOperation()->walk([](math::ExpOp op) {
      if (getElementTypeOrSelf(op.getType()).isF32())
        expandExp(op);
    });
    getOperation()->walk([](Operation *op) {
      llvm::TypeSwitch<Operation *>(op)
          .Case<arith::MaximumFOp, arith::MinimumFOp, vector::ReductionOp>(
              [](auto found) { forgetZeroSigns(found); });
    });
    expandCalls();
    if (!fma)
      getOperation()->walk([](math::FmaOp op) { splitFma(op); });
  }

private:
  void expandCalls() {
    SmallVector<Operation *> work;
    getOperation()->walk([&](Operation *op) {
      if (isa<math::MathDialect>(op->getDialect()) &&
          getElementTypeOrSelf(op->getResultTypes().front()).isF32())
        work.push_back(op);
    });
    if (work.empty())
      return;
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name == math::ExpM1Op::getOperationName() ||
             name == math::TanhOp::getOperationName() ||
             name == math::ErfOp::getOperationName() ||
             name == math::ErfcOp::getOperationName() ||
             name == math::LogOp::getOperationName() ||
             name == math::Log1pOp::getOperationName() ||
             name == math::Log2Op::getOperationName();
    });
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    config.enableFolding(false);
    (void)applyOpPatternsGreedily(work, std::move(patterns), config);
  }
};
} // namespace
