// A recurrence reads slices of its inputs and stacks slices of its results, so
// there dimension 0 counts steps. From a value with such a dimension others
// follow, in both directions: a structured operation walks the dimension by one
// of its loops, and so every operand that the loop moves has it too. A reshape
// may join it with the dimensions behind it.

#include "TimeAxis.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lig::net;

static std::optional<int64_t> constantOf(Value value) {
  IntegerAttr number;
  if (!matchPattern(value, m_Constant(&number)))
    return std::nullopt;
  return number.getInt();
}

TimeAxes::TimeAxes(func::FuncOp function) : function(function) {
  for (ScanOp scan : function.getBody().getOps<ScanOp>())
    if (!scan.getConditional() && !scan.getInputs().empty())
      scans.push_back(scan);
}

std::optional<TimeAxis> TimeAxes::lookup(Value value) const {
  auto it = axes.find(value);
  if (it == axes.end())
    return std::nullopt;
  return it->second;
}

Type TimeAxes::getStepType(Value value) const {
  std::optional<TimeAxis> axis = lookup(value);
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!axis || !type)
    return value.getType();
  SmallVector<int64_t> shape(type.getShape());
  shape[axis->dim] = axis->inner;
  return type.clone(shape);
}

bool TimeAxes::set(Value value, TimeAxis axis) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || axis.dim >= type.getRank() ||
      type.getDimSize(axis.dim) != steps * axis.inner)
    return false;
  return axes.try_emplace(value, axis).second;
}

LogicalResult TimeAxes::find() {
  for (ScanOp scan : scans) {
    std::optional<int64_t> count = constantOf(scan.getCount());
    if (!count || (steps && *count != steps))
      return scan.emitError("cannot be run step by step: its number of steps ")
             << (count ? "is not that of the recurrences before it"
                       : "is not known");
    steps = *count;
    for (unsigned i = 0; i < scan.getInputs().size(); ++i)
      if (scan.isInputReversed(i))
        return scan.emitError("cannot be run step by step: it reads its input "
                              "from the last step to the first");
    for (unsigned i = 0; i < scan.getNumStacked(); ++i)
      if (scan.isOutputReversed(i))
        return scan.emitError("cannot be run step by step: it writes its "
                              "result from the last step to the first");
  }
  // The only step needs no search.
  if (steps <= 1)
    return success();
  for (ScanOp scan : scans) {
    for (Value input : scan.getInputs())
      set(input, {0, 1});
    for (Value stacked : scan.getStacked())
      set(stacked, {0, 1});
  }
  for (bool isNew = true; isNew;) {
    isNew = false;
    for (Operation &op : function.getBody().front())
      isNew |= visit(&op);
    for (Operation &op : llvm::reverse(function.getBody().front()))
      isNew |= visit(&op);
  }
  return success();
}

bool TimeAxes::visit(Operation *op) {
  if (isa<linalg::LinalgOp>(op))
    return visitStructured(op);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return visitReshape(expand.getResult(), expand.getSrc(),
                        expand.getReassociationIndices());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return visitReshape(collapse.getSrc(), collapse.getResult(),
                        collapse.getReassociationIndices());
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return visitSlice(slice.getResult(), slice.getSource(),
                      slice.getDroppedDims());
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    bool isNew = visitSame({insert.getDest(), insert.getResult()});
    return visitSlice(insert.getSource(), insert.getDest(),
                      insert.getDroppedDims()) ||
           isNew;
  }
  if (isa<scf::ForOp>(op))
    return visitLoop(op);
  bool isSame = isa<tensor::ConcatOp, tensor::PadOp, tensor::CastOp>(op) ||
                OpTrait::hasElementwiseMappableTraits(op);
  if (!isSame)
    return false;
  SmallVector<Value> values(op->getOperands());
  llvm::append_range(values, op->getResults());
  return visitSame(values);
}

bool TimeAxes::visitSame(ValueRange values) {
  bool isNew = false;
  for (Value value : values)
    if (std::optional<TimeAxis> axis = lookup(value))
      for (Value other : values)
        isNew |= set(other, *axis);
  return isNew;
}

bool TimeAxes::visitStructured(Operation *op) {
  auto structured = cast<linalg::LinalgOp>(op);
  auto mapOf = [&](OpOperand &operand) {
    return structured.getMatchingIndexingMap(&operand);
  };
  std::optional<TimeAxis> loop;
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<TimeAxis> axis = lookup(operand.get());
    if (!axis)
      if (OpResult result = structured.isDpsInit(&operand)
                                ? structured.getTiedOpResult(&operand)
                                : OpResult())
        axis = lookup(result);
    if (!axis)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(mapOf(operand).getResult(axis->dim));
    if (dim && !loop)
      loop = TimeAxis{dim.getPosition(), axis->inner};
  }
  if (!loop)
    return false;
  bool isNew = false;
  for (OpOperand &operand : op->getOpOperands())
    for (auto [position, expr] : llvm::enumerate(mapOf(operand).getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim || dim.getPosition() != loop->dim)
        continue;
      TimeAxis axis{int64_t(position), loop->inner};
      isNew |= set(operand.get(), axis);
      if (structured.isDpsInit(&operand) && op->getNumResults())
        isNew |= set(structured.getTiedOpResult(&operand), axis);
    }
  return isNew;
}

