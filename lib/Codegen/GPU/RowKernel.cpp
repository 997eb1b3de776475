// Row by row: sums, maxima, softmax, normalisation, with what is done to
// elements and results before, between and after, in one kernel.
//
// A thread has some elements of a row, or all. It keeps what it has loaded and
// computed of them in registers from one pass over the row to the next; where
// rows are too long for that, in memory, where no other thread uses them. What
// a row is reduced to is brought together by shuffles, over warps by shared
// memory, and known to all threads of the row. Beyond the last row or element
// threads repeat it and store nothing, so that all meet at shuffles.

#include "Kernel.h"
#include "MemberWriter.h"
#include "RowShape.h"
#include "Strategies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lig::codegen::gpu;

namespace {
/// Members that go through the elements together, or one that has only rows.
using RowPass = SmallVector<const Member *>;

class RowWriter {
public:
  RowWriter(Kernel &kernel, const ElementGroup &group, const RowShape &shape);
  void write(ArrayRef<RowPass> passes);

private:
  void placeThread();
  void runPass(const RowPass &pass);
  SmallVector<Value> walkSlots(const RowPass &pass, SmallVector<Value> found);
  SmallVector<Value> walkLoop(const RowPass &pass, SmallVector<Value> found);
  void runElement(const RowPass &pass, const ElementPlace &place, Value exists,
                  MutableArrayRef<Value> found);
  Value meet(const Member &member, Value value);
  Value meetInWarp(const Member &member, Value value, int64_t lanes);
  Value meetInColumns(const Member &member, Value value, Value shared);
  Value combine(const Member &member, Value x, Value y);
  Value both(Value x, Value y);
  ElementPlace elementAt(Value number, Value exists, KnownValues *known);

  Kernel &kernel;
  ImplicitLocOpBuilder &b;
  const ElementGroup &group;
  RowShape shape;
  MemberWriter members;
  int64_t length;
  Value lane, rowInBlock;
  /// Where the thread's row is, whether it is one, and whether this thread is
  /// the one to store what there is one of.
  LoopValues rowDims;
  Value rowExists, isFirst;
  KnownValues knownOfRow;
  SmallVector<KnownValues> knownOfSlots;
  /// Of the next reduction.
  unsigned nextShared = 0;
};
} // namespace

RowWriter::RowWriter(Kernel &kernel, const ElementGroup &group,
                     const RowShape &shape)
    : kernel(kernel), b(kernel.b), group(group), shape(shape),
      members(kernel, group, /*keepsMemory=*/shape.isLoop()),
      length(kernel.count(group.elements)), knownOfSlots(shape.slots) {}

Value RowWriter::both(Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return arith::AndIOp::create(b, x, y);
}

void RowWriter::placeThread() {
  Value thread = kernel.thread();
  if (shape.lanesInner) {
    lane = kernel.rem(thread, shape.lanes);
    rowInBlock = kernel.div(thread, shape.lanes);
  } else {
    lane = kernel.div(thread, shape.rows);
    rowInBlock = kernel.rem(thread, shape.rows);
  }
  if (shape.lanes == 1)
    lane = kernel.index(0);
  int64_t count = kernel.count(group.rows);
  Value row = kernel.add(kernel.mul(kernel.block(), shape.rows), rowInBlock);
  if (count % shape.rows) {
    rowExists = kernel.less(row, count);
    row = kernel.min(row, count - 1);
  }
  kernel.unflatten(row, group.rows, rowDims);
  isFirst =
      shape.lanes == 1 ? rowExists : both(rowExists, kernel.less(lane, 1));
}

ElementPlace RowWriter::elementAt(Value number, Value exists,
                                  KnownValues *known) {
  ElementPlace place{rowDims, both(rowExists, exists), &knownOfRow, known};
  kernel.unflatten(number, group.elements, place.dims);
  return place;
}

/// `found` are the results so far of the pass's reductions, in order.
void RowWriter::runElement(const RowPass &pass, const ElementPlace &place,
                           Value exists, MutableArrayRef<Value> found) {
  unsigned next = 0;
  for (const Member *member : pass) {
    if (!member->combiner) {
      members.run(*member, place);
      continue;
    }
    Value &value = found[next++];
    Value more = members.reduce(*member, place, value);
    value = exists ? arith::SelectOp::create(b, exists, more, value) : more;
  }
}

