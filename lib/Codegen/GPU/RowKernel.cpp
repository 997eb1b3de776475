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
  /// The same for a thread whose first row is known to be one.
  void writeAt(ArrayRef<RowPass> passes, Value firstRow);
  /// Number of this thread's row, or piece of rows.
  Value lineNumber();

private:
  void placeThread();
  void placeLines(Value first);
  void runPass(const RowPass &pass);
  SmallVector<Value> walkSlots(const RowPass &pass, SmallVector<Value> found);
  SmallVector<Value> walkLoop(const RowPass &pass, SmallVector<Value> found);
  void runElement(const RowPass &pass, ArrayRef<ElementPlace> piece,
                  Value exists, MutableArrayRef<Value> found);
  void meet(const Member &member, MutableArrayRef<Value> values);
  Value meetInWarp(const Member &member, Value value, int64_t lanes);
  void meetInColumns(const Member &member, MutableArrayRef<Value> values,
                     Value shared);
  Value combine(const Member &member, Value x, Value y);
  Value both(Value x, Value y);
  SmallVector<ElementPlace> elementsAt(Value step, Value exists,
                                       MutableArrayRef<KnownValues> known);

  Kernel &kernel;
  ImplicitLocOpBuilder &b;
  const ElementGroup &group;
  RowShape shape;
  Pieces pieces;
  MemberWriter members;
  /// Elements of a row, or pieces.
  int64_t steps;
  Value lane, rowInBlock;
  /// The thread's rows, whether they are some, and whether this thread is the
  /// one to store what there is one of.
  SmallVector<ElementPlace> lines;
  Value rowExists, isFirst;
  SmallVector<KnownValues> knownOfLines, knownOfElements;
  /// Of the next reduction.
  unsigned nextShared = 0;
};
} // namespace

RowWriter::RowWriter(Kernel &kernel, const ElementGroup &group,
                     const RowShape &shape)
    : kernel(kernel), b(kernel.b), group(group), shape(shape),
      pieces(group, shape.piecesOfRows, shape.width),
      members(kernel, group, /*keepsMemory=*/shape.isLoop(), &pieces),
      steps(kernel.count(group.elements) / shape.elementsAtOnce()),
      knownOfLines(shape.linesOfThread()),
      knownOfElements(shape.slots * shape.width) {}

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
}

Value RowWriter::lineNumber() {
  if (!lane)
    placeThread();
  return kernel.add(kernel.mul(kernel.block(), shape.rows), rowInBlock);
}

void RowWriter::placeLines(Value first) {
  isFirst =
      shape.lanes == 1 ? rowExists : both(rowExists, kernel.less(lane, 1));
  for (int64_t i = 0; i < shape.linesOfThread(); ++i) {
    ElementPlace line;
    line.stores = isFirst;
    line.row = &knownOfLines[i];
    line.rowNumber = kernel.add(first, kernel.index(i));
    kernel.unflatten(line.rowNumber, group.rows, line.dims);
    lines.push_back(std::move(line));
  }
}

/// All that a thread takes at once, in its rows or in the only one.
SmallVector<ElementPlace>
RowWriter::elementsAt(Value step, Value exists,
                      MutableArrayRef<KnownValues> known) {
  SmallVector<ElementPlace> piece;
  int64_t atOnce = shape.elementsAtOnce();
  for (int64_t i = 0; i < shape.width; ++i) {
    ElementPlace place = lines[shape.piecesOfRows ? i : 0];
    place.stores = both(rowExists, exists);
    place.element = &known[i];
    place.elementNumber = kernel.add(
        kernel.mul(step, atOnce), kernel.index(shape.piecesOfRows ? 0 : i));
    kernel.unflatten(place.elementNumber, group.elements, place.dims);
    piece.push_back(std::move(place));
  }
  return piece;
}

/// `found` are the results so far of the pass's reductions, in order, for each
/// row of the thread.
void RowWriter::runElement(const RowPass &pass, ArrayRef<ElementPlace> piece,
                           Value exists, MutableArrayRef<Value> found) {
  for (const Member *member : pass) {
    if (!member->combiner) {
      members.run(*member, piece);
      continue;
    }
    members.fetch(*member, piece);
    MutableArrayRef<Value> ofLines = found.take_front(lines.size());
    found = found.drop_front(lines.size());
    SmallVector<Value> before(ofLines);
    for (auto [i, place] : llvm::enumerate(piece)) {
      Value &value = ofLines[i % lines.size()];
      value = members.reduce(*member, place, value);
    }
    if (exists)
      for (auto [value, was] : llvm::zip(ofLines, before))
        value = arith::SelectOp::create(b, exists, value, was);
  }
}

SmallVector<Value> RowWriter::walkSlots(const RowPass &pass,
                                        SmallVector<Value> found) {
  MutableArrayRef<KnownValues> known = knownOfElements;
  for (int64_t slot = 0; slot < shape.slots; ++slot) {
    Value step = kernel.add(lane, kernel.index(slot * shape.lanes)), exists;
    if ((slot + 1) * shape.lanes > steps) {
      exists = kernel.less(step, steps);
      step = kernel.min(step, steps - 1);
    }
    auto piece = elementsAt(
        step, exists, known.slice(slot * shape.width, shape.width));
    runElement(pass, piece, exists, found);
  }
  return found;
}

