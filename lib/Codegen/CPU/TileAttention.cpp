// Attention block by block, as in T. Dao et al., "FlashAttention", 2022: a few
// queries look at a few keys at a time, so that their scores never leave the
// first cache. What was summed up so far counts less, by exp of the distance,
// whenever a greater score is found.
//
// Keys are laid out once, block by block, each with the keys innermost, and so
// are values, whose rows stand heads apart: lines that far apart share so few
// sets of the first cache that a block would not stay there. A thread copies its
// queries for the same reason. What comes out are products, reductions and
// elementwise operations on pieces of buffers, which are written as any others,
// in a parallel loop over heads and blocks of queries.
//
// Blocks of keys that a constant mask hides from all queries of a block are
// never looked at, half of all where a mask is causal.
//
// The greatest score starts at the lowest finite number, so that exp of the
// distance is 0 and no NaN for keys that are masked by minus infinity. A row of
// nothing else has the sum 0, which makes it NaN at the end.

#include "Ligature/Analysis/MaskBand.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using lig::net::AttentionOp;

namespace lig::codegen {
#define GEN_PASS_DEF_CPUTILEATTENTIONPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

/// Room on a thread's stack that its blocks may take.
static constexpr int64_t kAlignment = 64;

namespace {
/// The part of a dimension that a step looks at.
struct Part {
  OpFoldResult first;
  int64_t extent;
};

class AttentionWriter {
public:
  AttentionWriter(AttentionOp op, RewriterBase &rewriter, int64_t rows,
                  int64_t keys)
      : op(op), b(op.getLoc(), rewriter), extents(op.getExtents()),
        element(getElementTypeOrSelf(op.getInit().getType())),
        band(lig::findMaskBand(op)) {
    blockRows = std::min(rows, extents[op.getRowDim()]);
    blockKeys = std::min(keys, extents[op.getKeyDim()]);
  }

  void write();

private:
  /// What a thread keeps for a block of queries.
  struct Block {
    Value query, scores, sums, most, next, total, factor;
  };
  /// Keys or values, in whole blocks and what is left over; null without any.
  struct Packed {
    Value blocks, rest;
  };

  Packed pack(unsigned operand, ArrayRef<unsigned> dims);
  Value packPart(unsigned operand, ArrayRef<unsigned> dims, int64_t first,
                 int64_t blocks, int64_t extent);
  Value cutPacked(Value packed, unsigned operand, OpFoldResult number,
                  ArrayRef<Part> parts);
  void overQueries(int64_t first, int64_t count, int64_t rows);
  void writeQueries(SmallVector<Part> parts);
  Value copyQueries(ArrayRef<Part> parts);
  std::pair<Value, Value> visibleKeys(const Part &rows);
  void overBlocks(const Block &block, SmallVector<Part> parts);
  void lookAtRest(const Block &block, SmallVector<Part> parts);
  void writeKeys(const Block &block, SmallVector<Part> parts, Value keys,
                 Value values);
  void addProduct(Value left, Value right, AffineMap rightMap, Value sums);
  void writeRegion(Value scores, ArrayRef<Part> parts);
  void writeSoftmax(const Block &block);
  void writeResult(const Block &block, ArrayRef<Part> parts);

  /// The part of operand `i`, without batch dimensions, and its map in `dims`.
  std::pair<Value, AffineMap> cut(unsigned i, ArrayRef<Part> parts,
                                  ArrayRef<unsigned> dims);
  Value room(ArrayRef<int64_t> shape) {
    return memref::AllocaOp::create(b, MemRefType::get(shape, element),
                                    b.getI64IntegerAttr(kAlignment));
  }
  Value number(double value) {
    return arith::ConstantOp::create(b, b.getFloatAttr(element, value));
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  void fill(Value buffer, Value with) {
    linalg::FillOp::create(b, with, buffer);
  }
  using Body =
      function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)>;
  void generic(ValueRange inputs, ValueRange outputs, ArrayRef<AffineMap> maps,
               unsigned numReductions, Body body);
  AffineMap map(unsigned numDims, ArrayRef<unsigned> dims) {
    SmallVector<AffineExpr> exprs;
    for (unsigned dim : dims)
      exprs.push_back(b.getAffineDimExpr(dim));
    return AffineMap::get(numDims, 0, exprs, b.getContext());
  }
  /// The batch dimensions that operand `i` moves along.
  SmallVector<unsigned> batchOf(unsigned i) {
    SmallVector<unsigned> dims;
    for (unsigned dim = 0; dim < op.getNumBatch(); ++dim)
      if (op.getMap(i).isFunctionOfDim(dim))
        dims.push_back(dim);
    return dims;
  }

