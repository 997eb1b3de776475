// A kernel knows of another only what is in memory. Numbers and views that come
// from device memory are therefore computed again in each kernel that uses
// them, where the memory still holds what they were read from; elsewhere they
// go through a buffer of one element. Between kernels nothing but buffers and
// numbers of the host is left, so that one index or check on data does not pull
// everything behind it into one kernel.

#include "Ligature/Codegen/Passes.h"

#include "CarriedValues.h"
#include "DataDependence.h"
#include "MemoryRoots.h"
#include "SplitBranches.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/MapVector.h"

namespace lig::codegen {
#define GEN_PASS_DEF_GPUSEPARATEKERNELSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

using namespace mlir;
using namespace lig::codegen::gpu;

namespace {
class Separation {
public:
  explicit Separation(func::FuncOp function)
      : function(function), dependence(function) {
    assignUnits(function.getBody().front());
  }

  /// Fails if a view that no kernel can compute is used by several.
  LogicalResult run();

  unsigned numCopies = 0, numPlaces = 0;

private:
  void assignUnits(Block &block);
  Operation *unitOf(Operation *op) const;
  LogicalResult separate(OpOperand &use);
  /// `value` as the operations of `unit` may use it.
  FailureOr<Value> bring(Value value, Operation *unit);
  FailureOr<Value> repeat(Value value, Operation *unit);
  FailureOr<Value> load(Value value, Operation *unit);
  bool canRepeat(Operation *op, Operation *unit) const;
  Operation *anchorOf(Operation *unit);

  func::FuncOp function;
  DataDependence dependence;
  /// Of each operation that is a kernel or part of one: the kernel, or the
  /// first of the operations that become one.
  llvm::MapVector<Operation *, Operation *> units;
  llvm::DenseMap<std::pair<Value, Operation *>, Value> brought;
  llvm::DenseMap<Operation *, Operation *> anchors;
  llvm::DenseMap<Value, Value> places;
  /// What was brought, and whence.
  llvm::DenseMap<Value, Value> origins;
};
} // namespace

void Separation::assignUnits(Block &block) {
  Operation *run = nullptr; // of operations that become one kernel
  for (Operation &op : block) {
    if (dependence.isKernel(&op)) {
      units[&op] = &op;
      run = nullptr;
    } else if (dependence.isStepped(&op)) {
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          assignUnits(inner);
      run = nullptr;
    } else if (dependence.needsDevice(&op)) {
      run = run ? run : &op;
      units[&op] = run;
    }
  }
  // What is returned is stored at the end, by the last of these.
  Operation *end = block.getTerminator();
  if (isa<func::ReturnOp>(end))
    units[end] = run ? run : end;
}

Operation *Separation::unitOf(Operation *op) const {
  for (; op && op != function; op = op->getParentOp())
    if (auto it = units.find(op); it != units.end())
      return it->second;
  return nullptr;
}

/// What brought values stand before: the unit, or the first operation in it.
Operation *Separation::anchorOf(Operation *unit) {
  Operation *&anchor = anchors[unit];
  if (anchor)
    return anchor;
  if (auto loop = dyn_cast<scf::ParallelOp>(unit))
    return anchor = &loop.getBody()->front();
  if (auto launch = dyn_cast<mlir::gpu::LaunchOp>(unit))
    return anchor = &launch.getBody().front().front();
  return anchor = unit;
}

/// Whether an operation gives the same where `unit` begins as where it is.
bool Separation::canRepeat(Operation *op, Operation *unit) const {
  if (op->getNumRegions() == 0 && isMemoryEffectFree(op))
    return true;
  auto load = dyn_cast<memref::LoadOp>(op);
  MemoryRoot root = load ? getRoot(load.getMemref()) : nullptr;
  if (!root)
    return false;
  Operation *last = op->getBlock()->findAncestorOpInBlock(*unit);
  // Threads of the unit itself may write while others still load.
  for (Operation *next = op->getNextNode();; next = next->getNextNode()) {
    if (mayWrite(next, root))
      return false;
    if (next == last)
      return true;
  }
}

FailureOr<Value> Separation::repeat(Value value, Operation *unit) {
  Operation *op = value.getDefiningOp();
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> inside = bring(operand, unit);
    if (failed(inside))
      return failure();
    mapping.map(operand, *inside);
  }
  ++numCopies;
  Operation *copy = OpBuilder(anchorOf(unit)).clone(*op, mapping);
  return copy->getResult(cast<OpResult>(value).getResultNumber());
}

FailureOr<Value> Separation::load(Value value, Operation *unit) {
  if (!value.getType().isIntOrIndexOrFloat())
    return emitError(value.getLoc())
           << "a " << value.getType()
           << " that depends on data is used by several kernels";
  Value &place = places[value];
  if (!place) {
    Operation *op = value.getDefiningOp();
    OpBuilder b(op);
    place = memref::AllocOp::create(b, op->getLoc(),
                                    MemRefType::get({}, value.getType()));
    b.setInsertionPointAfter(op);
    memref::StoreOp::create(b, op->getLoc(), value, place, ValueRange{});
    ++numPlaces;
  }
  OpBuilder b(anchorOf(unit));
  return memref::LoadOp::create(b, value.getLoc(), place, ValueRange{})
      .getResult();
}

FailureOr<Value> Separation::bring(Value value, Operation *unit) {
  if (Value origin = origins.lookup(value))
    value = origin;
  Operation *op = value.getDefiningOp();
  if (!dependence.isDependent(value) || unitOf(op) == unit)
    return value;
  if (Value known = brought.lookup({value, unit}))
    return known;
  FailureOr<Value> result =
      canRepeat(op, unit) ? repeat(value, unit) : load(value, unit);
  if (failed(result))
    return failure();
  origins[*result] = value;
  brought[{value, unit}] = *result;
  return result;
}

LogicalResult Separation::separate(OpOperand &use) {
  Operation *unit = unitOf(use.getOwner());
  if (!unit)
    return use.getOwner()->emitOpError("of the host uses what depends on data");
  FailureOr<Value> value = bring(use.get(), unit);
  if (failed(value))
    return failure();
  use.set(*value);
  return success();
}

/// From the end, so that what only erased operations used goes, too.
static void eraseUnused(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        eraseUnused(inner);
    if (isOpTriviallyDead(&op))
      op.erase();
  }
}

LogicalResult Separation::run() {
  SmallVector<OpOperand *> uses;
  for (auto [op, unit] : units)
    for (Value result : op->getResults())
      if (dependence.isDependent(result))
        for (OpOperand &use : result.getUses())
          if (unitOf(use.getOwner()) != unit)
            uses.push_back(&use);
  for (OpOperand *use : uses)
    if (failed(separate(*use)))
      return failure();
  eraseUnused(function.getBody().front());
  return success();
}

namespace {
struct GpuSeparateKernels
    : lig::codegen::impl::GpuSeparateKernelsPassBase<GpuSeparateKernels> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    numCarried += storeCarriedValues(function);
    splitBranches(function);
    Separation separation(function);
    if (failed(separation.run()))
      return signalPassFailure();
    numCopies += separation.numCopies;
    numPlaces += separation.numPlaces;
  }
};
} // namespace
