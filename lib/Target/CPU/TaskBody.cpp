// Everything that is read from outside becomes an argument, except what costs
// nothing to compute again: constants, and views of the arena and of the
// parameters. So a task mostly takes the pointers that its function was given.

#include "TaskBody.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace lig::target::cpu {

static bool isCheap(Operation *op) {
  return isPure(op) && op->getNumRegions() == 0 &&
         (op->hasTrait<OpTrait::ConstantLike>() ||
          isa<ViewLikeOpInterface>(op));
}

/// A call passes numbers and pointers to contiguous buffers, nothing else.
static bool isPassable(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref ? memref.hasStaticShape() && memref.getLayout().isIdentity()
                : type.isIntOrIndexOrFloat();
}

SetVector<Value> findCaptures(ArrayRef<Value> used) {
  SetVector<Value> captures;
  SetVector<Value> work(used.begin(), used.end());
  for (unsigned i = 0; i < work.size(); ++i) {
    Operation *op = work[i].getDefiningOp();
    if (!op || !isCheap(op)) {
      captures.insert(work[i]);
      continue;
    }
    for (Value operand : op->getOperands())
      work.insert(operand);
  }
  return captures;
}

SetVector<Value> findCaptures(scf::ParallelOp loop) {
  SetVector<Value> used;
  getUsedValuesDefinedAbove(loop.getRegion(), used);
  used.insert(loop.getLowerBound()[0]);
  used.insert(loop.getStep()[0]);
  return findCaptures(used.getArrayRef());
}

bool arePassable(const SetVector<Value> &captures) {
  return llvm::all_of(captures,
                      [](Value value) { return isPassable(value.getType()); });
}

Value getInside(OpBuilder &b, IRMapping &inside, Value value) {
  if (Value known = inside.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    getInside(b, inside, operand);
  Operation *clone = b.clone(*op, inside);
  return clone->getResult(cast<OpResult>(value).getResultNumber());
}

void bringInside(OpBuilder &b, IRMapping &inside, Region &region) {
  SetVector<Value> above;
  getUsedValuesDefinedAbove(region, above);
  for (Value value : above)
    getInside(b, inside, value);
}

bool canOutline(scf::ParallelOp loop) {
  return loop.getNumLoops() == 1 && loop.getNumResults() == 0 &&
         !loop->getParentOfType<scf::ParallelOp>() &&
         arePassable(findCaptures(loop));
}

func::FuncOp makeFunction(OpBuilder &b, Location loc, StringRef name,
                          ArrayRef<Value> captures, unsigned numbers) {
  SmallVector<Type> types(ValueRange(captures).getTypes());
  types.append(numbers, b.getIndexType());
  auto function = func::FuncOp::create(loc, name, b.getFunctionType(types, {}));
  function.setPrivate();
  OpBuilder body = OpBuilder::atBlockEnd(function.addEntryBlock());
  func::ReturnOp::create(body, loc);
  return function;
}

} // namespace lig::target::cpu
