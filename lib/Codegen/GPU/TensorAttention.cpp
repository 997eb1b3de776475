// Blocks of attention on tensor cores. A warp has 16 rows and up to 128 columns;
// where values have more, warps that have the same rows share the columns, and
// each computes the scores. Weights are where
// the second product wants them: the registers of results are, pair by pair,
// those of a left input. For tf32, which has no pairs, steps of the second sum
// are taken in the order in which the threads have them.
//
// Values lie column by column, so that neighbouring keys are neighbours.

#include "AttentionTile.h"
#include "Convert.h"
#include "Fragments.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lig::codegen::gpu;

/// Columns of a warp, two rows of a quarter of which are a thread's sums: by
/// itself, and among others.
static constexpr int64_t kMostColumns = 128, kSharedColumns = 96;
/// Instructions of a sum of scores whose inputs may be on their way together.
static constexpr int64_t kStepsAtOnce = 4;

namespace {
class TensorTile : public AttentionTile {
public:
  TensorTile(MLIRContext *context, int64_t rows, int64_t keys,
             const AttentionSize &size, Precision precision)
      : multiplicand(context, precision) {
    this->rows = rows;
    this->keys = keys;
    sums = llvm::alignTo(size.sums, multiplicand.steps);
    sharers = size.columns <= kMostColumns
                  ? 1
                  : llvm::divideCeil(size.columns, kSharedColumns);
    columns = llvm::alignTo(size.columns, sharers * kFragmentColumns);
    threads = rows / kFragmentRows * sharers * kWarp;
    lanes = 4;
    threadRows = 2;
    threadKeys = keys / lanes;
    threadColumns = columns / sharers / lanes;
    // With twice as many the assembler takes up to 255, and other blocks have
    // no room.
    fetched = 16;
    element = multiplicand.element;
  }

  SmallVector<MemRefType> shared() const override {
    // Rows of a fragment in different banks, at multiples of 16 bytes.
    int64_t padding = multiplicand.isTF32() ? 4 : 8;
    return {sharedType({rows, sums + padding}, element),
            sharedType({keys, sums + padding}, element),
            sharedType({columns, keys + padding}, element)};
  }
  bool turnsValues() const override { return true; }

  void start(Kernel &kernel) override;
  Value convert(Value piece) override;
  Value rowAt(int64_t i) override {
    return kernel->add(firstRow, kernel->index(i * 8));
  }
  Value keyAt(int64_t j) override { return inFragments(j); }
  Value columnAt(int64_t c) override {
    return kernel->add(firstColumn, inFragments(c));
  }

  SmallVector<Value> scores() override;
  SmallVector<Value> mix(ValueRange weights, ValueRange sums) override;

private:
  Value inFragments(int64_t i) {
    return kernel->add(kernel->mul(inGroup, 2),
                       kernel->index(i / 2 * kFragmentColumns + i % 2));
  }
  /// A register of `line`, from `first` on.
  Value load(unsigned buffer, Value line, Value first);
  /// The two registers of a right input that thread `inGroup` has.
  SmallVector<Value> loadKeys(int64_t fragment, Value step);
  SmallVector<Value> loadValues(int64_t fragment, int64_t step);
  SmallVector<Value> weightFragment(ValueRange weights, int64_t step);
  void multiplyRow(ValueRange rows, int64_t fragments,
                   llvm::function_ref<SmallVector<Value>(int64_t)> columns,
                   MutableArrayRef<Value> sums);

  void addScores(Value step, MutableArrayRef<Value> sums);

  Multiplicand multiplicand;
  /// Warps that have the same rows.
  int64_t sharers;
  Kernel *kernel = nullptr;
  Value group, inGroup, firstRow, firstColumn;
};
} // namespace

void TensorTile::start(Kernel &kernel) {
  this->kernel = &kernel;
  Value lane = kernel.rem(kernel.thread(), kWarp);
  group = kernel.div(lane, 4);
  inGroup = kernel.rem(lane, 4);
  Value warp = kernel.div(kernel.thread(), kWarp);
  firstRow =
      kernel.add(kernel.mul(kernel.div(warp, sharers), kFragmentRows), group);
  firstColumn = kernel.mul(kernel.rem(warp, sharers), columns / sharers);
}

/// Rounded here, not by every warp that reads it.
Value TensorTile::convert(Value piece) {
  ImplicitLocOpBuilder &b = kernel->b;
  if (!multiplicand.isTF32())
    return convertFloats(b, piece, element);
  auto type = cast<VectorType>(piece.getType());
  SmallVector<Value> numbers;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    numbers.push_back(arith::BitcastOp::create(
        b, element, packTF32(b, vector::ExtractOp::create(b, piece, i))));
  return vector::FromElementsOp::create(b, type, numbers);
}

