// Attention in one kernel, as in T. Dao et al., "FlashAttention", 2022. A block
// of threads has some queries of one head and goes through the keys, a few at a
// time, with keys and values in shared memory. Scores stay in registers; what
// was summed up so far counts less, by exp of the distance, whenever a greater
// score is found.
//
// The greatest score starts at the lowest finite number, so that exp of the
// distance is 0 and no NaN for keys that are masked by minus infinity, as those
// beyond the last are. A row of nothing else has the sum 0, which makes it NaN
// at the end. Blocks of keys that a constant mask hides from all of the block's
// queries are passed over, half of all where it is causal.

#include "AttentionTile.h"

#include "Ligature/Analysis/MaskBand.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

#include <numeric>

using namespace mlir;
using namespace lig::codegen::gpu;
using lig::net::AttentionOp;

/// Large blocks read keys and values less often, but the machine has to be
/// busy. Null where none has room in so many bytes.
static std::unique_ptr<AttentionTile> chooseWithin(int64_t bytes,
                                                   MLIRContext *context,
                                                   const AttentionSize &size,
                                                   const Machine &machine) {
  static constexpr std::pair<int64_t, int64_t> shapes[] = {
      {64, 32}, {32, 32}, {32, 16}, {16, 32}, {16, 16}};
  std::unique_ptr<AttentionTile> best;
  for (auto [rows, keys] : shapes) {
    std::unique_ptr<AttentionTile> tile =
        machine.precision == Precision::F32
            ? makePlainTile(context, rows, keys, size)
            : makeTensorTile(context, rows, keys, size, machine.precision);
    if (countSharedBytes(tile->shared()) > bytes)
      continue;
    int64_t blocks = size.batch * llvm::divideCeil(size.rows, rows);
    bool isBusy = blocks >= machine.multiprocessors;
    if (!best || best->rows > rows)
      best = std::move(tile);
    if (isBusy)
      break;
  }
  return best;
}

/// Blocks hide each other's waiting, so what a kernel has to ask for is for long
/// lines only, and three have room on a multiprocessor if that can be.
std::unique_ptr<AttentionTile> lig::codegen::gpu::chooseAttentionTile(
    MLIRContext *context, const AttentionSize &size, const Machine &machine) {
  for (int64_t bytes :
       {kStaticSharedBytes, machine.sharedBytes / 3, machine.sharedBytes})
    if (auto tile = chooseWithin(bytes, context, size, machine))
      return tile;
  return nullptr;
}

namespace {
/// One block of queries on its way through the keys.
class AttentionWriter {
public:
  AttentionWriter(Kernel &kernel, AttentionOp op, AttentionTile &tile)
      : kernel(kernel), b(kernel.b), op(op), tile(tile),
        extents(op.getExtents()), band(lig::findMaskBand(op)) {
    // A number that is far below others hides nothing by itself.
    if (band && band->hiddenScore)
      band.reset();
  }
  void write();

private:
  /// Of each of the thread's rows the greatest score, the sum of the weights of
  /// the thread's keys, and the thread's sums.
  struct State {
    SmallVector<Value> most, total, sums;

    SmallVector<Value> flatten() const;
    void take(ValueRange values);
  };

  void placeBlock();
  std::pair<Value, Value> visibleKeys();
  State lookAtKeys(Value first, State state);
  /// What a block has of an operand: lines of a run of elements; with `turned`
  /// lines are innermost in shared memory.
  struct Part {
    Value shared;
    unsigned lineDim, runDim;
    int64_t lines, run;
    bool turned = false;
    /// Whether runs are innermost in global memory, and elements of a run that
    /// are read at once.
    bool runsFast = true;
    int64_t piece = 1;
  };
  /// Where a piece begins.
  struct Piece {
    Value line, at;
  };
  void bring(unsigned operand, Part part, Value firstLine);
  void bringBatch(unsigned operand, const Part &part, Value firstLine,
                  Value start, int64_t count);
  std::pair<Piece, Value> fetch(unsigned operand, Value number,
                                const Part &part, Value firstLine);
  Piece placePiece(Value number, const Part &part);
  void put(Value piece, const Piece &place, const Part &part);
  SmallVector<Value> indices(unsigned operand, const LoopValues &dims);
  Value load(unsigned operand, const LoopValues &dims);
  Value loadPiece(unsigned operand, const LoopValues &dims, int64_t count);
  Value finishScore(Value score, Value row, Value key);
  SmallVector<Value> weigh(SmallVector<Value> scores, State &state);
  Value meet(Value value, llvm::function_ref<Value(Value, Value)> combine);
  void store(const State &state);
  Value number(APFloat value);

