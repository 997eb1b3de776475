// Functions that a GPU has no instruction for, written out, so that no library
// is needed to make a kernel. What is common has become a polynomial of f32
// before; this takes the rest by way of f64.

#include "DoubleMath.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

namespace lig::codegen {
#define GEN_PASS_DEF_GPUEXPANDMATHPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

using namespace mlir;
using namespace lig::codegen::gpu;

static constexpr double log2E = 1.4426950408889634;
static constexpr double log10E = 0.4342944819032518;

/// The value of `op` for operands that were widened; null if it is none that
/// this file knows.
static Value expand(Operation *op, DoubleMath &math, ValueRange operands) {
  Value x = operands.front();
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](math::ExpOp) { return math.exp(x); })
      .Case([&](math::Exp2Op) {
        return math.exp(math.mul(x, math.number(1 / log2E)));
      })
      .Case([&](math::ExpM1Op) { return math.expm1(x); })
      .Case([&](math::LogOp) { return math.log(x); })
      .Case([&](math::Log2Op) {
        return math.mul(math.log(x), math.number(log2E));
      })
      .Case([&](math::Log10Op) {
        return math.mul(math.log(x), math.number(log10E));
      })
      .Case([&](math::Log1pOp) { return math.log1p(x); })
      .Case([&](math::SinOp) { return math.sin(x); })
      .Case([&](math::CosOp) { return math.cos(x); })
      .Case([&](math::TanOp) { return math.tan(x); })
      .Case([&](math::AsinOp) { return math.asin(x); })
      .Case([&](math::AcosOp) { return math.acos(x); })
      .Case([&](math::AtanOp) { return math.atan(x); })
      .Case([&](math::SinhOp) { return math.sinh(x); })
      .Case([&](math::CoshOp) { return math.cosh(x); })
      .Case([&](math::TanhOp) { return math.tanh(x); })
      .Case([&](math::AsinhOp) { return math.asinh(x); })
      .Case([&](math::AcoshOp) { return math.acosh(x); })
      .Case([&](math::AtanhOp) { return math.atanh(x); })
      .Case([&](math::PowFOp) { return math.pow(x, operands[1]); })
      .Case([&](arith::RemFOp) { return math.remainder(x, operands[1]); })
      .Default([](Operation *) { return Value(); });
}

static bool expand(Operation *op) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0)
    return false;
  Type type = op->getResult(0).getType();
  auto element = dyn_cast<FloatType>(getElementTypeOrSelf(type));
  if (!element || element.getWidth() > 64)
    return false;
  ImplicitLocOpBuilder b(op->getLoc(), op);
  Type wide = b.getF64Type();
  if (auto vector = dyn_cast<VectorType>(type))
    wide = vector.clone(wide);
  DoubleMath math(b, wide);
  SmallVector<Value> operands(op->getOperands());
  SmallVector<Operation *> widened;
  if (type != wide)
    for (Value &operand : operands) {
      operand = arith::ExtFOp::create(b, wide, operand);
      widened.push_back(operand.getDefiningOp());
    }
  Value result = expand(op, math, operands);
  if (!result) {
    for (Operation *unused : widened)
      unused->erase();
    return false;
  }
  if (type != wide)
    result = arith::TruncFOp::create(b, type, result);
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return true;
}

namespace {
struct GpuExpandMath
    : lig::codegen::impl::GpuExpandMathPassBase<GpuExpandMath> {
  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      if (isa<math::MathDialect>(op->getDialect()) || isa<arith::RemFOp>(op))
        numExpanded += expand(op);
    });
  }
};
} // namespace
