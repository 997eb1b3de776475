// Copies and products that go on by themselves, and what waits for them.

#include "EmulatedOps.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace lig::target::gpu;

//===-- Copies -----------------------------------------------------------===//

bool EmulatedOps::replaceCopy(Operation *op) {
  Value thread = getThread(op);
  if (auto copy = dyn_cast<NVVM::CpAsyncOp>(op)) {
    Value bytes = constant(copy.getSize());
    call("lig_emu_copy_async", nullptr,
         {thread, copy.getDst(), copy.getSrc(), bytes,
          copy.getCpSize() ? copy.getCpSize() : bytes});
  } else if (isa<NVVM::CpAsyncCommitGroupOp>(op)) {
    call("lig_emu_commit_copies", nullptr, thread);
  } else if (auto wait = dyn_cast<NVVM::CpAsyncWaitGroupOp>(op)) {
    call("lig_emu_wait_copies", nullptr, {thread, constant(wait.getN())});
  } else {
    return false;
  }
  finish(op);
  return true;
}

bool EmulatedOps::replaceBulkCopy(Operation *op) {
  Value thread = getThread(op);
  if (auto init = dyn_cast<NVVM::MBarrierInitOp>(op);
      init && !init.getPredicate()) {
    call("lig_emu_init_barrier", nullptr,
         {thread, init.getAddr(), init.getCount()});
  } else if (auto arrive = dyn_cast<NVVM::MBarrierArriveOp>(op);
             arrive && op->use_empty()) {
    Value count = arrive.getCount() ? arrive.getCount() : constant(1);
    call("lig_emu_arrive", nullptr,
         {thread, arrive.getAddr(), count, constant(0)});
  } else if (auto expect = dyn_cast<NVVM::MBarrierArriveExpectTxOp>(op);
             expect && op->use_empty() && !expect.getPredicate()) {
    call("lig_emu_arrive", nullptr,
         {thread, expect.getAddr(), constant(1), expect.getTxcount()});
  } else if (auto wait = dyn_cast<NVVM::MBarrierTryWaitParityOp>(op)) {
    call("lig_emu_wait_phase", nullptr,
         {thread, wait.getAddr(), wait.getPhase()});
  } else if (auto copy =
                 dyn_cast<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(op);
             copy && copy.getMode() == NVVM::TMALoadMode::TILE &&
             !copy.getMulticastMask() && !copy.getPredicate()) {
    call("lig_emu_copy_box", nullptr,
         {thread, copy.getDstMem(), copy.getTmaDescriptor(),
          storeAll(op, copy.getCoordinates()),
          constant(copy.getCoordinates().size()), copy.getMbar()});
  } else {
    return false;
  }
  finish(op);
  return true;
}

//===-- Products of a warpgroup ------------------------------------------===//

/// Whether the emulator has it: f32 sums that begin with what they add to.
static bool isKnown(NVVM::WgmmaMmaAsyncOp mma) {
  NVVM::WGMMATypes type = mma.getTypeA();
  return type == mma.getTypeB() && mma.getTypeD() == NVVM::WGMMATypes::f32 &&
         (type == NVVM::WGMMATypes::bf16 || type == NVVM::WGMMATypes::f16 ||
          type == NVVM::WGMMATypes::tf32) &&
         mma.getScaleD() == NVVM::WGMMAScaleOut::one &&
         mma.getScaleA() == NVVM::WGMMAScaleIn::one &&
         mma.getScaleB() == NVVM::WGMMAScaleIn::one;
}

bool EmulatedOps::replaceWarpgroup(Operation *op) {
  Value thread = getThread(op);
  if (auto mma = dyn_cast<NVVM::WgmmaMmaAsyncOp>(op); mma && isKnown(mma)) {
    auto structure = cast<LLVM::LLVMStructType>(mma.getType());
    SmallVector<Value> sums;
    for (size_t i = 0; i < structure.getBody().size(); ++i)
      sums.push_back(
          LLVM::ExtractValueOp::create(b, loc, mma.getInouts(), int64_t(i)));
    Value registers = storeAll(op, sums);
    // Of the left matrix steps are innermost in rows, of the right in columns.
    int64_t layouts = (mma.getLayoutA() == NVVM::MMALayout::col) |
                      (mma.getLayoutB() == NVVM::MMALayout::row) << 1;
    call("lig_emu_wgmma", nullptr,
         {thread, registers, mma.getDescriptorA(), mma.getDescriptorB(),
          constant(mma.getShape().getN()), constant(int64_t(mma.getTypeA())),
          constant(layouts)});
    finish(op, loadAll(structure, registers));
    return true;
  }
  // Ties registers to where it stands.
  if (auto tie = dyn_cast<LLVM::InlineAsmOp>(op);
      tie && tie.getAsmString().empty() && op->getNumResults() == 1) {
    Value registers = storeAll(op, tie.getOperands());
    call("lig_emu_wgmma_tie", nullptr,
         {thread, registers, constant(tie.getOperands().size())});
    finish(op, loadAll(op->getResult(0).getType(), registers));
    return true;
  }
  if (isa<NVVM::WgmmaFenceAlignedOp>(op))
    call("lig_emu_wgmma_fence", nullptr, thread);
  else if (isa<NVVM::WgmmaGroupSyncAlignedOp>(op))
    call("lig_emu_wgmma_commit", nullptr, thread);
  else if (auto wait = dyn_cast<NVVM::WgmmaWaitGroupSyncOp>(op))
    call("lig_emu_wgmma_wait", nullptr, {thread, constant(wait.getGroup())});
  else
    return false;
  finish(op);
  return true;
}