  Kernel &kernel;
  ImplicitLocOpBuilder &b;
  AttentionOp op;
  AttentionTile &tile;
  SmallVector<int64_t> extents;
  std::optional<lig::MaskBand> band;
  /// Of the batch dimensions.
  LoopValues dims;
  Value firstRow;
};
} // namespace

SmallVector<Value> AttentionWriter::State::flatten() const {
  SmallVector<Value> all(most);
  all.append(total);
  all.append(sums);
  return all;
}

void AttentionWriter::State::take(ValueRange values) {
  for (SmallVector<Value> *part : {&most, &total, &sums}) {
    llvm::copy(values.take_front(part->size()), part->begin());
    values = values.drop_front(part->size());
  }
}

Value AttentionWriter::number(APFloat value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(b.getF32Type(), value));
}

void AttentionWriter::placeBlock() {
  int64_t blocks = llvm::divideCeil(extents[op.getRowDim()], tile.rows);
  firstRow = kernel.mul(kernel.rem(kernel.block(), blocks), tile.rows);
  SmallVector<unsigned> batch;
  for (unsigned dim = 0; dim < op.getNumBatch(); ++dim)
    batch.push_back(dim);
  kernel.unflatten(kernel.div(kernel.block(), blocks), batch, dims);
}

SmallVector<Value> AttentionWriter::indices(unsigned operand,
                                            const LoopValues &dims) {
  SmallVector<Value> result;
  for (AffineExpr expr : op.getMap(operand).getResults())
    result.push_back(kernel.apply(expr, dims));
  return result;
}

Value AttentionWriter::load(unsigned operand, const LoopValues &dims) {
  Value source = op.getOperand(operand);
  if (!isa<MemRefType>(source.getType()))
    return source;
  return memref::LoadOp::create(b, source, indices(operand, dims));
}

/// `count` neighbours along the innermost dimension.
Value AttentionWriter::loadPiece(unsigned operand, const LoopValues &dims,
                                 int64_t count) {
  auto type = VectorType::get(count, b.getF32Type());
  if (count == 1)
    return vector::FromElementsOp::create(b, type, load(operand, dims));
  return vector::LoadOp::create(b, type, op.getOperand(operand),
                                indices(operand, dims), /*nontemporal=*/false,
                                llvm::MaybeAlign(count * 4));
}

/// Which piece number `number` is, of lines that are innermost or not.
AttentionWriter::Piece AttentionWriter::placePiece(Value number,
                                                   const Part &part) {
  int64_t pieces = part.run / part.piece;
  if (!part.runsFast)
    return {kernel.rem(number, part.lines), kernel.div(number, part.lines)};
  // Turned pieces of one line would lie in few banks: some lines together.
  int64_t near = part.turned && part.piece > 1 ? std::gcd(pieces, 4) : pieces;
  Value line = kernel.rem(kernel.div(number, near), part.lines);
  Value at =
      kernel.add(kernel.rem(number, near),
                 kernel.mul(kernel.div(number, near * part.lines), near));
  return {line, kernel.mul(at, part.piece)};
}

