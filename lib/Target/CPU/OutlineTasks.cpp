// A parallel loop as a function that runs a part of its steps.
//
// Everything a step reads becomes an argument, except what costs nothing to
// compute again: constants, and views of the arena and of the parameters. So
// a task mostly takes the pointers that its function was given. Buffers that
// each step has for itself are the task's: its steps run one after another.

#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

namespace lig::target {
#define GEN_PASS_DEF_CPUOUTLINETASKSPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;

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

/// What the loop reads, as far as it is not made again inside.
static SetVector<Value> findCaptures(scf::ParallelOp loop) {
  SetVector<Value> captures;
  SetVector<Value> work;
  getUsedValuesDefinedAbove(loop.getRegion(), work);
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

static bool canOutline(scf::ParallelOp loop) {
  if (loop.getNumLoops() != 1 || loop.getNumResults() != 0 ||
      loop->getParentOfType<scf::ParallelOp>())
    return false;
  SetVector<Value> captures = findCaptures(loop);
  captures.insert(loop.getLowerBound()[0]);
  captures.insert(loop.getStep()[0]);
  return llvm::all_of(captures, [](Value value) {
    Operation *op = value.getDefiningOp();
    return (op && isCheap(op)) || isPassable(value.getType());
  });
}

/// The value inside the task: an argument, or a clone of what is cheap.
static Value getInside(OpBuilder &b, IRMapping &inside, Value value) {
  if (Value known = inside.lookupOrNull(value))
    return known;
  Operation *op = value.getDefiningOp();
  for (Value operand : op->getOperands())
    getInside(b, inside, operand);
  Operation *clone = b.clone(*op, inside);
  return clone->getResult(cast<OpResult>(value).getResultNumber());
}

/// Makes one place for all steps of buffers on the stack inside `loop`.
static void moveBuffersUp(Operation *loop, Block *entry) {
  loop->walk([&](memref::AllocaOp op) {
    if (op->getNumOperands() == 0)
      op->moveBefore(entry, entry->begin());
  });
}

/// The loop's steps [begin, end), the last two arguments of `task`.
static void fillTask(func::FuncOp task, scf::ParallelOp loop,
                     ArrayRef<Value> captures) {
  Location loc = loop.getLoc();
  OpBuilder b(task.getContext());
  Block *entry = task.addEntryBlock();
  b.setInsertionPointToStart(entry);
  IRMapping inside;
  for (auto [value, argument] : llvm::zip(captures, entry->getArguments()))
    inside.map(value, argument);
  Value lower = getInside(b, inside, loop.getLowerBound()[0]);
  Value step = getInside(b, inside, loop.getStep()[0]);
  SetVector<Value> above;
  getUsedValuesDefinedAbove(loop.getRegion(), above);
  for (Value value : above)
    getInside(b, inside, value);

  Value begin = entry->getArgument(captures.size());
  Value end = entry->getArgument(captures.size() + 1);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  auto part = scf::ForOp::create(b, loc, begin, end, one);
  b.setInsertionPointToStart(part.getBody());
  Value moved =
      arith::MulIOp::create(b, loc, part.getInductionVar(), step);
  inside.map(loop.getInductionVars()[0],
             arith::AddIOp::create(b, loc, lower, moved));
  for (Operation &op : loop.getBody()->without_terminator())
    b.clone(op, inside);
  moveBuffersUp(part, entry);
  b.setInsertionPointToEnd(entry);
  func::ReturnOp::create(b, loc);
}

static void outline(scf::ParallelOp loop, SymbolTable &symbols) {
  auto parent = loop->getParentOfType<func::FuncOp>();
  Location loc = loop.getLoc();
  SetVector<Value> captured = findCaptures(loop);
  for (Value bound : {loop.getLowerBound()[0], loop.getStep()[0]})
    if (Operation *op = bound.getDefiningOp(); !op || !isCheap(op))
      captured.insert(bound);
  SmallVector<Value> operands(captured.getArrayRef());
  SmallVector<Type> types(ValueRange(operands).getTypes());
  OpBuilder b(loop);
  types.append(2, b.getIndexType());
  auto task = func::FuncOp::create(loc, (parent.getName() + "_task").str(),
                                   b.getFunctionType(types, {}));
  task.setPrivate();
  task->setAttr("net.task", b.getUnitAttr());
  symbols.insert(task);
  fillTask(task, loop, captured.getArrayRef());

  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value span = arith::SubIOp::create(b, loc, loop.getUpperBound()[0],
                                     loop.getLowerBound()[0]);
  Value count =
      arith::CeilDivSIOp::create(b, loc, span, loop.getStep()[0]);
  operands.append({zero, count});
  func::CallOp::create(b, loc, task, operands);
  loop.erase();
}

namespace {
struct CpuOutlineTasks
    : lig::target::impl::CpuOutlineTasksPassBase<CpuOutlineTasks> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk([&](scf::ParallelOp loop) {
      if (loop->getParentOfType<func::FuncOp>() && canOutline(loop))
        loops.push_back(loop);
    });
    for (scf::ParallelOp loop : loops) {
      outline(loop, symbols);
      ++numTasks;
    }
    // What could not be outlined runs step by step, too.
    getOperation().walk([](scf::ParallelOp loop) {
      if (auto function = loop->getParentOfType<func::FuncOp>())
        moveBuffersUp(loop, &function.getBody().front());
    });
  }
};
} // namespace
