// The kernel around the steps: which units a block has, what it keeps on chip,
// and how a step's stages follow each other.
//
// Weights of a block's units are loaded into shared memory once, before the
// first step; units beyond what fits read theirs from the second cache. A warp
// computes the sums of one unit, all its gates and rows at once; then each row
// is a lane's. Late stages of a step run beside early ones of later steps. The
// number of blocks is the launch's: one block alone computes the same.

#include "ScanKernel.h"
#include "GridBarrier.h"
#include "Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;

namespace lig::codegen::gpu {

static constexpr int64_t threads = 256, warps = threads / kWarp;

ScanKernel::ScanKernel(RewriterBase &rewriter, ScanBody &body,
                       const ScanMachine &machine)
    : IndexMath({body.loop.getLoc(), rewriter}), rewriter(rewriter), body(body),
      machine(machine), memory(body.ops.size()) {}

//===-- Layout -----------------------------------------------------------===//

static int64_t weightBytes(const ScanOp &op) {
  auto type = cast<MemRefType>(op.weights->get().getType());
  return op.gates * op.extent(*op.sum) * type.getElementTypeBitWidth() / 8;
}

/// Entries of what weights are looked up in.
static int64_t countEntries(const ScanOp &op) {
  Value table = op.decoding.table;
  return table ? cast<MemRefType>(table.getType()).getNumElements() : 0;
}

/// Sets how many units of each product stay on chip; the bytes of shared
/// memory that the kernel asks for.
int64_t ScanKernel::planMemory() {
  int64_t used = 0, perUnit = 0;
  for (const ScanOp &op : body.ops)
    if (op.isProduct()) {
      used += llvm::alignTo(op.countRows() * op.extent(*op.sum) * 4, 16) +
              llvm::alignTo(countEntries(op) * 4, 16);
      perUnit += llvm::alignTo(weightBytes(op), 16);
    }
  int64_t units = std::max<int64_t>(0, machine.sharedBytes - used) /
                  std::max<int64_t>(perUnit, 1);
  for (auto [op, kept] : llvm::zip(body.ops, memory))
    if (op.isProduct()) {
      kept.residentUnits = std::min(units, op.units);
      used += llvm::alignTo(kept.residentUnits * weightBytes(op), 16);
    }
  return used;
}

std::pair<int64_t, int64_t> ScanKernel::countResident() const {
  int64_t resident = 0, all = 0;
  for (auto [op, kept] : llvm::zip(body.ops, memory))
    if (op.isProduct()) {
      resident += kept.residentUnits * weightBytes(op);
      all += op.units * weightBytes(op);
    }
  return {resident, all};
}

void ScanKernel::makeLaunch(int64_t sharedBytes) {
  int64_t units = 1;
  for (const ScanOp &op : body.ops)
    if (op.isProduct())
      units = std::max(units, op.units);
  // A block with less than a unit for each warp would only be one more to wait
  // for.
  int64_t blocks = std::min<int64_t>(machine.multiprocessors,
                                     llvm::divideCeil(units, warps));
  Value one = index(1), grid = index(blocks), size = index(threads);
  Value shared = arith::ConstantOp::create(b, b.getI32IntegerAttr(sharedBytes));
  counter = getBarrierCounter(body.loop);
  launch =
      ::mlir::gpu::LaunchOp::create(b, grid, one, one, size, one, one, shared);
  setCooperative(launch);
}

/// Memory outside of the kernel for what passes between blocks.
void ScanKernel::makeExchangeBuffers() {
  auto allocate = [&](MemRefType type) -> Value {
    return memref::AllocOp::create(b, type, b.getI64IntegerAttr(64));
  };
  for (const CarriedBuffer &carried : body.carried)
    second[getRoot(carried.buffer)] =
        allocate(cast<MemRefType>(carried.buffer.getType()));
  for (Operation &op : *body.loop.getBody())
    if (body.exchanged.contains(&op))
      second[getRoot(op.getResult(0))] =
          allocate(cast<memref::AllocOp>(op).getType());
}

void ScanKernel::makeShared() {
  Type bytes = sharedType({ShapedType::kDynamic}, b.getI8Type());
  Value all = ::mlir::gpu::DynamicSharedMemoryOp::create(b, bytes);
  int64_t offset = 0;
  auto place = [&](ArrayRef<int64_t> shape, Type element) -> Value {
    MemRefType type = sharedType(shape, element);
    Value at = index(offset);
    offset += llvm::alignTo(
        type.getNumElements() * type.getElementTypeBitWidth() / 8, 16);
    return memref::ViewOp::create(b, type, all, at, ValueRange());
  };
  for (auto [op, kept] : llvm::zip(body.ops, memory)) {
    if (!op.isProduct())
      continue;
    int64_t sum = op.extent(*op.sum);
    kept.vectors = place({op.countRows(), sum}, b.getF32Type());
    if (int64_t entries = countEntries(op))
      kept.table = place({entries}, b.getF32Type());
    auto type = cast<MemRefType>(op.weights->get().getType());
    if (kept.residentUnits)
      kept.weights =
          place({kept.residentUnits, op.gates, sum}, type.getElementType());
  }
}

UnitShare ScanKernel::shareOf(int64_t units) {
  UnitShare &share = shares[units];
  if (share.base)
    return share;
  Value all = index(units);
  Value each = arith::CeilDivUIOp::create(b, all, launch.getGridSize().x);
  Value begin = arith::MulIOp::create(b, launch.getBlockIds().x, each);
  share.base = min(begin, all);
  share.count =
      arith::SubIOp::create(b, min(add(begin, each), all), share.base);
  return share;
}

//===-- Steps ------------------------------------------------------------===//

/// Each warp has the next unit of the block, each lane one of its rows; lanes
/// without a row repeat the last one.
void ScanKernel::emitItems(const ScanOp &like,
                           llvm::function_ref<void(Item &)> write) {
  UnitShare share = shareOf(like.units);
  auto loop = scf::ForOp::create(b, warp, share.count, index(warps));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Item item;
  item.local = loop.getInductionVar();
  item.unit = add(share.base, item.local);
  item.row = min(lane, index(like.countRows() - 1));
  write(item);
}

void ScanKernel::emitElementwise(unsigned number, Item &item) {
  const ScanOp &op = body.ops[number];
  linalg::GenericOp generic = op.op;
  Block &code = *generic.getBody();
  SetVector<Value> captured;
  getUsedValuesDefinedAbove(generic.getRegion(), captured);
  for (int64_t gate = 0; gate < op.gates; ++gate) {
    Value unit = add(item.unit, index(gate * op.units));
    SmallVector<Value> loops = loopValues(op, item.row, unit, Value());
    IRMapping mapping;
    for (Value value : captured)
      mapping.map(value, view(value, 0));
    for (OpOperand &operand : generic->getOpOperands())
      if (op.reads(operand))
        mapping.map(code.getArgument(operand.getOperandNumber()),
                    loadItem(number, operand, gate, loops, item));
    for (Operation &inner : code.without_terminator()) {
      if (auto position = dyn_cast<linalg::IndexOp>(inner))
        mapping.map(position.getResult(), loops[position.getDim()]);
      else
        b.clone(inner, mapping);
    }
    for (auto [output, value] : llvm::zip(generic.getDpsInitsMutable(),
                                          code.getTerminator()->getOperands()))
      storeItem(number, output, gate, loops, mapping.lookupOrDefault(value),
                item);
  }
}

void ScanKernel::finishStores(const ScanOp &like, Item &item) {
  if (item.stores.empty())
    return;
  OpBuilder::InsertionGuard guard(b);
  auto hasRow = scf::IfOp::create(b, less(lane, index(like.countRows())));
  b.setInsertionPointToStart(hasRow.thenBlock());
  for (Item::Store &one : item.stores)
    store(one.op - body.ops.data(), *one.operand, one.indices, one.value);
}

void ScanKernel::emitGroup(ArrayRef<unsigned> ops) {
  bool hasProducts = false;
  for (unsigned number : ops)
    if (body.ops[number].isProduct()) {
      stageVectors(number);
      hasProducts = true;
    }
  // The first time, weights are waited for here, too.
  if (hasProducts)
    ::mlir::gpu::BarrierOp::create(b);
  const ScanOp &like = body.ops[ops.front()];
  emitItems(like, [&](Item &item) {
    for (unsigned number : ops)
      if (body.ops[number].isProduct())
        emitProduct(number, item);
      else
        emitElementwise(number, item);
    finishStores(like, item);
  });
}

void ScanKernel::emitStage(unsigned stage, Value round) {
  SmallVector<unsigned> ops;
  for (auto [number, op] : llvm::enumerate(body.ops))
    if (op.stage == stage)
      ops.push_back(number);
  unsigned delay = stage / body.waits;
  Value begin = body.loop.getLowerBound(), end = body.loop.getUpperBound();
  step = delay ? arith::SubIOp::create(b, round, index(delay)) : round;
  OpBuilder::InsertionGuard guard(b);
  if (body.lastDelay()) {
    // The first rounds have no step of late stages, the last ones none of early
    // ones.
    bool isLate = delay == body.lastDelay();
    auto compare = [&](arith::CmpIPredicate predicate, Value bound) {
      return arith::CmpIOp::create(b, predicate, step, bound);
    };
    Value isStep = isLate ? compare(arith::CmpIPredicate::sge, begin)
                          : compare(arith::CmpIPredicate::slt, end);
    if (delay && !isLate)
      isStep = arith::AndIOp::create(
          b, isStep, compare(arith::CmpIPredicate::sge, begin));
    auto hasStep = scf::IfOp::create(b, isStep);
    b.setInsertionPointToStart(hasStep.thenBlock());
  }
  Value number = arith::SubIOp::create(b, step, begin);
  isOdd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, rem(number, 2),
                                index(0));
  makeViews(ops);
  for (ArrayRef<unsigned> rest = ops; !rest.empty();) {
    ArrayRef<unsigned> group = rest.take_while([&](unsigned number) {
      return body.ops[number].group == body.ops[rest.front()].group;
    });
    emitGroup(group);
    rest = rest.drop_front(group.size());
  }
}

