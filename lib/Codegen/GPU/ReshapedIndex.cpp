// Dimensions of both shapes are matched in groups of equal size, so that only
// what was really cut or joined needs arithmetic. Where a dimension is a part
// of another, no division is needed: what is equal stays recognisable as equal.

#include "ReshapedIndex.h"

using namespace mlir;

namespace lig::codegen::gpu {

namespace {
/// One dimension of the data: an index below `extent`, `stride` elements apart.
struct Digit {
  AffineExpr index;
  int64_t extent, stride;
};
} // namespace

static int64_t product(ArrayRef<int64_t> extents) {
  int64_t result = 1;
  for (int64_t extent : extents)
    result *= extent;
  return result;
}

/// Makes one digit of two that were cut from one, `high` then; false if they
/// were not.
static bool joinDigits(Digit &high, const Digit &low) {
  auto rest = dyn_cast<AffineBinaryOpExpr>(low.index);
  if (!rest || rest.getKind() != AffineExprKind::Mod ||
      rest.getRHS() != low.extent || high.stride != low.stride * low.extent)
    return false;
  int64_t extent = high.extent * low.extent;
  AffineExpr quotient = rest.getLHS().floorDiv(low.extent);
  if (high.index == quotient)
    high = {rest.getLHS(), extent, low.stride};
  else if (high.index == quotient % high.extent)
    high = {rest.getLHS() % extent, extent, low.stride};
  else
    return false;
  return true;
}

/// The index along a dimension from the digits of the same data.
static AffineExpr readDigit(ArrayRef<Digit> digits, int64_t extent,
                            int64_t stride, MLIRContext *context) {
  AffineExpr sum = getAffineConstantExpr(0, context);
  bool isWhole = true;
  for (const Digit &digit : digits) {
    bool isBelow = digit.stride * digit.extent <= stride;
    bool isAbove = digit.stride >= stride * extent;
    bool isInside = digit.stride % stride == 0 &&
                    digit.stride * digit.extent <= stride * extent;
    if (isInside && !isBelow)
      sum = sum + digit.index * (digit.stride / stride);
    isWhole &= isBelow || isAbove || isInside;
  }
  if (isWhole)
    return sum;
  AffineExpr linear = getAffineConstantExpr(0, context);
  int64_t size = 1;
  for (const Digit &digit : digits) {
    linear = linear + digit.index * digit.stride;
    size *= digit.extent;
  }
  AffineExpr above = linear.floorDiv(stride);
  return stride * extent == size ? above : above % extent;
}

static void reshapeGroup(ArrayRef<AffineExpr> index, ArrayRef<int64_t> from,
                         ArrayRef<int64_t> to, MLIRContext *context,
                         SmallVectorImpl<AffineExpr> &result) {
  SmallVector<Digit> digits;
  for (auto [i, expr] : llvm::enumerate(index))
    if (from[i] != 1)
      digits.push_back({expr, from[i], product(from.drop_front(i + 1))});
  for (size_t i = digits.size(); i-- > 1;)
    if (joinDigits(digits[i - 1], digits[i]))
      digits.erase(digits.begin() + i);
  for (auto [i, extent] : llvm::enumerate(to))
    result.push_back(extent == 1
                         ? getAffineConstantExpr(0, context)
                         : readDigit(digits, extent,
                                     product(to.drop_front(i + 1)), context));
}

SmallVector<AffineExpr> reshapeIndex(ArrayRef<AffineExpr> index,
                                     ArrayRef<int64_t> from,
                                     ArrayRef<int64_t> to,
                                     MLIRContext *context) {
  if (from == to)
    return SmallVector<AffineExpr>(index);
  SmallVector<AffineExpr> result;
  size_t i = 0, j = 0;
  while (i < from.size() || j < to.size()) {
    size_t firstFrom = i, firstTo = j;
    int64_t sizeFrom = i < from.size() ? from[i++] : 1;
    int64_t sizeTo = j < to.size() ? to[j++] : 1;
    while (sizeFrom != sizeTo) {
      if (sizeFrom < sizeTo)
        sizeFrom *= from[i++];
      else
        sizeTo *= to[j++];
    }
    reshapeGroup(index.slice(firstFrom, i - firstFrom),
                 from.slice(firstFrom, i - firstFrom),
                 to.slice(firstTo, j - firstTo), context, result);
  }
  return result;
}

} // namespace lig::codegen::gpu
