// Every buffer is read through a flat view of one dimension, so an address is
// one sum: loop counters times strides, and constants that the machine's
// addressing modes swallow.

#include "Emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::cpu {

static constexpr auto kNoWrap = arith::IntegerOverflowFlags::nsw;

Type lanesOf(Type element, int64_t lanes) {
  return lanes == 1 ? element : VectorType::get({lanes}, element);
}

Value Constants::get(Location loc, TypedAttr value) {
  Value &known = values[value];
  if (!known) {
    OpBuilder b = OpBuilder::atBlockBegin(&block);
    known = arith::ConstantOp::create(b, loc, value);
  }
  return known;
}

Value Constants::index(Location loc, int64_t value) {
  return get(loc, IntegerAttr::get(IndexType::get(loc.getContext()), value));
}

Emitter::Emitter(OpBuilder &builder, Constants &constants, const Nest &nest,
                 const Machine &machine)
    : nest(nest), machine(machine), b(nest.op->getLoc(), builder),
      constants(constants) {
  for (const Access &access : nest.accesses)
    flat.push_back(access.scalar ? access.source : flatten(access));
}

/// Elements from the first that an access may reach to behind the last.
static int64_t reachOf(const Nest &nest, const Access &access) {
  int64_t reach = access.offset + 1;
  for (auto [i, loop] : llvm::enumerate(nest.loops))
    reach += (loop.extent - 1) * std::max<int64_t>(stepOf(access, i), 0);
  return reach;
}

/// How far before the first element negative strides lead.
static int64_t reachBack(const Nest &nest, const Access &access) {
  int64_t lowest = access.offset;
  for (auto [i, loop] : llvm::enumerate(nest.loops))
    lowest += (loop.extent - 1) * std::min<int64_t>(stepOf(access, i), 0);
  return std::max<int64_t>(-lowest, 0);
}

/// `start - back` elements.
static OpFoldResult moveBack(ImplicitLocOpBuilder &b, OpFoldResult start,
                             int64_t back) {
  if (std::optional<int64_t> known = getConstantIntValue(start))
    return b.getIndexAttr(*known - back);
  Value distance = arith::ConstantIndexOp::create(b, back);
  return arith::SubIOp::create(b, cast<Value>(start), distance, kNoWrap)
      .getResult();
}

