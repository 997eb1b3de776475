// Every block adds to one counter: all but the first one 1, and that one what
// is missing so that together they turn its highest bit over. Who sees the bit
// turned knows that all have come. The lower bits are zero again by then, so
// the counter is ready for the next barrier, the next launch and the next
// replay, with other numbers of blocks, too.
//
// One thread speaks for its block. The barrier of the block before orders what
// the others stored, the fence releases it to the device; the load that sees
// the bit acquires what other blocks released, and the barrier behind hands
// that on.

#include "GridBarrier.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace lig::codegen::gpu {

static constexpr char headerAttr[] = "lig.device_header";
/// Behind the status.
static constexpr int64_t counterOffset = 4;

Value getBarrierCounter(Operation *launch) {
  auto function = launch->getParentOfType<FunctionOpInterface>();
  Block &top = function.getFunctionBody().front();
  for (auto alloc : top.getOps<memref::AllocOp>())
    if (alloc->hasAttr(headerAttr))
      return alloc;
  OpBuilder b = OpBuilder::atBlockBegin(&top);
  auto alloc = memref::AllocOp::create(b, launch->getLoc(),
                                       MemRefType::get({1}, b.getI32Type()));
  alloc->setAttr(headerAttr, b.getI64IntegerAttr(counterOffset));
  return alloc;
}

void setCooperative(::mlir::gpu::LaunchOp launch) {
  launch->setAttr("lig.cooperative", UnitAttr::get(launch.getContext()));
}

static Value constant(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(int32_t(value)));
}

/// Spins until the highest bit of the counter is not that of `old`.
static void emitWait(ImplicitLocOpBuilder &b, Value place, Value old) {
  auto loop = scf::WhileOp::create(b, TypeRange(), ValueRange());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&loop.getBefore());
  auto now = LLVM::LoadOp::create(b, b.getI32Type(), place, /*alignment=*/4);
  now.setOrdering(LLVM::AtomicOrdering::acquire);
  now.setSyncscope("device");
  Value difference = arith::XOrIOp::create(b, now, old);
  Value isSame = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, difference,
                                       constant(b, 0));
  scf::ConditionOp::create(b, isSame, ValueRange());
  b.createBlock(&loop.getAfter());
  scf::YieldOp::create(b);
}

void emitGridBarrier(ImplicitLocOpBuilder &b, ::mlir::gpu::LaunchOp launch,
                     Value counter) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  auto isZero = [&](Value number) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, zero);
  };
  ::mlir::gpu::BarrierOp::create(b);
  {
    auto speaker = scf::IfOp::create(b, isZero(launch.getThreadIds().x));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(speaker.thenBlock());
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, counter);
    address = arith::IndexCastOp::create(b, b.getI64Type(), address);
    Value place = LLVM::IntToPtrOp::create(
        b, LLVM::LLVMPointerType::get(b.getContext()), address);
    Value blocks =
        arith::IndexCastOp::create(b, b.getI32Type(), launch.getGridSize().x);
    // 2^31 - (blocks - 1).
    Value missing =
        arith::SubIOp::create(b, constant(b, INT32_MIN + 1), blocks);
    Value part = arith::SelectOp::create(b, isZero(launch.getBlockIds().x),
                                         missing, constant(b, 1));
    LLVM::FenceOp::create(b, LLVM::AtomicOrdering::release, "device");
    Value old =
        LLVM::AtomicRMWOp::create(b, LLVM::AtomicBinOp::add, place, part,
                                  LLVM::AtomicOrdering::monotonic, "device");
    emitWait(b, place, old);
  }
  ::mlir::gpu::BarrierOp::create(b);
}

} // namespace lig::codegen::gpu
