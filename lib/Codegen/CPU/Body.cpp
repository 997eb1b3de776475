// A value is written for the rows and columns that it depends on and no others:
// a matmul's left operand is loaded once a row, its right one once a column.
// What is the same in every lane stays a scalar until it meets a vector.

#include "Body.h"
#include "Transpose.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::cpu {

static bool isLaneType(Type type) {
  return type.isIntOrIndexOrFloat() && !type.isInteger(0);
}

static bool isOnLanes(Block *body) {
  for (Operation &op : body->without_terminator()) {
    if (matchLookup(&op))
      continue;
    if (!isa<linalg::IndexOp>(op) && !op.hasTrait<OpTrait::ConstantLike>() &&
        !OpTrait::hasElementwiseMappableTraits(&op))
      return false;
    if (!llvm::all_of(op.getOperandTypes(), isLaneType) ||
        !llvm::all_of(op.getResultTypes(), isLaneType))
      return false;
  }
  return llvm::all_of(body->getArgumentTypes(), isLaneType);
}

bool hasVectorForm(const Nest &nest, int laneLoop) {
  for (const Access &access : nest.accesses)
    if (access.stride(laneLoop) && access.element.isInteger(1))
      return false;
  return llvm::all_of(nest.bodies(), isOnLanes);
}

bool storesLanes(const Nest &nest, int laneLoop) {
  return llvm::all_of(nest.stores, [&](Store store) {
    return nest.accesses[store.access].stride(laneLoop) == 1;
  });
}

int64_t nativeLanes(const Nest &nest, const Machine &machine) {
  unsigned widest = 8;
  auto widen = [&](Type type) {
    if (isLaneType(type))
      widest = std::max(widest,
                        type.isIndex() ? 64 : type.getIntOrFloatBitWidth());
  };
  for (Block *body : nest.bodies()) {
    llvm::for_each(body->getArgumentTypes(), widen);
    for (Operation &op : body->without_terminator())
      for (Value result : op.getResults())
        if (!isLookupIndex(result))
          widen(result.getType());
  }
  return std::max<int64_t>(machine.vectorBits / widest, 1);
}

bool mayTrap(const Nest &nest) {
  auto divides = [](Operation &op) {
    return isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
               arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op);
  };
  return llvm::any_of(nest.bodies(), [&](Block *body) {
    return llvm::any_of(*body, divides);
  });
}

Body::Body(Emitter &emitter, const Tile &tile, const Position &position,
           Block *block, ArrayRef<Binding> bindings)
    : e(emitter), tile(tile), position(position), block(block),
      bindings(bindings) {}

SmallVector<Value> Body::yields() {
  Operation *terminator = block->getTerminator();
  SmallVector<Value> result(terminator->getNumOperands() * tile.size());
  for (int64_t row = 0; row < tile.rows; ++row)
    for (int64_t column = 0; column < tile.columns; ++column)
      for (auto [i, value] : llvm::enumerate(terminator->getOperands()))
        result[i * tile.size() + row * tile.columns + column] =
            get(value, row, column);
  return result;
}

Body::Reach Body::reachOf(Value value) {
  if (auto known = reaches.find(value); known != reaches.end())
    return known->second;
  Reach reach;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument.getOwner() != block)
      return reach;
    const Binding &from = bindings[argument.getArgNumber()];
    bool inTile = from.access < 0;
    reach.rows = inTile || e.nest.accesses[from.access].stride(tile.rowLoop);
    reach.columns =
        inTile || e.nest.accesses[from.access].stride(tile.columnLoop);
  } else if (Operation *op = value.getDefiningOp();
             op->getBlock() == block) {
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      int loop = e.nest.loopOfDim[index.getDim()];
      reach.rows = loop >= 0 && loop == tile.rowLoop;
      reach.columns = loop >= 0 && loop == tile.columnLoop;
    }
    // Regions may use values of the body that are not operands.
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        if (operand.getParentBlock() != block)
          continue;
        Reach other = reachOf(operand);
        reach.rows |= other.rows;
        reach.columns |= other.columns;
      }
    });
  }
  return reaches[value] = reach;
}