  AttentionOp op;
  ImplicitLocOpBuilder b;
  SmallVector<int64_t> extents;
  Type element;
  std::optional<lig::MaskBand> band;
  int64_t blockRows, blockKeys;
  Packed keys, values;
};
} // namespace

void AttentionWriter::generic(ValueRange inputs, ValueRange outputs,
                              ArrayRef<AffineMap> maps, unsigned numReductions,
                              Body body) {
  SmallVector<utils::IteratorType> loops(maps.back().getNumDims(),
                                         utils::IteratorType::parallel);
  std::fill(loops.end() - numReductions, loops.end(),
            utils::IteratorType::reduction);
  linalg::GenericOp::create(b, inputs, outputs, maps, loops,
                            [&](OpBuilder &inner, Location loc, ValueRange in) {
                              ImplicitLocOpBuilder s(loc, inner);
                              linalg::YieldOp::create(s, body(s, in));
                            });
}

/// `operand` for keys [first, first + blocks * extent) as [batch.., blocks,
/// dims..], of which the one that counts keys has `extent` steps.
Value AttentionWriter::packPart(unsigned operand, ArrayRef<unsigned> dims,
                                int64_t first, int64_t blocks,
                                int64_t extent) {
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

std::pair<Value, AffineMap> AttentionWriter::cut(unsigned i,
                                                 ArrayRef<Part> parts,
                                                 ArrayRef<unsigned> dims) {
  Value source = op.getOperand(i);
  auto type = dyn_cast<MemRefType>(source.getType());
  if (!type)
    return {source, map(dims.size(), {})};
  SmallVector<OpFoldResult> offsets, sizes;
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  SmallVector<int64_t> kept;
  SmallVector<unsigned> keptDims;
  for (AffineExpr expr : op.getMap(i).getResults()) {
    unsigned dim = cast<AffineDimExpr>(expr).getPosition();
    offsets.push_back(parts[dim].first);
    sizes.push_back(b.getIndexAttr(parts[dim].extent));
    auto at = llvm::find(dims, dim);
    if (at == dims.end())
      continue;
    kept.push_back(parts[dim].extent);
    keptDims.push_back(at - dims.begin());
  }
  auto reduced = memref::SubViewOp::inferRankReducedResultType(
      kept, type, offsets, sizes, strides);
  Value part = memref::SubViewOp::create(b, cast<MemRefType>(reduced), source,
                                         offsets, sizes, strides);
  return {part, map(dims.size(), keptDims)};
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
              room({rows})};
  fill(block.sums, number(0));
  fill(block.total, number(0));
  APFloat lowest = APFloat::getLargest(
      cast<FloatType>(element).getFloatSemantics(), /*Negative=*/true);
  fill(block.most,
       arith::ConstantOp::create(b, b.getFloatAttr(element, lowest)));
  overBlocks(block, parts);
  if (keys.rest)
    lookAtRest(block, parts);
  writeResult(block, parts);
}

/// Whole blocks of keys, those that one of the queries sees.
void AttentionWriter::overBlocks(const Block &block, SmallVector<Part> parts) {
  Value first = index(0);
  Value last = index(extents[op.getKeyDim()] / blockKeys);
  if (band) {
    auto [begin, end] = visibleKeys(parts[op.getRowDim()]);
    first = arith::DivUIOp::create(b, begin, index(blockKeys));
    end = arith::CeilDivUIOp::create(b, end, index(blockKeys));
    last = arith::MinUIOp::create(b, last, end);
  }
  auto loop = scf::ForOp::create(b, first, last, index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value number = loop.getInductionVar();
  Value start = arith::MulIOp::create(b, number, index(blockKeys));
  parts[op.getKeyDim()] = {start, blockKeys};
  writeKeys(block, parts, cutPacked(keys.blocks, 1, number, parts),
            cutPacked(values.blocks, 2, number, parts));
}

/// The keys that fill no block.
void AttentionWriter::lookAtRest(const Block &whole, SmallVector<Part> parts) {
  int64_t keys = extents[op.getKeyDim()];
  int64_t first = keys / blockKeys * blockKeys;
  Part &part = parts[op.getKeyDim()];
  part = {b.getIndexAttr(first), keys - first};
  Block block = whole;
  block.scores = room({parts[op.getRowDim()].extent, part.extent});
  OpBuilder::InsertionGuard guard(b);
  if (band) {
    Value sees =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ugt,
                              visibleKeys(parts[op.getRowDim()]).second,
                              index(first));
    auto choice = scf::IfOp::create(b, sees, /*withElseRegion=*/false);
    b.setInsertionPointToStart(choice.thenBlock());
  }
  OpFoldResult number = b.getIndexAttr(0);
  writeKeys(block, parts, cutPacked(this->keys.rest, 1, number, parts),
            cutPacked(values.rest, 2, number, parts));
}

/// Adds to `sums` products of `left` and of `right`, which `rightMap` reads.
void AttentionWriter::addProduct(Value left, Value right, AffineMap rightMap,
                                 Value sums) {
  generic({left, right}, sums, {map(3, {0, 2}), rightMap, map(3, {0, 1})}, 1,
          [](ImplicitLocOpBuilder &s, ValueRange in) -> SmallVector<Value> {
            Value product = arith::MulFOp::create(s, in[0], in[1]);
            return {arith::AddFOp::create(s, in[2], product)};
          });
}

/// Lets a block of queries look at a block of keys.
void AttentionWriter::writeKeys(const Block &block, SmallVector<Part> parts,
                                Value keys, Value values) {
  fill(block.scores, number(0));
  addProduct(block.query, keys, map(3, {2, 1}), block.scores);
  writeRegion(block.scores, parts);
  writeSoftmax(block);
  addProduct(block.scores, values, map(3, {2, 1}), block.sums);
}

/// The operation's region on every score of the block, in place.
void AttentionWriter::writeRegion(Value scores, ArrayRef<Part> parts) {
  mlir::Block &body = op.getRegion().front();
  if (op.getYield().getOperand(0) == body.getArgument(0))
    return;
  unsigned dims[] = {op.getRowDim(), op.getKeyDim()};
  SmallVector<Value> inputs, starts;
  SmallVector<AffineMap> maps;
  for (unsigned i = 0; i < op.getInputs().size(); ++i) {
    auto [input, inputMap] = cut(3 + i, parts, dims);
    inputs.push_back(input);
    maps.push_back(inputMap);
  }
  maps.push_back(map(2, {0, 1}));
  for (unsigned dim : dims)
    starts.push_back(
        getValueOrCreateConstantIndexOp(b, op.getLoc(), parts[dim].first));
  generic(inputs, scores, maps, 0,
          [&](ImplicitLocOpBuilder &s, ValueRange in) -> SmallVector<Value> {
            IRMapping values;
            values.map(body.getArgument(0), in.back());
            for (unsigned i = 0; i < inputs.size(); ++i)
              values.map(body.getArgument(1 + i), in[i]);
            for (unsigned i : {0u, 1u}) {
              BlockArgument place = body.getArgument(1 + inputs.size() + i);
              if (place.use_empty())
                continue;
              Value step = linalg::IndexOp::create(s, i);
              values.map(place, arith::AddIOp::create(s, step, starts[i]));
            }
            for (Operation &inner : body.without_terminator())
              s.clone(inner, values);
            return {values.lookupOrDefault(op.getYield().getOperand(0))};
          });
}

/// Scores become weights; what was summed up before is scaled to go with them.
void AttentionWriter::writeSoftmax(const Block &block) {
  AffineMap all = map(2, {0, 1}), row = map(2, {0}), line = map(1, {0});
  using Builder = ImplicitLocOpBuilder;
  auto exp = [](Builder &s, Value x, Value y) -> Value {
    return math::ExpOp::create(s, arith::SubFOp::create(s, x, y));
  };
  linalg::CopyOp::create(b, block.most, block.next);
  generic(block.scores, block.next, {all, row}, 1,
          [](Builder &s, ValueRange in) -> SmallVector<Value> {
            return {arith::MaximumFOp::create(s, in[0], in[1])};
          });
  generic(block.next, {block.most, block.total, block.factor},
          {line, line, line, line}, 0,
          [&](Builder &s, ValueRange in) -> SmallVector<Value> {
            Value factor = exp(s, in[1], in[0]);
            return {in[0], arith::MulFOp::create(s, in[2], factor), factor};
          });
  generic(block.most, block.scores, {row, all}, 0,
          [&](Builder &s, ValueRange in) -> SmallVector<Value> {
            return {exp(s, in[1], in[0])};
          });
  generic(block.scores, block.total, {all, row}, 1,
          [](Builder &s, ValueRange in) -> SmallVector<Value> {
            return {arith::AddFOp::create(s, in[0], in[1])};
          });
  generic(block.factor, block.sums, {row, all}, 0,
          [](Builder &s, ValueRange in) -> SmallVector<Value> {
            return {arith::MulFOp::create(s, in[1], in[0])};
          });
}

void AttentionWriter::writeResult(const Block &block, ArrayRef<Part> parts) {
  unsigned dims[] = {op.getRowDim(), op.getColumnDim()};
  auto [result, resultMap] = cut(op.getNumOperands() - 1, parts, dims);
  Value one = number(1);
  generic({block.sums, block.total}, result,
          {map(2, {0, 1}), map(2, {0}), resultMap}, 0,
          [&](ImplicitLocOpBuilder &s, ValueRange in) -> SmallVector<Value> {
            Value scale = arith::DivFOp::create(s, one, in[1]);
            return {arith::MulFOp::create(s, in[0], scale)};
          });
}

void AttentionWriter::write() {
  b.setInsertionPoint(op);
  keys = pack(1, {op.getSumDim(), op.getKeyDim()});
  values = pack(2, {op.getKeyDim(), op.getColumnDim()});
  int64_t rows = extents[op.getRowDim()];
  int64_t blocks = rows / blockRows, rest = rows % blockRows;
  overQueries(0, blocks, blockRows);
  if (rest)
    overQueries(blocks * blockRows, 1, rest);
}

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
      AttentionWriter(op, rewriter, rows, keys).write();
      rewriter.eraseOp(op);
      ++numTiled;
    }
  }
};
} // namespace
