// Sums of products in the kernel of a scan. The lanes of a warp share the terms
// of one unit's sums, a few neighbours each, and add up what they have by
// shuffles. Weights that a lane has loaded serve all rows at hand.

#include "Kernel.h"
#include "ScanKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::gpu {

/// Sums that a lane has in registers, each a vector.
static constexpr int64_t mostSums = 16;
/// Pieces of a sum that are written out, in all or of a loop's step. Loads of
/// all of them may be under way at once, so the more a piece loads, the fewer.
static constexpr int64_t mostPieces = 8, piecesOfLoop = 4;
static constexpr int64_t mostUnderWay = 64;

static int64_t widthFor(int64_t terms) {
  return terms % 4 == 0 ? 4 : terms % 2 == 0 ? 2 : 1;
}

static Value extend(ImplicitLocOpBuilder &b, Value value) {
  if (getElementTypeOrSelf(value).isF32())
    return value;
  Type type = b.getF32Type();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(type);
  return arith::ExtFOp::create(b, type, value);
}

//===-- On chip ----------------------------------------------------------===//

/// Runs `write` for each number below `count`, shared by the block's threads.
static void forEach(ImplicitLocOpBuilder &b, ::mlir::gpu::LaunchOp launch,
                    Value count, llvm::function_ref<void(Value)> write) {
  auto loop = scf::ForOp::create(b, launch.getThreadIds().x, count,
                                 launch.getBlockSize().x);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  write(loop.getInductionVar());
}

void ScanKernel::loadWeights(unsigned number) {
  const ScanOp &op = body.ops[number];
  const ProductMemory &kept = memory[number];
  int64_t terms = op.extent(*op.sum);
  UnitShare share = shareOf(op.units);
  Value from = view(op.weights->get(), 0);
  Value units = min(share.count, index(kept.residentUnits));
  forEach(b, launch, mul(units, op.gates * terms), [&](Value i) {
    Value term = rem(i, terms), line = div(i, terms);
    Value gate = rem(line, op.gates), local = div(line, op.gates);
    Value column = add(mul(gate, op.units), add(share.base, local));
    auto loops = loopValues(op, index(0), column, term);
    Value weight =
        memref::LoadOp::create(b, from, indices(op, *op.weights, loops));
    memref::StoreOp::create(b, weight, kept.weights,
                            ValueRange{local, gate, term});
  });
}

void ScanKernel::loadTable(unsigned number) {
  Value from = view(body.ops[number].decoding.table, 0);
  int64_t entries = cast<MemRefType>(from.getType()).getNumElements();
  forEach(b, launch, index(entries), [&](Value i) {
    Value entry = memref::LoadOp::create(b, from, i);
    memref::StoreOp::create(b, entry, memory[number].table, i);
  });
}

/// What other blocks have written is read by each block once a step.
void ScanKernel::stageVectors(unsigned number) {
  const ScanOp &op = body.ops[number];
  int64_t terms = op.extent(*op.sum);
  forEach(b, launch, index(op.countRows() * terms), [&](Value i) {
    Value term = rem(i, terms), row = div(i, terms);
    auto loops = loopValues(op, row, index(0), term);
    Value value = load(number, *op.vector, indices(op, *op.vector, loops));
    memref::StoreOp::create(b, extend(b, value), memory[number].vectors,
                            ValueRange{row, term});
  });
}

//===-- Sums -------------------------------------------------------------===//

Value ScanKernel::sumLanes(Value sum) {
  for (int64_t distance = kWarp / 2; distance; distance /= 2) {
    auto other = ::mlir::gpu::ShuffleOp::create(b, sum, distance, kWarp,
                                                ::mlir::gpu::ShuffleMode::XOR);
    sum = arith::AddFOp::create(b, sum, other.getShuffleResult());
  }
  return sum;
}

/// The sum of a vector's elements, in halves.
static Value sumElements(ImplicitLocOpBuilder &b, Value vector) {
  int64_t width = cast<VectorType>(vector.getType()).getNumElements();
  SmallVector<Value> sums;
  for (int64_t i = 0; i < width; ++i)
    sums.push_back(vector::ExtractOp::create(b, vector, i));
  for (; width > 1; width /= 2)
    for (int64_t i = 0; i < width / 2; ++i)
      sums[i] = arith::AddFOp::create(b, sums[i], sums[i + width / 2]);
  return sums.front();
}