Value Body::get(Value value, int64_t row, int64_t column) {
  if (value.getParentBlock() != block)
    return value;
  Reach reach = reachOf(value);
  row = reach.rows ? row : 0;
  column = reach.columns ? column : 0;
  Key key(value, {row, column});
  if (Value known = values.lookup(key))
    return known;
  Value result = compute(value, row, column);
  return values[key] = result;
}

Value Body::compute(Value value, int64_t row, int64_t column) {
  if (auto parameter = dyn_cast<BlockArgument>(value))
    return argument(parameter.getArgNumber(), row, column);
  Operation *op = value.getDefiningOp();
  if (auto index = dyn_cast<linalg::IndexOp>(op))
    return indexOf(index.getDim(), row, column);
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return e.constant(constant.getValue());
  if (std::optional<Lookup> lookup = matchLookup(op))
    return lookUp(*lookup, value, row, column);
  if (Value fused = fuse(op, row, column))
    return fused;
  return computeOp(op, row, column)
      ->getResult(cast<OpResult>(value).getResultNumber());
}

Operation *Body::computeOp(Operation *op, int64_t row, int64_t column) {
  IRMapping mapping;
  bool vector = false;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      if (operand.getParentBlock() != block ||
          mapping.contains(operand))
        continue;
      Value mapped = get(operand, row, column);
      vector |= isa<VectorType>(mapped.getType());
      mapping.map(operand, mapped);
    }
  });
  if (vector)
    for (Value operand : op->getOperands())
      mapping.map(operand, e.splat(mapping.lookupOrDefault(operand),
                                   tile.lanes));
  Operation *clone = e.b.clone(*op, mapping);
  for (OpResult result : clone->getResults())
    if (vector)
      result.setType(lanesOf(result.getType(), tile.lanes));
  return clone;
}

/// `entry` of four columns from `column` on.
void Body::lookUpFour(const Lookup &lookup, Value entry, int64_t column) {
  unsigned access = e.nest.packed->access;
  Linear at = e.offset(access, position, tile, 0, column / 2);
  int64_t bytes = kFour / 2 * tile.lanes;
  Value pairs = e.load(access, at, 1, bytes, bytes);
  for (auto [i, value] : llvm::enumerate(emitFourLookups(e, lookup, pairs)))
    values[Key(entry, {0, column + int64_t(i)})] = value;
}

Value Body::lookUp(const Lookup &lookup, Value entry, int64_t row,
                   int64_t column) {
  auto argument = dyn_cast<BlockArgument>(lookup.code);
  Value codes;
  if (argument && e.nest.packed && e.nest.packed->paired &&
      bindings[argument.getArgNumber()].access == int(e.nest.packed->access)) {
    int64_t first = column / kFour * kFour;
    if (looksUpFour(e, lookup, tile.lanes) &&
        first + kFour <= tile.columns + tile.columns % 2) {
      lookUpFour(lookup, entry, first);
      return values[Key(entry, {0, column})];
    }
    codes = pairedCodes(argument, column);
  } else {
    codes = get(lookup.code, row, column);
    auto type = dyn_cast<VectorType>(codes.getType());
    if (!type) {
      Value at =
          arith::IndexCastUIOp::create(e.b, e.b.getIndexType(), codes);
      return memref::LoadOp::create(e.b, lookup.table, at);
    }
    codes = arith::ExtUIOp::create(
        e.b, lanesOf(e.b.getI32Type(), type.getNumElements()), codes);
  }
  return emitLookup(e, lookup, codes);
}

/// Codes in the low bits of i32; what is above them is the other of the pair.
Value Body::pairedCodes(BlockArgument argument, int64_t column) {
  unsigned access = e.nest.packed->access;
  auto type = cast<VectorType>(lanesOf(e.b.getI32Type(), tile.lanes));
  Value &pair = pairs[Key(argument, {0, column / 2})];
  if (!pair) {
    Linear at = e.offset(access, position, tile, 0, column / 2);
    Value bytes = e.load(access, at, 1, tile.lanes, tile.lanes);
    pair = arith::ExtUIOp::create(e.b, type, bytes);
  }
  if (column % 2 == 0)
    return pair;
  Value four = e.constant(
      DenseElementsAttr::get(type, e.b.getI32IntegerAttr(4)));
  return arith::ShRUIOp::create(e.b, pair, four);
}

