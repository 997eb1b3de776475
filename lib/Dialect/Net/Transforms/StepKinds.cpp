// An operation keeps steps apart if what it does for one step it would do
// without the others. What it does is read from its loops and slices; of
// operations that say neither, the worst is assumed.

#include "StepKinds.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lig::net;

StepKinds::StepKinds(func::FuncOp function, const TimeAxes &axes) : axes(axes) {
  for (Value argument : function.getArguments())
    kinds[argument] =
        axes.lookup(argument) ? StepKind::EachStep : StepKind::Steady;
  for (Operation &op : function.getBody().front().without_terminator()) {
    auto scan = dyn_cast<ScanOp>(op);
    bool isRecurrence = scan && llvm::is_contained(axes.getScans(), scan);
    StepKind kind = isRecurrence ? classifyScan(scan) : classify(&op);
    for (OpResult result : op.getResults()) {
      bool isStacked = isRecurrence && kind == StepKind::Final &&
                       result.getResultNumber() >= scan.getNumStates();
      kinds[result] = isStacked ? StepKind::EachStep : kind;
      if (kind != StepKind::Mixed)
        continue;
      Operation *culprit = &op;
      for (Value operand : op.getOperands())
        if (Operation *before = culprits.lookup(operand))
          culprit = before;
      culprits[result] = culprit;
    }
  }
}

/// Everything `op` and what is inside of it reads.
static SmallVector<Value> valuesReadBy(Operation *op) {
  SmallVector<Value> values;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (!op->isAncestor(operand.getParentBlock()->getParentOp()))
        values.push_back(operand);
  });
  return values;
}

/// `Final` stands for the states; stacked results are of each step.
StepKind StepKinds::classifyScan(ScanOp scan) {
  if (!scan.getStepNumber().use_empty())
    return StepKind::Mixed;
  for (Value value : valuesReadBy(scan)) {
    StepKind kind = of(value);
    bool isInput = llvm::is_contained(scan.getInputs(), value);
    if (kind != StepKind::Steady && !(isInput && kind == StepKind::EachStep))
      return StepKind::Mixed;
    if (isInput && axes.getSteps() > 1 && axes.lookup(value) != TimeAxis{0, 1})
      return StepKind::Mixed;
  }
  for (Value stacked : scan.getStacked())
    if (axes.getSteps() > 1 && axes.lookup(stacked) != TimeAxis{0, 1})
      return StepKind::Mixed;
  return StepKind::Final;
}

StepKind StepKinds::classify(Operation *op) {
  bool eachStep = llvm::any_of(op->getResults(), [&](Value result) {
    return axes.lookup(result).has_value();
  });
  bool isFinal = false;
  for (Value value : valuesReadBy(op)) {
    StepKind kind = of(value);
    if (kind == StepKind::Mixed)
      return kind;
    eachStep |= kind == StepKind::EachStep;
    isFinal |= kind == StepKind::Final;
  }
  if (!eachStep)
    return isFinal ? StepKind::Final : StepKind::Steady;
  return !isFinal && keepsSteps(op) ? StepKind::EachStep : StepKind::Mixed;
}

bool StepKinds::keepsSteps(linalg::LinalgOp op) const {
  std::optional<TimeAxis> loop;
  for (OpOperand &operand : op->getOpOperands())
    if (auto axis = axes.lookup(operand.get()))
      if (auto dim = dyn_cast<AffineDimExpr>(
              op.getMatchingIndexingMap(&operand).getResult(axis->dim)))
        loop = TimeAxis{dim.getPosition(), axis->inner};
  if (!loop ||
      op.getIteratorTypesArray()[loop->dim] != utils::IteratorType::parallel)
    return false;
  bool asksForStep = false;
  op->walk([&](linalg::IndexOp index) {
    asksForStep |= index.getDim() == uint64_t(loop->dim);
  });
  if (asksForStep)
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<TimeAxis> axis = axes.lookup(operand.get());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [position, expr] : llvm::enumerate(map.getResults())) {
      bool isAxis = axis && axis->dim == int64_t(position);
      bool moves = expr.isFunctionOfDim(loop->dim);
      if (moves != isAxis ||
          (isAxis && (!isa<AffineDimExpr>(expr) || axis->inner != loop->inner)))
        return false;
    }
  }
  return true;
}

/// Whether a slice of `whole` is whole along its steps.
bool StepKinds::isWholeAlong(Operation *op, Value whole) const {
  auto slice = cast<OffsetSizeAndStrideOpInterface>(op);
  std::optional<TimeAxis> axis = axes.lookup(whole);
  auto type = cast<RankedTensorType>(whole.getType());
  return axis && slice.getStaticOffsets()[axis->dim] == 0 &&
         slice.getStaticStrides()[axis->dim] == 1 &&
         slice.getStaticSizes()[axis->dim] == type.getDimSize(axis->dim);
}

/// Whether the loop takes rows of each step one by one, and nothing else.
bool StepKinds::keepsRows(Operation *op) const {
  auto loop = cast<scf::ForOp>(op);
  auto rows = findRows(op);
  IntegerAttr end;
  if (!rows || rows->empty() ||
      !matchPattern(loop.getUpperBound(), m_Constant(&end)))
    return false;
  for (auto [tensor, dim] : *rows) {
    std::optional<TimeAxis> axis = axes.lookup(tensor);
    if (!axis || axis->dim != dim ||
        end.getInt() != axes.getSteps() * axis->inner)
      return false;
  }
  // Whoever reads one of the tensors does it by the counter.
  return llvm::all_of(loop.getBody()->without_terminator(), [&](Operation &in) {
    return llvm::all_of(valuesReadBy(&in), [&](Value value) {
      return !axes.lookup(value) ||
             (llvm::is_contained(in.getOperands(), loop.getInductionVar()) &&
              llvm::any_of(*rows,
                           [&](auto row) { return row.first == value; }));
    });
  });
}

bool StepKinds::keepsSteps(Operation *op) const {
  std::optional<TimeAxis> axis;
  for (Value result : op->getResults()) {
    axis = axes.lookup(result);
    if (!axis)
      return false;
  }
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return keepsSteps(structured);
  if (isa<scf::ForOp>(op))
    return keepsRows(op);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return isWholeAlong(op, slice.getSource());
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return isWholeAlong(op, insert.getDest()) &&
           axes.lookup(insert.getSource());
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return int64_t(concat.getDim()) != axis->dim &&
           llvm::all_of(op->getOperands(), [&](Value value) {
             return axes.lookup(value) == axis;
           });
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return pad.getStaticLow()[axis->dim] == 0 &&
           pad.getStaticHigh()[axis->dim] == 0;
  if (isa<arith::ConstantOp>(op))
    return isa<SplatElementsAttr>(cast<arith::ConstantOp>(op).getValue());
  if (isa<tensor::EmptyOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
          tensor::CastOp>(op))
    return true;
  return OpTrait::hasElementwiseMappableTraits(op) &&
         llvm::all_of(op->getOperands(), [&](Value value) {
           return !isa<RankedTensorType>(value.getType()) ||
                  axes.lookup(value) == axis;
         });
}
