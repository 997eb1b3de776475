// A model often transposes or cuts a weight where it uses it. Named as a view,
// the relation can be seen, reported and found again by other uses, and no
// folder evaluates it.

#include "Ligature/Dialect/Share/Transforms/Passes.h"

#include "ViewKey.h"

#include "Ligature/Analysis/ParameterMoves.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace lig::share {
#define GEN_PASS_DEF_OUTLINEVIEWSPASS
#include "Ligature/Dialect/Share/Transforms/Passes.h.inc"
} // namespace lig::share

using lig::share::GetOp;
using lig::share::ViewOp;

/// True if the chain that ends in `value` does more than reshape, and does not
/// repeat elements as a broadcast would.
static bool rearranges(Value value) {
  auto count = [](Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getNumElements();
  };
  if (count(value) > count(lig::getMovedParameter(value)))
    return false;
  for (Operation *op = value.getDefiningOp(); op && !isa<GetOp>(op);
       op = lig::getMovedOperand(op).getDefiningOp())
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
      return true;
  return false;
}

/// True if some user is no move, or moves something else.
static bool escapes(Value value) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    return user->getNumResults() != 1 || lig::getMovedOperand(user) != value ||
           !lig::getMovedParameter(user->getResult(0));
  });
}

namespace {
struct OutlineViews : lig::share::impl::OutlineViewsPassBase<OutlineViews> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    llvm::DenseMap<Attribute, ViewOp> known;
    for (auto view : getOperation().getOps<ViewOp>())
      if (Attribute key = lig::share::getMoveKey(view.getYielded()))
        known.try_emplace(key, view);

    SmallVector<Value> ends;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](Operation *op) {
        if (op->getNumResults() != 1 || !lig::getMovedOperand(op))
          return;
        Value value = op->getResult(0);
        auto type = dyn_cast<RankedTensorType>(value.getType());
        if (type && type.hasStaticShape() && escapes(value) &&
            lig::getMovedParameter(value) && rearranges(value))
          ends.push_back(value);
      });
    for (Value end : ends)
      outline(end, symbols, known);
  }

private:
  void outline(Value end, SymbolTable &symbols,
               llvm::DenseMap<Attribute, ViewOp> &known) {
    Attribute key = lig::share::getMoveKey(end);
    ViewOp &view = known[key];
    if (view) {
      ++numReused;
    } else {
      view = makeView(end, symbols);
      ++numOutlined;
    }
    OpBuilder b(end.getDefiningOp());
    Value get = GetOp::create(b, end.getLoc(), end.getType(),
                              view.getSymName());
    // Moves of this end are ends themselves or lead to one; they keep reading
    // the chain, which goes once its last end is replaced.
    end.replaceUsesWithIf(get, [&](OpOperand &use) {
      return lig::getMovedOperand(use.getOwner()) != end;
    });
    Operation *op = end.getDefiningOp();
    while (op && isOpTriviallyDead(op)) {
      Value operand = isa<GetOp>(op) ? Value() : lig::getMovedOperand(op);
      op->erase();
      op = operand ? operand.getDefiningOp() : nullptr;
    }
  }

  /// A view of the chain, after the last parameter or view of the module.
  ViewOp makeView(Value end, SymbolTable &symbols) {
    GetOp get = lig::getMovedParameter(end);
    Operation *last = symbols.lookup(get.getSource());
    OpBuilder b(&getContext());
    b.setInsertionPointAfter(last);
    auto view = ViewOp::create(b, end.getLoc(), (get.getSource() + ".view").str(),
                               cast<RankedTensorType>(end.getType()));
    symbols.insert(view);
    b.createBlock(&view.getBody());
    SmallVector<Operation *> chain;
    for (Operation *op = end.getDefiningOp(); op != get;
         op = lig::getMovedOperand(op).getDefiningOp())
      chain.push_back(op);
    IRMapping mapping;
    Operation *copied = b.clone(*get, mapping);
    for (Operation *op : llvm::reverse(chain)) {
      Value moved = lig::getMovedOperand(op);
      for (Value operand : op->getOperands())
        if (operand != moved && !mapping.contains(operand)) {
          // Where the result goes; its contents do not matter.
          auto type = cast<RankedTensorType>(operand.getType());
          mapping.map(operand, tensor::EmptyOp::create(b, op->getLoc(),
                                                       type.getShape(),
                                                       type.getElementType())
                                   .getResult());
        }
      copied = b.clone(*op, mapping);
    }
    lig::share::YieldOp::create(b, end.getLoc(), copied->getResult(0));
    return view;
  }
};
} // namespace