void AttentionWriter::put(Value piece, const Piece &place, const Part &part) {
  Value numbers = tile.convert(piece);
  if (!part.turned) {
    int64_t bytes = tile.element.getIntOrFloatBitWidth() / 8 * part.piece;
    vector::StoreOp::create(b, numbers, part.shared,
                            ValueRange{place.line, place.at},
                            /*nontemporal=*/false, llvm::MaybeAlign(bytes));
    return;
  }
  for (int64_t i = 0; i < part.piece; ++i)
    memref::StoreOp::create(
        b, vector::ExtractOp::create(b, numbers, i), part.shared,
        ValueRange{kernel.add(place.at, kernel.index(i)), place.line});
}

/// Piece `number` of lines from `firstLine` on, zeros where the operand has
/// none.
std::pair<AttentionWriter::Piece, Value>
AttentionWriter::fetch(unsigned operand, Value number, const Part &part,
                       Value firstLine) {
  Piece piece = placePiece(number, part);
  Value ofOperand = kernel.add(firstLine, piece.line);
  Value exists =
      arith::AndIOp::create(b, kernel.less(ofOperand, extents[part.lineDim]),
                            kernel.less(piece.at, extents[part.runDim]));
  LoopValues place = dims;
  place[part.lineDim] = kernel.min(ofOperand, extents[part.lineDim] - 1);
  place[part.runDim] = kernel.min(piece.at, extents[part.runDim] - part.piece);
  Value value = loadPiece(operand, place, part.piece);
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(value.getType()));
  return {piece, arith::SelectOp::create(b, exists, value, none)};
}

/// Brings `count` pieces from number `start` on, which are on their way together.
void AttentionWriter::bringBatch(unsigned operand, const Part &part,
                                 Value firstLine, Value start, int64_t count) {
  int64_t step = tile.threads;
  SmallVector<std::pair<Piece, Value>> fetched;
  Value number = kernel.add(kernel.thread(), start);
  for (int64_t first = 0; first < count; first += step)
    fetched.push_back(fetch(
        operand, kernel.add(number, kernel.index(first)), part, firstLine));
  for (auto [i, each] : llvm::enumerate(fetched)) {
    OpBuilder::InsertionGuard guard(b);
    int64_t left = count - int64_t(i) * step;
    if (left < step) {
      auto some = scf::IfOp::create(b, kernel.less(kernel.thread(), left));
      b.setInsertionPointToStart(some.thenBlock());
    }
    put(each.second, each.first, part);
  }
}

/// Puts lines of an operand into shared memory, some pieces at a time. In a loop:
/// written out, the assembler would have all of them on their way, and take
/// every register there is.
void AttentionWriter::bring(unsigned operand, Part part, Value firstLine) {
  AffineMap map = op.getMap(operand);
  part.runsFast = map.getNumResults() == 0 ||
                  !map.getResults().back().isFunctionOfDim(part.lineDim);
  part.piece = countNeighbours(op.getOperand(operand), map, part.runDim,
                               extents[part.runDim]);
  int64_t count = part.lines * part.run / part.piece;
  int64_t batch = tile.fetched / part.piece * tile.threads;
  int64_t whole = count / batch * batch;
  if (whole) {
    auto loop = scf::ForOp::create(b, kernel.index(0), kernel.index(whole),
                                   kernel.index(batch));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    bringBatch(operand, part, firstLine, loop.getInductionVar(), batch);
  }
  if (whole < count)
    bringBatch(operand, part, firstLine, kernel.index(whole), count - whole);
}

