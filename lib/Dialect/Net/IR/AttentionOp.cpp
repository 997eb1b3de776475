// net.attention: what its maps must say, and what it touches. Each error names
// the operand and the dimension that do not fit.

#include "Ligature/Dialect/Net/IR/Net.h"

using namespace mlir;
using namespace lig::net;

YieldOp AttentionOp::getYield() {
  return cast<YieldOp>(getRegion().front().getTerminator());
}

SmallVector<int64_t> AttentionOp::getExtents() {
  SmallVector<int64_t> extents(getMap(0).getNumDims(), ShapedType::kDynamic);
  for (auto [i, operand] : llvm::enumerate(getOperands())) {
    auto type = dyn_cast<ShapedType>(operand.getType());
    for (auto [axis, expr] : llvm::enumerate(getMap(i).getResults())) {
      int64_t &extent = extents[cast<AffineDimExpr>(expr).getPosition()];
      if (ShapedType::isDynamic(extent))
        extent = type.getDimSize(axis);
    }
  }
  return extents;
}

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand &operand : getOperation()->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand,
                           SideEffects::DefaultResource::get());
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand,
                           SideEffects::DefaultResource::get());
  }
}

/// Checks that operand `i` has an element for each of its map's results, and
/// that the map is along different dimensions, none of them `without`.
static LogicalResult verifyMap(AttentionOp op, unsigned i, StringRef name,
                               ArrayRef<unsigned> with,
                               ArrayRef<unsigned> without) {
  AffineMap map = op.getMap(i);
  auto type = dyn_cast<ShapedType>(op.getOperand(i).getType());
  int64_t rank = type ? type.getRank() : 0;
  if (map.getNumDims() != op.getMap(0).getNumDims())
    return op.emitOpError()
           << name << " has a map of " << map.getNumDims()
           << " dimensions, but the query's has " << op.getMap(0).getNumDims();
  if (!map.isProjectedPermutation())
    return op.emitOpError()
           << name << " has the map " << AffineMapAttr::get(map)
           << ", which does more than pick dimensions";
  if (int64_t(map.getNumResults()) != rank)
    return op.emitOpError()
           << name << " has rank " << rank << ", but its map has "
           << map.getNumResults() << " results";
  static constexpr StringLiteral names[] = {"m", "n", "d", "e"};
  for (unsigned dim : with)
    if (!map.isFunctionOfDim(dim))
      return op.emitOpError() << name << " lacks the dimension "
                              << names[dim - op.getNumBatch()];
  for (unsigned dim : without)
    if (map.isFunctionOfDim(dim))
      return op.emitOpError()
             << name << " moves along the dimension "
             << names[dim - op.getNumBatch()] << ", which it cannot have";
  return success();
}

static LogicalResult verifyExtents(AttentionOp op) {
  SmallVector<int64_t> extents = op.getExtents();
  for (auto [i, operand] : llvm::enumerate(op.getOperands())) {
    auto type = dyn_cast<ShapedType>(operand.getType());
    for (auto [axis, expr] : llvm::enumerate(op.getMap(i).getResults())) {
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      int64_t have = type.getDimSize(axis);
      if (!ShapedType::isDynamic(have) && have != extents[dim])
        return op.emitOpError()
               << "operand " << i << " has extent " << have << " in dimension "
               << axis << ", but another has " << extents[dim] << " there";
    }
  }
  return success();
}

static LogicalResult verifyRegion(AttentionOp op) {
  auto elementOf = [](Value value) {
    return getElementTypeOrSelf(value.getType());
  };
  Type score = elementOf(op.getInit());
  if (!isa<FloatType>(score))
    return op.emitOpError() << "computes " << score << ", which is no float";
  SmallVector<Type> types = {score};
  for (Value input : op.getInputs())
    types.push_back(elementOf(input));
  types.append(2, IndexType::get(op.getContext()));
  Block &body = op.getRegion().front();
  if (body.getArgumentTypes() != TypeRange(types))
    return op.emitOpError()
           << "region should take a score, an element of each input, and two "
              "numbers of type index";
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != 1 ||
      yield.getOperand(0).getType() != score)
    return op.emitOpError() << "region should yield one " << score;
  for (Operation &inner : body.without_terminator())
    if (!isMemoryEffectFree(&inner))
      return inner.emitOpError()
             << "touches memory, but a score is a matter of numbers";
  return success();
}

LogicalResult AttentionOp::verify() {
  if (getIndexingMaps().size() != getNumOperands())
    return emitOpError() << "has " << getIndexingMaps().size() << " maps for "
                         << getNumOperands() << " operands";
  if (getMap(0).getNumDims() < 4)
    return emitOpError() << "has maps of " << getMap(0).getNumDims()
                         << " dimensions, but there are m, n, d and e";
  unsigned m = getRowDim(), n = getKeyDim(), d = getSumDim(),
           e = getColumnDim();
  if (failed(verifyMap(*this, 0, "query", {m, d}, {n, e})) ||
      failed(verifyMap(*this, 1, "key", {n, d}, {m, e})) ||
      failed(verifyMap(*this, 2, "value", {n, e}, {m, d})))
    return failure();
  unsigned last = getNumOperands() - 1;
  for (unsigned i = 3; i < last; ++i)
    if (failed(verifyMap(*this, i, "an input", {}, {d, e})))
      return failure();
  if (failed(verifyMap(*this, last, "init", {m, e}, {n, d})))
    return failure();
  if (getMap(last).getNumResults() != getNumBatch() + 2)
    return emitOpError() << "init lacks a batch dimension";
  if (failed(verifyExtents(*this)))
    return failure();
  return verifyRegion(*this);
}
