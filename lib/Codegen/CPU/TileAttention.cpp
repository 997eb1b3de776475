// Attention block by block, as in T. Dao et al., "FlashAttention", 2022: a few
// queries look at a few keys at a time, so that their scores never leave the
// first cache. What was summed up so far counts less, by exp of the distance,
// whenever a greater score is found.
//
// Keys are laid out once, block by block, each with the keys innermost, and so
// are values, whose rows stand heads apart: lines that far apart share so few
// sets of the first cache that a block would not stay there. A thread copies
// its queries for the same reason. What comes out are products, reductions and
// elementwise operations on pieces of buffers, which are written as any others,
// in a parallel loop over heads and blocks of queries.
//
// Blocks of keys that a known mask hides from all queries of a block are not
// looked at, half of all where a mask is causal. Where hidden scores are
// numbers, the queries look at those blocks after all if one of them saw
// nothing that is far above: weights of the others are exactly zero.
//
// The greatest score starts at the lowest finite number, so that exp of the
// distance is 0 and no NaN for keys that are masked by minus infinity. A row of
// nothing else has the sum 0, which makes it NaN at the end.

#include "AttentionWriter.h"

#include "Ligature/Codegen/Passes.h"

using namespace mlir;
using lig::net::AttentionOp;

namespace lig::codegen {
#define GEN_PASS_DEF_CPUTILEATTENTIONPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

namespace lig::codegen::cpu {

/// `operand` for keys [first, first + blocks * extent) as [batch.., blocks,
/// dims..], of which the one that counts keys has `extent` steps.
Value AttentionWriter::packPart(unsigned operand, ArrayRef<unsigned> dims,
                                int64_t first, int64_t blocks, int64_t extent) {
  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> of(extents.size());
  for (unsigned dim : batchOf(operand)) {
    of[dim] = b.getAffineDimExpr(shape.size());
    shape.push_back(extents[dim]);
  }
  AffineExpr number = b.getAffineDimExpr(shape.size());
  shape.push_back(blocks);
  for (unsigned dim : dims) {
    of[dim] = b.getAffineDimExpr(shape.size());
    if (dim == op.getKeyDim())
      of[dim] = number * extent + of[dim] + first;
    shape.push_back(dim == op.getKeyDim() ? extent : extents[dim]);
  }
  SmallVector<AffineExpr> exprs;
  for (AffineExpr expr : op.getMap(operand).getResults())
    exprs.push_back(of[cast<AffineDimExpr>(expr).getPosition()]);
  Value packed = memref::AllocOp::create(b, MemRefType::get(shape, element));
  generic(op.getOperand(operand), packed,
          {AffineMap::get(shape.size(), 0, exprs, b.getContext()),
           b.getMultiDimIdentityMap(shape.size())},
          0, [](ImplicitLocOpBuilder &, ValueRange in) -> SmallVector<Value> {
            return {in[0]};
          });
  return packed;
}

AttentionWriter::Packed AttentionWriter::pack(unsigned operand,
                                              ArrayRef<unsigned> dims) {
  int64_t keys = extents[op.getKeyDim()];
  int64_t blocks = keys / blockKeys, rest = keys % blockKeys;
  Packed packed;
  packed.blocks = packPart(operand, dims, 0, blocks, blockKeys);
  if (rest)
    packed.rest = packPart(operand, dims, blocks * blockKeys, 1, rest);
  return packed;
}

/// Block `number` of the head that `parts` says, without batch dimensions.
Value AttentionWriter::cutPacked(Value packed, unsigned operand,
                                 OpFoldResult number, ArrayRef<Part> parts) {
  auto type = cast<MemRefType>(packed.getType());
  SmallVector<OpFoldResult> offsets, sizes;
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  for (unsigned dim : batchOf(operand))
    offsets.push_back(parts[dim].first);
  sizes.assign(offsets.size() + 1, b.getIndexAttr(1));
  offsets.append({number, b.getIndexAttr(0), b.getIndexAttr(0)});
  for (int64_t extent : type.getShape().take_back(2))
    sizes.push_back(b.getIndexAttr(extent));
  auto reduced = memref::SubViewOp::inferRankReducedResultType(
      type.getShape().take_back(2), type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, cast<MemRefType>(reduced), packed,
                                   offsets, sizes, strides);
}

/// All of what is shared by threads: `count` blocks of `rows` queries, the
/// first of them `first`, of every head.
void AttentionWriter::overQueries(int64_t first, int64_t count, int64_t rows) {
  int64_t steps = count;
  for (unsigned dim = 0; dim < op.getNumBatch(); ++dim)
    steps *= extents[dim];
  auto loop = scf::ParallelOp::create(b, index(0), index(steps), index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value left = loop.getInductionVars()[0];
  auto takeDigit = [&](int64_t extent) -> Value {
    Value digit = arith::RemUIOp::create(b, left, index(extent));
    left = arith::DivUIOp::create(b, left, index(extent));
    return digit;
  };
  SmallVector<Part> parts;
  for (int64_t extent : extents)
    parts.push_back({b.getIndexAttr(0), extent});
  Value start = arith::MulIOp::create(b, takeDigit(count), index(rows));
  start = arith::AddIOp::create(b, start, index(first));
  parts[op.getRowDim()] = {start, rows};
  for (unsigned dim = op.getNumBatch(); dim-- > 0;)
    parts[dim] = {takeDigit(extents[dim]), 1};
  writeQueries(parts);
}

/// Queries of a block, row by row, where no others are between them.
Value AttentionWriter::copyQueries(ArrayRef<Part> parts) {
  unsigned dims[] = {op.getRowDim(), op.getSumDim()};
  auto [query, queryMap] = cut(0, parts, dims);
  Value copy = room({parts[dims[0]].extent, extents[dims[1]]});
  generic(query, copy, {queryMap, map(2, {0, 1})}, 0,
          [](ImplicitLocOpBuilder &, ValueRange in) -> SmallVector<Value> {
            return {in[0]};
          });
  return copy;
}

/// The first key that one of `rows` sees, and the one behind the last.
std::pair<Value, Value> AttentionWriter::visibleKeys(const Part &rows) {
  Value start = getValueOrCreateConstantIndexOp(b, op.getLoc(), rows.first);
  Value first = arith::SubIOp::create(b, start, index(band->behind));
  first = arith::MaxSIOp::create(b, first, index(band->first));
  Value end = arith::AddIOp::create(b, start, index(rows.extent + band->ahead));
  end = arith::MinSIOp::create(b, end, index(band->last + 1));
  return {first, arith::MaxSIOp::create(b, end, index(0))};
}

void AttentionWriter::writeQueries(SmallVector<Part> parts) {
  int64_t rows = parts[op.getRowDim()].extent;
  int64_t columns = extents[op.getColumnDim()];
  Block block{copyQueries(parts),
              room({rows, blockKeys}),
              room({rows, columns}),
              room({rows}),
              room({rows}),
              room({rows}),
              room({rows}),
              {},
              {}};
  if (keys.rest)
    block.restScores = room({rows, extents[op.getKeyDim()] % blockKeys});
  if (band && band->hiddenScore)
    block.least = room({});
  fill(block.sums, number(0));
  fill(block.total, number(0));
  APFloat lowest = APFloat::getLargest(
      cast<FloatType>(element).getFloatSemantics(), /*Negative=*/true);
  fill(block.most,
       arith::ConstantOp::create(b, b.getFloatAttr(element, lowest)));
  lookAtVisible(block, parts);
  if (block.least)
    lookAtHidden(block, parts);
  writeResult(block, parts);
}

/// The first whole block of keys that one of `rows` sees, and the one behind
/// the last.
std::pair<Value, Value> AttentionWriter::visibleBlocks(const Part &rows) {
  Value last = index(extents[op.getKeyDim()] / blockKeys);
  if (!band)
    return {index(0), last};
  auto [begin, end] = visibleKeys(rows);
  Value first = arith::DivUIOp::create(b, begin, index(blockKeys));
  end = arith::CeilDivUIOp::create(b, end, index(blockKeys));
  return {first, arith::MinUIOp::create(b, last, end)};
}

/// Whether one of `rows` sees keys that fill no block, if that is `seen`.
Value AttentionWriter::isRestSeen(const Part &rows, bool seen) {
  int64_t keys = extents[op.getKeyDim()];
  auto predicate = seen ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::ule;
  return arith::CmpIOp::create(b, predicate, visibleKeys(rows).second,
                               index(keys / blockKeys * blockKeys));
}

void AttentionWriter::lookAtVisible(const Block &block, ArrayRef<Part> parts) {
  const Part &rows = parts[op.getRowDim()];
  auto [first, last] = visibleBlocks(rows);
  auto loop = scf::ForOp::create(b, first, last, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  lookAtBlock(block, llvm::to_vector(parts), loop.getInductionVar());
  b.setInsertionPointAfter(loop);
  if (!keys.rest)
    return;
  if (band)
    inside(isRestSeen(rows, true));
  lookAtRest(block, llvm::to_vector(parts));
}

/// What `lookAtVisible` left out, unless it cannot matter.
void AttentionWriter::lookAtHidden(const Block &block, ArrayRef<Part> parts) {
  const Part &rows = parts[op.getRowDim()];
  OpBuilder::InsertionGuard guard(b);
  inside(needsHidden(block, parts));
  auto [first, last] = visibleBlocks(rows);
  auto loop = scf::ForOp::create(
      b, index(0), index(extents[op.getKeyDim()] / blockKeys), index(1));
  b.setInsertionPointToStart(loop.getBody());
  Value number = loop.getInductionVar();
  Value before =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, first);
  Value behind =
      arith::CmpIOp::create(b, arith::CmpIPredicate::uge, number, last);
  inside(arith::OrIOp::create(b, before, behind));
  lookAtBlock(block, llvm::to_vector(parts), number);
  b.setInsertionPointAfter(loop);
  if (!keys.rest)
    return;
  inside(isRestSeen(rows, false));
  lookAtRest(block, llvm::to_vector(parts));
}

/// Whole block `number` of keys.
void AttentionWriter::lookAtBlock(const Block &block, SmallVector<Part> parts,
                                  Value number) {
  Value start = arith::MulIOp::create(b, number, index(blockKeys));
  parts[op.getKeyDim()] = {start, blockKeys};
  writeKeys(block, parts, cutPacked(keys.blocks, 1, number, parts),
            cutPacked(values.blocks, 2, number, parts));
}

/// The keys that fill no block.
void AttentionWriter::lookAtRest(const Block &whole, SmallVector<Part> parts) {
  int64_t keys = extents[op.getKeyDim()];
  int64_t first = keys / blockKeys * blockKeys;
  parts[op.getKeyDim()] = {b.getIndexAttr(first), keys - first};
  Block block = whole;
  block.scores = whole.restScores;
  OpFoldResult number = b.getIndexAttr(0);
  writeKeys(block, parts, cutPacked(this->keys.rest, 1, number, parts),
            cutPacked(values.rest, 2, number, parts));
}

void AttentionWriter::write() {
  b.setInsertionPoint(op);
  keys = pack(1, {op.getSumDim(), op.getKeyDim()});
  values = pack(2, {op.getKeyDim(), op.getColumnDim()});
  if (band && band->scoreFactor)
    keyBounds = boundKeys();
  int64_t rows = extents[op.getRowDim()];
  int64_t blocks = rows / blockRows, rest = rows % blockRows;
  overQueries(0, blocks, blockRows);
  if (rest)
    overQueries(blocks * blockRows, 1, rest);
}

} // namespace lig::codegen::cpu

namespace {
struct CpuTileAttention
    : lig::codegen::impl::CpuTileAttentionPassBase<CpuTileAttention> {
  using CpuTileAttentionPassBase::CpuTileAttentionPassBase;

  void runOnOperation() override {
    if (rows < 1 || keys < 1) {
      getOperation().emitError("blocks of ")
          << rows << " queries and " << keys << " keys are none";
      return signalPassFailure();
    }
    SmallVector<AttentionOp> work;
    getOperation().walk([&](AttentionOp op) { work.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (AttentionOp op : work) {
      if (!llvm::all_of(op.getExtents(), [](int64_t extent) {
            return extent > 0; // dynamic extents are negative
          })) {
        op.emitOpError("has an extent that is not known or 0, but blocks are "
                       "cut when the model is compiled");
        return signalPassFailure();
      }
      lig::codegen::cpu::AttentionWriter(op, rewriter, rows, keys).write();
      rewriter.eraseOp(op);
      ++numTiled;
    }
  }
};
} // namespace
