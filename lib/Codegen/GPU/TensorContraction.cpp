// Sums of products on tensor cores, by mma.sync: inputs are rounded to the
// precision that was asked for, sums are f32.
//
// As in Contraction.cpp a block computes one tile and goes along the sum in
// slices that lie in shared memory twice. A warp has a part of the tile in
// registers, as fragments of 16 rows and 8 columns.
//
// Fragments of 16-bit inputs come by ldmatrix, four pieces of 8 by 8 at once,
// turned where lines are innermost. Those of tf32 are read word by word.
// Padding lets the rows of a piece lie in different banks.

#include "Fragments.h"
#include "InputSlices.h"
#include "MemberWriter.h"
#include "OutputTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lig::codegen::gpu;

/// Fragments of a warp along the columns.
static constexpr int64_t kColumnFragments = 4;
static constexpr int64_t kWarpColumns = kColumnFragments * kFragmentColumns;
/// Bytes of a line in a slice.
static constexpr int64_t kDepthBytes = 64;

namespace {
class Writer {
public:
  Writer(Kernel &kernel, const ElementGroup &group,
         const ContractionLoops &loops, TileExtent tile,
         const Multiplicand &multiplicand, const SliceLayout &left,
         const SliceLayout &right);
  void write();

private:
  SmallVector<Value> multiply(Value buffer, ValueRange sums);
  /// Registers of the fragments that begin at `line` and `step`: 16 rows of the
  /// left input, or two fragments of 8 columns of the right one.
  SmallVector<Value> loadFragments(const InputSlices &side, Value buffer,
                                   Value line, int64_t step);
  /// Four pieces of 8 lines and 8 steps; lane 8 m + r gives line or step r of
  /// piece m, which begins at `line` and `step` and what is added.
  SmallVector<Value> loadPieces(const InputSlices &side, Value buffer,
                                Value line, Value step);
  Value loadWord(const InputSlices &side, Value buffer, Value line, Value step);
  void store(ValueRange sums);

  Kernel &kernel;
  ImplicitLocOpBuilder &b;
  const ContractionLoops &loops;
  TileExtent tile;
  int64_t rowFragments;
  const Multiplicand &multiplicand;
  MemberWriter members;
  InputSlices left, right;
  TilePlace place;
  /// Where the warp's part of the tile begins.
  Value warpRow, warpColumn;
  Value lane, group, inGroup;
};
} // namespace

/// Fragments of a warp along the rows: as many as keep four warps busy.
static int64_t rowFragmentsOf(TileExtent tile) {
  return tile.rows == 128 ? 4 : 2;
}

static int64_t threadsOf(TileExtent tile) {
  return tile.rows / (rowFragmentsOf(tile) * kFragmentRows) *
         (tile.columns / kWarpColumns) * kWarp;
}

Writer::Writer(Kernel &kernel, const ElementGroup &group,
               const ContractionLoops &loops, TileExtent tile,
               const Multiplicand &multiplicand, const SliceLayout &left,
               const SliceLayout &right)
    : kernel(kernel), b(kernel.b), loops(loops), tile(tile),
      rowFragments(rowFragmentsOf(tile)), multiplicand(multiplicand),
      members(kernel, group, /*keepsMemory=*/false),
      left(kernel, *loops.left, loops.rows, loops.sums, loops.leftAlongSums,
           left, kernel.shared(0), threadsOf(tile)),
      right(kernel, *loops.right, loops.columns, loops.sums,
            loops.rightAlongSums, right, kernel.shared(1), threadsOf(tile)) {}

SmallVector<Value> Writer::loadPieces(const InputSlices &side, Value buffer,
                                      Value line, Value step) {
  Type element = multiplicand.element;
  Value pieces = nvgpu::LdMatrixOp::create(
      b, VectorType::get({4, 2}, element), side.shared,
      side.layout.at(buffer, line, step),
      b.getBoolAttr(!side.layout.stepsInner), b.getI32IntegerAttr(4));
  SmallVector<Value> registers;
  for (int64_t i = 0; i < 4; ++i) {
    registers.push_back(packPair(b, vector::ExtractOp::create(b, pieces, i)));
  }
  return registers;
}

Value Writer::loadWord(const InputSlices &side, Value buffer, Value line,
                       Value step) {
  Value element = memref::LoadOp::create(b, side.shared,
                                         side.layout.at(buffer, line, step));
  return side.holdsTF32 ? asRegister(b, element) : packTF32(b, element);
}

SmallVector<Value> Writer::loadFragments(const InputSlices &side, Value buffer,
                                         Value line, int64_t step) {
  // Four registers: two of lines by two of steps. Those of the left input go
  // through the lines first, those of the right one through the steps.
  bool linesFirst = &side == &left;
  if (multiplicand.element.isF32()) {
    SmallVector<Value> registers;
    for (int64_t r = 0; r < 4; ++r) {
      int64_t lines = linesFirst ? r % 2 : r / 2;
      int64_t steps = linesFirst ? r / 2 : r % 2;
      registers.push_back(
          loadWord(side, buffer,
                   kernel.add(line, kernel.add(group, kernel.index(lines * 8))),
                   kernel.add(inGroup, kernel.index(step + steps * 4))));
    }
    return registers;
  }
  Value fast = kernel.mul(kernel.rem(kernel.div(lane, 8), 2), 8);
  Value slow = kernel.mul(kernel.div(lane, 16), 8);
  Value first = kernel.add(line, linesFirst ? fast : slow);
  Value start = kernel.add(linesFirst ? slow : fast, kernel.index(step));
  (side.layout.stepsInner ? first : start) =
      kernel.add(side.layout.stepsInner ? first : start, kernel.rem(lane, 8));
  return loadPieces(side, buffer, first, start);
}

