// Sums of products by plain multiply-adds: matrix products, and convolutions as
// the product that they are (rows are output places, columns are filters, and
// an element's index follows from its row and its step of the sum).
//
// A block computes one tile of the output. It goes along the sum in slices of
// a few steps: both inputs' slices lie in shared memory, twice, so that the
// next one is on its way from memory while threads work on this one. A thread
// keeps a block of results in registers, in pieces of four rows and four columns
// that lie far apart, which lets a warp read shared memory without conflicts.
// Beyond the edges inputs are zero and nothing is stored.

#include "ContractionLoops.h"
#include "Kernel.h"
#include "Strategies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lig::codegen::gpu;

/// Elements of a vector from shared memory.
static constexpr int64_t kPiece = 4;
/// Steps of the sum in a slice.
static constexpr int64_t kDepth = 16;
/// Of them, those that are written out one after the other.
static constexpr int64_t kUnrolled = 4;

namespace {
struct TileShape {
  int64_t rows, columns;
  /// Pieces of four that one thread has along each.
  int64_t rowPieces, columnPieces;

  int64_t threadRows() const { return rows / (rowPieces * kPiece); }
  int64_t threadColumns() const { return columns / (columnPieces * kPiece); }
  int64_t threads() const { return threadRows() * threadColumns(); }
};

/// One input: how threads bring a slice of it into shared memory.
struct Side {
  OpOperand *operand = nullptr;
  ArrayRef<unsigned> lines;
  int64_t width = 0;
  bool alongSums = false;
  Value shared, first = {};
  /// Of each element that a thread brings: its line and its step.
  SmallVector<Value> line = {}, step = {};
  /// Per element the values of the loops, with those of `lines` filled in.
  SmallVector<LoopValues> values = {};
  SmallVector<Value> exists = {};
};

class Writer {
public:
  Writer(Kernel &kernel, const ContractionLoops &loops, TileShape tile)
      : kernel(kernel), b(kernel.b), loops(loops), tile(tile),
        piece(VectorType::get(kPiece, b.getF32Type())) {}
  void write();

private:
  void placeBlock();
  void prepare(Side &side);
  SmallVector<Value> fetch(Side &side, Value start);
  void put(const Side &side, Value buffer, ValueRange elements);
  SmallVector<Value> multiply(Value buffer, ValueRange sums);
  SmallVector<Value> multiplyStep(Value buffer, Value step, ValueRange sums);
  void store(ValueRange sums);
  /// The first line of a thread's piece `i` in the tile.
  Value lineOf(Value threadLine, int64_t i, int64_t threads);

  Kernel &kernel;
  ImplicitLocOpBuilder &b;
  const ContractionLoops &loops;
  TileShape tile;
  VectorType piece;
  LoopValues blockValues;
  Side left, right;
  Value threadRow, threadColumn, zero;
};
} // namespace

/// The tile that keeps the machine busiest: whole waves of blocks, and the
/// slices that a tile reads for its products.
static TileShape chooseTile(int64_t batch, int64_t rows, int64_t columns,
                            const Machine &machine) {
  static constexpr TileShape shapes[] = {{128, 128, 2, 2}, {128, 64, 2, 1},
                                         {64, 128, 1, 2},  {64, 64, 1, 1},
                                         {32, 64, 1, 1},   {64, 32, 1, 1},
                                         {32, 32, 1, 1}};
  const TileShape *best = nullptr;
  int64_t leastCost = 0;
  for (const TileShape &shape : shapes) {
    int64_t blocks = batch * llvm::divideCeil(rows, shape.rows) *
                     llvm::divideCeil(columns, shape.columns);
    int64_t cost = int64_t(llvm::divideCeil(blocks, machine.multiprocessors)) *
                   (shape.rows * shape.columns +
                    kDepth * (shape.rows + shape.columns));
    if (best && cost >= leastCost)
      continue;
    best = &shape;
    leastCost = cost;
  }
  return *best;
}

void Writer::placeBlock() {
  int64_t rows = kernel.count(loops.rows), columns = kernel.count(loops.columns);
  int64_t down = llvm::divideCeil(rows, tile.rows);
  int64_t across = llvm::divideCeil(columns, tile.columns);
  Value number = kernel.block();
  right.first = kernel.mul(kernel.rem(number, across), tile.columns);
  number = kernel.div(number, across);
  left.first = kernel.mul(kernel.rem(number, down), tile.rows);
  kernel.unflatten(kernel.div(number, down), loops.batch, blockValues);
  threadRow = kernel.div(kernel.thread(), tile.threadColumns());
  threadColumn = kernel.rem(kernel.thread(), tile.threadColumns());
}

