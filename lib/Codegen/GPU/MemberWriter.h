// Writes members of a group into a kernel. Values that one member leaves for
// another, and what several read, are kept by where they lie in memory.
#ifndef LIGATURE_CODEGEN_GPU_MEMBERWRITER_H
#define LIGATURE_CODEGEN_GPU_MEMBERWRITER_H

#include "ElementGroup.h"
#include "Kernel.h"

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
};

class MemberWriter {
public:
  /// With `keepsMemory` all results are stored, or else those that something
  /// outside of the group reads.
  MemberWriter(Kernel &kernel, const ElementGroup &group, bool keepsMemory);

  /// All of an operation without reduction.
  void run(const Member &member, const ElementPlace &place);
  /// A reduction's result so far, from what it was before this element.
  mlir::Value reduce(const Member &member, const ElementPlace &place,
                     mlir::Value before);
  /// Every member on one row, of which the seed has found `sum`.
  void finishRow(const LoopValues &dims, mlir::Value sum);

  mlir::Value read(const Access &access, const ElementPlace &place);
  void write(const Access &access, const ElementPlace &place,
             mlir::Value value);
  /// Reads what a member needs of a row, before it goes through elements.
  void readRow(const Member &member, const ElementPlace &place);

private:
  llvm::SmallVector<mlir::Value> arguments(const Member &member,
                                           const ElementPlace &place);
  LoopValues loopsOf(const Member &member, const ElementPlace &place);
  const Member &memberOf(const Access &access) const;
  KnownValues &valuesFor(const Access &access, const ElementPlace &place);

  Kernel &kernel;
  const ElementGroup &group;
  bool keepsMemory;
};

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_MEMBERWRITER_H
