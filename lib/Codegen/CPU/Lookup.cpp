// A table of 16 numbers fits one register of AVX-512 or two of AVX2, and an
// instruction picks as many of them as there are lanes. MLIR and LLVM have no
// operation for that, so it is called by its name. Other machines and larger
// tables gather.
//
// On AVX2, four vectors at once cost less: one instruction picks the first bytes
// of 32 numbers, three more the others, and eight put them together.

#include "Lookup.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::cpu {

std::optional<Lookup> matchLookup(Operation *op) {
  auto load = dyn_cast_or_null<memref::LoadOp>(op);
  if (!load || load.getMemRefType().getRank() != 1 ||
      !load.getMemRefType().hasStaticShape() ||
      !load.getMemRefType().getLayout().isIdentity() ||
      !load.getType().isF32() ||
      load.getMemRef().getParentBlock() == op->getBlock())
    return std::nullopt;
  auto index = load.getIndices()[0].getDefiningOp<arith::IndexCastUIOp>();
  if (!index || index->getBlock() != op->getBlock() ||
      !index.getIn().getType().isInteger(8))
    return std::nullopt;
  return Lookup{load.getMemRef(), index.getIn(),
                load.getMemRefType().getNumElements()};
}

bool isLookupIndex(Value value) {
  return value.getDefiningOp<arith::IndexCastUIOp>() &&
         llvm::all_of(value.getUsers(),
                      [](Operation *op) { return matchLookup(op); });
}

bool holdsSmallCodes(const Nest &nest, unsigned access) {
  if (access >= nest.numInputs || !nest.accesses[access].element.isInteger(8))
    return false;
  auto isSmall = [](Operation *op) { return matchLookup(op)->isSmall(); };
  return llvm::all_of(
      nest.body()->getArgument(access).getUsers(), [&](Operation *user) {
        return isa<arith::IndexCastUIOp>(user) &&
               isLookupIndex(user->getResult(0)) &&
               llvm::all_of(user->getUsers(), isSmall);
      });
}

static Value callIntrinsic(Emitter &e, StringRef name, Type type,
                           ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(e.b, type, e.b.getStringAttr(name),
                                       operands)
      ->getResult(0);
}

/// `lanes` entries from `first` on.
static Value loadEntries(Emitter &e, Value table, int64_t first,
                         int64_t lanes) {
  Value at = e.materialize({Value(), first});
  return vector::LoadOp::create(
      e.b, VectorType::get({lanes}, e.b.getF32Type()), table, at);
}

/// Eight lanes read three bits of a code; the fourth chooses the table's half.
static Value permuteHalves(Emitter &e, Value table, Value codes) {
  auto pick = [&](int64_t first) {
    Value half = loadEntries(e, table, first, 8);
    return callIntrinsic(e, "llvm.x86.avx2.permps", half.getType(),
                         {half, codes});
  };
  auto splat = [&](int64_t value) {
    return e.constant(DenseElementsAttr::get(
        cast<VectorType>(codes.getType()), e.b.getI32IntegerAttr(value)));
  };
  // In the place of the sign a blend needs no comparison.
  Value moved = arith::ShLIOp::create(e.b, codes, splat(28));
  Value isHigh = arith::CmpIOp::create(e.b, arith::CmpIPredicate::slt, moved,
                                       splat(0));
  Value low = pick(0), high = pick(8);
  return arith::SelectOp::create(e.b, isHigh, high, low);
}

Value emitLookup(Emitter &e, const Lookup &lookup, Value codes) {
  auto type = cast<VectorType>(codes.getType());
  int64_t lanes = type.getNumElements();
  auto result = VectorType::get({lanes}, e.b.getF32Type());
  if (e.machine.permutes && lookup.entries == 16) {
    if (lanes == 16 && e.machine.vectorBits == 512)
      return callIntrinsic(e, "llvm.x86.avx512.permvar.sf.512", result,
                           {loadEntries(e, lookup.table, 0, 16), codes});
    if (lanes == 8)
      return permuteHalves(e, lookup.table, codes);
  }
  if (lookup.isSmall())
    codes = arith::AndIOp::create(
        e.b, codes,
        e.constant(DenseElementsAttr::get(type, e.b.getI32IntegerAttr(15))));
  Value none = e.constant(cast<TypedAttr>(e.b.getZeroAttr(result)));
  return vector::GatherOp::create(e.b, result, lookup.table, e.materialize({}),
                                  codes, e.mask(lanes, lanes), none);
}