SmallVector<Value> RowWriter::walkSlots(const RowPass &pass,
                                        SmallVector<Value> found) {
  for (int64_t slot = 0; slot < shape.slots; ++slot) {
    Value number = kernel.add(lane, kernel.index(slot * shape.lanes)), exists;
    if ((slot + 1) * shape.lanes > length) {
      exists = kernel.less(number, length);
      number = kernel.min(number, length - 1);
    }
    runElement(pass, elementAt(number, exists, &knownOfSlots[slot]), exists,
               found);
  }
  return found;
}

SmallVector<Value> RowWriter::walkLoop(const RowPass &pass,
                                       SmallVector<Value> found) {
  auto loop = scf::ForOp::create(b, lane, kernel.index(length),
                                 kernel.index(shape.lanes), found);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  KnownValues known;
  SmallVector<Value> next = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
  runElement(pass, elementAt(loop.getInductionVar(), Value(), &known), Value(),
             next);
  if (!next.empty())
    scf::YieldOp::create(b, next);
  return llvm::to_vector(ValueRange(loop.getResults()));
}

Value RowWriter::combine(const Member &member, Value x, Value y) {
  IRMapping mapping;
  mapping.map(member.combiner->getOperand(0), x);
  mapping.map(member.combiner->getOperand(1), y);
  return b.clone(*member.combiner, mapping)->getResult(0);
}

/// Every lane gets what `lanes` neighbours have found.
Value RowWriter::meetInWarp(const Member &member, Value value, int64_t lanes) {
  for (int64_t distance = lanes / 2; distance; distance /= 2) {
    auto other = ::mlir::gpu::ShuffleOp::create(b, value, distance, kWarp,
                                                ::mlir::gpu::ShuffleMode::XOR);
    value = combine(member, value, other.getShuffleResult());
  }
  return value;
}

/// Lanes of a row are in different warps.
Value RowWriter::meetInColumns(const Member &member, Value value,
                               Value shared) {
  memref::StoreOp::create(b, value, shared, ValueRange{lane, rowInBlock});
  ::mlir::gpu::BarrierOp::create(b);
  Value all;
  for (int64_t i = 0; i < shape.lanes; ++i) {
    Value part = memref::LoadOp::create(
        b, shared, ValueRange{kernel.index(i), rowInBlock});
    all = all ? combine(member, all, part) : part;
  }
  return all;
}

Value RowWriter::meet(const Member &member, Value value) {
  Value shared;
  if (shape.needsShared())
    shared = kernel.shared(nextShared++);
  if (!shape.lanesInner)
    return shared ? meetInColumns(member, value, shared) : value;
  value = meetInWarp(member, value, std::min(shape.lanes, kWarp));
  if (!shared)
    return value;
  {
    OpBuilder::InsertionGuard guard(b);
    auto first = scf::IfOp::create(b, kernel.less(kernel.rem(lane, kWarp), 1));
    b.setInsertionPointToStart(first.thenBlock());
    memref::StoreOp::create(b, value, shared, kernel.div(lane, kWarp));
  }
  ::mlir::gpu::BarrierOp::create(b);
  int64_t warps = shape.lanes / kWarp;
  Value found = memref::LoadOp::create(b, shared, kernel.rem(lane, warps));
  return meetInWarp(member, found, warps);
}

void RowWriter::runPass(const RowPass &pass) {
  ElementPlace row{rowDims, isFirst, &knownOfRow, nullptr};
  if (!pass.front()->isFull)
    return members.run(*pass.front(), row);
  SmallVector<Value> found;
  for (const Member *member : pass) {
    members.readRow(*member, row);
    if (member->combiner)
      found.push_back(arith::ConstantOp::create(b, member->neutral));
  }
  found = shape.isLoop() ? walkLoop(pass, found) : walkSlots(pass, found);
  unsigned next = 0;
  for (const Member *member : pass) {
    if (!member->combiner)
      continue;
    // What the output held comes in last.
    const Access &output = member->accesses.back();
    Value value = meet(*member, found[next++]);
    value = combine(*member, members.read(output, row), value);
    members.write(output, row, value);
  }
}

