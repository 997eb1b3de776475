// Blocks of attention by multiply-adds. Eight threads share some rows: each has
// every eighth score of them, and groups of four columns. Weights go to the
// other threads of the row through shared memory.

#include "AttentionTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lig::codegen::gpu;

/// Elements of a vector from shared memory, and of what parts runs of it.
static constexpr int64_t kPiece = 4;

namespace {
class PlainTile : public AttentionTile {
public:
  PlainTile(MLIRContext *context, int64_t rows, int64_t keys,
            const AttentionSize &size) {
    this->rows = rows;
    this->keys = keys;
    sums = llvm::alignTo(size.sums, kPiece);
    columns = llvm::alignTo(size.columns, 8 * kPiece);
    threads = 128;
    lanes = 8;
    threadRows = rows / (threads / lanes);
    threadKeys = keys / lanes;
    threadColumns = columns / lanes;
    fetched = 32;
    element = Float32Type::get(context);
  }

  SmallVector<MemRefType> shared() const override {
    return {sharedType({rows, sums + kPiece}, element),
            sharedType({keys, sums + kPiece}, element),
            sharedType({keys, columns}, element),
            sharedType({rows, keys + kPiece}, element)};
  }
  bool turnsValues() const override { return false; }

  void start(Kernel &kernel) override {
    this->kernel = &kernel;
    lane = kernel.rem(kernel.thread(), lanes);
    line = kernel.div(kernel.thread(), lanes);
  }
  Value convert(Value piece) override { return piece; }
  Value rowAt(int64_t i) override {
    return kernel->add(line, kernel->index(i * (threads / lanes)));
  }
  Value keyAt(int64_t j) override {
    return kernel->add(lane, kernel->index(j * lanes));
  }
  Value columnAt(int64_t c) override {
    return kernel->add(kernel->mul(lane, kPiece),
                       kernel->index(c / kPiece * lanes * kPiece + c % kPiece));
  }

  SmallVector<Value> scores() override;
  SmallVector<Value> mix(ValueRange weights, ValueRange sums) override;

private:
  using Step = llvm::function_ref<void(Value, MutableArrayRef<Value>)>;
  SmallVector<Value> walk(int64_t extent, ValueRange start, Step step);
  /// Four neighbours, one by one.
  SmallVector<Value> load(unsigned buffer, Value line, Value first);

  Kernel *kernel = nullptr;
  Value lane, line;
};
} // namespace

SmallVector<Value> PlainTile::load(unsigned buffer, Value line, Value first) {
  ImplicitLocOpBuilder &b = kernel->b;
  Value piece = vector::LoadOp::create(
      b, VectorType::get(kPiece, element), kernel->shared(buffer),
      ValueRange{line, first}, /*nontemporal=*/false, llvm::MaybeAlign(16));
  SmallVector<Value> numbers;
  for (int64_t i = 0; i < kPiece; ++i)
    numbers.push_back(vector::ExtractOp::create(b, piece, i));
  return numbers;
}

/// A loop over pieces that carries values.
SmallVector<Value> PlainTile::walk(int64_t extent, ValueRange start,
                                   Step step) {
  ImplicitLocOpBuilder &b = kernel->b;
  auto loop = scf::ForOp::create(b, kernel->index(0), kernel->index(extent),
                                 kernel->index(kPiece), start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
  step(loop.getInductionVar(), next);
  scf::YieldOp::create(b, next);
  return llvm::to_vector(ValueRange(loop.getResults()));
}

SmallVector<Value> PlainTile::scores() {
  ImplicitLocOpBuilder &b = kernel->b;
  Value none = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  SmallVector<Value> start(threadRows * threadKeys, none);
  return walk(sums, start, [&](Value first, MutableArrayRef<Value> next) {
    SmallVector<SmallVector<Value>> query, key;
    for (int64_t i = 0; i < threadRows; ++i)
      query.push_back(load(0, rowAt(i), first));
    for (int64_t j = 0; j < threadKeys; ++j)
      key.push_back(load(1, keyAt(j), first));
    for (int64_t x = 0; x < kPiece; ++x)
      for (int64_t i = 0; i < threadRows; ++i)
        for (int64_t j = 0; j < threadKeys; ++j) {
          Value &sum = next[i * threadKeys + j];
          sum = math::FmaOp::create(b, query[i][x], key[j][x], sum);
        }
  });
}

SmallVector<Value> PlainTile::mix(ValueRange weights, ValueRange sums) {
  ImplicitLocOpBuilder &b = kernel->b;
  for (int64_t i = 0; i < threadRows; ++i)
    for (int64_t j = 0; j < threadKeys; ++j)
      memref::StoreOp::create(b, weights[i * threadKeys + j], kernel->shared(3),
                              ValueRange{rowAt(i), keyAt(j)});
  ::mlir::gpu::BarrierOp::create(b);
  return walk(keys, sums, [&](Value first, MutableArrayRef<Value> next) {
    SmallVector<SmallVector<Value>> weight;
    for (int64_t i = 0; i < threadRows; ++i)
      weight.push_back(load(3, rowAt(i), first));
    for (int64_t x = 0; x < kPiece; ++x)
      for (int64_t c = 0; c < threadColumns; c += kPiece) {
        SmallVector<Value> value =
            load(2, kernel->add(first, kernel->index(x)), columnAt(c));
        for (int64_t i = 0; i < threadRows; ++i)
          for (int64_t y = 0; y < kPiece; ++y) {
            Value &sum = next[i * threadColumns + c + y];
            sum = math::FmaOp::create(b, weight[i][x], value[y], sum);
          }
      }
  });
}

std::unique_ptr<AttentionTile>
lig::codegen::gpu::makePlainTile(MLIRContext *context, int64_t rows,
                                 int64_t keys, const AttentionSize &size) {
  return std::make_unique<PlainTile>(context, rows, keys, size);
}