bool looksUpFour(const Emitter &e, const Lookup &lookup, int64_t lanes) {
  return e.machine.permutes && e.machine.vectorBits == 256 &&
         lookup.entries == 16 && lanes == 8;
}

/// Byte `place` of every entry, in both halves of a vector.
static Value bytesOfEntries(Emitter &e, Value table, int64_t place) {
  auto type = VectorType::get({64}, e.b.getI8Type());
  Value bytes =
      vector::BitCastOp::create(e.b, type, loadEntries(e, table, 0, 16));
  SmallVector<int64_t> from;
  for (int64_t i = 0; i < 32; ++i)
    from.push_back(i % 16 * 4 + place);
  return vector::ShuffleOp::create(e.b, bytes, bytes, from);
}

/// In each half of a vector of `type`, elements of the lower or upper quarter of
/// both operands in turn.
static Value interleave(Emitter &e, VectorType type, Value x, Value y,
                        bool upper) {
  x = vector::BitCastOp::create(e.b, type, x);
  y = vector::BitCastOp::create(e.b, type, y);
  int64_t count = type.getNumElements(), half = count / 2;
  SmallVector<int64_t> from;
  for (int64_t first : {int64_t(0), half})
    for (int64_t i = 0; i < half / 2; ++i) {
      int64_t at = first + i + (upper ? half / 2 : 0);
      from.append({at, at + count});
    }
  return vector::ShuffleOp::create(e.b, x, y, from);
}

/// One code a byte: in the first half of the result those of lanes 0 to 3 of
/// each vector, in the second the others.
static Value spreadCodes(Emitter &e, Value pairs) {
  auto words = [&](ArrayRef<int32_t> values) {
    auto type = VectorType::get({8}, e.b.getI32Type());
    return e.constant(DenseElementsAttr::get(type, values));
  };
  Value four = vector::BitCastOp::create(
      e.b, VectorType::get({4}, e.b.getI32Type()), pairs);
  Value twice = vector::ShuffleOp::create(
      e.b, four, four, ArrayRef<int64_t>{0, 0, 2, 2, 1, 1, 3, 3});
  Value moved =
      arith::ShRUIOp::create(e.b, twice, words({0, 4, 0, 4, 0, 4, 0, 4}));
  Value codes = arith::AndIOp::create(
      e.b, moved, words(SmallVector<int32_t>(8, 0x0F0F0F0F)));
  return vector::BitCastOp::create(
      e.b, VectorType::get({32}, e.b.getI8Type()), codes);
}

SmallVector<Value> emitFourLookups(Emitter &e, const Lookup &lookup,
                                   Value pairs) {
  Value codes = spreadCodes(e, pairs);
  SmallVector<Value> bytes;
  for (int64_t place = 0; place < 4; ++place) {
    Value entries = bytesOfEntries(e, lookup.table, place);
    bytes.push_back(callIntrinsic(e, "llvm.x86.avx2.pshuf.b", codes.getType(),
                                  {entries, codes}));
  }
  auto byteType = cast<VectorType>(codes.getType());
  auto halfType = VectorType::get({16}, e.b.getI16Type());
  auto result = VectorType::get({8}, e.b.getF32Type());
  SmallVector<Value> entries;
  for (bool lastTwo : {false, true}) {
    Value low = interleave(e, byteType, bytes[0], bytes[1], lastTwo);
    Value high = interleave(e, byteType, bytes[2], bytes[3], lastTwo);
    for (bool second : {false, true})
      entries.push_back(vector::BitCastOp::create(
          e.b, result, interleave(e, halfType, low, high, second)));
  }
  return entries;
}

} // namespace lig::codegen::cpu
