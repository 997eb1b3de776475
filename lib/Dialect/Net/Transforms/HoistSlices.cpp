// Each step of a rolled loop has a weight of its own, and its layer transposes,
// cuts or scales it. Done to the whole stack, before the loop, the same work
// depends on parameters alone: it is done at compile time, and each step reads
// its weight in the form that its kernel likes.
//
// An operation moves out together with what it reads, as one operation with a
// leading dimension of steps. Only what is known at compile time moves: at run
// time, the work on all slices would need room for all results.

#include "Ligature/Dialect/Net/Transforms/Passes.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Analysis/RepeatedRegions.h"
#include "Ligature/Dialect/Net/IR/ScanSlices.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace lig::net {
#define GEN_PASS_DEF_HOISTSLICESPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

using lig::net::ScanOp;

/// As many slices as the scan's inputs have.
static RankedTensorType stackType(ScanOp scan, Type slice) {
  auto type = cast<RankedTensorType>(slice);
  SmallVector<int64_t> shape = {
      cast<RankedTensorType>(scan.getInputs()[0].getType()).getDimSize(0)};
  llvm::append_range(shape, type.getShape());
  return RankedTensorType::get(shape, type.getElementType());
}

//===-- One operation on all slices --------------------------------------===//

namespace {
/// Rewrites operations of one scan's body to work on stacks of slices.
class Lifter {
public:
  explicit Lifter(ScanOp scan) : scan(scan), b(scan.getLoc(), scan) {}

  void setStack(Value slice, Value stack) { stacks[slice] = stack; }
  Value getStack(Value slice) const { return stacks.lookup(slice); }

  /// The stack of what `op` makes of the slices it reads, before the scan, or
  /// null if that cannot be said.
  Value lift(Operation *op);

private:
  bool isOutside(Value value) {
    return !scan.getBody().isAncestor(value.getParentRegion());
  }
  Value liftReshape(Operation *op);
  Value liftTranspose(linalg::TransposeOp op);
  Value liftGeneric(linalg::GenericOp op);
  Value makeRoom(Type slice);

  ScanOp scan;
  ImplicitLocOpBuilder b;
  DenseMap<Value, Value> stacks;
};
} // namespace

Value Lifter::makeRoom(Type slice) {
  RankedTensorType type = stackType(scan, slice);
  return tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
}

Value Lifter::liftReshape(Operation *op) {
  Value stack = getStack(op->getOperand(0));
  RankedTensorType type = stackType(scan, op->getResult(0).getType());
  SmallVector<ReassociationIndices> groups = {{0}};
  auto append = [&](ArrayRef<ReassociationIndices> own) {
    for (ArrayRef<int64_t> group : own)
      groups.push_back(llvm::to_vector_of<int64_t, 2>(
          llvm::map_range(group, [](int64_t dim) { return dim + 1; })));
  };
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    append(expand.getReassociationIndices());
    // All but the first dimension of a scalar's stack come out of nothing.
    if (expand.getSrcType().getRank() == 0)
      for (int64_t dim = 1; dim < type.getRank(); ++dim)
        groups[0].push_back(dim);
    return tensor::ExpandShapeOp::create(b, type, stack, groups);
  }
  auto collapse = cast<tensor::CollapseShapeOp>(op);
  append(collapse.getReassociationIndices());
  if (collapse.getResultType().getRank() == 0)
    for (int64_t dim = 1; dim <= collapse.getSrcType().getRank(); ++dim)
      groups[0].push_back(dim);
  return tensor::CollapseShapeOp::create(b, type, stack, groups);
}

Value Lifter::liftTranspose(linalg::TransposeOp op) {
  SmallVector<int64_t> permutation = {0};
  for (int64_t dim : op.getPermutation())
    permutation.push_back(dim + 1);
  return linalg::TransposeOp::create(b, getStack(op.getInput()),
                                     makeRoom(op->getResult(0).getType()),
                                     permutation)
      ->getResult(0);
}

