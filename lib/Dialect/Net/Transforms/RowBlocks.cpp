// The tables are made by one loop over all pairs of an expert and a row, without
// branches: each row is written where the next one of its expert belongs, and
// the place moves on if it is one. An expert's last block is filled up with the
// number behind the last row; what is computed for it is written behind the
// rows, too, and nobody reads it.

#include "RowBlocks.h"

#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace lig::net;
using lig::typeOf;

static Value number(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(b, loc, value);
}

static Value toInt(OpBuilder &b, Location loc, Value index) {
  return arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
}

/// What is read at `place`, as an index.
static Value readAt(OpBuilder &b, Location loc, Value table, Value place) {
  Value value = tensor::ExtractOp::create(b, loc, table, place);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
}

RowBlocks lig::net::makeBlocks(OpBuilder &builder, Location loc,
                               RowCounts counts, int64_t limit,
                               TakesRow takes) {
  ImplicitLocOpBuilder b(loc, builder);
  auto i64 = b.getI64Type();
  Value experts = tensor::EmptyOp::create(b, {limit + 1}, i64);
  Value none = arith::ConstantOp::create(b, b.getI64IntegerAttr(counts.rows));
  Value members = tensor::EmptyOp::create(
      b, {limit * counts.perBlock + 1}, i64);
  members = linalg::FillOp::create(b, none, members).getResult(0);

  Value zero = number(b, loc, 0), one = number(b, loc, 1);
  Value rows = number(b, loc, counts.rows);
  Value perBlock = number(b, loc, counts.perBlock);
  Value last = number(b, loc, counts.rows - 1);
  auto loop = scf::ForOp::create(
      b, zero, number(b, loc, counts.rows * counts.experts), one,
      ValueRange{experts, members, zero},
      [&](OpBuilder &nested, Location at, Value pair, ValueRange carried) {
        ImplicitLocOpBuilder s(at, nested);
        Value place = carried[2];
        Value expert = arith::DivUIOp::create(s, pair, rows);
        Value row = arith::RemUIOp::create(s, pair, rows);
        Value taken = takes(s, at, expert, row);
        Value block = arith::DivUIOp::create(s, place, perBlock);
        Value newExperts = tensor::InsertOp::create(
            s, toInt(s, at, expert), carried[0], block);
        Value member = arith::SelectOp::create(s, taken, row, rows);
        Value newMembers = tensor::InsertOp::create(
            s, toInt(s, at, member), carried[1], place);
        Value moved = arith::AddIOp::create(
            s, place, arith::SelectOp::create(s, taken, one, zero));
        Value filled = arith::MulIOp::create(
            s, arith::CeilDivUIOp::create(s, moved, perBlock), perBlock);
        Value isLast = arith::CmpIOp::create(s, arith::CmpIPredicate::eq, row,
                                             last);
        Value next = arith::SelectOp::create(s, isLast, filled, moved);
        scf::YieldOp::create(s, ValueRange{newExperts, newMembers, next});
      });
  Value count = arith::DivUIOp::create(b, loop.getResult(2), perBlock);
  return {counts, count, loop.getResult(0), loop.getResult(1)};
}

RowBlock::RowBlock(OpBuilder &b, Location loc, const RowBlocks &blocks,
                   Value step)
    : blocks(blocks) {
  expert = readAt(b, loc, blocks.experts, step);
  first = arith::MulIOp::create(b, loc, step,
                                number(b, loc, blocks.counts.perBlock));
}

Value RowBlock::memberAt(OpBuilder &b, Location loc, Value place) const {
  return readAt(b, loc, blocks.members,
                arith::AddIOp::create(b, loc, first, place));
}

namespace {
/// One element, in some dimensions, of all of a tensor.
struct Cut {
  Cut(OpBuilder &b, RankedTensorType type)
      : offsets(type.getRank(), b.getIndexAttr(0)),
        sizes(getAsIndexOpFoldResult(b.getContext(), type.getShape())),
        strides(type.getRank(), b.getIndexAttr(1)) {}

  void at(OpBuilder &b, int64_t dim, Value place) {
    offsets[dim] = place;
    sizes[dim] = b.getIndexAttr(1);
  }

  SmallVector<OpFoldResult> offsets, sizes, strides;
};
} // namespace

