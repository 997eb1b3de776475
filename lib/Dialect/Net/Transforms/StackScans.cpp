// A GPU reads the weights of a recurrence once and keeps them on chip for all
// steps; then a step costs little but that its blocks wait for each other.
// Layers that lie on each other, and the two directions of one layer, can wait
// together. So they become one loop, whose step runs a step of each.
//
// Two loops of as many steps are joined if the later one reads nothing of the
// earlier one, or only what the same step of that one has just made. What lies
// between them, such as the product with the input weights that was taken out
// of the later loop, is computed for all steps at once; it is cut into steps
// again. That pays where the weights of both loops and of what lies between
// have room on chip; otherwise loops stay as they are.

#include "Ligature/Dialect/Net/Transforms/Passes.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace lig::net {
#define GEN_PASS_DEF_STACKSCANSPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

using lig::net::ScanOp;

//===-- Which loops ------------------------------------------------------===//

/// A product of more rows fills a GPU by itself.
static constexpr int64_t mostRows = 16;
static constexpr int64_t fewestSteps = 3;

static bool isProduct(Operation *op) {
  auto structured = dyn_cast<linalg::LinalgOp>(op);
  return structured && linalg::isaContractionOpInterface(structured);
}

static int64_t countRows(Operation *product) {
  auto type = cast<RankedTensorType>(product->getResult(0).getType());
  return type.getNumElements() / std::max<int64_t>(1, type.getShape().back());
}

static bool isStatic(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return !tensor || tensor.hasStaticShape();
}

/// The number of steps, if it is known and so is all else; every step a few
/// rows at a time.
static std::optional<int64_t> countSteps(ScanOp scan) {
  std::optional<int64_t> count = getConstantIntValue(scan.getCount());
  if (!count || *count < fewestSteps || scan.getConditional() ||
      !llvm::all_of(scan->getOperandTypes(), isStatic))
    return std::nullopt;
  for (Value stacked : scan.getStacked())
    if (cast<RankedTensorType>(stacked.getType()).getDimSize(0) != *count)
      return std::nullopt;
  bool hasProduct = false;
  for (Operation &op : scan.getBody().front().without_terminator()) {
    if (!llvm::all_of(op.getResultTypes(), isStatic) ||
        !(isa<linalg::LinalgOp>(op) || isMemoryEffectFree(&op)))
      return std::nullopt;
    if (!isProduct(&op))
      continue;
    hasProduct = true;
    if (countRows(&op) > mostRows)
      return std::nullopt;
  }
  return hasProduct ? count : std::nullopt;
}

/// Elements of what a product multiplies by that is made outside of `scan`,
/// each once.
static int64_t countWeights(ArrayRef<Operation *> products,
                            llvm::function_ref<bool(Value)> isWeight) {
  DenseSet<Value> weights;
  int64_t count = 0;
  for (Operation *op : products)
    for (Value input : cast<linalg::LinalgOp>(op).getDpsInputs())
      if (isWeight(input) && weights.insert(input).second)
        count += cast<RankedTensorType>(input.getType()).getNumElements();
  return count;
}

static int64_t countWeights(ScanOp scan) {
  SmallVector<Operation *> products;
  for (Operation &op : scan.getBody().front())
    if (isProduct(&op))
      products.push_back(&op);
  return countWeights(products, [&](Value value) {
    return !scan.getBody().isAncestor(value.getParentRegion());
  });
}

//===-- What lies between ------------------------------------------------===//

namespace {
/// What is computed of the stacked results of one loop, for all steps at once,
/// and what each step has of it. Its leading dimension goes through the steps;
/// that of a step is as many times shorter as there are steps.
class Between {
public:
  Between(ScanOp first, int64_t steps) : first(first), steps(steps) {}

  /// Plans to compute the part of a step. Fails if a step's part takes more
  /// than that of the loop before.
  LogicalResult add(Value stack);
  /// The part of one step, `mapping` from the first loop's body to the new one.
  Value make(ImplicitLocOpBuilder &b, Value stack, IRMapping &mapping);