/// Adds one piece of the terms, from `begin` on, to the sums of the rows at
/// `rows`.
void ScanKernel::addPiece(unsigned number, Value begin, ArrayRef<Value> rows,
                          int64_t width, LoadWeights loadWeights,
                          SmallVectorImpl<Value> &sums) {
  const ScanOp &op = body.ops[number];
  auto type = VectorType::get({width}, b.getF32Type());
  Value term = add(begin, mul(lane, width));
  SmallVector<Value> vectors;
  for (Value row : rows)
    vectors.push_back(vector::LoadOp::create(
        b, type, memory[number].vectors, ValueRange{row, term},
        /*nontemporal=*/false, llvm::MaybeAlign(4 * width)));
  for (int64_t gate = 0; gate < op.gates; ++gate) {
    Value weights = op.decoding.apply(b, loadWeights(gate, term, width),
                                      memory[number].table);
    for (auto [row, vector] : llvm::enumerate(vectors)) {
      Value &sum = sums[gate * rows.size() + row];
      sum = vector::FMAOp::create(b, weights, vector, sum);
    }
  }
}

/// What this lane has of the sums, by gate and row; `width` neighbouring terms
/// at a time.
SmallVector<Value> ScanKernel::sumProducts(unsigned number, Value firstRow,
                                           int64_t rows, int64_t width,
                                           LoadWeights loadWeights) {
  const ScanOp &op = body.ops[number];
  int64_t terms = op.extent(*op.sum), piece = width * kWarp;
  Value zero = arith::ConstantOp::create(
      b, b.getZeroAttr(VectorType::get({width}, b.getF32Type())));
  SmallVector<Value> sums(op.gates * rows, zero), rowAt;
  for (int64_t row = 0; row < rows; ++row)
    rowAt.push_back(min(add(firstRow, index(row)), index(op.countRows() - 1)));
  auto addTo = [&](Value begin) {
    addPiece(number, begin, rowAt, width, loadWeights, sums);
  };
  int64_t pieces = terms / piece, done = 0;
  int64_t most = mostUnderWay / ((op.gates + rows) * width);
  bool isLarge = most < piecesOfLoop;
  int64_t each = isLarge ? std::max<int64_t>(most, 1) : piecesOfLoop;
  if (pieces > (isLarge ? each : mostPieces)) {
    done = pieces / each * each;
    auto loop = scf::ForOp::create(b, index(0), index(done * piece),
                                   index(each * piece), sums);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    llvm::copy(loop.getRegionIterArgs(), sums.begin());
    for (int64_t i = 0; i < each; ++i)
      addTo(add(loop.getInductionVar(), index(i * piece)));
    scf::YieldOp::create(b, sums);
    llvm::copy(loop.getResults(), sums.begin());
  }
  for (; done < pieces; ++done)
    addTo(index(done * piece));
  if (terms % piece) {
    Value isTerm = less(mul(lane, width), index(terms - done * piece));
    auto rest = scf::IfOp::create(b, TypeRange(ValueRange(sums)), isTerm,
                                  /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(rest.elseBlock());
    scf::YieldOp::create(b, sums);
    b.setInsertionPointToStart(rest.thenBlock());
    addTo(index(done * piece));
    scf::YieldOp::create(b, sums);
    llvm::copy(rest.getResults(), sums.begin());
  }
  for (Value &sum : sums)
    sum = sumElements(b, sum);
  return sums;
}

/// Whether lanes may load neighbouring terms at once from where weights are
/// stored.
static bool liesInPieces(const ScanOp &op, int64_t width) {
  linalg::GenericOp generic = op.op;
  const Place &place = op.place(*op.weights);
  auto type = cast<MemRefType>(op.weights->get().getType());
  auto [strides, offset] = type.getStridesAndOffset();
  AffineMap map = generic.getMatchingIndexingMap(op.weights);
  bool isAligned = place.start % width == 0;
  for (auto [loop, move] : llvm::enumerate(place.perLoop))
    isAligned &= loop == *op.sum || op.extent(loop) == 1 || move % width == 0;
  return isAligned && strides.back() == 1 &&
         map.getResults().back() ==
             getAffineDimExpr(*op.sum, generic.getContext());
}

static Value loadVector(ImplicitLocOpBuilder &b, Value from, ValueRange at,
                        int64_t width) {
  Type element = cast<MemRefType>(from.getType()).getElementType();
  auto type = VectorType::get({width}, element);
  // A view in memory need not have a last dimension of neighbours.
  if (width == 1)
    return vector::BroadcastOp::create(b, type,
                                       memref::LoadOp::create(b, from, at));
  return vector::LoadOp::create(
      b, type, from, at, /*nontemporal=*/false,
      llvm::MaybeAlign(width * element.getIntOrFloatBitWidth() / 8));
}

/// What this lane has of a unit's sums, by gate and row, from where the unit's
/// weights are.
SmallVector<Value> ScanKernel::sumUnit(unsigned number, Item &item,
                                       Value firstRow, int64_t rows) {
  const ScanOp &op = body.ops[number];
  const ProductMemory &kept = memory[number];
  int64_t width = widthFor(op.extent(*op.sum));
  auto fromChip = [&](int64_t gate, Value term, int64_t width) {
    return loadVector(b, kept.weights,
                      ValueRange{item.local, index(gate), term}, width);
  };
  auto fromMemory = [&](int64_t gate, Value term, int64_t width) {
    Value unit = add(item.unit, index(gate * op.units));
    return loadVector(
        b, view(op.weights->get(), 0),
        indices(op, *op.weights, loopValues(op, index(0), unit, term)), width);
  };
  auto onChip = [&] {
    return sumProducts(number, firstRow, rows, width, fromChip);
  };
  auto streamed = [&] {
    return sumProducts(number, firstRow, rows,
                       liesInPieces(op, width) ? width : 1, fromMemory);
  };
  if (kept.residentUnits == op.units)
    return onChip();
  if (!kept.residentUnits)
    return streamed();
  SmallVector<Type> types(op.gates * rows, b.getF32Type());
  auto choice =
      scf::IfOp::create(b, types, less(item.local, index(kept.residentUnits)),
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, onChip());
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(b, streamed());
  return llvm::to_vector_of<Value>(choice.getResults());
}

/// The sums of a unit, by gate, of the row that is this lane's.
SmallVector<Value> ScanKernel::multiplyRows(unsigned number, Item &item,
                                            Value firstRow, int64_t rows) {
  SmallVector<Value> sums = sumUnit(number, item, firstRow, rows), mine;
  for (int64_t gate = 0; gate < body.ops[number].gates; ++gate) {
    Value found;
    for (int64_t row = 0; row < rows; ++row) {
      Value sum = sumLanes(sums[gate * rows + row]);
      if (!found) {
        found = sum;
        continue;
      }
      Value isMine = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                           item.row, add(firstRow, index(row)));
      found = arith::SelectOp::create(b, isMine, sum, found);
    }
    mine.push_back(found);
  }
  return mine;
}

