// A parallel loop as a function that runs a part of its steps.
//
// Everything a step reads becomes an argument, as far as it is not made again.
// Buffers that each step has for itself are the task's: its steps run one after
// another.

#include "TaskBody.h"

#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"

namespace lig::target {
#define GEN_PASS_DEF_CPUOUTLINETASKSPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;
using namespace lig::target::cpu;

/// Makes one place for all steps of buffers on the stack inside `loop`.
static void moveBuffersUp(Operation *loop, Block *entry) {
  loop->walk([&](memref::AllocaOp op) {
    if (op->getNumOperands() == 0)
      op->moveBefore(entry, entry->begin());
  });
}

/// The loop's steps [begin, end), the last two arguments of `task`; where begin
/// is the greater, those from begin - 1 down to end.
static void fillTask(func::FuncOp task, scf::ParallelOp loop,
                     ArrayRef<Value> captures) {
  Location loc = loop.getLoc();
  Block *entry = &task.getBody().front();
  OpBuilder b = OpBuilder::atBlockTerminator(entry);
  IRMapping inside;
  for (auto [value, argument] : llvm::zip(captures, entry->getArguments()))
    inside.map(value, argument);
  Value lower = getInside(b, inside, loop.getLowerBound()[0]);
  Value step = getInside(b, inside, loop.getStep()[0]);
  bringInside(b, inside, loop.getRegion());

  Value begin = entry->getArgument(captures.size());
  Value end = entry->getArgument(captures.size() + 1);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value first = arith::MinSIOp::create(b, loc, begin, end);
  Value last = arith::MaxSIOp::create(b, loc, begin, end);
  Value isBackwards =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, begin, end);
  Value most = arith::SubIOp::create(b, loc, begin, one);
  Value mirror = arith::AddIOp::create(b, loc, most, end);
  auto part = scf::ForOp::create(b, loc, first, last, one);
  b.setInsertionPointToStart(part.getBody());
  Value number = part.getInductionVar();
  Value other = arith::SubIOp::create(b, loc, mirror, number);
  number = arith::SelectOp::create(b, loc, isBackwards, other, number);
  Value moved = arith::MulIOp::create(b, loc, number, step);
  inside.map(loop.getInductionVars()[0],
             arith::AddIOp::create(b, loc, lower, moved));
  for (Operation &op : loop.getBody()->without_terminator())
    b.clone(op, inside);
  moveBuffersUp(part, entry);
}

static void outline(scf::ParallelOp loop, SymbolTable &symbols) {
  auto parent = loop->getParentOfType<func::FuncOp>();
  Location loc = loop.getLoc();
  SetVector<Value> captured = findCaptures(loop);
  SmallVector<Value> operands(captured.getArrayRef());
  OpBuilder b(loop);
  auto task = makeFunction(b, loc, (parent.getName() + "_task").str(), operands,
                           /*numbers=*/2);
  task->setAttr("net.task", b.getUnitAttr());
  symbols.insert(task);
  fillTask(task, loop, operands);

  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value span = arith::SubIOp::create(b, loc, loop.getUpperBound()[0],
                                     loop.getLowerBound()[0]);
  Value count = arith::CeilDivSIOp::create(b, loc, span, loop.getStep()[0]);
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
