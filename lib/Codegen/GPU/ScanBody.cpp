// Which loops suit: their operations one by one, and how many units they share.

#include "ScanBody.h"
#include "ContractionLoops.h"
#include "ScanPlaces.h"
#include "ScanStages.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/MapVector.h"

#include <numeric>

using namespace mlir;

namespace lig::codegen::gpu {

/// A product of more rows is a kernel's work: tiles pay, and waiting for each
/// other does not count.
static constexpr int64_t mostProductRows = 16;
/// A row is a lane's.
static constexpr int64_t mostRows = 32;
/// Of one unit; they are written out.
static constexpr int64_t mostGates = 16;
/// What begins and ends with one launch should be worth more than a few.
static constexpr int64_t fewestSteps = 3;

//===-- Facts ------------------------------------------------------------===//

int64_t ScanOp::extent(unsigned loop) const {
  linalg::GenericOp generic = op;
  return generic.getStaticLoopRanges()[loop];
}

int64_t ScanOp::countRows() const {
  int64_t count = 1;
  for (unsigned loop : rows)
    count *= extent(loop);
  return count;
}

bool ScanOp::reads(OpOperand &operand) const {
  linalg::GenericOp generic = op;
  return generic.payloadUsesValueFromOperand(&operand);
}

SmallVector<int64_t> ScanOp::itemAt(OpOperand &operand, int64_t gate) const {
  const Place &at = place(operand);
  SmallVector<int64_t> item = {at.start + gate * units * at.perLoop[unit],
                               at.perStep, at.perLoop[unit]};
  for (unsigned loop : rows)
    item.push_back(at.perLoop[loop]);
  return item;
}

const CarriedBuffer *ScanBody::findCarried(MemoryRoot storage) const {
  for (const CarriedBuffer &one : carried)
    if (getRoot(one.buffer) == storage)
      return &one;
  return nullptr;
}

static bool isOfStep(const ScanBody &body, Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  auto alloc = buffer.getDefiningOp<memref::AllocOp>();
  scf::ForOp loop = body.loop;
  return alloc && loop->isProperAncestor(alloc);
}

bool ScanBody::isStored(const ScanOp &op, OpOperand &output) const {
  if (!isOfStep(*this, output.get()))
    return true;
  Value buffer = output.get();
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  return exchanged.contains(buffer.getDefiningOp());
}

//===-- Operations -------------------------------------------------------===//

static bool isPure(Operation &op) {
  return isa<memref::AllocOp>(op) ||
         (op.getNumRegions() == 0 && isMemoryEffectFree(&op));
}

/// Whether the host knows a number: it follows from no memory.
static bool isKnownToHost(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return isa<FunctionOpInterface, scf::ForOp>(
        cast<BlockArgument>(value).getOwner()->getParentOp());
  return op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
         llvm::all_of(op->getOperands(), isKnownToHost);
}

/// Whether the host gets to a loop, so that it can launch a kernel there.
static bool isReachedByHost(scf::ForOp loop) {
  for (Operation *op = loop->getParentOp(); !isa<FunctionOpInterface>(op);
       op = op->getParentOp()) {
    auto around = dyn_cast<scf::ForOp>(op);
    if (!around || around.getNumResults() ||
        !llvm::all_of(around->getOperands(), isKnownToHost))
      return false;
  }
  return true;
}

bool mayBeScan(scf::ForOp loop) {
  std::optional<int64_t> begin = getConstantIntValue(loop.getLowerBound()),
                         end = getConstantIntValue(loop.getUpperBound());
  if (getConstantIntValue(loop.getStep()) != 1 || loop.getNumResults() ||
      !isReachedByHost(loop) || (begin && end && *end - *begin < fewestSteps))
    return false;
  return llvm::all_of(loop.getBody()->without_terminator(), [](Operation &op) {
    auto structured = dyn_cast<linalg::LinalgOp>(op);
    if (structured)
      return structured.hasPureBufferSemantics() &&
             !structured.hasDynamicShape();
    return isPure(op) || isa<memref::CopyOp>(op);
  });
}

static SmallVector<unsigned> withoutUnits(ScanOp &result,
                                          ArrayRef<unsigned> loops) {
  SmallVector<unsigned> longer;
  for (unsigned loop : loops)
    if (result.extent(loop) > 1)
      longer.push_back(loop);
  return longer;
}

/// An operation without sums; its last dimension has the units.
static LogicalResult matchElementwise(ScanOp &result) {
  linalg::GenericOp op = result.op;
  if (op.getNumReductionLoops() || op.getNumLoops() == 0)
    return failure();
  for (OpOperand &output : op.getDpsInitsMutable())
    if (!op.getMatchingIndexingMap(&output).isIdentity())
      return failure();
  SmallVector<unsigned> loops(op.getNumLoops());
  std::iota(loops.begin(), loops.end(), 0);
  SmallVector<unsigned> longer = withoutUnits(result, loops);
  result.unit = longer.empty() ? loops.back() : longer.back();
  if (!longer.empty())
    longer.pop_back();
  result.rows = longer;
  return success(result.countRows() <= mostRows);
}

/// Weights that do not change times what a step brings. `written` are the
/// storages that the loop writes.
static LogicalResult matchProduct(ScanOp &result,
                                  const DenseSet<MemoryRoot> &written) {
  FailureOr<ContractionLoops> loops = sortContraction(result.op);
  FailureOr<std::array<WeightDecoding, 2>> decodings =
      matchDecodings(result.op);
  if (failed(loops) || failed(decodings))
    return failure();
  auto stays = [&](OpOperand &operand) {
    const Place &place = result.place(operand);
    return place.isLinear && !place.perStep && !written.contains(place.storage);
  };
  result.weights = loops->right;
  result.vector = loops->left;
  if (!stays(*loops->right)) {
    std::swap(result.weights, result.vector);
    std::swap(loops->rows, loops->columns);
  }
  SmallVector<unsigned> sums = withoutUnits(result, loops->sums);
  SmallVector<unsigned> units = withoutUnits(result, loops->columns);
  bool suits = stays(*result.weights) &&
               withoutUnits(result, loops->batch).empty() && sums.size() == 1 &&
               units.size() == 1;
  if (!suits)
    return failure();
  result.decoding = (*decodings)[result.weights->getOperandNumber()];
  Value table = result.decoding.table;
  if (!(*decodings)[result.vector->getOperandNumber()].isOfFloats() ||
      (table && (!getRoot(table) || written.contains(getRoot(table)))))
    return failure();
  result.sum = sums.front();
  result.unit = units.front();
  result.rows = withoutUnits(result, loops->rows);
  return success(result.countRows() <= mostProductRows);
}

static FailureOr<ScanOp> matchOp(linalg::GenericOp op, scf::ForOp loop,
                                 const DenseSet<MemoryRoot> &written) {
  ScanOp result;
  result.op = op;
  for (OpOperand &operand : op->getOpOperands()) {
    result.places.push_back(placeOf(op, operand, loop));
    const Place &place = result.places.back();
    bool isMemory = isa<MemRefType>(operand.get().getType());
    // Without knowing what the loop writes there is no order of operations.
    if (isMemory && (!place.storage ||
                     (written.contains(place.storage) && !place.isLinear)))
      return failure();
    if (!isMemory && op.isDpsInit(&operand))
      return failure();
  }
  if (op.getNumReductionLoops() ? failed(matchProduct(result, written))
                                : failed(matchElementwise(result)))
    return failure();
  result.units = result.extent(result.unit);
  return result;
}

//===-- Units ------------------------------------------------------------===//

/// Cuts operations that pass elements to each other into the same units.
static LogicalResult findUnits(ScanBody &body) {
  llvm::MapVector<MemoryRoot, int64_t> units;
  DenseSet<MemoryRoot> written;
  for (ScanOp &op : body.ops)
    for (OpOperand &output : op.op.getDpsInitsMutable())
      written.insert(op.place(output).storage);
  auto isShared = [&](ScanOp &op, OpOperand &operand) {
    const Place &place = op.place(operand);
    return &operand != op.vector && written.contains(place.storage) &&
           place.perLoop[op.unit] != 0;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (ScanOp &op : body.ops)
      for (OpOperand &operand : op.op->getOpOperands()) {
        if (!isShared(op, operand))
          continue;
        int64_t &shared = units[op.place(operand).storage];
        int64_t common = std::gcd(shared, op.units);
        changed |= common != shared || common != op.units;
        shared = op.units = common;
      }
  }
  for (ScanOp &op : body.ops) {
    op.gates = op.extent(op.unit) / op.units;
    if (op.gates > mostGates)
      return failure();
  }
  return success();
}

FailureOr<ScanBody> matchScan(scf::ForOp loop) {
  ScanBody body;
  body.loop = loop;
  DenseSet<MemoryRoot> written;
  for (auto op : loop.getBody()->getOps<linalg::GenericOp>())
    for (Value output : op.getDpsInits())
      written.insert(getRoot(output));
  for (auto op : loop.getBody()->getOps<linalg::GenericOp>()) {
    FailureOr<ScanOp> matched = matchOp(op, loop, written);
    if (failed(matched))
      return failure();
    body.ops.push_back(std::move(*matched));
  }
  bool hasRecurrence = llvm::any_of(body.ops, [&](ScanOp &op) {
    return op.isProduct() && written.contains(op.place(*op.vector).storage);
  });
  if (!hasRecurrence || failed(findUnits(body)) || failed(planStages(body)))
    return failure();
  return body;
}

} // namespace lig::codegen::gpu
