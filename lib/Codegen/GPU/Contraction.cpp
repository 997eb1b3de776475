// Sums of products by plain multiply-adds: matrix products, and convolutions as
// the product that they are (rows are output places, columns are filters, and
// an element's index follows from its row and its step of the sum).
//
// A block computes one tile of the output. It goes along the sum in slices of
// a few steps: both inputs' slices lie in shared memory, twice, so that the
// next one is on its way from memory while threads work on this one. A thread
// keeps a block of results in registers, in pieces of four rows and four
// columns that lie far apart, which lets a warp read shared memory without
// conflicts. Beyond the edges inputs are zero and nothing is stored.

#include "InputSlices.h"
#include "MemberWriter.h"
#include "OutputTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
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
struct TileShape : TileExtent {
  /// Pieces of four that one thread has along each.
  int64_t rowPieces, columnPieces;

  TileShape(int64_t rows, int64_t columns, int64_t rowPieces,
            int64_t columnPieces)
      : TileExtent{rows, columns}, rowPieces(rowPieces),
        columnPieces(columnPieces) {}

  int64_t threadRows() const { return rows / (rowPieces * kPiece); }
  int64_t threadColumns() const { return columns / (columnPieces * kPiece); }
  int64_t threads() const { return threadRows() * threadColumns(); }
};

class Writer {
public:
  Writer(Kernel &kernel, const ElementGroup &group,
         const ContractionLoops &loops, TileShape tile, const SliceLayout &left,
         const SliceLayout &right);
  void write();

private:
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
  MemberWriter members;
  InputSlices left, right;
  TilePlace place;
  Value threadRow, threadColumn;
};
} // namespace

Writer::Writer(Kernel &kernel, const ElementGroup &group,
               const ContractionLoops &loops, TileShape tile,
               const SliceLayout &left, const SliceLayout &right)
    : kernel(kernel), b(kernel.b), loops(loops), tile(tile),
      piece(VectorType::get(kPiece, b.getF32Type())),
      members(kernel, group, /*keepsMemory=*/false),
      left(kernel, *loops.left, loops.rows, loops.sums, loops.leftAlongSums,
           left, kernel.shared(0), tile.threads()),
      right(kernel, *loops.right, loops.columns, loops.sums,
            loops.rightAlongSums, right, kernel.shared(1), tile.threads()) {}

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
  auto pieces = [&](const InputSlices &side, Value threadLine, int64_t count,
                    int64_t threads) {
    SmallVector<Value> result;
    for (int64_t i = 0; i < count; ++i)
      result.push_back(vector::LoadOp::create(
          b, piece, side.shared,
          side.layout.at(buffer, lineOf(threadLine, i, threads), step),
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
        next.push_back(
            vector::FMAOp::create(b, row, column, sums[next.size()]));
    }
  return next;
}

void Writer::store(ValueRange sums) {
  int64_t rowCount = kernel.count(loops.rows);
  int64_t columnCount = kernel.count(loops.columns);
  unsigned next = 0;
  for (int64_t i = 0; i < tile.rowPieces * kPiece; ++i) {
    OpBuilder::InsertionGuard guard(b);
    Value row = kernel.add(kernel.add(place.row, kernel.index(i % kPiece)),
                           lineOf(threadRow, i / kPiece, tile.threadRows()));
    if (rowCount % tile.rows) {
      auto exists = scf::IfOp::create(b, kernel.less(row, rowCount));
      b.setInsertionPointToStart(exists.thenBlock());
    }
    LoopValues values = place.values;
    kernel.unflatten(row, loops.rows, values);
    for (int64_t j = 0; j < tile.columnPieces * kPiece; ++j) {
      OpBuilder::InsertionGuard inner(b);
      Value column =
          kernel.add(kernel.add(place.column, kernel.index(j % kPiece)),
                     lineOf(threadColumn, j / kPiece, tile.threadColumns()));
      if (columnCount % tile.columns) {
        auto exists = scf::IfOp::create(b, kernel.less(column, columnCount));
        b.setInsertionPointToStart(exists.thenBlock());
      }
      kernel.unflatten(column, loops.columns, values);
      Value sum =
          vector::ExtractOp::create(b, sums[next + j / kPiece], j % kPiece);
      members.finishRow(values, sum);
    }
    next += tile.columnPieces;
  }
}

void Writer::write() {
  threadRow = kernel.div(kernel.thread(), tile.threadColumns());
  threadColumn = kernel.rem(kernel.thread(), tile.threadColumns());
  place = placeTile(kernel, loops, tile);
  left.place(place.row, place.values);
  right.place(place.column, place.values);
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(piece));
  SmallVector<Value> sums(tile.rowPieces * kPiece * tile.columnPieces, none);
  store(alongSlices(
      kernel, left, right, kernel.count(loops.sums), sums,
      [&](Value buffer, ValueRange sums) { return multiply(buffer, sums); }));
}

LogicalResult lig::codegen::gpu::emitContraction(RewriterBase &rewriter,
                                                 linalg::GenericOp op,
                                                 const Machine &machine) {
  static const TileShape shapes[] = {
      {128, 128, 2, 2}, {128, 64, 2, 1}, {64, 128, 1, 2}, {64, 64, 1, 1},
      {32, 64, 1, 1},   {64, 32, 1, 1},  {32, 32, 1, 1}};
  FailureOr<ContractionLoops> loops = matchContraction(op);
  if (failed(loops))
    return failure();
  ContractionSize size = sizeOf(op, *loops);
  // A tile that is mostly empty reads and multiplies zeros.
  if (size.rows < 8 || size.columns < 8 || size.sums < kDepth)
    return failure();
  TileShape tile = shapes[chooseTile(
      SmallVector<TileExtent>(std::begin(shapes), std::end(shapes)), size,
      kDepth, machine)];
  // Lines are innermost, so that a thread reads its piece at once. Padding
  // writes what lies along the sum to different banks.
  Type f32 = rewriter.getF32Type();
  SliceLayout left = {tile.rows, kDepth, kPiece, /*stepsInner=*/false, f32};
  SliceLayout right = {tile.columns, kDepth, kPiece, false, f32};
  ElementGroup group(op);
  group.grow(/*rowsOnly=*/true);
  group.gather(rewriter);
  Kernel kernel(rewriter, op, group.extents, countTiles(size, tile),
                tile.threads(), {left.type(), right.type()});
  Writer(kernel, group, *loops, tile, left, right).write();
  kernel.finish();
  group.erase(rewriter);
  return success();
}