/// The step becomes the outermost parallel loop.
Value Lifter::liftGeneric(linalg::GenericOp op) {
  if (op.getNumDpsInits() != 1 || op.hasIndexSemantics() ||
      !op.getDpsInits()[0].getDefiningOp<tensor::EmptyOp>() ||
      !llvm::all_of(lig::getReads(op), [&](OpOperand *read) {
        return read->getOwner() == op || isOutside(read->get());
      }))
    return {};
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  AffineExpr step = getAffineDimExpr(0, op.getContext());
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand).shiftDims(1);
    Value stack = getStack(operand.get());
    if (stack || op.isDpsInit(&operand))
      map = map.insertResult(step, 0);
    else if (!isOutside(operand.get()))
      return {};
    maps.push_back(map);
    if (op.isDpsInput(&operand))
      inputs.push_back(stack ? stack : operand.get());
  }
  SmallVector<utils::IteratorType> iterators = {utils::IteratorType::parallel};
  llvm::append_range(iterators, op.getIteratorTypesArray());
  Value room = makeRoom(op.getResult(0).getType());
  auto lifted = linalg::GenericOp::create(b, room.getType(), inputs, room, maps,
                                          iterators);
  IRMapping mapping;
  op.getRegion().cloneInto(&lifted.getRegion(), mapping);
  return lifted.getResult(0);
}

Value Lifter::lift(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return getStack(op->getOperand(0)) ? liftReshape(op) : Value();
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return getStack(transpose.getInput()) ? liftTranspose(transpose) : Value();
  auto generic = dyn_cast<linalg::GenericOp>(op);
  bool readsStack = generic && llvm::any_of(generic.getInputs(), [&](Value v) {
    return getStack(v) != nullptr;
  });
  return readsStack ? liftGeneric(generic) : Value();
}

//===-- Scans ------------------------------------------------------------===//

static int64_t countElements(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements();
}

namespace {
/// What is known of one scan's slices and of what the body makes of them.
class ScanHoister {
public:
  explicit ScanHoister(ScanOp scan)
      : scan(scan), lifter(scan), evaluator(tables) {}
  unsigned run();

private:
  bool isKnown(Value stack) {
    lig::ConstantEvaluator::Facts facts = evaluator.getFacts(stack);
    return facts.known && facts.root;
  }
  void lift(Operation &op);
  bool isReadInBody(Value value) const {
    return llvm::any_of(value.getUsers(), [&](Operation *user) {
      return user->getNumResults() != 1 ||
             !lifter.getStack(user->getResult(0));
    });
  }

  ScanOp scan;
  Lifter lifter;
  SymbolTableCollection tables;
  lig::ConstantEvaluator evaluator;
  /// The slice that a value was made of, and values whose elements are not in
  /// its order.
  DenseMap<Value, Value> roots;
  SetVector<Value> rearranged;
};

struct HoistSlices : lig::net::impl::HoistSlicesPassBase<HoistSlices> {
  using HoistSlicesPassBase::HoistSlicesPassBase;
  void runOnOperation() override {
    // Inner scans first: what leaves them may leave the outer one, too.
    getOperation()->walk(
        [&](ScanOp scan) { numHoisted += ScanHoister(scan).run(); });
  }
};
} // namespace

void ScanHoister::lift(Operation &op) {
  if (op.getNumResults() != 1)
    return;
  Value result = op.getResult(0), stack = lifter.lift(&op);
  if (!stack)
    return;
  auto moved = llvm::make_filter_range(op.getOperands(), [&](Value operand) {
    return lifter.getStack(operand) != nullptr;
  });
  // What repeats elements costs a kernel nothing, and a stack much.
  bool repeats = llvm::all_of(moved, [&](Value operand) {
    return countElements(operand) < countElements(result);
  });
  if (repeats || !isKnown(stack)) {
    stack.getDefiningOp()->erase();
    return;
  }
  lifter.setStack(result, stack);
  roots[result] = roots.lookup(*moved.begin());
  if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op) ||
      rearranged.contains(*moved.begin()))
    rearranged.insert(result);
}

unsigned ScanHoister::run() {
  for (auto [i, slice] : llvm::enumerate(scan.getSliceArgs())) {
    Value stack = scan.getInputs()[i];
    if (scan.isInputReversed(i) || !isKnown(stack))
      continue;
    lifter.setStack(slice, stack);
    roots[slice] = slice;
  }
  for (Operation &op : scan.getBody().front().without_terminator())
    lift(op);
  // A slice that is also read as it is stays, and a second form of it would be
  // a second copy.
  DenseSet<Value> kept;
  for (auto [value, root] : roots)
    if (!rearranged.contains(value) && isReadInBody(value))
      kept.insert(root);
  unsigned count = 0;
  for (Value value : rearranged) {
    if (kept.contains(roots.lookup(value)) || !isReadInBody(value))
      continue;
    value.replaceAllUsesWith(
        lig::net::addScanInput(scan, lifter.getStack(value)));
    ++count;
  }
  return count;
}
