// How an operation's loops follow from the group's is found by a buffer that it
// shares with a member: both know where its elements lie. It may join if each
// storage that the group writes is used by all of them at the same place only,
// so that no member needs what another thread has made, and if nothing that
// stays outside can tell that members run later than they did.
//
// Reductions along other dimensions, buffers that overlap without being the
// same and functions that take many instructions stay outside.

#include "ElementGroup.h"

#include "ReshapedIndex.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace lig::codegen::gpu {

/// Operations before and behind the seed that are looked at, and members.
static constexpr unsigned kWindow = 48, kMostMembers = 24;
/// Operations of a body, of which each element may need its own.
static constexpr unsigned kMostOperations = 32;

//===-- What may be a member ---------------------------------------------===//

/// Whether an element's function is a few dozen instructions.
static bool isShort(Operation &op) {
  if (!isa<math::MathDialect>(op.getDialect()))
    return true;
  if (isa<math::AbsFOp, math::AbsIOp, math::SqrtOp, math::RsqrtOp, math::FmaOp,
          math::FloorOp, math::CeilOp, math::RoundEvenOp, math::TruncOp,
          math::CopySignOp>(op))
    return true;
  return isa<math::ExpOp, math::ExpM1Op, math::TanhOp, math::ErfOp, math::LogOp,
             math::Log1pOp>(op) &&
         op.getResult(0).getType().isF32();
}

static bool hasShortBody(linalg::GenericOp op) {
  unsigned count = 0;
  for (Operation &inner : op.getBody()->without_terminator())
    if (inner.getNumRegions() || !isMemoryEffectFree(&inner) ||
        !isShort(inner) || ++count > kMostOperations)
      return false;
  return true;
}

/// Finds how a reduction combines; false if that is not one operation with a
/// neutral element, on numbers that threads can exchange.
static bool nameCombiner(Member &member) {
  SmallVector<Operation *, 4> combiners;
  if (member.op.getNumDpsInits() != 1 ||
      !matchReduction(member.op.getRegionOutputArgs(), 0, combiners) ||
      combiners.size() != 1 || combiners.front()->getNumOperands() != 2)
    return false;
  Type type = combiners.front()->getResult(0).getType();
  std::optional<TypedAttr> neutral =
      arith::getNeutralElement(combiners.front());
  if (!neutral || !(type.isF32() || type.isF64() || type.isInteger(32) ||
                    type.isInteger(64)))
    return false;
  member.combiner = combiners.front();
  member.neutral = *neutral;
  return true;
}

/// Whether nothing but static sizes and short bodies is in the way.
static bool suitsAsMember(linalg::GenericOp op) {
  return !op.hasDynamicShape() && op.hasPureBufferSemantics() &&
         op.getNumDpsInits() > 0 && hasShortBody(op) &&
         !llvm::is_contained(op.getStaticLoopRanges(), 0);
}

//===-- Buffers ----------------------------------------------------------===//

static ArrayRef<int64_t> shapeOf(Value buffer) {
  return cast<MemRefType>(buffer.getType()).getShape();
}

/// The buffer of which `buffer` shows all elements in order.
static Value getWhole(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (!isa<memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp,
             memref::AssumeAlignmentOp>(op))
      break;
    Value source = cast<ViewLikeOpInterface>(op).getViewSource();
    auto type = dyn_cast<MemRefType>(source.getType());
    if (!type || !type.hasStaticShape())
      break;
    buffer = source;
  }
  return buffer;
}

//===-- Members ----------------------------------------------------------===//

int64_t ElementGroup::count(ArrayRef<unsigned> dims) const {
  int64_t product = 1;
  for (unsigned dim : dims)
    product *= extents[dim];
  return product;
}

bool ElementGroup::involves(AffineExpr expr, ArrayRef<unsigned> dims) const {
  return llvm::any_of(dims,
                      [&](unsigned dim) { return expr.isFunctionOfDim(dim); });
}

bool ElementGroup::involvesElements(ArrayRef<AffineExpr> exprs) const {
  return llvm::any_of(
      exprs, [&](AffineExpr expr) { return involves(expr, elements); });
}

bool ElementGroup::involvesRows(ArrayRef<AffineExpr> exprs) const {
  return llvm::any_of(exprs,
                      [&](AffineExpr expr) { return involves(expr, rows); });
}

