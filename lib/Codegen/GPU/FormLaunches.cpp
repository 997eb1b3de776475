// The host of a GPU reads no device memory. A parallel loop whose bounds it
// knows becomes a kernel of one thread an element. What depends on data becomes
// a kernel of one block: all its threads go through the same control flow,
// share the steps of parallel loops, and meet before and after whatever writes
// memory. Where no loop is parallel one thread does it all.

#include "Ligature/Codegen/Passes.h"

#include "DataDependence.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace lig::codegen {
#define GEN_PASS_DEF_GPUFORMLAUNCHESPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

using namespace mlir;
using namespace lig::codegen::gpu;

static constexpr int64_t elementBlock = 256, regionBlock = 128;

static Value constant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

/// How many steps a parallel loop has, folded where its bounds are constants.
static Value countSteps(OpBuilder &b, scf::ParallelOp loop,
                        SmallVectorImpl<Value> &extents) {
  Location loc = loop.getLoc();
  Value total = constant(b, loc, 1);
  for (auto [begin, end, step] :
       llvm::zip(loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
    Value length = b.createOrFold<arith::SubIOp>(loc, end, begin);
    Value extent = b.createOrFold<arith::CeilDivSIOp>(loc, length, step);
    extents.push_back(extent);
    total = b.createOrFold<arith::MulIOp>(loc, total, extent);
  }
  return total;
}

/// Moves the body of a loop to where `b` stands, for step number `index`.
static void moveBody(OpBuilder &b, scf::ParallelOp loop, Value index,
                     ArrayRef<Value> extents) {
  Location loc = loop.getLoc();
  SmallVector<Value> ivs(extents.size());
  for (int64_t d = extents.size() - 1; d >= 0; --d) {
    Value at = index;
    if (d > 0) {
      at = arith::RemUIOp::create(b, loc, index, extents[d]);
      index = arith::DivUIOp::create(b, loc, index, extents[d]);
    }
    at = b.createOrFold<arith::MulIOp>(loc, at, loop.getStep()[d]);
    ivs[d] = b.createOrFold<arith::AddIOp>(loc, at, loop.getLowerBound()[d]);
  }
  Block *target = b.getInsertionBlock();
  auto place = b.getInsertionPoint();
  for (auto [iv, value] : llvm::zip(loop.getInductionVars(), ivs))
    iv.replaceAllUsesWith(value);
  Block &body = *loop.getBody();
  target->getOperations().splice(place, body.getOperations(), body.begin(),
                                 std::prev(body.end()));
}

/// A launch of `blocks` of `threads` in one dimension; its body is empty but
/// for the terminator.
static mlir::gpu::LaunchOp makeLaunch(OpBuilder &b, Location loc, Value blocks,
                                      int64_t threads) {
  Value one = constant(b, loc, 1);
  auto launch = mlir::gpu::LaunchOp::create(
      b, loc, blocks, one, one, constant(b, loc, threads), one, one);
  OpBuilder inside = OpBuilder::atBlockEnd(&launch.getBody().front());
  mlir::gpu::TerminatorOp::create(inside, loc);
  return launch;
}

//===-- Parallel loops ---------------------------------------------------===//

/// One thread for each step.
static void launchLoop(scf::ParallelOp loop) {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  SmallVector<Value> extents;
  Value total = countSteps(b, loop, extents);
  Value one = constant(b, loc, 1);
  Value blocks = b.createOrFold<arith::CeilDivSIOp>(
      loc, total, constant(b, loc, elementBlock));
  // A grid of no blocks is an error, a loop of no steps is not.
  blocks = b.createOrFold<arith::MaxSIOp>(loc, blocks, one);
  mlir::gpu::LaunchOp launch = makeLaunch(b, loc, blocks, elementBlock);
  Block &body = launch.getBody().front();
  OpBuilder inside(body.getTerminator());
  Value index = arith::MulIOp::create(inside, loc, launch.getBlockIds().x,
                                      launch.getBlockSize().x);
  index = arith::AddIOp::create(inside, loc, index, launch.getThreadIds().x);
  Value isStep = arith::CmpIOp::create(inside, loc, arith::CmpIPredicate::ult,
                                       index, total);
  auto branch = scf::IfOp::create(inside, loc, isStep, /*withElse=*/false);
  OpBuilder step = branch.getThenBodyBuilder();
  moveBody(step, loop, index, extents);
  loop.erase();
}

//===-- Regions ----------------------------------------------------------===//

namespace {
/// Makes code that all threads of a block can go through.
class UniformCode {
public:
  explicit UniformCode(mlir::gpu::LaunchOp launch)
      : thread(launch.getThreadIds().x), size(launch.getBlockSize().x) {}

  void rewrite(Block &block);

private:
  void shareSteps(scf::ParallelOp loop);
  void storeOnce(memref::StoreOp op);

  Value thread, size;
};
} // namespace

/// Each thread takes every step that is its number, and the next ones by the
/// size of the block.
void UniformCode::shareSteps(scf::ParallelOp loop) {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  SmallVector<Value> extents;
  Value total = countSteps(b, loop, extents);
  mlir::gpu::BarrierOp::create(b, loc);
  auto steps = scf::ForOp::create(b, loc, thread, total, size);
  OpBuilder step(steps.getBody()->getTerminator());
  moveBody(step, loop, steps.getInductionVar(), extents);
  mlir::gpu::BarrierOp::create(b, loc);
  loop.erase();
}

void UniformCode::storeOnce(memref::StoreOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  mlir::gpu::BarrierOp::create(b, loc);
  Value isFirst = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                        thread, constant(b, loc, 0));
  auto branch = scf::IfOp::create(b, loc, isFirst, /*withElse=*/false);
  mlir::gpu::BarrierOp::create(b, loc);
  op->moveBefore(branch.thenBlock()->getTerminator());
}

