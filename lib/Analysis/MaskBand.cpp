// A causal mask and a window are bands, a mask of padding is a range; whatever
// else a mask is lies in a band that is too wide. Two numbers a side are easy to
// compare with where a block stands.

#include "Ligature/Analysis/MaskBand.h"

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

#include <cmath>
#include <cstring>

using namespace mlir;

namespace lig {

/// Whether `value` is minus infinity wherever `mask` is.
static bool isHiddenBy(Value value, Value mask) {
  if (value == mask)
    return true;
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<arith::AddFOp, arith::MinimumFOp>(op))
    return isHiddenBy(op->getOperand(0), mask) ||
           isHiddenBy(op->getOperand(1), mask);
  if (isa<arith::SubFOp>(op))
    return isHiddenBy(op->getOperand(0), mask);
  APFloat factor(0.0f);
  return isa<arith::MulFOp>(op) &&
         matchPattern(op->getOperand(1), m_ConstantFloat(&factor)) &&
         factor.isFiniteNonZero() && !factor.isNegative() &&
         isHiddenBy(op->getOperand(0), mask);
}

/// The elements of a constant that `buffer` shows all of, in order.
static std::optional<TensorBytes> constantOf(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (auto address = dyn_cast<share::AddressOp>(op)) {
      auto param = SymbolTable::lookupNearestSymbolFrom<share::ParamOp>(
          op, address.getSourceAttr());
      if (!param || !param.isFrozen() || !param.getElements())
        return std::nullopt;
      return readElements(param.getElements());
    }
    if (!isa<memref::ExpandShapeOp, memref::CollapseShapeOp>(op))
      break;
    buffer = op->getOperand(0);
  }
  return std::nullopt;
}

/// Makes `band` as narrow as the mask's finite numbers let it be.
static void narrow(MaskBand &band, net::AttentionOp op, AffineMap map,
                   ArrayRef<int64_t> shape, ArrayRef<char> numbers) {
  SmallVector<int64_t> extents = op.getExtents();
  int64_t keys = extents[op.getKeyDim()];
  MaskBand own = {keys, -1, -keys, -extents[op.getRowDim()]};
  SmallVector<int64_t> at(extents.size(), 0);
  SmallVector<unsigned> dims;
  for (AffineExpr expr : map.getResults())
    dims.push_back(cast<AffineDimExpr>(expr).getPosition());
  for (size_t i = 0; i < numbers.size() / 4; ++i) {
    float number;
    std::memcpy(&number, numbers.data() + 4 * i, 4);
    size_t left = i;
    for (size_t axis = dims.size(); axis-- > 0; left /= shape[axis])
      at[dims[axis]] = left % shape[axis];
    if (std::isinf(number) && number < 0)
      continue;
    int64_t key = at[op.getKeyDim()], row = at[op.getRowDim()];
    own = {std::min(own.first, key), std::max(own.last, key),
           std::max(own.behind, row - key), std::max(own.ahead, key - row)};
  }
  band.first = std::max(band.first, own.first);
  band.last = std::min(band.last, own.last);
  // The same for all rows.
  if (!map.isFunctionOfDim(op.getRowDim()))
    return;
  band.behind = std::min(band.behind, own.behind);
  band.ahead = std::min(band.ahead, own.ahead);
}

std::optional<MaskBand> findMaskBand(net::AttentionOp op) {
  int64_t rows = op.getExtents()[op.getRowDim()];
  int64_t keys = op.getExtents()[op.getKeyDim()];
  MaskBand band = {0, keys - 1, rows - 1, keys - 1};
  bool found = false;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    auto type = dyn_cast<MemRefType>(input.getType());
    AffineMap map = op.getMap(3 + i);
    Value mask = op.getRegion().getArgument(1 + i);
    if (!type || !type.getElementType().isF32() ||
        !map.isFunctionOfDim(op.getKeyDim()) ||
        !isHiddenBy(op.getYield().getOperand(0), mask))
      continue;
    std::optional<TensorBytes> numbers = constantOf(input);
    if (!numbers || int64_t(numbers->data.size()) != type.getNumElements() * 4)
      continue;
    narrow(band, op, map, type.getShape(), numbers->data);
    found = true;
  }
  if (!found)
    return std::nullopt;
  return band;
}

} // namespace lig