/// The operation's region on a score; minus infinity beyond the last key.
Value AttentionWriter::finishScore(Value score, Value row, Value key) {
  Block &body = op.getRegion().front();
  unsigned numInputs = op.getInputs().size();
  LoopValues place = dims;
  place[op.getRowDim()] = kernel.min(row, extents[op.getRowDim()] - 1);
  place[op.getKeyDim()] = kernel.min(key, extents[op.getKeyDim()] - 1);
  IRMapping values;
  values.map(body.getArgument(0), score);
  for (unsigned i = 0; i < numInputs; ++i)
    values.map(body.getArgument(1 + i), load(3 + i, place));
  values.map(body.getArgument(1 + numInputs), place[op.getRowDim()]);
  values.map(body.getArgument(2 + numInputs), place[op.getKeyDim()]);
  for (Operation &inner : body.without_terminator())
    b.clone(inner, values);
  Value finished = values.lookupOrDefault(op.getYield().getOperand(0));
  if (extents[op.getKeyDim()] % tile.keys == 0)
    return finished;
  Value never = number(APFloat::getInf(APFloat::IEEEsingle(), true));
  return arith::SelectOp::create(b, kernel.less(key, extents[op.getKeyDim()]),
                                 finished, never);
}

/// What all threads that share a row have found.
Value AttentionWriter::meet(Value value,
                            llvm::function_ref<Value(Value, Value)> combine) {
  for (int64_t distance = tile.lanes / 2; distance; distance /= 2) {
    auto other = ::mlir::gpu::ShuffleOp::create(b, value, distance, kWarp,
                                                ::mlir::gpu::ShuffleMode::XOR);
    value = combine(value, other.getShuffleResult());
  }
  return value;
}

/// Scores become weights; what was summed up before is scaled to go with them.
SmallVector<Value> AttentionWriter::weigh(SmallVector<Value> scores,
                                          State &state) {
  auto greater = [&](Value x, Value y) -> Value {
    return arith::MaximumFOp::create(b, x, y);
  };
  auto exp = [&](Value x, Value y) -> Value {
    return math::ExpOp::create(b, arith::SubFOp::create(b, x, y));
  };
  for (int64_t i = 0; i < tile.threadRows; ++i) {
    MutableArrayRef<Value> row(&scores[i * tile.threadKeys], tile.threadKeys);
    MutableArrayRef<Value> sums(&state.sums[i * tile.threadColumns],
                                tile.threadColumns);
    Value most = row.front();
    for (Value score : row.drop_front())
      most = greater(most, score);
    most = greater(state.most[i], meet(most, greater));
    Value factor = exp(state.most[i], most);
    Value total = arith::MulFOp::create(b, state.total[i], factor);
    for (Value &score : row) {
      score = exp(score, most);
      total = arith::AddFOp::create(b, total, score);
    }
    for (Value &sum : sums)
      sum = arith::MulFOp::create(b, sum, factor);
    state.most[i] = most;
    state.total[i] = total;
  }
  return scores;
}

/// The first key of the first block of keys that one of the queries sees, and
/// the key behind the last.
std::pair<Value, Value> AttentionWriter::visibleKeys() {
  int64_t keys = extents[op.getKeyDim()];
  if (!band)
    return {kernel.index(0), kernel.index(keys)};
  Value first = arith::SubIOp::create(b, firstRow, kernel.index(band->behind));
  first = arith::MaxSIOp::create(b, first, kernel.index(band->first));
  first = arith::SubIOp::create(b, first, kernel.rem(first, tile.keys));
  Value end =
      arith::AddIOp::create(b, firstRow, kernel.index(tile.rows + band->ahead));
  end = arith::MinSIOp::create(b, end, kernel.index(band->last + 1));
  return {first, end};
}

AttentionWriter::State AttentionWriter::lookAtKeys(Value first, State state) {
  ::mlir::gpu::BarrierOp::create(b);
  unsigned keyDim = op.getKeyDim();
  bring(1, {kernel.shared(1), keyDim, op.getSumDim(), tile.keys, tile.sums},
        first);
  bring(2,
        {kernel.shared(2), keyDim, op.getColumnDim(), tile.keys, tile.columns,
         tile.turnsValues()},
        first);
  ::mlir::gpu::BarrierOp::create(b);
  SmallVector<Value> scores = tile.scores();
  for (int64_t i = 0; i < tile.threadRows; ++i)
    for (int64_t j = 0; j < tile.threadKeys; ++j) {
      Value &score = scores[i * tile.threadKeys + j];
      score = finishScore(score, kernel.add(firstRow, tile.rowAt(i)),
                          kernel.add(first, tile.keyAt(j)));
    }
  SmallVector<Value> weights = weigh(scores, state);
  state.sums = tile.mix(weights, state.sums);
  return state;
}

