// Members run in the order of the program, so what a place held before it is
// written is known until then, and the new value after.

#include "MemberWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::gpu {

/// What storages begin at a multiple of, and the most that is moved at once.
static constexpr int64_t pieceBytes = 16;

MemberWriter::MemberWriter(Kernel &kernel, const ElementGroup &group,
                           bool keepsMemory, const Pieces *pieces)
    : kernel(kernel), group(group), keepsMemory(keepsMemory), pieces(pieces) {}

const Member &MemberWriter::memberOf(const Access &access) const {
  Operation *op = access.operand->getOwner();
  return *llvm::find_if(group.members,
                        [&](const Member &each) { return each.op == op; });
}

KnownValues &MemberWriter::valuesFor(const Access &access,
                                     const ElementPlace &place) {
  return place.element && group.involvesElements(access.index) ? *place.element
                                                               : *place.row;
}

LoopValues MemberWriter::loopsOf(const Member &member,
                                 const ElementPlace &place) {
  LoopValues values;
  for (AffineExpr loop : member.loops)
    values.push_back(kernel.apply(loop, place.dims));
  return values;
}

Value MemberWriter::findKnown(const Access &access, const ElementPlace &place) {
  for (auto &[other, value] : valuesFor(access, place))
    if (other->isSamePlace(access))
      return value;
  return {};
}

void MemberWriter::know(const Access &access, const ElementPlace &place,
                        Value value) {
  KnownValues &known = valuesFor(access, place);
  llvm::erase_if(known, [&](const std::pair<const Access *, Value> &each) {
    return each.first->isSamePlace(access);
  });
  known.push_back({&access, value});
}

Value MemberWriter::read(const Access &access, const ElementPlace &place) {
  if (!access.buffer)
    return access.operand->get();
  if (Value value = findKnown(access, place))
    return value;
  Value loaded = kernel.load(*access.operand, loopsOf(memberOf(access), place));
  know(access, place, loaded);
  return loaded;
}

//===-- Pieces -----------------------------------------------------------===//

PieceKind MemberWriter::kindOf(const Access &access,
                               ArrayRef<ElementPlace> piece) const {
  return pieces && piece.size() > 1 ? pieces->kindOf(access) : PieceKind::Apart;
}

std::pair<Value, SmallVector<Value>>
MemberWriter::locate(const Access &access, PieceKind kind,
                     const ElementPlace &place) {
  if (kind == PieceKind::Neighbours)
    return {access.operand->get(),
            kernel.indices(*access.operand, loopsOf(memberOf(access), place))};
  Value number = place.elementNumber;
  if (pieces->ofRows)
    number = place.rowNumber;
  else if (group.involvesRows(access.index))
    number = kernel.add(
        kernel.mul(place.rowNumber, kernel.count(group.elements)), number);
  Value buffer = access.buffer;
  int64_t rank = cast<MemRefType>(buffer.getType()).getRank();
  SmallVector<ReassociationIndices> all{
      llvm::to_vector<2>(llvm::seq<int64_t>(0, rank))};
  if (rank > 1)
    buffer = memref::CollapseShapeOp::create(kernel.b, buffer, all);
  return {buffer, {number}};
}

/// Of `type`, in memory.
static llvm::MaybeAlign alignmentOf(VectorType type) {
  int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  return llvm::MaybeAlign(std::min(bytes, pieceBytes));
}

void MemberWriter::fetch(const Member &member, ArrayRef<ElementPlace> piece) {
  for (const Access &access : member.accesses) {
    PieceKind kind = kindOf(access, piece);
    if (!access.isRead || kind == PieceKind::Apart ||
        findKnown(access, piece.front()))
      continue;
    if (kind == PieceKind::Same) {
      Value value = read(access, piece.front());
      for (const ElementPlace &place : piece)
        know(access, place, value);
      continue;
    }
    auto [buffer, indices] = locate(access, kind, piece.front());
    auto type = VectorType::get(
        int64_t(piece.size()),
        cast<MemRefType>(buffer.getType()).getElementType());
    Value loaded =
        vector::LoadOp::create(kernel.b, type, buffer, indices,
                               /*nontemporal=*/false, alignmentOf(type));
    for (auto [i, place] : llvm::enumerate(piece))
      know(access, place,
           vector::ExtractOp::create(kernel.b, loaded, int64_t(i)));
  }
}

void MemberWriter::write(const Access &access, ArrayRef<ElementPlace> piece,
                         ArrayRef<Value> values) {
  for (auto [place, value] : llvm::zip(piece, values))
    know(access, place, value);
  bool isKept = keepsMemory && group.involvesElements(access.index);
  if (!isKept && !group.isReadOutside(access))
    return;
  OpBuilder::InsertionGuard guard(kernel.b);
  if (Value condition = piece.front().stores) {
    auto choice = scf::IfOp::create(kernel.b, condition);
    kernel.b.setInsertionPointToStart(choice.thenBlock());
  }
  PieceKind kind = kindOf(access, piece);
  if (kind != PieceKind::Neighbours && kind != PieceKind::Run) {
    for (auto [place, value] : llvm::zip(piece, values))
      kernel.store(value, *access.operand, loopsOf(memberOf(access), place));
    return;
  }
  auto type = VectorType::get(int64_t(piece.size()), values.front().getType());
  auto [buffer, indices] = locate(access, kind, piece.front());
  vector::StoreOp::create(
      kernel.b, vector::FromElementsOp::create(kernel.b, type, values), buffer,
      indices, /*nontemporal=*/false, alignmentOf(type));
}

//===-- Members ----------------------------------------------------------===//

SmallVector<Value> MemberWriter::arguments(const Member &member,
                                           const ElementPlace &place) {
  SmallVector<Value> result;
  for (const Access &access : member.accesses)
    result.push_back(access.isRead ? read(access, place) : Value());
  return result;
}

void MemberWriter::run(const Member &member, ArrayRef<ElementPlace> piece) {
  fetch(member, piece);
  SmallVector<SmallVector<Value>> results;
  for (const ElementPlace &place : piece)
    results.push_back(kernel.body(member.op, arguments(member, place),
                                  loopsOf(member, place)));
  unsigned next = 0;
  for (const Access &access : member.accesses) {
    if (!access.isWritten)
      continue;
    SmallVector<Value> values;
    for (ArrayRef<Value> ofPlace : results)
      values.push_back(ofPlace[next]);
    write(access, piece, values);
    ++next;
  }
}

Value MemberWriter::reduce(const Member &member, const ElementPlace &place,
                           Value before) {
  SmallVector<Value> values;
  for (const Access &access : member.accesses)
    values.push_back(access.isWritten ? before
                     : access.isRead  ? read(access, place)
                                      : Value());
  return kernel.body(member.op, values, loopsOf(member, place)).front();
}

void MemberWriter::readRow(const Member &member, const ElementPlace &place) {
  for (const Access &access : member.accesses)
    if (access.isRead && access.buffer && !group.involvesElements(access.index))
      read(access, place);
}

void MemberWriter::finishRow(const LoopValues &dims, Value sum) {
  KnownValues known;
  ElementPlace place;
  place.dims = dims;
  place.row = &known;
  for (const Member &member : group.members) {
    if (member.op != group.seed) {
      run(member, place);
      continue;
    }
    const Access &output = member.accesses.back();
    Value held = read(output, place);
    write(output, place, {arith::AddFOp::create(kernel.b, held, sum)});
  }
}

} // namespace lig::codegen::gpu
