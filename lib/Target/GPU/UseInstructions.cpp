// Upstream's conversion calls the toolkit's library for every function of
// mathematics. For those that are one instruction, or two, the library is not
// needed: their calls become the intrinsics that the back end has instructions
// for.

#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringSwitch.h"

namespace lig::target {
#define GEN_PASS_DEF_GPUUSEINSTRUCTIONSPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;

template <typename Op> static Value make(OpBuilder &b, LLVM::CallOp call) {
  return Op::create(b, call.getLoc(), call->getResultTypes(),
                    call.getArgOperands())
      ->getResult(0);
}

/// 1 / sqrt, both rounded: the instruction is only near it.
static Value makeReciprocalRoot(OpBuilder &b, LLVM::CallOp call) {
  Value root = make<LLVM::SqrtOp>(b, call);
  Value one = LLVM::ConstantOp::create(b, call.getLoc(), root.getType(),
                                       b.getFloatAttr(root.getType(), 1.0));
  return LLVM::FDivOp::create(b, call.getLoc(), one, root);
}

static Value makeAbsolute(OpBuilder &b, LLVM::CallOp call) {
  return LLVM::AbsOp::create(b, call.getLoc(), call->getResultTypes().front(),
                             call.getArgOperands().front(),
                             /*is_int_min_poison=*/false);
}

/// What to make of a call of this function; null for others.
static auto findMaker(StringRef name) {
  using Maker = Value (*)(OpBuilder &, LLVM::CallOp);
  if (!name.consume_front("__nv_"))
    return Maker(nullptr);
  return llvm::StringSwitch<Maker>(name)
      .Cases({"sqrt", "sqrtf"}, make<LLVM::SqrtOp>)
      .Cases({"rsqrt", "rsqrtf"}, makeReciprocalRoot)
      .Cases({"fabs", "fabsf"}, make<LLVM::FAbsOp>)
      .Cases({"floor", "floorf"}, make<LLVM::FFloorOp>)
      .Cases({"ceil", "ceilf"}, make<LLVM::FCeilOp>)
      .Cases({"trunc", "truncf"}, make<LLVM::FTruncOp>)
      .Cases({"rint", "rintf"}, make<LLVM::RoundEvenOp>)
      .Cases({"round", "roundf"}, make<LLVM::RoundOp>)
      .Cases({"copysign", "copysignf"}, make<LLVM::CopySignOp>)
      .Cases({"fma", "fmaf"}, make<LLVM::FMAOp>)
      .Cases({"abs", "llabs"}, makeAbsolute)
      .Default(nullptr);
}

namespace {
struct GpuUseInstructions
    : lig::target::impl::GpuUseInstructionsPassBase<GpuUseInstructions> {
  void runOnOperation() override {
    SmallVector<LLVM::CallOp> calls;
    getOperation()->walk([&](LLVM::CallOp call) {
      if (call.getCallee() && findMaker(*call.getCallee()))
        calls.push_back(call);
    });
    for (LLVM::CallOp call : calls) {
      OpBuilder b(call);
      call.getResult().replaceAllUsesWith(
          findMaker(*call.getCallee())(b, call));
      call.erase();
      ++numCalls;
    }
    // Their declarations would ask for the library.
    for (auto function : llvm::make_early_inc_range(
             getOperation()->getRegion(0).getOps<LLVM::LLVMFuncOp>()))
      if (function.isExternal() && findMaker(function.getName()))
        function.erase();
  }
};
} // namespace