void AttentionWriter::store(const State &state) {
  int64_t rowCount = extents[op.getRowDim()];
  int64_t columnCount = extents[op.getColumnDim()];
  Value one = number(APFloat(1.0f));
  for (int64_t i = 0; i < tile.threadRows; ++i) {
    Value total = meet(state.total[i], [&](Value x, Value y) -> Value {
      return arith::AddFOp::create(b, x, y);
    });
    Value scale = arith::DivFOp::create(b, one, total);
    Value row = kernel.add(firstRow, tile.rowAt(i));
    OpBuilder::InsertionGuard guard(b);
    if (rowCount % tile.rows) {
      auto exists = scf::IfOp::create(b, kernel.less(row, rowCount));
      b.setInsertionPointToStart(exists.thenBlock());
    }
    for (int64_t c = 0; c < tile.threadColumns; ++c) {
      OpBuilder::InsertionGuard inner(b);
      Value column = tile.columnAt(c);
      if (columnCount % tile.columns) {
        auto exists = scf::IfOp::create(b, kernel.less(column, columnCount));
        b.setInsertionPointToStart(exists.thenBlock());
      }
      LoopValues place = dims;
      place[op.getRowDim()] = row;
      place[op.getColumnDim()] = column;
      Value sum = state.sums[i * tile.threadColumns + c];
      memref::StoreOp::create(b, arith::MulFOp::create(b, sum, scale),
                              op.getInit(),
                              indices(op->getNumOperands() - 1, place));
    }
  }
}

void AttentionWriter::write() {
  tile.start(kernel);
  placeBlock();
  bring(
      0,
      {kernel.shared(0), op.getRowDim(), op.getSumDim(), tile.rows, tile.sums},
      firstRow);
  Value lowest =
      number(APFloat::getLargest(APFloat::IEEEsingle(), /*Negative=*/true));
  Value none = number(APFloat(0.0f));
  State state;
  state.most.assign(tile.threadRows, lowest);
  state.total.assign(tile.threadRows, none);
  state.sums.assign(tile.threadRows * tile.threadColumns, none);
  auto [first, end] = visibleKeys();
  auto loop = scf::ForOp::create(b, first, end, kernel.index(tile.keys),
                                 state.flatten());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    state.take(loop.getRegionIterArgs());
    scf::YieldOp::create(b,
                         lookAtKeys(loop.getInductionVar(), state).flatten());
  }
  state.take(loop.getResults());
  store(state);
}

LogicalResult lig::codegen::gpu::emitAttention(RewriterBase &rewriter,
                                               AttentionOp op,
                                               const Machine &machine) {
  SmallVector<int64_t> extents = op.getExtents();
  for (int64_t extent : extents)
    if (extent <= 0)
      return op.emitOpError("has an extent that is not known or 0, but blocks "
                            "are cut when the model is compiled");
  AttentionSize size = {1, extents[op.getRowDim()], extents[op.getSumDim()],
                        extents[op.getColumnDim()]};
  for (unsigned dim = 0; dim < op.getNumBatch(); ++dim)
    size.batch *= extents[dim];
  std::unique_ptr<AttentionTile> tile =
      chooseAttentionTile(op.getContext(), size, machine);
  if (!tile)
    return op.emitOpError("has too many columns for shared memory");
  Kernel kernel(rewriter, op, extents,
                size.batch * llvm::divideCeil(size.rows, tile->rows),
                tile->threads, tile->shared());
  AttentionWriter(kernel, op, *tile).write();
  kernel.finish();
  rewriter.eraseOp(op);
  return success();
}
