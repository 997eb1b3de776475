// Whether keys that a mask hides by a number can be left out. A weight is exp of
// what its score lies below the greatest of its row, and that is 0 in f32 from
// 104 on (2^-150 = exp(-103.97) rounds to 0). So hidden blocks do not matter if
// the greatest visible score of every row is far above all hidden ones.
//
// Where the number takes the place of a score, that is known. Where it is added
// to a product, the product is bounded first, as the sum of the greatest
// magnitudes in each column of the queries and of the keys:
//
//   |q k|  <=  sum over columns of max |q| * max |k|
//
// This costs one look at each query and key, not at each pair. A row that is
// hidden from end to end, large products, infinities and NaN all fail the test,
// and their blocks are computed.

#include "AttentionWriter.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// How far hidden scores must lie below. Half of what f32 can round away from it
/// at magnitudes that it still counts at leaves more than 104.
static constexpr double kFarEnough = 300;
/// More than what sums of rounded products can be off by.
static constexpr double kSlack = 1.01;

static Value greaterMagnitude(ImplicitLocOpBuilder &s, ValueRange in) {
  Value magnitude =
      arith::MaximumFOp::create(s, in[0], arith::NegFOp::create(s, in[0]));
  return arith::MaximumFOp::create(s, in[1], magnitude);
}

/// [batch.., columns]: the greatest magnitude in each column of the keys.
Value AttentionWriter::boundKeys() {
  SmallVector<unsigned> dims = batchOf(1);
  dims.push_back(op.getSumDim());
  SmallVector<int64_t> shape;
  for (unsigned dim : dims)
    shape.push_back(extents[dim]);
  Value bounds = memref::AllocOp::create(b, MemRefType::get(shape, element));
  fill(bounds, number(0));
  SmallVector<unsigned> kept = llvm::to_vector(llvm::seq<unsigned>(dims.size()));
  dims.push_back(op.getKeyDim());
  SmallVector<unsigned> read;
  for (AffineExpr expr : op.getMap(1).getResults())
    read.push_back(llvm::find(dims, cast<AffineDimExpr>(expr).getPosition()) -
                   dims.begin());
  generic(op.getOperand(1), bounds,
          {map(dims.size(), read), map(dims.size(), kept)}, 1,
          [](ImplicitLocOpBuilder &s, ValueRange in) -> SmallVector<Value> {
            return {greaterMagnitude(s, in)};
          });
  return bounds;
}

/// What the greatest score of a row has to be above for hidden ones not to
/// matter to it.
Value AttentionWriter::hiddenLimit(const Block &block, ArrayRef<Part> parts) {
  double hidden = *band->hiddenScore;
  if (!keyBounds)
    return number(hidden / 2);
  int64_t columns = extents[op.getSumDim()];
  Value queryBounds = room({columns}), bound = room({});
  fill(queryBounds, number(0));
  generic(block.query, queryBounds, {map(2, {1, 0}), map(2, {0})}, 1,
          [](ImplicitLocOpBuilder &s, ValueRange in) -> SmallVector<Value> {
            return {greaterMagnitude(s, in)};
          });
  SmallVector<OpFoldResult> offsets, sizes;
  for (unsigned dim : batchOf(1))
    offsets.push_back(parts[dim].first);
  sizes.assign(offsets.size(), b.getIndexAttr(1));
  offsets.push_back(b.getIndexAttr(0));
  sizes.push_back(b.getIndexAttr(columns));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  auto type = memref::SubViewOp::inferRankReducedResultType(
      {columns}, cast<MemRefType>(keyBounds.getType()), offsets, sizes,
      strides);
  Value ownKeys = memref::SubViewOp::create(b, cast<MemRefType>(type),
                                            keyBounds, offsets, sizes, strides);
  fill(bound, number(0));
  generic({queryBounds, ownKeys}, bound, {map(1, {0}), map(1, {0}), map(1, {})},
          1, [](ImplicitLocOpBuilder &s, ValueRange in) -> SmallVector<Value> {
            Value product = arith::MulFOp::create(s, in[0], in[1]);
            return {arith::AddFOp::create(s, in[2], product)};
          });
  Value most = memref::LoadOp::create(b, bound, ValueRange());
  most = arith::MulFOp::create(b, most, number(band->scoreFactor * kSlack));
  most = arith::AddFOp::create(b, most, number(hidden));
  return arith::AddFOp::create(b, most, number(kFarEnough));
}

/// Whether a query has seen no score so far above hidden ones that their
/// weights are zero.
Value AttentionWriter::needsHidden(const Block &block, ArrayRef<Part> parts) {
  fill(block.least, number(std::numeric_limits<float>::infinity()));
  generic(block.most, block.least, {map(1, {0}), map(1, {})}, 1,
          [](ImplicitLocOpBuilder &s, ValueRange in) -> SmallVector<Value> {
            return {arith::MinimumFOp::create(s, in[1], in[0])};
          });
  Value least = memref::LoadOp::create(b, block.least, ValueRange());
  return arith::CmpFOp::create(b, arith::CmpFPredicate::ULE, least,
                               hiddenLimit(block, parts));
}

} // namespace lig::codegen::cpu