  /// Whether the part of a step depends on the first loop.
  bool isOfSteps(Value value) const { return ofSteps.contains(value); }
  /// What it needs besides.
  ArrayRef<Value> getOthers() const { return others; }
  ArrayRef<Operation *> getProducts() const { return products; }
  /// Whether all of `others` are read from the end where the loop is.
  bool isReversed() const { return reversed.value_or(false); }

private:
  bool isFromFirst(Value value);
  RankedTensorType typeOfPart(Value stack) const {
    auto type = cast<RankedTensorType>(stack.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[0] /= steps;
    return type.clone(shape);
  }
  bool canCut(Value stack) const {
    auto type = dyn_cast<RankedTensorType>(stack.getType());
    return type && type.hasStaticShape() && type.getRank() > 0 &&
           type.getDimSize(0) % steps == 0;
  }
  LogicalResult addStructured(linalg::LinalgOp op);
  Value makeStructured(ImplicitLocOpBuilder &b, linalg::LinalgOp op,
                       IRMapping &mapping);

  ScanOp first;
  int64_t steps;
  DenseSet<Value> ofSteps;
  SmallVector<Value> others;
  SmallVector<Operation *> products;
  std::optional<bool> reversed;
};
} // namespace

/// Whether a result or operand of a structured operation goes through the steps
/// by its leading dimension, as the first loop does: true, false, or nothing if
/// it does so otherwise.
static std::optional<bool> followsSteps(AffineMap map) {
  AffineExpr step = getAffineDimExpr(0, map.getContext());
  bool leads = map.getNumResults() && map.getResult(0) == step;
  for (AffineExpr expr : map.getResults().drop_front(leads))
    if (expr.isFunctionOfDim(0))
      return std::nullopt;
  return leads;
}

bool Between::isFromFirst(Value value) {
  return value.getDefiningOp() == first;
}

LogicalResult Between::addStructured(linalg::LinalgOp op) {
  if (op.getNumLoops() == 0 || op->getNumResults() != 1 ||
      op.getIteratorTypesArray()[0] != utils::IteratorType::parallel ||
      op.hasDynamicShape() || op.getStaticLoopRanges()[0] % steps)
    return failure();
  auto numbers = op->getRegion(0).getOps<linalg::IndexOp>();
  if (llvm::any_of(numbers, [](linalg::IndexOp i) { return i.getDim() == 0; }))
    return failure();
  SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  others.append(captured.begin(), captured.end());
  if (isProduct(op)) {
    if (countRows(op) / steps > mostRows)
      return failure();
    products.push_back(op);
  }
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<bool> follows =
        followsSteps(op.getMatchingIndexingMap(&operand));
    if (!follows)
      return failure();
    if (!*follows)
      others.push_back(operand.get());
    else if (failed(add(operand.get())))
      return failure();
  }
  return success();
}

LogicalResult Between::add(Value stack) {
  if (isOfSteps(stack))
    return success();
  Operation *op = stack.getDefiningOp();
  if (!op || !canCut(stack))
    return failure();
  if (isFromFirst(stack)) {
    unsigned number = cast<OpResult>(stack).getResultNumber();
    if (number < first.getNumStates())
      return failure();
    bool isReversed = first.isOutputReversed(number - first.getNumStates());
    if (reversed.value_or(isReversed) != isReversed)
      return failure();
    reversed = isReversed;
  } else if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op)) {
    if (failed(add(op->getOperand(0))))
      return failure();
  } else if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
    if (failed(addStructured(structured)))
      return failure();
  } else if (!isa<tensor::EmptyOp>(op)) {
    return failure();
  }
  ofSteps.insert(stack);
  return success();
}

/// A tensor with a leading dimension of one step, or without.
static Value addStep(ImplicitLocOpBuilder &b, Value slice) {
  auto type = cast<RankedTensorType>(slice.getType());
  SmallVector<int64_t> shape = {1};
  llvm::append_range(shape, type.getShape());
  auto groups = getReassociationIndicesForReshape(type.clone(shape), type);
  return tensor::ExpandShapeOp::create(b, type.clone(shape), slice, *groups);
}

static Value dropStep(ImplicitLocOpBuilder &b, Value part) {
  auto type = cast<RankedTensorType>(part.getType());
  auto slice = type.clone(type.getShape().drop_front());
  auto groups = getReassociationIndicesForReshape(type, slice);
  return tensor::CollapseShapeOp::create(b, slice, part, *groups);
}

