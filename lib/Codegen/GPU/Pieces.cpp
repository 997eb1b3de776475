// Two ways to see that numbers in order lie in order. Where the last loop has
// whole pieces only it moves within one, and an index is followed through the
// arithmetic that reshapes and views left. Where the loops show a buffer
// element by element in its own order, their joint number is the place in it,
// whatever the extents: planes of 7 by 7 have pieces across their rows.

#include "Pieces.h"

#include "Kernel.h"
#include "ReshapedIndex.h"

using namespace mlir;

namespace lig::codegen::gpu {

/// A buffer of this part of the elements moves few bytes.
static constexpr int64_t smallPart = 8;
/// Beyond that an element's arithmetic takes longer than its way, and its code
/// is not worth writing several times.
static constexpr int64_t mostOperations = 160;

namespace {
/// What an index does while `dim` takes the steps of one piece.
enum class Move { None, Next, Other };
} // namespace

static Move moveOf(AffineExpr expr, unsigned dim, int64_t width) {
  if (!expr.isFunctionOfDim(dim))
    return Move::None;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return Move::Next;
  AffineExpr left = binary.getLHS(), right = binary.getRHS();
  Move move = moveOf(left, dim, width);
  // An index that moves by one begins at a multiple of the width, too.
  switch (expr.getKind()) {
  case AffineExprKind::Add: {
    Move other = moveOf(right, dim, width);
    if (move == Move::None) {
      std::swap(left, right);
      std::swap(move, other);
    }
    bool stays = other == Move::None && (move == Move::None ||
                                         right.isMultipleOf(width));
    return stays ? move : Move::Other;
  }
  case AffineExprKind::Mul:
    return move == Move::None ? Move::None : Move::Other;
  case AffineExprKind::Mod:
  case AffineExprKind::FloorDiv: {
    bool isWhole = right.isMultipleOf(width);
    if (move == Move::Next && !isWhole)
      return Move::Other;
    bool ends = expr.getKind() == AffineExprKind::FloorDiv;
    return move == Move::Next && ends ? Move::None : move;
  }
  default:
    return Move::Other;
  }
}

Pieces::Pieces(const ElementGroup &group, bool ofRows, int64_t width)
    : group(group), ofRows(ofRows), width(width),
      loops(ofRows ? group.rows : group.elements) {}

/// Sets `same` where the loops of a piece do not move the access at all.
bool Pieces::areNeighbours(const Access &access, bool &same) const {
  unsigned last = loops.back();
  if (group.extents[last] % width)
    return false;
  auto op = cast<linalg::GenericOp>(access.operand->getOwner());
  const Member &member = *llvm::find_if(
      group.members, [&](const Member &each) { return each.op == op; });
  AffineMap map = op.getMatchingIndexingMap(access.operand);
  SmallVector<Move> moves;
  for (AffineExpr expr : map.getResults())
    moves.push_back(moveOf(expr.replaceDims(member.loops), last, width));
  auto stays = [](Move move) { return move == Move::None; };
  same = llvm::all_of(moves, stays);
  auto type = cast<MemRefType>(access.operand->get().getType());
  return !same && moves.back() == Move::Next &&
         llvm::all_of(ArrayRef(moves).drop_back(), stays) &&
         hasWholePieces(type, width) && beginsAligned(access.operand->get());
}

bool Pieces::isRun(const Access &access) const {
  auto type = cast<MemRefType>(access.buffer.getType());
  if (!type.getLayout().isIdentity() || !beginsAligned(access.buffer))
    return false;
  MLIRContext *context = access.buffer.getContext();
  auto hasOrderOf = [&](ArrayRef<unsigned> loops) {
    SmallVector<AffineExpr> index;
    SmallVector<int64_t> extents;
    for (unsigned loop : loops) {
      extents.push_back(group.extents[loop]);
      index.push_back(extents.back() == 1 ? getAffineConstantExpr(0, context)
                                          : getAffineDimExpr(loop, context));
    }
    int64_t size = 1;
    for (int64_t extent : extents)
      size *= extent;
    return size == type.getNumElements() &&
           reshapeIndex(index, extents, type.getShape(), context) ==
               access.index;
  };
  if (ofRows || !group.involvesRows(access.index))
    return hasOrderOf(loops);
  SmallVector<unsigned> all(group.rows);
  all.append(group.elements);
  return hasOrderOf(all);
}

PieceKind Pieces::kindOf(const Access &access) const {
  if (!access.buffer || width == 1)
    return PieceKind::Apart;
  bool moves = llvm::any_of(access.index, [&](AffineExpr expr) {
    return llvm::any_of(
        loops, [&](unsigned loop) { return expr.isFunctionOfDim(loop); });
  });
  if (!moves)
    return PieceKind::Same;
  // Bits and numbers of the machine's own width have no place in a vector.
  Type element = cast<MemRefType>(access.buffer.getType()).getElementType();
  bool isNumber =
      element.isIntOrFloat() && element.getIntOrFloatBitWidth() % 8 == 0;
  bool same = false;
  if (areNeighbours(access, same) && isNumber)
    return PieceKind::Neighbours;
  if (same)
    return PieceKind::Same;
  return isNumber && isRun(access) ? PieceKind::Run : PieceKind::Apart;
}

bool Pieces::areWorthwhile() const {
  int64_t size = 1, operations = 0;
  for (int64_t extent : group.extents)
    size *= extent;
  bool hasPieces = false;
  for (const Member &member : group.members) {
    linalg::GenericOp op = member.op;
    operations += op.getBody()->getOperations().size();
    for (const Access &access : member.accesses) {
      bool isMoved = access.isRead || access.isWritten;
      if (!access.buffer || !isMoved || !group.isReadOutside(access))
        continue;
      PieceKind kind = kindOf(access);
      hasPieces |= kind == PieceKind::Neighbours || kind == PieceKind::Run;
      // What is small stays near, in whatever order it is read.
      int64_t elements =
          cast<MemRefType>(access.buffer.getType()).getNumElements();
      if (kind == PieceKind::Apart &&
          (access.isWritten || elements * smallPart > size))
        return false;
    }
  }
  return hasPieces && operations <= mostOperations;
}

} // namespace lig::codegen::gpu