void UniformCode::rewrite(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto loop = dyn_cast<scf::ParallelOp>(op))
      shareSteps(loop);
    else if (auto store = dyn_cast<memref::StoreOp>(op))
      storeOnce(store);
    else if (isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op))
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          rewrite(inner);
  }
}

/// Values that the host computes stay outside: they may be used behind the
/// range.
static void hoistHostValues(DeviceRange &range, Block &block) {
  SmallPtrSet<Operation *, 16> inRange;
  for (Operation *op = range.first;; op = op->getNextNode()) {
    inRange.insert(op);
    if (op == range.last)
      break;
  }
  for (Operation *op = range.first->getNextNode();
       range.first != range.last && op;) {
    Operation *next = op == range.last ? nullptr : op->getNextNode();
    bool isFree = op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
                  llvm::none_of(op->getOperands(), [&](Value operand) {
                    Operation *definition = operand.getDefiningOp();
                    return definition && inRange.contains(definition);
                  });
    if (isFree) {
      if (op == range.last)
        range.last = op->getPrevNode();
      inRange.erase(op);
      op->moveBefore(range.first);
    }
    op = next;
  }
}

/// Whether a range has work for more than one thread; fails where it holds a
/// kernel, which no kernel can launch.
static FailureOr<bool> findSharedWork(DeviceRange range) {
  bool isShared = false;
  for (Operation *op = range.first;; op = op->getNextNode()) {
    auto walk = op->walk([&](Operation *inner) {
      isShared |= isa<scf::ParallelOp>(inner);
      return isa<mlir::gpu::LaunchOp>(inner)
                 ? (inner->emitOpError("stands among what depends on data"),
                    WalkResult::interrupt())
                 : WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return failure();
    if (op == range.last)
      return isShared;
  }
}

static LogicalResult launchRange(DeviceRange range) {
  Block &block = *range.first->getBlock();
  hoistHostValues(range, block);
  FailureOr<bool> isShared = findSharedWork(range);
  if (failed(isShared))
    return failure();
  OpBuilder b(range.first);
  Location loc = range.first->getLoc();
  mlir::gpu::LaunchOp launch =
      makeLaunch(b, loc, constant(b, loc, 1), *isShared ? regionBlock : 1);
  Block &body = launch.getBody().front();
  body.getOperations().splice(body.getTerminator()->getIterator(),
                              block.getOperations(), range.first->getIterator(),
                              std::next(range.last->getIterator()));
  if (*isShared)
    UniformCode(launch).rewrite(body);
  return success();
}

//===-- Functions --------------------------------------------------------===//

/// A status that comes from memory goes to where the runtime looks for it.
static void storeStatus(func::FuncOp function) {
  unsigned arena = function.getNumArguments() - 2;
  function.walk([&](func::ReturnOp op) {
    Value status = op.getOperand(0);
    if (matchPattern(status, m_Constant()))
      return;
    OpBuilder b(op);
    Location loc = op.getLoc();
    Value place = memref::ViewOp::create(
        b, loc, MemRefType::get({}, b.getI32Type()),
        function.getArgument(arena), constant(b, loc, 0), ValueRange{});
    memref::StoreOp::create(b, loc, status, place, ValueRange{});
    op.setOperand(0, arith::ConstantIntOp::create(b, loc, 0, 32));
  });
}

static LogicalResult formLaunches(Block &block,
                                  const DataDependence &dependence) {
  for (DeviceRange range : dependence.findRanges(block))
    if (failed(launchRange(range)))
      return failure();
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto loop = dyn_cast<scf::ParallelOp>(op))
      launchLoop(loop);
    else if (isa<scf::ForOp, scf::IfOp, scf::WhileOp>(op))
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          if (failed(formLaunches(inner, dependence)))
            return failure();
  }
  return success();
}

namespace {
struct GpuFormLaunches
    : lig::codegen::impl::GpuFormLaunchesPassBase<GpuFormLaunches> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || function.getNumArguments() < 3)
      return;
    storeStatus(function);
    DataDependence dependence(function);
    if (failed(formLaunches(function.getBody().front(), dependence)))
      return signalPassFailure();
    function.walk([&](mlir::gpu::LaunchOp) { ++numLaunches; });
  }
};
} // namespace