SmallVector<Value> RowWriter::walkLoop(const RowPass &pass,
                                       SmallVector<Value> found) {
  auto loop = scf::ForOp::create(b, lane, kernel.index(steps),
                                 kernel.index(shape.lanes), found);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<KnownValues> known(shape.width);
  SmallVector<Value> next = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
  runElement(pass, elementsAt(loop.getInductionVar(), Value(), known), Value(),
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
void RowWriter::meetInColumns(const Member &member,
                              MutableArrayRef<Value> values, Value shared) {
  auto at = [&](Value lane, size_t line) {
    return SmallVector<Value>{
        lane, kernel.add(rowInBlock, kernel.index(int64_t(line) * shape.rows))};
  };
  for (auto [line, value] : llvm::enumerate(values))
    memref::StoreOp::create(b, value, shared, at(lane, line));
  ::mlir::gpu::BarrierOp::create(b);
  for (auto [line, value] : llvm::enumerate(values)) {
    value = Value();
    for (int64_t i = 0; i < shape.lanes; ++i) {
      Value part =
          memref::LoadOp::create(b, shared, at(kernel.index(i), line));
      value = value ? combine(member, value, part) : part;
    }
  }
}

/// Makes of what threads have found what their rows have.
void RowWriter::meet(const Member &member, MutableArrayRef<Value> values) {
  Value shared;
  if (shape.needsShared())
    shared = kernel.shared(nextShared++);
  if (!shape.lanesInner) {
    if (shared)
      meetInColumns(member, values, shared);
    return;
  }
  Value &value = values.front();
  value = meetInWarp(member, value, std::min(shape.lanes, kWarp));
  if (!shared)
    return;
  {
    OpBuilder::InsertionGuard guard(b);
    auto first = scf::IfOp::create(b, kernel.less(kernel.rem(lane, kWarp), 1));
    b.setInsertionPointToStart(first.thenBlock());
    memref::StoreOp::create(b, value, shared, kernel.div(lane, kWarp));
  }
  ::mlir::gpu::BarrierOp::create(b);
  int64_t warps = shape.lanes / kWarp;
  Value found = memref::LoadOp::create(b, shared, kernel.rem(lane, warps));
  value = meetInWarp(member, found, warps);
}

void RowWriter::runPass(const RowPass &pass) {
  if (!pass.front()->isFull)
    return members.run(*pass.front(), lines);
  SmallVector<Value> found;
  for (const Member *member : pass) {
    for (const ElementPlace &line : lines)
      members.readRow(*member, line);
    if (member->combiner)
      found.append(lines.size(),
                   arith::ConstantOp::create(b, member->neutral));
  }
  found = shape.isLoop() ? walkLoop(pass, found) : walkSlots(pass, found);
  MutableArrayRef<Value> rest = found;
  for (const Member *member : pass) {
    if (!member->combiner)
      continue;
    MutableArrayRef<Value> values = rest.take_front(lines.size());
    rest = rest.drop_front(lines.size());
    meet(*member, values);
    // What the output held comes in last.
    const Access &output = member->accesses.back();
    for (auto [line, value] : llvm::zip(lines, values))
      value = combine(*member, members.read(output, line), value);
    members.write(output, lines, values);
  }
}

void RowWriter::write(ArrayRef<RowPass> passes) {
  Value line = lineNumber();
  int64_t count = kernel.count(group.rows) / shape.linesOfThread();
  if (count % shape.rows) {
    rowExists = kernel.less(line, count);
    line = kernel.min(line, count - 1);
  }
  writeAt(passes, kernel.mul(line, shape.linesOfThread()));
}

void RowWriter::writeAt(ArrayRef<RowPass> passes, Value firstRow) {
  if (!lane)
    placeThread();
  placeLines(firstRow);
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

/// Of what comes from memory and not from another member, the largest: what
/// takes the time to read. Null if there is nothing.
static const Access *findLargestInput(const ElementGroup &group) {
  llvm::DenseSet<MemoryRoot> made;
  const Access *largest = nullptr;
  int64_t most = 0;
  for (const Member &member : group.members) {
    for (const Access &access : member.accesses) {
      if (!access.buffer || !access.isRead || made.contains(access.root))
        continue;
      auto type = cast<MemRefType>(access.operand->get().getType());
      if (type.getRank() && type.getNumElements() > most) {
        largest = &access;
        most = type.getNumElements();
      }
    }
    for (const Access &access : member.accesses)
      if (access.buffer && access.isWritten)
        made.insert(access.root);
  }
  return largest;
}

/// Puts a loop last along which the elements of a row lie in memory; whether
/// there is one.
static bool sortElements(ElementGroup &group) {
  const Access *input = findLargestInput(group);
  if (!input || !cast<MemRefType>(input->operand->get().getType())
                     .isLastDimUnitStride())
    return false;
  const Member &reader = *llvm::find_if(group.members, [&](Member &member) {
    return member.op == input->operand->getOwner();
  });
  linalg::GenericOp op = reader.op;
  AffineExpr last = op.getMatchingIndexingMap(input->operand)
                        .getResults()
                        .back()
                        .replaceDims(reader.loops);
  for (unsigned &loop : group.elements)
    if (last == getAffineDimExpr(loop, op.getContext())) {
      std::rotate(&loop, &loop + 1, group.elements.end());
      return true;
    }
  return false;
}

/// What members meet through.
static SmallVector<MemRefType> findShared(const ElementGroup &group,
                                          const RowShape &shape) {
  SmallVector<MemRefType> shared;
  SmallVector<int64_t> extents{shape.lanes / kWarp};
  if (!shape.lanesInner)
    extents = {shape.lanes, shape.rows * shape.linesOfThread()};
  for (const Member &member : group.members)
    if (member.combiner && shape.needsShared())
      shared.push_back(sharedType(extents, member.neutral.getType()));
  return shared;
}

/// Pieces of elements where a row lies in memory, of rows where there are
/// enough of them.
static RowShape findShape(const ElementGroup &group, const RowWork &work,
                          const Machine &machine) {
  constexpr int64_t width = 4;
  auto shapeOf = [&](bool piecesOfRows, int64_t width) {
    return chooseRowShape(work, piecesOfRows, width, machine.multiprocessors);
  };
  RowShape single = shapeOf(false, 1);
  bool ofRows = !single.lanesInner;
  if (!Pieces(group, ofRows, width).areWorthwhile())
    return single;
  if (!ofRows)
    return work.length % width ? single : shapeOf(false, width);
  if (work.count < fewestRowsForPieces(machine.multiprocessors, width))
    return single;
  // Rows that fill no piece cannot meet others.
  RowShape shape = shapeOf(true, width);
  return work.count % width && shape.lanes > 1 ? single : shape;
}

/// Threads behind those of whole pieces have one row each of the rest.
static void writeWithRest(Kernel &kernel, const ElementGroup &group,
                          const RowShape &shape, ArrayRef<RowPass> passes,
                          int64_t lines, int64_t rest) {
  RowShape single = shape;
  single.width = 1;
  single.piecesOfRows = false;
  RowWriter writer(kernel, group, shape), restWriter(kernel, group, single);
  Value line = writer.lineNumber();
  ImplicitLocOpBuilder &b = kernel.b;
  auto choice = scf::IfOp::create(b, kernel.less(line, lines),
                                  /*withElseRegion=*/true);
  b.setInsertionPointToStart(choice.thenBlock());
  writer.writeAt(passes, kernel.mul(line, shape.width));
  b.setInsertionPointToStart(choice.elseBlock());
  auto isRow = scf::IfOp::create(b, kernel.less(line, lines + rest));
  b.setInsertionPointToStart(isRow.thenBlock());
  restWriter.writeAt(
      passes, kernel.add(line, kernel.index(lines * (shape.width - 1))));
  b.setInsertionPointAfter(choice);
}

static void writeKernel(RewriterBase &rewriter, const ElementGroup &group,
                        const RowShape &shape, ArrayRef<RowPass> passes,
                        int64_t count) {
  int64_t lines = count / shape.linesOfThread(),
          rest = count % shape.linesOfThread();
  linalg::GenericOp seed = group.seed;
  Kernel kernel(rewriter, seed, group.extents,
                llvm::divideCeil(lines + rest, shape.rows), shape.threads(),
                findShared(group, shape));
  if (rest)
    writeWithRest(kernel, group, shape, passes, lines, rest);
  else
    RowWriter(kernel, group, shape).write(passes);
  kernel.finish();
}

LogicalResult lig::codegen::gpu::emitRowKernel(RewriterBase &rewriter,
                                               linalg::GenericOp op,
                                               const Machine &machine) {
  ElementGroup group(op);
  bool isReduction = op.getNumReductionLoops();
  if (!group.isSuitable() || (isReduction && !group.isReduction()))
    return failure();
  group.grow(/*rowsOnly=*/!isReduction);
  SmallVector<RowPass> passes = findPasses(group);
  RowWork work{1, 1, 0, sortElements(group)};
  for (unsigned loop : group.rows)
    work.count *= group.extents[loop];
  for (unsigned loop : group.elements)
    work.length *= group.extents[loop];
  work.passes = llvm::count_if(
      passes, [](const RowPass &pass) { return pass.front()->isFull; });
  RowShape shape = findShape(group, work, machine);
  // One element at a time of one operation is what loops do.
  if (group.members.size() == 1 && !isReduction && shape.width == 1)
    return failure();
  group.gather(rewriter);
  writeKernel(rewriter, group, shape, passes, work.count);
  group.erase(rewriter);
  return success();
}
