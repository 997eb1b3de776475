// Layers are rolled wherever their repetition was found to begin. Where that is
// behind a widening, the state is what bytes were widened to: twice the memory,
// and nothing says any more that they are bytes, which a product could multiply
// at once. If the first state is widened just like the next ones, the widening
// may as well wait until a step reads the state:
//
//   s = w(a); s = w(f(s)), ...; use(s)  =>  t = a; t = f(w(t)), ...; use(w(t))

#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using lig::typeOf;
using lig::net::ScanOp;

namespace lig::net {
#define GEN_PASS_DEF_NARROWSTATESPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

/// The operation that makes each element of `value` of one narrower element and
/// of what is known outside of `scan`; null for any other value.
static linalg::GenericOp findWidening(Value value, ScanOp scan) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op->getNumResults() != 1 || op.getNumDpsInputs() != 1 ||
      op.getNumReductionLoops() || op.hasIndexSemantics() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return {};
  auto from = dyn_cast<RankedTensorType>(op.getInputs()[0].getType());
  if (!from || !from.getElementType().isIntOrFloat() ||
      from.getElementTypeBitWidth() >= typeOf(value).getElementTypeBitWidth())
    return {};
  bool readsScan = false;
  op.getRegion().walk([&](Operation *inner) {
    readsScan |= llvm::any_of(inner->getOperands(), [&](Value operand) {
      Region *region = operand.getParentRegion();
      return !op.getRegion().isAncestor(region) &&
             scan.getBody().isAncestor(region);
    });
    readsScan |= !isMemoryEffectFree(inner);
  });
  return readsScan ? linalg::GenericOp() : op;
}

/// Whether both make the same of an element.
static bool areEqual(linalg::GenericOp x, linalg::GenericOp y) {
  return x.getInputs()[0].getType() == y.getInputs()[0].getType() &&
         OperationEquivalence::isRegionEquivalentTo(
             &x.getRegion(), &y.getRegion(),
             OperationEquivalence::IgnoreLocations);
}

/// What `op` makes of `narrow`.
static Value widen(OpBuilder &b, linalg::GenericOp op, Value narrow) {
  RankedTensorType type = typeOf(op.getResult(0));
  Value room = tensor::EmptyOp::create(b, op.getLoc(), type.getShape(),
                                       type.getElementType());
  IRMapping values;
  values.map(op.getInputs()[0], narrow);
  values.map(op.getOutputs()[0], room);
  return b.clone(*op, values)->getResult(0);
}

/// Hands on what state `i` is widened from, if it always is.
static bool narrowState(ScanOp scan, unsigned i) {
  Value next = scan.getYieldedStates()[i];
  if (!isa<RankedTensorType>(next.getType()) ||
      !typeOf(next).hasStaticShape())
    return false;
  linalg::GenericOp later = findWidening(next, scan);
  linalg::GenericOp first = findWidening(scan.getInits()[i], scan);
  if (!later || !first || !areEqual(first, later) ||
      !scan.getBody().isAncestor(later->getParentRegion()))
    return false;
  Value narrow = later.getInputs()[0];
  BlockArgument state = scan.getStateArgs()[i];
  OpResult last = scan.getStates()[i];

  scan.getInitsMutable()[i].set(first.getInputs()[0]);
  scan.getYield()->setOperand(i, narrow);
  OpBuilder b = OpBuilder::atBlockBegin(state.getOwner());
  state.setType(narrow.getType());
  Value wide = widen(b, later, state);
  state.replaceAllUsesExcept(wide, wide.getDefiningOp());
  b.setInsertionPointAfter(scan);
  last.setType(narrow.getType());
  Value wideLast = widen(b, first, last);
  last.replaceAllUsesExcept(wideLast, wideLast.getDefiningOp());
  for (linalg::GenericOp op : {first, later})
    if (op->use_empty())
      op->erase();
  return true;
}

namespace {
struct NarrowStates : lig::net::impl::NarrowStatesPassBase<NarrowStates> {
  using NarrowStatesPassBase::NarrowStatesPassBase;

  void runOnOperation() override {
    getOperation().walk([&](ScanOp scan) {
      for (unsigned i = 0; i < scan.getNumStates(); ++i)
        numNarrowed += narrowState(scan, i);
    });
  }
};
} // namespace