void Writer::prepare(Side &side) {
  int64_t extent = kernel.count(side.lines), threads = tile.threads();
  // Neighbours in a warp are neighbours in memory.
  for (int64_t i = 0; i < side.width * kDepth / threads; ++i) {
    Value number = kernel.add(kernel.thread(), kernel.index(i * threads));
    int64_t inner = side.alongSums ? kDepth : side.width;
    Value fast = kernel.rem(number, inner), slow = kernel.div(number, inner);
    side.line.push_back(side.alongSums ? slow : fast);
    side.step.push_back(side.alongSums ? fast : slow);
    Value line = kernel.add(side.first, side.line.back());
    side.exists.push_back(
        extent % side.width ? kernel.less(line, extent) : Value());
    side.values.push_back(blockValues);
    kernel.unflatten(line, side.lines, side.values.back());
  }
}

/// A thread's elements of the slice that begins at `start`, as f32.
SmallVector<Value> Writer::fetch(Side &side, Value start) {
  int64_t extent = kernel.count(loops.sums);
  Type type = cast<MemRefType>(side.operand->get().getType()).getElementType();
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(type));
  SmallVector<Value> elements;
  for (size_t i = 0; i < side.line.size(); ++i) {
    Value step = kernel.add(start, side.step[i]);
    LoopValues values = side.values[i];
    kernel.unflatten(step, loops.sums, values);
    Value inside = kernel.less(step, extent);
    if (side.exists[i])
      inside = arith::AndIOp::create(b, inside, side.exists[i]);
    Value element = kernel.loadIf(inside, *side.operand, values, none);
    if (!type.isF32())
      element = arith::ExtFOp::create(b, b.getF32Type(), element);
    elements.push_back(element);
  }
  return elements;
}

void Writer::put(const Side &side, Value buffer, ValueRange elements) {
  for (auto [element, line, step] :
       llvm::zip(elements, side.line, side.step))
    memref::StoreOp::create(b, element, side.shared,
                            ValueRange{buffer, step, line});
}

Value Writer::lineOf(Value threadLine, int64_t i, int64_t threads) {
  return kernel.add(kernel.mul(threadLine, kPiece),
                    kernel.index(i * threads * kPiece));
}