SmallVector<Value> Writer::multiply(Value buffer, ValueRange sums) {
  SmallVector<Value> next(sums);
  for (int64_t step = 0; step < left.layout.depth; step += multiplicand.steps) {
    SmallVector<SmallVector<Value>> rows, columns;
    for (int64_t i = 0; i < rowFragments; ++i)
      rows.push_back(loadFragments(
          left, buffer, kernel.add(warpRow, kernel.index(i * kFragmentRows)),
          step));
    for (int64_t j = 0; j < kColumnFragments; j += 2)
      columns.push_back(loadFragments(
          right, buffer,
          kernel.add(warpColumn, kernel.index(j * kFragmentColumns)), step));
    for (int64_t i = 0; i < rowFragments; ++i)
      for (int64_t j = 0; j < kColumnFragments; ++j) {
        MutableArrayRef<Value> fragment(
            next.begin() + (i * kColumnFragments + j) * 4, 4);
        llvm::copy(multiplyFragment(
                       b, multiplicand, rows[i],
                       ArrayRef(columns[j / 2]).slice(j % 2 * 2, 2), fragment),
                   fragment.begin());
      }
  }
  return next;
}

void Writer::store(ValueRange sums) {
  int64_t rowCount = kernel.count(loops.rows);
  int64_t columnCount = kernel.count(loops.columns);
  Value firstRow = kernel.add(kernel.add(place.row, warpRow), group);
  Value firstColumn =
      kernel.add(kernel.add(place.column, warpColumn), kernel.mul(inGroup, 2));
  for (int64_t i = 0; i < rowFragments * 2; ++i) {
    OpBuilder::InsertionGuard guard(b);
    Value row = kernel.add(firstRow, kernel.index(i * 8));
    if (rowCount % tile.rows) {
      auto exists = scf::IfOp::create(b, kernel.less(row, rowCount));
      b.setInsertionPointToStart(exists.thenBlock());
    }
    LoopValues values = place.values;
    kernel.unflatten(row, loops.rows, values);
    for (int64_t j = 0; j < kColumnFragments * 2; ++j) {
      OpBuilder::InsertionGuard inner(b);
      Value column = kernel.add(firstColumn,
                                kernel.index(j / 2 * kFragmentColumns + j % 2));
      if (columnCount % tile.columns) {
        auto exists = scf::IfOp::create(b, kernel.less(column, columnCount));
        b.setInsertionPointToStart(exists.thenBlock());
      }
      kernel.unflatten(column, loops.columns, values);
      Value sum =
          sums[(i / 2 * kColumnFragments + j / 2) * 4 + i % 2 * 2 + j % 2];
      members.finishRow(values, sum);
    }
  }
}

void Writer::write() {
  int64_t across = tile.columns / kWarpColumns;
  Value warp = kernel.div(kernel.thread(), kWarp);
  warpRow = kernel.mul(kernel.div(warp, across), rowFragments * kFragmentRows);
  warpColumn = kernel.mul(kernel.rem(warp, across), kWarpColumns);
  lane = kernel.rem(kernel.thread(), kWarp);
  group = kernel.div(lane, 4);
  inGroup = kernel.rem(lane, 4);
  place = placeTile(kernel, loops, tile);
  left.place(place.row, place.values);
  right.place(place.column, place.values);
  Value none = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  SmallVector<Value> sums(rowFragments * kColumnFragments * 4, none);
  store(alongSlices(
      kernel, left, right, kernel.count(loops.sums), sums,
      [&](Value buffer, ValueRange sums) { return multiply(buffer, sums); }));
}

/// Steps stay innermost where they are in memory, so that pieces stay whole.
static SliceLayout layoutOf(int64_t width, bool alongSums, Type element) {
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  int64_t depth = kDepthBytes / bytes;
  // Words: rows of 8 lanes, four steps each, in different banks.
  int64_t padding = bytes == 2 ? 8 : alongSums ? 4 : 8;
  return {width, depth, padding, alongSums, element};
}

/// A tile that is mostly empty reads and multiplies zeros.
static bool isMostlyEmpty(const ContractionSize &size) {
  return size.rows < 8 || size.columns < 8 || size.sums < 16;
}

bool lig::codegen::gpu::suitsTensorCores(linalg::GenericOp op) {
  FailureOr<ContractionLoops> loops = matchContraction(op);
  return succeeded(loops) && !isMostlyEmpty(sizeOf(op, *loops));
}

LogicalResult lig::codegen::gpu::emitTensorContraction(RewriterBase &rewriter,
                                                       linalg::GenericOp op,
                                                       const Machine &machine) {
  static constexpr TileExtent shapes[] = {
      {128, 128}, {128, 64}, {64, 128}, {64, 64}, {32, 64}, {64, 32}, {32, 32}};
  FailureOr<ContractionLoops> loops = matchContraction(op);
  if (machine.precision == Precision::F32 || failed(loops))
    return failure();
  Multiplicand multiplicand(op.getContext(), machine.precision);
  ContractionSize size = sizeOf(op, *loops);
  if (isMostlyEmpty(size))
    return failure();
  SliceLayout left = layoutOf(0, loops->leftAlongSums, multiplicand.element);
  TileExtent tile = shapes[chooseTile(shapes, size, left.depth, machine)];
  left.width = tile.rows;
  SliceLayout right =
      layoutOf(tile.columns, loops->rightAlongSums, multiplicand.element);
  ElementGroup group(op);
  group.grow(/*rowsOnly=*/true);
  group.gather(rewriter);
  Kernel kernel(rewriter, op, group.extents, countTiles(size, tile),
                threadsOf(tile), {left.type(), right.type()});
  Writer(kernel, group, *loops, tile, multiplicand, left, right).write();
  kernel.finish();
  group.erase(rewriter);
  return success();
}