/// `groups` are the dimensions of `wide` that are one dimension of `narrow`.
bool TimeAxes::visitReshape(Value wide, Value narrow,
                            ArrayRef<ReassociationIndices> groups) {
  auto shape = cast<RankedTensorType>(wide.getType()).getShape();
  for (auto [i, group] : llvm::enumerate(groups)) {
    // Steps are the slowest of a group; ones before them do not count.
    auto first = llvm::find_if(group, [&](int64_t d) { return shape[d] != 1; });
    if (first == group.end())
      continue;
    int64_t behind = 1;
    for (auto it = std::next(first); it != group.end(); ++it)
      behind *= shape[*it];
    std::optional<TimeAxis> axis = lookup(narrow);
    if (axis && axis->dim == int64_t(i) && axis->inner % behind == 0)
      return set(wide, {*first, axis->inner / behind});
    axis = lookup(wide);
    if (axis && axis->dim == *first)
      return set(narrow, {int64_t(i), axis->inner * behind});
  }
  return false;
}

/// A slice that is whole along the dimension has it too.
bool TimeAxes::visitSlice(Value part, Value whole,
                          const llvm::SmallBitVector &dropped) {
  SmallVector<int64_t> kept;
  for (unsigned dim = 0; dim < dropped.size(); ++dim)
    if (!dropped[dim])
      kept.push_back(dim);
  if (std::optional<TimeAxis> axis = lookup(whole)) {
    auto at = llvm::find(kept, axis->dim);
    return at != kept.end() && set(part, {at - kept.begin(), axis->inner});
  }
  if (std::optional<TimeAxis> axis = lookup(part))
    return set(whole, {kept[axis->dim], axis->inner});
  return false;
}

std::optional<SmallVector<std::pair<Value, int64_t>>>
lig::net::findRows(Operation *op) {
  auto loop = cast<scf::ForOp>(op);
  if (constantOf(loop.getLowerBound()) != 0 || constantOf(loop.getStep()) != 1)
    return std::nullopt;
  Value counter = loop.getInductionVar();
  SmallVector<std::pair<Value, int64_t>> rows;
  for (Operation *user : counter.getUsers()) {
    if (user->getBlock() != loop.getBody())
      return std::nullopt;
    size_t before = rows.size();
    if (auto extract = dyn_cast<tensor::ExtractOp>(user)) {
      for (auto [dim, index] : llvm::enumerate(extract.getIndices()))
        if (index == counter)
          rows.emplace_back(extract.getTensor(), dim);
    } else if (auto slice = dyn_cast<OffsetSizeAndStrideOpInterface>(user)) {
      auto insert = dyn_cast<tensor::InsertSliceOp>(user);
      if (!insert && !isa<tensor::ExtractSliceOp>(user))
        return std::nullopt;
      Value whole = insert ? insert.getDest() : user->getOperand(0);
      for (auto [dim, offset] : llvm::enumerate(slice.getMixedOffsets()))
        if (dyn_cast<Value>(offset) == counter &&
            slice.getStaticSizes()[dim] == 1)
          rows.emplace_back(whole, dim);
    }
    if (rows.size() != before + 1)
      return std::nullopt;
  }
  return rows;
}

bool TimeAxes::visitLoop(Operation *op) {
  auto loop = cast<scf::ForOp>(op);
  bool isNew = false;
  for (auto [i, argument] : llvm::enumerate(loop.getRegionIterArgs()))
    isNew |= visitSame({argument, loop.getInitArgs()[i], loop.getResult(i),
                        loop.getYieldedValues()[i]});
  auto rows = findRows(op);
  if (!rows)
    return isNew;
  std::optional<int64_t> inner;
  for (auto [tensor, dim] : *rows)
    if (std::optional<TimeAxis> axis = lookup(tensor))
      if (axis->dim == dim)
        inner = axis->inner;
  std::optional<int64_t> end = constantOf(loop.getUpperBound());
  if (!inner || !end || *end != steps * *inner)
    return isNew;
  for (auto [tensor, dim] : *rows)
    isNew |= set(tensor, {dim, *inner});
  for (Operation &inside : *loop.getBody())
    if (auto insert = dyn_cast<tensor::InsertSliceOp>(inside))
      isNew |= visitSame({insert.getDest(), insert.getResult()});
  return isNew;
}
