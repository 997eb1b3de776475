// Views are followed to the storage that they show. What is not a sum of the
// step, loops and constants, times constants, is not known.

#include "ScanPlaces.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace lig::codegen::gpu {

namespace {
/// A number that changes by the same amount each step.
struct Progress {
  int64_t start, perStep;
};
} // namespace

static std::optional<Progress>
add(std::optional<Progress> a, std::optional<Progress> b, int64_t sign = 1) {
  if (!a || !b)
    return std::nullopt;
  return Progress{a->start + sign * b->start, a->perStep + sign * b->perStep};
}

static std::optional<Progress> multiply(std::optional<Progress> a,
                                        std::optional<Progress> b) {
  if (!a || !b || (a->perStep && b->perStep))
    return std::nullopt;
  return Progress{a->start * b->start,
                  a->start * b->perStep + b->start * a->perStep};
}

static std::optional<Progress> progressOf(OpFoldResult value, Value step);

static std::optional<Progress> progressOf(AffineExpr expr, ValueRange operands,
                                          unsigned dims, Value step) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Progress{constant.getValue(), 0};
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return progressOf(operands[dim.getPosition()], step);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return progressOf(operands[dims + symbol.getPosition()], step);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  bool isSum = expr.getKind() == AffineExprKind::Add;
  if (!isSum && expr.getKind() != AffineExprKind::Mul)
    return std::nullopt;
  auto a = progressOf(binary.getLHS(), operands, dims, step);
  auto b = progressOf(binary.getRHS(), operands, dims, step);
  return isSum ? add(a, b) : multiply(a, b);
}

static std::optional<Progress> progressOf(OpFoldResult value, Value step) {
  if (std::optional<int64_t> constant = getConstantIntValue(value))
    return Progress{*constant, 0};
  auto number = cast<Value>(value);
  if (number == step)
    return Progress{0, 1};
  Operation *op = number.getDefiningOp();
  if (auto apply = dyn_cast_or_null<affine::AffineApplyOp>(op))
    return progressOf(apply.getAffineMap().getResult(0), apply.getMapOperands(),
                      apply.getAffineMap().getNumDims(), step);
  if (!op || !isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    return std::nullopt;
  auto a = progressOf(op->getOperand(0), step),
       b = progressOf(op->getOperand(1), step);
  if (isa<arith::MulIOp>(op))
    return multiply(a, b);
  return add(a, b, isa<arith::SubIOp>(op) ? -1 : 1);
}

/// Where a buffer begins in its storage.
static std::optional<Progress> beginningOf(Value buffer, Value step) {
  Operation *definition = buffer.getDefiningOp();
  if (!definition || isa<memref::AllocOp, lig::share::AddressOp>(definition))
    return Progress{0, 0};
  if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(
          definition))
    return beginningOf(definition->getOperand(0), step);
  auto view = dyn_cast<memref::SubViewOp>(definition);
  if (!view)
    return std::nullopt;
  std::optional<Progress> result = beginningOf(view.getSource(), step);
  auto [strides, offset] = view.getSourceType().getStridesAndOffset();
  for (auto [stride, at] : llvm::zip(strides, view.getMixedOffsets())) {
    std::optional<Progress> moved = progressOf(at, step);
    if (!result || !moved || ShapedType::isDynamic(stride))
      return std::nullopt;
    result->start += stride * moved->start;
    result->perStep += stride * moved->perStep;
  }
  return result;
}

/// Adds `scale` times an index to a place; false if that is not linear.
static bool add(Place &place, AffineExpr expr, int64_t scale) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    place.start += scale * constant.getValue();
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    place.perLoop[dim.getPosition()] += scale;
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (expr.getKind() == AffineExprKind::Add)
    return add(place, binary.getLHS(), scale) &&
           add(place, binary.getRHS(), scale);
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return expr.getKind() == AffineExprKind::Mul && factor &&
         add(place, binary.getLHS(), scale * factor.getValue());
}

Place placeOf(linalg::GenericOp op, OpOperand &operand, scf::ForOp loop) {
  Place place;
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  if (!type)
    return place;
  place.storage = getRoot(operand.get());
  place.perLoop.assign(op.getNumLoops(), 0);
  std::optional<Progress> beginning =
      beginningOf(operand.get(), loop.getInductionVar());
  if (!beginning)
    return place;
  place.start = beginning->start;
  place.perStep = beginning->perStep;
  auto [strides, offset] = type.getStridesAndOffset();
  AffineMap map = op.getMatchingIndexingMap(&operand);
  place.isLinear = true;
  for (auto [stride, expr] : llvm::zip(strides, map.getResults()))
    place.isLinear &=
        !ShapedType::isDynamic(stride) && add(place, expr, stride);
  return place;
}

std::pair<int64_t, int64_t> spanOf(const ScanOp &op, const Place &place) {
  int64_t first = place.start, last = place.start;
  for (auto [loop, move] : llvm::enumerate(place.perLoop))
    (move < 0 ? first : last) += move * (op.extent(loop) - 1);
  return {first, last};
}

} // namespace lig::codegen::gpu
