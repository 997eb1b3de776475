// Members run in the order of the program, so what a place held before it is
// written is known until then, and the new value after.

#include "MemberWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace lig::codegen::gpu {

MemberWriter::MemberWriter(Kernel &kernel, const ElementGroup &group,
                           bool keepsMemory)
    : kernel(kernel), group(group), keepsMemory(keepsMemory) {}

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

Value MemberWriter::read(const Access &access, const ElementPlace &place) {
  if (!access.buffer)
    return access.operand->get();
  KnownValues &known = valuesFor(access, place);
  for (auto &[other, value] : known)
    if (other->isSamePlace(access))
      return value;
  Value loaded = kernel.load(*access.operand, loopsOf(memberOf(access), place));
  known.push_back({&access, loaded});
  return loaded;
}

void MemberWriter::write(const Access &access, const ElementPlace &place,
                         Value value) {
  KnownValues &known = valuesFor(access, place);
  llvm::erase_if(known, [&](const std::pair<const Access *, Value> &each) {
    return each.first->isSamePlace(access);
  });
  known.push_back({&access, value});
  bool isKept = keepsMemory && group.involvesElements(access.index);
  if (!isKept && !group.isReadOutside(access))
    return;
  OpBuilder::InsertionGuard guard(kernel.b);
  if (place.stores) {
    auto choice = scf::IfOp::create(kernel.b, place.stores);
    kernel.b.setInsertionPointToStart(choice.thenBlock());
  }
  kernel.store(value, *access.operand, loopsOf(memberOf(access), place));
}

SmallVector<Value> MemberWriter::arguments(const Member &member,
                                           const ElementPlace &place) {
  SmallVector<Value> result;
  for (const Access &access : member.accesses)
    result.push_back(access.isRead ? read(access, place) : Value());
  return result;
}

void MemberWriter::run(const Member &member, const ElementPlace &place) {
  SmallVector<Value> results =
      kernel.body(member.op, arguments(member, place), loopsOf(member, place));
  unsigned next = 0;
  for (const Access &access : member.accesses)
    if (access.isWritten)
      write(access, place, results[next++]);
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
  ElementPlace place{dims, Value(), &known, nullptr};
  for (const Member &member : group.members) {
    if (member.op != group.seed) {
      run(member, place);
      continue;
    }
    const Access &output = member.accesses.back();
    Value held = read(output, place);
    write(output, place, arith::AddFOp::create(kernel.b, held, sum));
  }
}

} // namespace lig::codegen::gpu