Value Between::makeStructured(ImplicitLocOpBuilder &b, linalg::LinalgOp op,
                              IRMapping &mapping) {
  for (OpOperand &operand : op->getOpOperands())
    if (*followsSteps(op.getMatchingIndexingMap(&operand)))
      make(b, operand.get(), mapping);
  Operation *part = b.clone(*op, mapping);
  part->getResult(0).setType(typeOfPart(op->getResult(0)));
  return part->getResult(0);
}

Value Between::make(ImplicitLocOpBuilder &b, Value stack, IRMapping &mapping) {
  if (Value known = mapping.lookupOrNull(stack))
    return known;
  Operation *op = stack.getDefiningOp();
  RankedTensorType type = typeOfPart(stack);
  Value part;
  if (isFromFirst(stack)) {
    unsigned number =
        cast<OpResult>(stack).getResultNumber() - first.getNumStates();
    part =
        addStep(b, mapping.lookupOrDefault(first.getYieldedSlices()[number]));
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    part = tensor::CollapseShapeOp::create(b, type,
                                           make(b, collapse.getSrc(), mapping),
                                           collapse.getReassociationIndices());
  } else if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    part = tensor::ExpandShapeOp::create(b, type,
                                         make(b, expand.getSrc(), mapping),
                                         expand.getReassociationIndices());
  } else if (isa<tensor::EmptyOp>(op)) {
    part = tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  } else {
    part = makeStructured(b, cast<linalg::LinalgOp>(op), mapping);
  }
  mapping.map(stack, part);
  return part;
}

//===-- Joining ----------------------------------------------------------===//

namespace {
struct StackScans : lig::net::impl::StackScansPassBase<StackScans> {
  using StackScansPassBase::StackScansPassBase;

  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation()->walk([&](ScanOp scan) {
      if (!llvm::is_contained(blocks, scan->getBlock()))
        blocks.push_back(scan->getBlock());
    });
    for (Block *block : blocks)
      while (joinOne(*block))
        ++numStacked;
  }

private:
  bool joinOne(Block &block) {
    SmallVector<ScanOp> scans = llvm::to_vector(block.getOps<ScanOp>());
    for (unsigned second = 1; second < scans.size(); ++second)
      for (unsigned first = second; first-- > 0;)
        if (join(scans[first], scans[second]))
          return true;
    return false;
  }

  bool join(ScanOp first, ScanOp second);
  bool fits(ScanOp first, ScanOp second, const Between &between) {
    int64_t weights = countWeights(first) + countWeights(second) +
                      countWeights(between.getProducts(), [&](Value value) {
                        return !between.isOfSteps(value);
                      });
    return weights * weightBits / 8 <= int64_t(chipBytes);
  }
};
} // namespace

/// The flags of two loops' inputs or outputs, without those of the second that
/// are left out.
static SmallVector<bool>
joinFlags(unsigned first, unsigned second,
          llvm::function_ref<bool(unsigned)> ofFirst,
          llvm::function_ref<bool(unsigned)> ofSecond,
          llvm::function_ref<bool(unsigned)> isLeftOut) {
  SmallVector<bool> flags;
  for (unsigned i = 0; i < first; ++i)
    flags.push_back(ofFirst(i));
  for (unsigned i = 0; i < second; ++i)
    if (!isLeftOut(i))
      flags.push_back(ofSecond(i));
  return flags;
}

/// The loop of both, in front of the first, with an empty body. `cut` says
/// which inputs of the second its steps compute.
static ScanOp makeJoint(ImplicitLocOpBuilder &b, ScanOp first, ScanOp second,
                        llvm::function_ref<bool(unsigned)> cut) {
  SmallVector<Value> inits(first.getInits()), inputs(first.getInputs());
  llvm::append_range(inits, second.getInits());
  for (auto [i, input] : llvm::enumerate(second.getInputs()))
    if (!cut(i))
      inputs.push_back(input);
  SmallVector<Type> stacked(first.getStacked().getTypes());
  llvm::append_range(stacked, second.getStacked().getTypes());
  auto never = [](unsigned) { return false; };
  SmallVector<bool> reverseInputs = joinFlags(
      first.getInputs().size(), second.getInputs().size(),
      [&](unsigned i) { return first.isInputReversed(i); },
      [&](unsigned i) { return second.isInputReversed(i); }, cut);
  SmallVector<bool> reverseOutputs = joinFlags(
      first.getNumStacked(), second.getNumStacked(),
      [&](unsigned i) { return first.isOutputReversed(i); },
      [&](unsigned i) { return second.isOutputReversed(i); }, never);
  return ScanOp::create(b, first.getCount(), inits, inputs, stacked,
                        reverseInputs, reverseOutputs);
}