/// The whole reach of a buffer as one dimension of unit stride.
Value Emitter::flatten(const Access &access) {
  auto type = cast<MemRefType>(access.source.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  Value source = access.source;
  OpFoldResult start = b.getIndexAttr(offset);
  int64_t back = reachBack(nest, access);
  int64_t reach = reachOf(nest, access) + back;
  if (access.detached) {
    if (access.start)
      start = access.start;
  } else if (type.getLayout().isIdentity()) {
    if (type.getRank() == 1)
      return source;
    reach = type.getNumElements();
  } else if (ShapedType::isDynamic(offset)) {
    auto parts = memref::ExtractStridedMetadataOp::create(b, source);
    source = parts.getBaseBuffer();
    start = parts.getOffset();
  }
  if (back != 0)
    start = moveBack(b, start, back);
  return memref::ReinterpretCastOp::create(
      b, source, start, ArrayRef<OpFoldResult>{b.getIndexAttr(reach)},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

Position Emitter::start() const {
  Position position;
  for (const Access &access : nest.accesses)
    position.offsets.push_back(
        {Value(), access.offset + reachBack(nest, access)});
  for (const Loop &loop : nest.loops)
    position.indices.push_back({Value(), loop.first});
  return position;
}

Value Emitter::materialize(Linear linear) {
  Value constant = constants.index(b.getLoc(), linear.constant);
  if (!linear.value)
    return constant;
  if (linear.constant == 0)
    return linear.value;
  return arith::AddIOp::create(b, linear.value, constant, kNoWrap);
}

Position Emitter::advance(const Position &position, unsigned loop,
                          Value steps) {
  Position result = position;
  DenseMap<int64_t, Value> scaled;
  auto move = [&](Linear &linear, int64_t stride) {
    if (stride == 0)
      return;
    Value &delta = scaled[stride];
    if (!delta)
      delta = stride == 1
                  ? steps
                  : arith::MulIOp::create(
                        b, steps, constants.index(b.getLoc(), stride), kNoWrap);
    linear.value =
        linear.value
            ? arith::AddIOp::create(b, linear.value, delta, kNoWrap)
            : delta;
  };
  for (auto [offset, access] : llvm::zip(result.offsets, nest.accesses))
    move(offset, stepOf(access, loop));
  if (llvm::is_contained(nest.loopOfDim, int(loop)))
    move(result.indices[loop], 1);
  return result;
}

Position Emitter::advance(const Position &position, unsigned loop,
                          int64_t steps) {
  Position result = position;
  for (auto [offset, access] : llvm::zip(result.offsets, nest.accesses))
    offset.constant += stepOf(access, loop) * steps;
  result.indices[loop].constant += steps;
  return result;
}

Linear Emitter::offset(unsigned access, const Position &position,
                       const Tile &tile, int64_t row, int64_t column) const {
  const Access &of = nest.accesses[access];
  Linear offset = position.offsets[access];
  offset.constant += row * of.stride(tile.rowLoop) +
                     column * tile.columnStep() * of.stride(tile.columnLoop);
  return offset;
}

Value Emitter::splat(Value value, int64_t lanes) {
  if (lanes == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(b, lanesOf(value.getType(), lanes), value);
}

Value Emitter::mask(int64_t lanes, int64_t active) {
  SmallVector<bool> bits(lanes);
  std::fill_n(bits.begin(), active, true);
  auto type = VectorType::get({lanes}, b.getI1Type());
  return constant(DenseElementsAttr::get(type, bits));
}

Value Emitter::load(unsigned access, Linear offset, int64_t laneStride,
                    int64_t lanes, int64_t active) {
  const Access &from = nest.accesses[access];
  if (from.scalar)
    return from.source;
  Value at = materialize(offset);
  if (lanes == 1 || laneStride == 0)
    return memref::LoadOp::create(b, flat[access], at);
  auto type = cast<VectorType>(lanesOf(from.element, lanes));
  if (laneStride == 1 && active == lanes)
    return vector::LoadOp::create(b, type, flat[access], at);
  Value zero = constant(cast<TypedAttr>(b.getZeroAttr(type)));
  if (laneStride == 1)
    return vector::MaskedLoadOp::create(b, type, flat[access], at,
                                        mask(lanes, active), zero);
  if (laneStride == 2 && from.element.isIntOrFloat() &&
      from.element.getIntOrFloatBitWidth() >= 32)
    return loadSecond(access, offset, lanes, active);
  SmallVector<int32_t> steps;
  for (int64_t lane = 0; lane < lanes; ++lane)
    steps.push_back(lane < active ? lane * laneStride : 0);
  auto stepsType = VectorType::get({lanes}, b.getI32Type());
  Value indices = constant(DenseElementsAttr::get(stepsType, ArrayRef(steps)));
  return vector::GatherOp::create(b, type, flat[access], at, indices,
                                  mask(lanes, active), zero);
}

/// Every second element: of two vectors, the second of which ends with the last
/// that is wanted.
Value Emitter::loadSecond(unsigned access, Linear offset, int64_t lanes,
                          int64_t active) {
  SmallVector<int64_t> picks;
  for (int64_t lane = 0; lane < lanes; ++lane)
    picks.push_back(2 * lane < lanes ? 2 * lane : 2 * lane + 1);
  int64_t reach = 2 * active - 1;
  Value low = load(access, offset, 1, lanes, std::min(reach, lanes));
  offset.constant += lanes - 1;
  int64_t left = reach - (lanes - 1);
  Value high = left > 0 ? load(access, offset, 1, lanes, left) : low;
  return vector::ShuffleOp::create(b, low, high, picks);
}

void Emitter::store(Value value, unsigned access, Linear offset, int64_t lanes,
                    int64_t active) {
  Value at = materialize(offset);
  value = splat(value, lanes);
  if (lanes == 1)
    memref::StoreOp::create(b, value, flat[access], at);
  else if (active == lanes)
    vector::StoreOp::create(b, value, flat[access], at);
  else
    vector::MaskedStoreOp::create(b, flat[access], at, mask(lanes, active),
                                  value);
}

SmallVector<Value> Emitter::loop(int64_t end, int64_t step, ValueRange carried,
                                 LoopBody body) {
  Location loc = b.getLoc();
  auto loop = scf::ForOp::create(
      b, constants.index(loc, 0), constants.index(loc, end),
      constants.index(loc, step), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      body(loop.getInductionVar(), loop.getRegionIterArgs());
  // Without carried values the builder has written the terminator already.
  if (!carried.empty())
    scf::YieldOp::create(b, next);
  return SmallVector<Value>(loop.getResults());
}

void Emitter::sharedLoop(int64_t end, int64_t step,
                         llvm::function_ref<void(Value)> body) {
  Location loc = b.getLoc();
  Value bounds[] = {constants.index(loc, 0), constants.index(loc, end),
                    constants.index(loc, step)};
  scf::ParallelOp::create(b, loc, bounds[0], bounds[1], bounds[2],
                          [&](OpBuilder &nested, Location, ValueRange ivs) {
                            OpBuilder::InsertionGuard guard(b);
                            b.restoreInsertionPoint(
                                nested.saveInsertionPoint());
                            body(ivs[0]);
                          });
}

} // namespace lig::codegen::cpu
