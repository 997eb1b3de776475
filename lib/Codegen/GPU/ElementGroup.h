// Operations that run together, one element at a time: a reduction or sum of
// products, and what prepares or finishes its elements. What one of them leaves
// to another passes through registers instead of memory.
#ifndef LIGATURE_CODEGEN_GPU_ELEMENTGROUP_H
#define LIGATURE_CODEGEN_GPU_ELEMENTGROUP_H

#include "MemoryRoots.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SmallBitVector.h"

namespace lig::codegen::gpu {

/// One operand of a member.
struct Access {
  mlir::OpOperand *operand = nullptr;
  /// Null for a number.
  MemoryRoot root = nullptr;
  /// The buffer that views with all its elements show, and where in it, from
  /// the group's dimensions.
  mlir::Value buffer;
  llvm::SmallVector<mlir::AffineExpr> index;
  bool isRead = false, isWritten = false;
  /// Whether no two elements (or rows, of what rows have) share a place.
  bool isComplete = false;

  bool isSamePlace(const Access &other) const {
    return buffer == other.buffer && index == other.index;
  }
};

struct Member {
  mlir::linalg::GenericOp op;
  /// Values of its loops, from the group's dimensions.
  llvm::SmallVector<mlir::AffineExpr> loops;
  llvm::SmallVector<Access> accesses;
  /// Whether it has something to do for each element, not just for each row.
  bool isFull = false;
  /// Of a reduction: what brings two values together, and where it starts.
  mlir::Operation *combiner = nullptr;
  mlir::TypedAttr neutral;
};

/// The group's dimensions are the loops of the operation that it began with:
/// parallel ones number its rows, the others the elements of a row.
class ElementGroup {
public:
  explicit ElementGroup(mlir::linalg::GenericOp seed);

  /// Whether the seed is one that others may join.
  bool isSuitable() const { return suits; }
  /// Whether the seed, the only member, reduces by one operation.
  bool isReduction() const { return members.front().combiner; }
  /// Takes in neighbours from the seed's block; with `rowsOnly` those that have
  /// something to do for each row. The seed is the only member before.
  void grow(bool rowsOnly);
  /// Moves the seed to where all members can run.
  void gather(mlir::RewriterBase &rewriter);
  /// Erases all members.
  void erase(mlir::RewriterBase &rewriter);

  /// Whether something else reads what `access` writes.
  bool isReadOutside(const Access &access) const;
  bool involvesElements(llvm::ArrayRef<mlir::AffineExpr> exprs) const;
  bool involvesRows(llvm::ArrayRef<mlir::AffineExpr> exprs) const;

  mlir::linalg::GenericOp seed;
  llvm::SmallVector<int64_t> extents;
  llvm::SmallVector<unsigned> rows, elements;
  /// In the order of the program.
  std::vector<Member> members;

private:
  bool suits;

  std::optional<Member> describe(mlir::linalg::GenericOp op) const;
  bool nameLoops(Member &member) const;
  bool nameLoops(const Access &known, mlir::OpOperand &operand,
                 Member &member) const;
  void addAccesses(Member &member) const;
  bool agrees(const Member &member) const;
  bool canMeet() const;
  bool join(mlir::linalg::GenericOp op, bool rowsOnly);
  bool involves(mlir::AffineExpr expr, llvm::ArrayRef<unsigned> dims) const;
  int64_t count(llvm::ArrayRef<unsigned> dims) const;
};

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_ELEMENTGROUP_H