Value TensorTile::load(unsigned buffer, Value line, Value first) {
  ImplicitLocOpBuilder &b = kernel->b;
  Value memory = kernel->shared(buffer);
  if (multiplicand.isTF32())
    return asRegister(
        b, memref::LoadOp::create(b, memory, ValueRange{line, first}));
  Value pair = vector::LoadOp::create(
      b, VectorType::get(2, element), memory, ValueRange{line, first},
      /*nontemporal=*/false, llvm::MaybeAlign(4));
  return packPair(b, pair);
}

/// Adds the products of one left fragment to a row of fragments of results,
/// which thread by thread are two rows of pairs.
void TensorTile::multiplyRow(
    ValueRange rows, int64_t fragments,
    llvm::function_ref<SmallVector<Value>(int64_t)> columns,
    MutableArrayRef<Value> sums) {
  for (int64_t f = 0; f < fragments; ++f) {
    Value *low = &sums[2 * f], *high = &sums[2 * (fragments + f)];
    SmallVector<Value> made =
        multiplyFragment(kernel->b, multiplicand, rows, columns(f),
                         {low[0], low[1], high[0], high[1]});
    std::copy(made.begin(), made.begin() + 2, low);
    std::copy(made.begin() + 2, made.end(), high);
  }
}

SmallVector<Value> TensorTile::loadKeys(int64_t fragment, Value step) {
  Value line = kernel->add(group, kernel->index(fragment * kFragmentColumns));
  int64_t half = multiplicand.steps / 2;
  Value first = kernel->add(kernel->mul(inGroup, half / 4), step);
  return {load(1, line, first),
          load(1, line, kernel->add(first, kernel->index(half)))};
}

/// Adds to scores what one instruction a fragment multiplies.
void TensorTile::addScores(Value step, MutableArrayRef<Value> sums) {
  int64_t half = multiplicand.steps / 2;
  Value first = kernel->add(kernel->mul(inGroup, half / 4), step);
  Value second = kernel->add(first, kernel->index(half));
  SmallVector<Value> queries = {
      load(0, rowAt(0), first), load(0, rowAt(1), first),
      load(0, rowAt(0), second), load(0, rowAt(1), second)};
  multiplyRow(
      queries, keys / kFragmentColumns,
      [&](int64_t fragment) { return loadKeys(fragment, step); }, sums);
}

SmallVector<Value> TensorTile::scores() {
  ImplicitLocOpBuilder &b = kernel->b;
  Value none = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  SmallVector<Value> start(threadRows * threadKeys, none);
  // Without a loop all inputs would be on their way together, in registers.
  int64_t count = sums / multiplicand.steps, atOnce = kStepsAtOnce;
  while (count % atOnce)
    --atOnce;
  auto loop = scf::ForOp::create(b, kernel->index(0), kernel->index(sums),
                                 kernel->index(atOnce * multiplicand.steps),
                                 start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next(loop.getRegionIterArgs());
  for (int64_t i = 0; i < atOnce; ++i)
    addScores(kernel->add(loop.getInductionVar(),
                          kernel->index(i * multiplicand.steps)),
              next);
  scf::YieldOp::create(b, next);
  return llvm::to_vector(ValueRange(loop.getResults()));
}

/// Weights of `steps` keys as a left input: rows first, then halves of keys.
SmallVector<Value> TensorTile::weightFragment(ValueRange weights,
                                              int64_t step) {
  ImplicitLocOpBuilder &b = kernel->b;
  SmallVector<Value> registers;
  for (int64_t half = 0; half < 2; ++half)
    for (int64_t i = 0; i < 2; ++i) {
      auto at = [&](int64_t j) { return weights[i * threadKeys + j]; };
      if (multiplicand.isTF32()) {
        registers.push_back(packTF32(b, at(step / 4 + half)));
        continue;
      }
      int64_t first = step / 4 + half * 2;
      Value pair =
          vector::FromElementsOp::create(b, VectorType::get(2, b.getF32Type()),
                                         ValueRange{at(first), at(first + 1)});
      registers.push_back(packPair(b, convertFloats(b, pair, element)));
    }
  return registers;
}

SmallVector<Value> TensorTile::loadValues(int64_t fragment, int64_t step) {
  Value column =
      kernel->add(kernel->add(firstColumn, group),
                  kernel->index(fragment * kFragmentColumns));
  Value first = kernel->add(kernel->mul(inGroup, 2), kernel->index(step));
  int64_t next = multiplicand.isTF32() ? 1 : 8;
  return {load(2, column, first),
          load(2, column, kernel->add(first, kernel->index(next)))};
}

SmallVector<Value> TensorTile::mix(ValueRange weights, ValueRange sums) {
  SmallVector<Value> next(sums);
  for (int64_t step = 0; step < keys; step += multiplicand.steps)
    multiplyRow(
        weightFragment(weights, step), columns / sharers / kFragmentColumns,
        [&](int64_t fragment) { return loadValues(fragment, step); }, next);
  return next;
}

std::unique_ptr<AttentionTile>
lig::codegen::gpu::makeTensorTile(MLIRContext *context, int64_t rows,
                                  int64_t keys, const AttentionSize &size,
                                  Precision precision) {
  return std::make_unique<TensorTile>(context, rows, keys, size, precision);
}