static void cloneBody(ImplicitLocOpBuilder &b, ScanOp scan,
                      IRMapping &mapping) {
  for (Operation &op : scan.getBody().front().without_terminator())
    b.clone(op, mapping);
}

/// Fills in the body: a step of the first loop, what lies between, a step of
/// the second.
static void fillJoint(ImplicitLocOpBuilder &b, ScanOp joint, ScanOp first,
                      ScanOp second, Between &between,
                      llvm::function_ref<bool(unsigned)> cut) {
  b.setInsertionPointToStart(&joint.getBody().front());
  IRMapping mapping;
  for (ScanOp scan : {first, second})
    mapping.map(scan.getStepNumber(), joint.getStepNumber());
  auto states = joint.getStateArgs();
  mapping.map(first.getStateArgs(), states.take_front(first.getNumStates()));
  mapping.map(second.getStateArgs(), states.drop_front(first.getNumStates()));
  auto slices = joint.getSliceArgs();
  mapping.map(first.getSliceArgs(),
              slices.take_front(first.getInputs().size()));
  cloneBody(b, first, mapping);
  unsigned next = first.getInputs().size();
  for (auto [i, input] : llvm::enumerate(second.getInputs()))
    mapping.map(second.getSliceArgs()[i],
                cut(i) ? dropStep(b, between.make(b, input, mapping))
                       : Value(slices[next++]));
  cloneBody(b, second, mapping);
  SmallVector<Value> yielded;
  auto yield = [&](ValueRange values) {
    for (Value value : values)
      yielded.push_back(mapping.lookupOrDefault(value));
  };
  yield(first.getYieldedStates());
  yield(second.getYieldedStates());
  yield(first.getYieldedSlices());
  yield(second.getYieldedSlices());
  lig::net::YieldOp::create(b, yielded);
}

static void replaceBoth(IRRewriter &rewriter, ScanOp joint, ScanOp first,
                        ScanOp second) {
  unsigned states = 0, stacked = 0;
  for (ScanOp scan : {first, second}) {
    SmallVector<Value> results(
        joint.getStates().slice(states, scan.getNumStates()));
    llvm::append_range(results,
                       joint.getStacked().slice(stacked, scan.getNumStacked()));
    states += scan.getNumStates();
    stacked += scan.getNumStacked();
    rewriter.replaceAllUsesWith(scan->getResults(), results);
  }
  rewriter.eraseOp(second);
  rewriter.eraseOp(first);
}

/// Whether `value` depends on `scan`, in the same block.
static bool dependsOn(Value value, ScanOp scan) {
  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitUsesFromAbove = false;
  (void)getBackwardSlice(value, &slice, options);
  return slice.contains(scan);
}

bool StackScans::join(ScanOp first, ScanOp second) {
  std::optional<int64_t> steps = countSteps(first);
  if (!steps || steps != countSteps(second))
    return false;
  Between between(first, *steps);
  SmallVector<bool> isCut;
  SmallVector<Value> needed(second.getInits());
  for (auto [i, input] : llvm::enumerate(second.getInputs())) {
    isCut.push_back(dependsOn(input, first));
    if (!isCut.back())
      needed.push_back(input);
    else if (failed(between.add(input)) ||
             between.isReversed() != second.isInputReversed(i))
      return false;
  }
  llvm::append_range(needed, between.getOthers());
  SetVector<Value> captured;
  getUsedValuesDefinedAbove(second.getBody(), captured);
  llvm::append_range(needed, captured);
  IRRewriter rewriter(first->getContext());
  // What the second needs besides must not wait for the first.
  if (!fits(first, second, between) ||
      failed(moveValueDefinitions(rewriter, needed, first)))
    return false;
  auto cut = [&](unsigned i) { return isCut[i]; };
  ImplicitLocOpBuilder b(first.getLoc(), rewriter);
  b.setInsertionPoint(first);
  ScanOp joint = makeJoint(b, first, second, cut);
  fillJoint(b, joint, first, second, between, cut);
  replaceBoth(rewriter, joint, first, second);
  return true;
}
