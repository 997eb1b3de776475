// Views are followed to what they show; where that is carried by a loop or
// chosen by a branch, the storage is not known.

#include "MemoryRoots.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace lig::codegen::gpu {

MemoryRoot getRoot(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  Operation *definition = buffer.getDefiningOp();
  // One parameter may be named at many places.
  if (auto address = dyn_cast_or_null<lig::share::AddressOp>(definition))
    return address.getSourceAttr().getAttr().getAsOpaquePointer();
  bool isStorage =
      definition ? isa<memref::AllocOp, memref::AllocaOp>(definition)
                 : isa<FunctionOpInterface, mlir::gpu::LaunchOp>(
                       cast<BlockArgument>(buffer).getOwner()->getParentOp());
  return isStorage ? buffer.getAsOpaquePointer() : nullptr;
}

bool beginsAligned(Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>()) {
    // Its type does not say at which byte it begins.
    if (isa<memref::ViewOp>(view))
      return false;
    buffer = view.getViewSource();
  }
  return true;
}

/// The same without what is inside `op`.
static bool writesItself(Operation *op, MemoryRoot root) {
  if (op->hasTrait<OpTrait::HasRecursiveMemoryEffects>() ||
      isa<mlir::gpu::GPUDialect>(op->getDialect()))
    return false;
  auto effects = dyn_cast<MemoryEffectOpInterface>(op);
  if (!effects)
    return op->getNumOperands() > 0 && !op->hasTrait<OpTrait::IsTerminator>();
  SmallVector<MemoryEffects::EffectInstance> writes;
  effects.getEffects<MemoryEffects::Write>(writes);
  return llvm::any_of(writes, [&](MemoryEffects::EffectInstance &write) {
    if (!write.getValue())
      return true;
    MemoryRoot target = getRoot(write.getValue());
    return !target || target == root;
  });
}

bool mayWrite(Operation *op, MemoryRoot root) {
  return op
      ->walk([&](Operation *inner) {
        return writesItself(inner, root) ? WalkResult::interrupt()
                                         : WalkResult::advance();
      })
      .wasInterrupted();
}

bool mayAccess(Operation *op, MemoryRoot root) {
  auto names = [&](Operation *inner) {
    if (isMemoryEffectFree(inner))
      return false;
    return llvm::any_of(inner->getOperands(), [&](Value operand) {
      if (!isa<BaseMemRefType>(operand.getType()))
        return false;
      MemoryRoot named = getRoot(operand);
      return !named || named == root;
    });
  };
  return mayWrite(op, root) || op->walk([&](Operation *inner) {
                                   return names(inner) ? WalkResult::interrupt()
                                                       : WalkResult::advance();
                                 }).wasInterrupted();
}

} // namespace lig::codegen::gpu