/// In each round stages run of as many steps as they are behind the first one,
/// those of earlier steps first.
void ScanKernel::emitSteps() {
  Value end = body.loop.getUpperBound();
  if (unsigned delay = body.lastDelay())
    end = add(end, index(delay));
  auto rounds =
      scf::ForOp::create(b, body.loop.getLowerBound(), end, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(rounds.getBody());
  for (unsigned wait = 0; wait < body.waits; ++wait) {
    for (unsigned delay = body.lastDelay() + 1; delay-- > 0;)
      if (unsigned stage = delay * body.waits + wait; stage < body.stages)
        emitStage(stage, rounds.getInductionVar());
    emitGridBarrier(b, launch, counter);
  }
}

/// After an odd number of steps the state is in its second place.
void ScanKernel::settleCarried() {
  if (body.carried.empty())
    return;
  Value begin = body.loop.getLowerBound(), end = body.loop.getUpperBound();
  Value count = arith::SubIOp::create(b, end, begin);
  count = arith::MaxSIOp::create(b, count, index(0));
  Value wasOdd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                       rem(count, 2), index(0));
  auto branch = scf::IfOp::create(b, wasOdd);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  views.clear();
  for (const CarriedBuffer &carried : body.carried) {
    const ScanOp &op = body.ops[carried.writer];
    linalg::GenericOp generic = op.op;
    for (OpOperand &output : generic.getDpsInitsMutable()) {
      if (op.place(output).storage != getRoot(carried.buffer))
        continue;
      Value from = view(output.get(), 1), to = view(output.get(), 0);
      emitItems(op, [&](Item &item) {
        auto hasRow = scf::IfOp::create(b, less(lane, index(op.countRows())));
        b.setInsertionPointToStart(hasRow.thenBlock());
        for (int64_t gate = 0; gate < op.gates; ++gate) {
          Value unit = add(item.unit, index(gate * op.units));
          SmallVector<Value> at =
              indices(op, output, loopValues(op, item.row, unit, Value()));
          Value value = memref::LoadOp::create(b, from, at);
          memref::StoreOp::create(b, value, to, at);
        }
      });
    }
  }
}

void ScanKernel::emit() {
  b.setInsertionPoint(body.loop);
  int64_t sharedBytes = planMemory();
  makeExchangeBuffers();
  makeLaunch(sharedBytes);
  b.setInsertionPointToEnd(&launch.getBody().front());
  lane = rem(launch.getThreadIds().x, kWarp);
  warp = div(launch.getThreadIds().x, kWarp);
  makeShared();
  for (const ScanOp &op : body.ops)
    shareOf(op.units);
  for (unsigned number = 0; number < body.ops.size(); ++number) {
    if (memory[number].weights)
      loadWeights(number);
    if (memory[number].table)
      loadTable(number);
  }
  emitSteps();
  settleCarried();
  ::mlir::gpu::TerminatorOp::create(b);
  rewriter.setInsertionPointAfter(launch);
}

} // namespace lig::codegen::gpu