/// Names the loops by one operand, whose place in memory `known` has.
bool ElementGroup::nameLoops(const Access &known, OpOperand &operand,
                             Member &member) const {
  linalg::GenericOp op = member.op;
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> at = reshapeIndex(known.index, shapeOf(known.buffer),
                                            shapeOf(operand.get()), context);
  SmallVector<AffineExpr> loops(op.getNumLoops());
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (auto [expr, place] :
       llvm::zip(op.getMatchingIndexingMap(&operand).getResults(), at)) {
    if (isa<AffineConstantExpr>(expr))
      continue;
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || (loops[dim.getPosition()] && loops[dim.getPosition()] != place))
      return false;
    loops[dim.getPosition()] = place;
  }
  int64_t size = 1;
  for (auto [loop, range] : llvm::zip(loops, ranges)) {
    if (range == 1)
      loop = getAffineConstantExpr(0, context);
    if (!loop)
      return false;
    size *= range;
  }
  member.isFull = involvesElements(loops);
  if (size != count(rows) * (member.isFull ? count(elements) : 1))
    return false;
  if (op.getNumReductionLoops()) {
    if (!member.isFull)
      return false;
    for (auto [loop, kind] : llvm::zip(loops, op.getIteratorTypesArray()))
      if (involves(loop,
                   kind == utils::IteratorType::reduction ? rows : elements))
        return false;
  }
  member.loops = loops;
  return true;
}

bool ElementGroup::nameLoops(Member &member) const {
  for (OpOperand &operand : member.op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    Value whole = getWhole(operand.get());
    for (const Member &other : members)
      for (const Access &access : other.accesses)
        if (access.isComplete && access.buffer == whole &&
            nameLoops(access, operand, member))
          return true;
  }
  return false;
}

/// Whether an operand shows an element for each step of the operation's loops;
/// of what is reduced, for each row.
static bool isComplete(linalg::GenericOp op, OpOperand &operand) {
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> loops;
  // A window of a whole plane has no place but the first.
  for (auto [i, range] : llvm::enumerate(op.getStaticLoopRanges()))
    loops.push_back(range == 1 ? getAffineConstantExpr(0, context)
                               : getAffineDimExpr(i, context));
  SmallVector<AffineExpr> named;
  for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
    named.push_back(expr.replaceDims(loops));
  return llvm::all_of(
      llvm::enumerate(op.getIteratorTypesArray()), [&](auto loop) {
        bool isOfRow = op.isDpsInit(&operand) &&
                       loop.value() == utils::IteratorType::reduction;
        AffineExpr expr = loops[loop.index()];
        return isOfRow || isa<AffineConstantExpr>(expr) ||
               llvm::is_contained(named, expr);
      });
}

void ElementGroup::addAccesses(Member &member) const {
  linalg::GenericOp op = member.op;
  for (OpOperand &operand : op->getOpOperands()) {
    Access access;
    access.operand = &operand;
    access.isWritten = op.isDpsInit(&operand);
    access.isRead = op.payloadUsesValueFromOperand(&operand);
    if (isa<MemRefType>(operand.get().getType())) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      SmallVector<AffineExpr> index;
      for (AffineExpr expr : map.getResults())
        index.push_back(expr.replaceDims(member.loops));
      access.root = getRoot(operand.get());
      access.buffer = getWhole(operand.get());
      access.index = reshapeIndex(index, shapeOf(operand.get()),
                                  shapeOf(access.buffer), op.getContext());
      access.isComplete = isComplete(op, operand);
    }
    member.accesses.push_back(access);
  }
}

/// Whether a storage that is written is used at one place only.
bool ElementGroup::agrees(const Member &member) const {
  auto clash = [](const Access &a, const Access &b) {
    return a.root == b.root && (a.isWritten || b.isWritten) &&
           !a.isSamePlace(b);
  };
  for (const Access &access : member.accesses) {
    bool isMemory = bool(access.buffer);
    if (isMemory && (!access.root || (access.isWritten && !access.isComplete)))
      return false;
    if (!isMemory)
      continue;
    for (const Access &other : member.accesses)
      if (other.buffer && clash(access, other))
        return false;
    for (const Member &before : members)
      for (const Access &other : before.accesses)
        if (other.buffer && clash(access, other))
          return false;
  }
  return true;
}

std::optional<Member> ElementGroup::describe(linalg::GenericOp op) const {
  if (!suitsAsMember(op))
    return std::nullopt;
  Member member;
  member.op = op;
  if ((op.getNumReductionLoops() && !nameCombiner(member)) ||
      !nameLoops(member))
    return std::nullopt;
  addAccesses(member);
  return agrees(member) ? std::optional(member) : std::nullopt;
}