static RankedTensorType withoutDims(RankedTensorType type,
                                    ArrayRef<int64_t> dims) {
  SmallVector<int64_t> shape;
  for (auto [dim, extent] : llvm::enumerate(type.getShape()))
    if (!llvm::is_contained(dims, int64_t(dim)))
      shape.push_back(extent);
  return RankedTensorType::get(shape, type.getElementType());
}

static Value slice(OpBuilder &b, Location loc, RankedTensorType type,
                   Value source, const Cut &cut) {
  return tensor::ExtractSliceOp::create(b, loc, type, source, cut.offsets,
                                        cut.sizes, cut.strides);
}

Value RowBlock::takeExpert(OpBuilder &b, Location loc, Value stacked,
                           int64_t dim) const {
  Cut cut(b, typeOf(stacked));
  cut.at(b, dim, expert);
  return slice(b, loc, withoutDims(typeOf(stacked), dim), stacked, cut);
}

Value RowBlock::gather(OpBuilder &b, Location loc, Value source,
                       ArrayRef<RowDim> dims) const {
  RankedTensorType type = typeOf(source);
  SmallVector<int64_t> gone;
  for (const RowDim &dim : dims.drop_front())
    gone.push_back(dim.dim);
  RankedTensorType left = withoutDims(type, gone);
  int64_t blockDim = dims.front().dim;
  for (int64_t dim : gone)
    blockDim -= dim < dims.front().dim;
  SmallVector<int64_t> shape(left.getShape());
  shape[blockDim] = blocks.counts.perBlock;
  SmallVector<int64_t> rowShape(shape);
  rowShape[blockDim] = 1;
  auto rowType = RankedTensorType::get(rowShape, type.getElementType());

  Value room = tensor::EmptyOp::create(b, loc, shape, type.getElementType());
  Value last = number(b, loc, blocks.counts.rows - 1);
  return scf::ForOp::create(
             b, loc, number(b, loc, 0), number(b, loc, shape[blockDim]),
             number(b, loc, 1), room,
             [&](OpBuilder &s, Location at, Value place, ValueRange carried) {
               // What is no row is computed as if it were the last.
               Value row = arith::MinUIOp::create(
                   s, at, memberAt(s, at, place), last);
               Cut from(s, type), to(s, typeOf(carried[0]));
               for (const RowDim &dim : dims) {
                 Value part = row;
                 if (dim.stride != 1)
                   part = arith::DivUIOp::create(s, at, part,
                                                 number(s, at, dim.stride));
                 if (dim.stride * dim.extent != blocks.counts.rows)
                   part = arith::RemUIOp::create(s, at, part,
                                                 number(s, at, dim.extent));
                 from.at(s, dim.dim, part);
               }
               to.at(s, blockDim, place);
               Value taken = slice(s, at, rowType, source, from);
               Value next = tensor::InsertSliceOp::create(
                   s, at, taken, carried[0], to.offsets, to.sizes, to.strides);
               scf::YieldOp::create(s, at, next);
             })
      .getResult(0);
}

static Value addUp(OpBuilder &b, Location loc, Value x, Value y) {
  RankedTensorType type = typeOf(x);
  AffineMap same = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> kinds(type.getRank(),
                                         utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, type, ValueRange{x}, ValueRange{y}, {same, same}, kinds,
             [](OpBuilder &s, Location at, ValueRange in) {
               Value sum = arith::AddFOp::create(s, at, in[1], in[0]);
               linalg::YieldOp::create(s, at, sum);
             })
      .getResult(0);
}

Value RowBlock::put(OpBuilder &b, Location loc, Value block, Value rows,
                    int64_t dim, bool adds) const {
  SmallVector<int64_t> shape(typeOf(block).getShape());
  int64_t perBlock = std::exchange(shape[dim], 1);
  auto rowType =
      RankedTensorType::get(shape, typeOf(block).getElementType());
  return scf::ForOp::create(
             b, loc, number(b, loc, 0), number(b, loc, perBlock),
             number(b, loc, 1), rows,
             [&](OpBuilder &s, Location at, Value place, ValueRange carried) {
               Cut from(s, typeOf(block)), to(s, typeOf(rows));
               from.at(s, dim, place);
               to.at(s, dim, memberAt(s, at, place));
               Value row = slice(s, at, rowType, block, from);
               if (adds)
                 row = addUp(s, at, row,
                             slice(s, at, rowType, carried[0], to));
               Value next = tensor::InsertSliceOp::create(
                   s, at, row, carried[0], to.offsets, to.sizes, to.strides);
               scf::YieldOp::create(s, at, next);
             })
      .getResult(0);
}
