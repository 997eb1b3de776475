// What a block of queries does with a block of keys: products, the operation's
// own region on every score, and a softmax that goes on from the blocks before.

#include "AttentionWriter.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace lig::codegen::cpu {

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

} // namespace lig::codegen::cpu