SmallVector<Value> Writer::multiply(Value buffer, ValueRange sums) {
  auto loop = scf::ForOp::create(b, kernel.index(0), kernel.index(kDepth),
                                 kernel.index(kUnrolled), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
  for (int64_t i = 0; i < kUnrolled; ++i)
    next = multiplyStep(
        buffer, kernel.add(loop.getInductionVar(), kernel.index(i)), next);
  scf::YieldOp::create(b, next);
  return llvm::to_vector(ValueRange(loop.getResults()));
}

SmallVector<Value> Writer::multiplyStep(Value buffer, Value step,
                                        ValueRange sums) {
  auto pieces = [&](const Side &side, Value threadLine, int64_t count,
                    int64_t threads) {
    SmallVector<Value> result;
    for (int64_t i = 0; i < count; ++i)
      result.push_back(vector::LoadOp::create(
          b, piece, side.shared,
          ValueRange{buffer, step, lineOf(threadLine, i, threads)},
          /*nontemporal=*/false, llvm::MaybeAlign(16)));
    return result;
  };
  auto rows = pieces(left, threadRow, tile.rowPieces, tile.threadRows());
  auto columns =
      pieces(right, threadColumn, tile.columnPieces, tile.threadColumns());
  SmallVector<Value> next;
  for (Value rowPiece : rows)
    for (int64_t i = 0; i < kPiece; ++i) {
      Value element = vector::ExtractOp::create(b, rowPiece, i);
      Value row = vector::BroadcastOp::create(b, piece, element);
      for (Value column : columns)
        next.push_back(vector::FMAOp::create(
            b, row, column, sums[next.size()]));
    }
  return next;
}

void Writer::store(ValueRange sums) {
  int64_t rowCount = kernel.count(loops.rows);
  int64_t columnCount = kernel.count(loops.columns);
  unsigned next = 0;
  for (int64_t i = 0; i < tile.rowPieces * kPiece; ++i) {
    OpBuilder::InsertionGuard guard(b);
    Value row = kernel.add(
        kernel.add(left.first, kernel.index(i % kPiece)),
        lineOf(threadRow, i / kPiece, tile.threadRows()));
    if (rowCount % tile.rows) {
      auto exists = scf::IfOp::create(b, kernel.less(row, rowCount));
      b.setInsertionPointToStart(exists.thenBlock());
    }
    LoopValues values = blockValues;
    kernel.unflatten(row, loops.rows, values);
    for (int64_t j = 0; j < tile.columnPieces * kPiece; ++j) {
      OpBuilder::InsertionGuard inner(b);
      Value column = kernel.add(
          kernel.add(right.first, kernel.index(j % kPiece)),
          lineOf(threadColumn, j / kPiece, tile.threadColumns()));
      if (columnCount % tile.columns) {
        auto exists = scf::IfOp::create(b, kernel.less(column, columnCount));
        b.setInsertionPointToStart(exists.thenBlock());
      }
      kernel.unflatten(column, loops.columns, values);
      Value sum = vector::ExtractOp::create(b, sums[next + j / kPiece],
                                            j % kPiece);
      Value held = kernel.load(*loops.output, values);
      kernel.store(arith::AddFOp::create(b, held, sum), *loops.output, values);
    }
    next += tile.columnPieces;
  }
}

void Writer::write() {
  left = {loops.left, loops.rows, tile.rows, loops.leftAlongSums,
          kernel.shared(0)};
  right = {loops.right, loops.columns, tile.columns, loops.rightAlongSums,
           kernel.shared(1)};
  blockValues.resize(kernel.extents.size());
  placeBlock();
  prepare(left);
  prepare(right);
  zero = kernel.index(0);
  for (Side *side : {&left, &right})
    put(*side, zero, fetch(*side, zero));
  ::mlir::gpu::BarrierOp::create(b);

  Value none = arith::ConstantOp::create(b, b.getZeroAttr(piece));
  SmallVector<Value> sums(
      tile.rowPieces * kPiece * tile.columnPieces, none);
  auto slices = scf::ForOp::create(
      b, zero, kernel.index(llvm::divideCeil(kernel.count(loops.sums), kDepth)),
      kernel.index(1), sums);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(slices.getBody());
    Value slice = slices.getInductionVar();
    Value start = kernel.mul(kernel.add(slice, kernel.index(1)), kDepth);
    SmallVector<Value> nextLeft = fetch(left, start);
    SmallVector<Value> nextRight = fetch(right, start);
    Value current = kernel.rem(slice, 2);
    SmallVector<Value> results = multiply(current, slices.getRegionIterArgs());
    Value other = arith::SubIOp::create(b, kernel.index(1), current);
    put(left, other, nextLeft);
    put(right, other, nextRight);
    ::mlir::gpu::BarrierOp::create(b);
    scf::YieldOp::create(b, results);
  }
  store(slices.getResults());
}

LogicalResult lig::codegen::gpu::emitContraction(RewriterBase &rewriter,
                                                 linalg::GenericOp op,
                                                 const Machine &machine) {
  FailureOr<ContractionLoops> loops = matchContraction(op);
  if (failed(loops))
    return failure();
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  auto count = [&](ArrayRef<unsigned> dims) {
    int64_t product = 1;
    for (unsigned dim : dims)
      product *= extents[dim];
    return product;
  };
  int64_t batch = count(loops->batch), rows = count(loops->rows);
  int64_t columns = count(loops->columns);
  // A tile that is mostly empty reads and multiplies zeros.
  if (rows < 8 || columns < 8 || count(loops->sums) < kDepth)
    return failure();
  TileShape tile = chooseTile(batch, rows, columns, machine);
  // Four more in a row, so that what lies along the sum is written to
  // different banks.
  Type f32 = rewriter.getF32Type();
  Kernel kernel(rewriter, op,
                batch * llvm::divideCeil(rows, tile.rows) *
                    llvm::divideCeil(columns, tile.columns),
                tile.threads(),
                {sharedType({2, kDepth, tile.rows + kPiece}, f32),
                 sharedType({2, kDepth, tile.columns + kPiece}, f32)});
  Writer(kernel, *loops, tile).write();
  kernel.finish();
  rewriter.eraseOp(op);
  return success();
}