void ScanKernel::emitProduct(unsigned number, Item &item) {
  const ScanOp &op = body.ops[number];
  linalg::GenericOp generic = op.op;
  int64_t rows = op.countRows();
  int64_t most = std::max<int64_t>(1, mostSums / op.gates);
  SmallVector<Value> sums;
  if (rows <= most) {
    sums = multiplyRows(number, item, index(0), rows);
  } else {
    Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
    SmallVector<Value> zeros(op.gates, zero);
    auto loop =
        scf::ForOp::create(b, index(0), index(rows), index(most), zeros);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value first = loop.getInductionVar();
    sums = multiplyRows(number, item, first, most);
    Value isHere =
        arith::CmpIOp::create(b, arith::CmpIPredicate::uge, item.row, first);
    for (auto [sum, before] : llvm::zip(sums, loop.getRegionIterArgs()))
      sum = arith::SelectOp::create(b, isHere, sum, before);
    scf::YieldOp::create(b, sums);
    sums = llvm::to_vector_of<Value>(loop.getResults());
  }
  OpOperand &output = *generic.getDpsInitOperand(0);
  for (int64_t gate = 0; gate < op.gates; ++gate) {
    Value unit = add(item.unit, index(gate * op.units));
    SmallVector<Value> loops = loopValues(op, item.row, unit, Value());
    Value before = loadItem(number, output, gate, loops, item);
    storeItem(number, output, gate, loops,
              arith::AddFOp::create(b, before, sums[gate]), item);
  }
}

} // namespace lig::codegen::gpu