ElementGroup::ElementGroup(linalg::GenericOp seed)
    : seed(seed), extents(seed.getStaticLoopRanges()) {
  Member member;
  member.op = seed;
  for (auto [i, kind] : llvm::enumerate(seed.getIteratorTypesArray())) {
    (kind == utils::IteratorType::reduction ? elements : rows).push_back(i);
    // As loops of one step are named in others.
    member.loops.push_back(extents[i] == 1
                               ? getAffineConstantExpr(0, seed.getContext())
                               : getAffineDimExpr(i, seed.getContext()));
  }
  member.isFull = !elements.empty();
  addAccesses(member);
  suits = suitsAsMember(seed) && agrees(member);
  if (suits && member.isFull)
    nameCombiner(member);
  members.push_back(member);
}

//===-- Order ------------------------------------------------------------===//

/// Whether it shows if `member` runs behind `op` instead of before.
static bool cannotPass(const Member &member, Operation *op) {
  if (isMemoryEffectFree(op))
    return false;
  return llvm::any_of(member.accesses, [&](const Access &access) {
    if (!access.buffer)
      return false;
    return access.isWritten ? mayAccess(op, access.root)
                            : mayWrite(op, access.root);
  });
}

/// Whether all members may run where the last one is.
bool ElementGroup::canMeet() const {
  auto next = members.begin();
  Operation *last = members.back().op;
  for (Operation *op = members.front().op; op != last; op = op->getNextNode()) {
    if (op == next->op) {
      ++next;
      continue;
    }
    for (auto it = members.begin(); it != next; ++it)
      if (cannotPass(*it, op))
        return false;
  }
  return true;
}

bool ElementGroup::join(linalg::GenericOp op, bool rowsOnly) {
  if (members.size() >= kMostMembers ||
      llvm::any_of(members, [&](Member &each) { return each.op == op; }))
    return false;
  std::optional<Member> member = describe(op);
  if (!member || (rowsOnly && member->isFull))
    return false;
  auto at = llvm::find_if(
      members, [&](Member &each) { return op->isBeforeInBlock(each.op); });
  size_t number = at - members.begin();
  members.insert(at, *member);
  if (canMeet())
    return true;
  members.erase(members.begin() + number);
  return false;
}

void ElementGroup::grow(bool rowsOnly) {
  // What has joined may be what connects others that were refused.
  for (bool changed = suits; changed;) {
    changed = false;
    SmallVector<linalg::GenericOp> window;
    Operation *first = members.front().op, *last = members.back().op;
    for (unsigned i = 0; i < kWindow && first->getPrevNode(); ++i)
      first = first->getPrevNode();
    for (unsigned i = 0; i < kWindow && last->getNextNode(); ++i)
      last = last->getNextNode();
    for (Operation *op = first;; op = op->getNextNode()) {
      if (auto generic = dyn_cast<linalg::GenericOp>(op))
        window.push_back(generic);
      if (op == last)
        break;
    }
    for (linalg::GenericOp op : window)
      changed |= join(op, rowsOnly);
  }
}

void ElementGroup::gather(RewriterBase &rewriter) {
  Operation *last = members.back().op;
  if (last != seed)
    rewriter.moveOpAfter(seed, last);
}

void ElementGroup::erase(RewriterBase &rewriter) {
  for (Member &member : llvm::reverse(members))
    rewriter.eraseOp(member.op);
}

/// Whether `buffer` or a view of it is used by something but `members`.
static bool hasOtherUses(Value buffer, ArrayRef<Member> members) {
  return llvm::any_of(buffer.getUsers(), [&](Operation *user) {
    if (isa<memref::DeallocOp>(user) ||
        llvm::any_of(members,
                     [&](const Member &each) { return each.op == user; }))
      return false;
    auto view = dyn_cast<ViewLikeOpInterface>(user);
    return !view || hasOtherUses(view.getViewDest(), members);
  });
}

bool ElementGroup::isReadOutside(const Access &access) const {
  Value root = access.operand->get();
  while (auto view = root.getDefiningOp<ViewLikeOpInterface>())
    root = view.getViewSource();
  // What lives longer than a step of a loop is read by the next.
  auto alloc = root.getDefiningOp<memref::AllocOp>();
  return !alloc || alloc->getBlock() != members.front().op->getBlock() ||
         hasOtherUses(root, members);
}

} // namespace lig::codegen::gpu
