// Writes members of a group into a kernel. Values that one member leaves for
// another, and what several read, are kept by where they lie in memory.
#ifndef LIGATURE_CODEGEN_GPU_MEMBERWRITER_H
#define LIGATURE_CODEGEN_GPU_MEMBERWRITER_H

#include "ElementGroup.h"
#include "Kernel.h"
#include "Pieces.h"

namespace lig::codegen::gpu {

/// What a thread knows of places in memory.
using KnownValues = llvm::SmallVector<std::pair<const Access *, mlir::Value>>;

/// One element, or with `element` null one row.
struct ElementPlace {
  /// Values of the group's dimensions.
  LoopValues dims;
  /// Whether this thread is to store; null if it always is.
  mlir::Value stores;
  KnownValues *row = nullptr, *element = nullptr;
  /// Joint numbers of the row and of the element in it, if it may begin a piece.
  mlir::Value rowNumber, elementNumber;
};

class MemberWriter {
public:
  /// With `keepsMemory` all results are stored, or else those that something
  /// outside of the group reads. `pieces`, null if there are none, says how the
  /// places of one lie.
  MemberWriter(Kernel &kernel, const ElementGroup &group, bool keepsMemory,
               const Pieces *pieces = nullptr);

  /// All of an operation without reduction, for one place or a piece of them.
  void run(const Member &member, llvm::ArrayRef<ElementPlace> piece);
  /// Reads at once what a member needs of a piece and memory has at once.
  void fetch(const Member &member, llvm::ArrayRef<ElementPlace> piece);
  /// A reduction's result so far, from what it was before this element.
  mlir::Value reduce(const Member &member, const ElementPlace &place,
                     mlir::Value before);
  /// Every member on one row, of which the seed has found `sum`.
  void finishRow(const LoopValues &dims, mlir::Value sum);

  mlir::Value read(const Access &access, const ElementPlace &place);
  void write(const Access &access, llvm::ArrayRef<ElementPlace> piece,
             llvm::ArrayRef<mlir::Value> values);
  /// Reads what a member needs of a row, before it goes through elements.
  void readRow(const Member &member, const ElementPlace &place);

private:
  llvm::SmallVector<mlir::Value> arguments(const Member &member,
                                           const ElementPlace &place);
  LoopValues loopsOf(const Member &member, const ElementPlace &place);
  const Member &memberOf(const Access &access) const;
  KnownValues &valuesFor(const Access &access, const ElementPlace &place);
  mlir::Value findKnown(const Access &access, const ElementPlace &place);
  void know(const Access &access, const ElementPlace &place, mlir::Value value);
  PieceKind kindOf(const Access &access,
                   llvm::ArrayRef<ElementPlace> piece) const;
  /// The buffer and indices of a piece that begins at `place`.
  std::pair<mlir::Value, llvm::SmallVector<mlir::Value>>
  locate(const Access &access, PieceKind kind, const ElementPlace &place);

  Kernel &kernel;
  const ElementGroup &group;
  bool keepsMemory;
  const Pieces *pieces;
};

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_MEMBERWRITER_H