void RowWriter::write(ArrayRef<RowPass> passes) {
  placeThread();
  for (const RowPass &pass : passes)
    runPass(pass);
}

//===-- Passes -----------------------------------------------------------===//

/// Whether `member` has to wait until the pass is through with the row.
static bool waitsFor(const Member &member, const RowPass &pass,
                     const ElementGroup &group) {
  auto clash = [&](const Access &a, const Access &b) {
    return a.buffer && b.buffer && a.root == b.root &&
           (a.isWritten || b.isWritten) &&
           !(member.isFull && group.involvesElements(a.index));
  };
  for (const Member *before : pass)
    for (const Access &a : member.accesses)
      for (const Access &b : before->accesses)
        if (clash(a, b))
          return true;
  return false;
}

static SmallVector<RowPass> findPasses(const ElementGroup &group) {
  SmallVector<RowPass> passes;
  RowPass pass;
  auto finish = [&] {
    if (!pass.empty())
      passes.push_back(std::move(pass));
    pass.clear();
  };
  for (const Member &member : group.members) {
    if (waitsFor(member, pass, group))
      finish();
    if (member.isFull)
      pass.push_back(&member);
    else
      passes.push_back({&member});
  }
  finish();
  return passes;
}

/// The input with the most elements: what takes the time to read.
static OpOperand *findLargestInput(linalg::GenericOp op) {
  OpOperand *largest = nullptr;
  int64_t most = 0;
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto type = dyn_cast<MemRefType>(input->get().getType());
    if (type && type.getRank() && type.getNumElements() > most &&
        op.payloadUsesValueFromOperand(input)) {
      largest = input;
      most = type.getNumElements();
    }
  }
  return largest;
}

/// Puts a loop last along which the elements of a row lie in memory; whether
/// there is one.
static bool sortElements(ElementGroup &group) {
  linalg::GenericOp op = group.seed;
  OpOperand *input = findLargestInput(op);
  if (!input || !cast<MemRefType>(input->get().getType()).isLastDimUnitStride())
    return false;
  AffineExpr last = op.getMatchingIndexingMap(input).getResults().back();
  for (unsigned &loop : group.elements)
    if (last == getAffineDimExpr(loop, op.getContext())) {
      std::rotate(&loop, &loop + 1, group.elements.end());
      return true;
    }
  return false;
}

LogicalResult lig::codegen::gpu::emitRowKernel(RewriterBase &rewriter,
                                               linalg::GenericOp op,
                                               const Machine &machine) {
  ElementGroup group(op);
  bool isReduction = op.getNumReductionLoops();
  if (!group.isSuitable() || (isReduction && !group.isReduction()))
    return failure();
  group.grow(/*rowsOnly=*/!isReduction);
  // An element at a time is what loops do.
  if (group.members.size() == 1 && !isReduction)
    return failure();
  SmallVector<RowPass> passes = findPasses(group);
  int64_t count = 1, length = 1;
  for (unsigned loop : group.rows)
    count *= group.extents[loop];
  for (unsigned loop : group.elements)
    length *= group.extents[loop];
  unsigned numPasses = llvm::count_if(
      passes, [](const RowPass &pass) { return pass.front()->isFull; });
  bool isContiguous = sortElements(group);
  RowShape shape = chooseRowShape(count, length, numPasses, isContiguous,
                                  machine.multiprocessors);
  SmallVector<MemRefType> shared;
  for (const Member &member : group.members)
    if (member.combiner && shape.needsShared())
      shared.push_back(sharedType(
          shape.lanesInner ? ArrayRef<int64_t>{shape.lanes / kWarp}
                           : ArrayRef<int64_t>{shape.lanes, shape.rows},
          member.neutral.getType()));
  group.gather(rewriter);
  Kernel kernel(rewriter, op, group.extents,
                llvm::divideCeil(count, shape.rows), shape.threads(), shared);
  RowWriter(kernel, group, shape).write(passes);
  kernel.finish();
  group.erase(rewriter);
  return success();
}
