// Reductions along contiguous data: row sums, softmax's maxima, products of a
// matrix and a vector whose rows lie in memory one after the other.
//
// A result belongs to a warp, and where rows are long to a block. Its threads
// walk the row side by side, so that each access of a warp is one contiguous
// piece; what they have found is combined by shuffles, over warps by shared
// memory. The value that the output held comes in last.
//
// One output and one combining operation with a neutral element are needed;
// f32, f64, i32 and i64 travel between lanes.

#include "Kernel.h"
#include "Strategies.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lig::codegen::gpu;

namespace {
/// A reduction that suits.
struct Rows {
  Operation *combiner;
  TypedAttr neutral;
  SmallVector<unsigned> results, elements;
};
} // namespace

/// Whether the last index of a buffer moves by one with the last reduction loop.
static bool walksContiguously(linalg::GenericOp op, unsigned loop) {
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto type = dyn_cast<MemRefType>(input->get().getType());
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!type || map.getNumResults() == 0)
      continue;
    auto [strides, offset] = type.getStridesAndOffset();
    if (strides.back() == 1 &&
        map.getResults().back() == getAffineDimExpr(loop, op.getContext()))
      return true;
  }
  return false;
}

static FailureOr<Rows> match(linalg::GenericOp op) {
  if (op.getNumDpsInits() != 1 || op.getNumReductionLoops() == 0 ||
      op.hasDynamicShape())
    return failure();
  Rows rows;
  SmallVector<Operation *, 4> combiners;
  if (!matchReduction(op.getRegionOutputArgs(), 0, combiners) ||
      combiners.size() != 1)
    return failure();
  rows.combiner = combiners.front();
  Type type = rows.combiner->getResult(0).getType();
  std::optional<TypedAttr> neutral = arith::getNeutralElement(rows.combiner);
  if (!neutral || !(type.isF32() || type.isF64() || type.isInteger(32) ||
                    type.isInteger(64)))
    return failure();
  rows.neutral = *neutral;
  for (auto [i, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    (kind == utils::IteratorType::reduction ? rows.elements : rows.results)
        .push_back(i);
  if (llvm::is_contained(op.getStaticLoopRanges(), 0) ||
      !walksContiguously(op, rows.elements.back()))
    return failure();
  return rows;
}

/// `combiner` on two values.
static Value combine(Kernel &kernel, Operation *combiner, Value x, Value y) {
  IRMapping mapping;
  mapping.map(combiner->getOperand(0), x);
  mapping.map(combiner->getOperand(1), y);
  return kernel.b.clone(*combiner, mapping)->getResult(0);
}

/// Every lane gets what all lanes of its warp have found.
static Value combineLanes(Kernel &kernel, Operation *combiner, Value value,
                          int64_t lanes) {
  for (int64_t distance = lanes / 2; distance; distance /= 2) {
    auto other = ::mlir::gpu::ShuffleOp::create(
        kernel.b, value, distance, kWarp, ::mlir::gpu::ShuffleMode::XOR);
    value = combine(kernel, combiner, value, other.getShuffleResult());
  }
  return value;
}

/// What one thread finds in its part of the row.
static Value walkRow(Kernel &kernel, const Rows &rows, LoopValues &values,
                     Value first, int64_t step) {
  ImplicitLocOpBuilder &b = kernel.b;
  int64_t length = kernel.count(rows.elements);
  Value neutral = arith::ConstantOp::create(b, rows.neutral);
  auto loop = scf::ForOp::create(b, first, kernel.index(length),
                                 kernel.index(step), neutral);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  kernel.unflatten(loop.getInductionVar(), rows.elements, values);
  SmallVector<Value> arguments;
  for (OpOperand *input : kernel.op.getDpsInputOperands())
    arguments.push_back(kernel.load(*input, values));
  arguments.push_back(loop.getRegionIterArg(0));
  scf::YieldOp::create(b, kernel.body(arguments, values));
  return loop.getResult(0);
}

/// Threads under `condition` put `value` and what the output held together.
static void finishRow(Kernel &kernel, const Rows &rows,
                      const LoopValues &values, Value condition, Value value) {
  ImplicitLocOpBuilder &b = kernel.b;
  OpOperand &output = *kernel.op.getDpsInitOperand(0);
  OpBuilder::InsertionGuard guard(b);
  auto once = scf::IfOp::create(b, condition);
  b.setInsertionPointToStart(once.thenBlock());
  Value held = kernel.load(output, values);
  kernel.store(combine(kernel, rows.combiner, held, value), output, values);
}

static void emitWarpPerRow(RewriterBase &rewriter, linalg::GenericOp op,
                           const Rows &rows) {
  constexpr int64_t warps = 4;
  int64_t count = 1;
  for (unsigned loop : rows.results)
    count *= op.getStaticLoopRanges()[loop];
  Kernel kernel(rewriter, op, llvm::divideCeil(count, warps), warps * kWarp);
  ImplicitLocOpBuilder &b = kernel.b;
  Value lane = kernel.rem(kernel.thread(), kWarp);
  Value row = kernel.add(kernel.mul(kernel.block(), warps),
                         kernel.div(kernel.thread(), kWarp));
  // A warp stays together: all of it has a row or none.
  auto exists = scf::IfOp::create(b, kernel.less(row, count));
  b.setInsertionPointToStart(exists.thenBlock());
  LoopValues values;
  kernel.unflatten(row, rows.results, values);
  Value value = walkRow(kernel, rows, values, lane, kWarp);
  value = combineLanes(kernel, rows.combiner, value, kWarp);
  finishRow(kernel, rows, values, kernel.less(lane, 1), value);
  b.setInsertionPointAfter(exists);
  kernel.finish();
}

static void emitBlockPerRow(RewriterBase &rewriter, linalg::GenericOp op,
                            const Rows &rows) {
  constexpr int64_t threads = 256, warps = threads / kWarp;
  int64_t count = 1;
  for (unsigned loop : rows.results)
    count *= op.getStaticLoopRanges()[loop];
  Kernel kernel(rewriter, op, count, threads,
                sharedType({warps}, rows.neutral.getType()));
  ImplicitLocOpBuilder &b = kernel.b;
  Value thread = kernel.thread(), shared = kernel.shared(0);
  LoopValues values;
  kernel.unflatten(kernel.block(), rows.results, values);
  Value value = walkRow(kernel, rows, values, thread, threads);
  value = combineLanes(kernel, rows.combiner, value, kWarp);
  {
    OpBuilder::InsertionGuard guard(b);
    auto first = scf::IfOp::create(b, kernel.less(kernel.rem(thread, kWarp), 1));
    b.setInsertionPointToStart(first.thenBlock());
    memref::StoreOp::create(b, value, shared, kernel.div(thread, kWarp));
  }
  ::mlir::gpu::BarrierOp::create(b);
  Value found = memref::LoadOp::create(b, shared, kernel.rem(thread, warps));
  found = combineLanes(kernel, rows.combiner, found, warps);
  finishRow(kernel, rows, values, kernel.less(thread, 1), found);
  kernel.finish();
}

LogicalResult lig::codegen::gpu::emitRowReduction(RewriterBase &rewriter,
                                                  linalg::GenericOp op) {
  FailureOr<Rows> rows = match(op);
  if (failed(rows))
    return failure();
  int64_t length = 1;
  for (unsigned loop : rows->elements)
    length *= op.getStaticLoopRanges()[loop];
  if (length < kWarp)
    return failure();
  if (length <= 1024)
    emitWarpPerRow(rewriter, op, *rows);
  else
    emitBlockPerRow(rewriter, op, *rows);
  rewriter.eraseOp(op);
  return success();
}