/// x * y + z in one rounding, where nothing else wants the product.
Value Body::fuse(Operation *op, int64_t row, int64_t column) {
  auto add = dyn_cast<arith::AddFOp>(op);
  if (!add || !e.machine.fma ||
      !(add.getType().isF32() || add.getType().isF64()))
    return {};
  for (auto [factor, addend] : {std::pair(add.getLhs(), add.getRhs()),
                                std::pair(add.getRhs(), add.getLhs())}) {
    auto product = factor.getDefiningOp<arith::MulFOp>();
    if (!product || product->getBlock() != block ||
        !product->hasOneUse())
      continue;
    Value x = get(product.getLhs(), row, column);
    Value y = get(product.getRhs(), row, column);
    Value z = get(addend, row, column);
    auto isVector = [](Value v) { return isa<VectorType>(v.getType()); };
    if (!isVector(x) && !isVector(y) && !isVector(z))
      return math::FmaOp::create(e.b, x, y, z);
    return vector::FMAOp::create(e.b, e.splat(x, tile.lanes),
                                 e.splat(y, tile.lanes),
                                 e.splat(z, tile.lanes));
  }
  return {};
}

Value Body::indexOf(unsigned dim, int64_t row, int64_t column) {
  int loop = e.nest.loopOfDim[dim];
  if (loop < 0)
    return e.materialize({});
  Linear at = position.indices[loop];
  if (loop == tile.rowLoop)
    at.constant += row;
  if (loop == tile.columnLoop)
    at.constant += column * tile.columnStep();
  Value first = e.materialize(at);
  if (loop != tile.laneLoop || tile.lanes == 1)
    return first;
  auto type = cast<VectorType>(lanesOf(e.b.getIndexType(), tile.lanes));
  Value steps = vector::StepOp::create(e.b, type);
  return arith::AddIOp::create(e.b, e.splat(first, tile.lanes), steps);
}

Value Body::argument(unsigned number, int64_t row, int64_t column) {
  const Binding &binding = bindings[number];
  if (binding.access < 0)
    return binding.values[row * tile.columns + column];
  unsigned access = binding.access;
  const Access &from = e.nest.accesses[access];
  int64_t laneStride = from.stride(tile.laneLoop);
  if (tile.lanes > 1 && laneStride != 0 && laneStride != 1 &&
      from.stride(tile.rowLoop) == 1 && isTurned(access, row) &&
      tile.activeIn(column) == tile.lanes && llvm::isPowerOf2_64(tile.lanes))
    return transposed(number, row, column);
  // What was packed is padded to whole vectors.
  bool isPadded = e.nest.packed && e.nest.packed->access == access;
  return e.load(access, e.offset(access, position, tile, row, column),
                laneStride, tile.lanes,
                isPadded ? tile.lanes : tile.activeIn(column));
}

/// Whether the square that `row` is in is worth turning: it is whole, or most of
/// it is there and the rest can be masked.
bool Body::isTurned(unsigned access, int64_t row) const {
  int64_t first = row / tile.lanes * tile.lanes;
  int64_t rows = std::min(tile.lanes, tile.rows - first);
  Type element = e.nest.accesses[access].element;
  bool masks = e.machine.vectorBits >= 256 && element.isIntOrFloat() &&
               element.getIntOrFloatBitWidth() >= 32;
  return rows == tile.lanes || (masks && 2 * rows > tile.lanes);
}

/// The square of the operand that `row` is in, read along the rows and turned
/// in registers.
Value Body::transposed(unsigned number, int64_t row, int64_t column) {
  unsigned access = bindings[number].access;
  const Access &from = e.nest.accesses[access];
  SmallVector<Value> lines;
  int64_t first = row / tile.lanes * tile.lanes;
  int64_t rows = std::min(tile.lanes, tile.rows - first);
  for (int64_t lane = 0; lane < tile.lanes; ++lane) {
    Linear offset = e.offset(access, position, tile, first, column);
    offset.constant += lane * from.stride(tile.laneLoop);
    lines.push_back(e.load(access, offset, 1, tile.lanes, rows));
  }
  lines = transposeSquare(e.b, lines);
  Value argument = block->getArgument(number);
  for (auto [i, line] : llvm::enumerate(ArrayRef(lines).take_front(rows)))
    values[Key(argument, {first + int64_t(i),
                          reachOf(argument).columns ? column : 0})] = line;
  return lines[row - first];
}

} // namespace lig::codegen::cpu
