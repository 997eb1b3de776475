// net.dot and net.widen by the machine's instructions, or by shifts and
// multiplications for machines, and numbers of lanes, that have none.

#include "../PairSums.h"

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace lig::net;

namespace lig::codegen {
#define GEN_PASS_DEF_CPUEXPANDDOTSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

static int64_t lanesOf(Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  return type ? type.getNumElements() : 1;
}

/// A constant in every lane.
static Value constant(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  auto element = b.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b,
                                     DenseElementsAttr::get(vector, element));
  return arith::ConstantOp::create(b, element);
}

/// Number `place` of those of `bits` bits in each word.
static Value numberOf(ImplicitLocOpBuilder &b, Value word, int64_t place,
                      int64_t bits, bool isUnsigned) {
  Type type = word.getType();
  if (int64_t above = 32 - bits * (place + 1))
    word = arith::ShLIOp::create(b, word, constant(b, type, above));
  Value distance = constant(b, type, 32 - bits);
  return isUnsigned ? arith::ShRUIOp::create(b, word, distance).getResult()
                    : arith::ShRSIOp::create(b, word, distance).getResult();
}

/// Half `place` of each word as an f32: its bits are the upper ones of that.
static Value floatOf(ImplicitLocOpBuilder &b, Value word, int64_t place,
                     Type type) {
  Value bits =
      place == 0
          ? arith::ShLIOp::create(b, word, constant(b, word.getType(), 16))
                .getResult()
          : arith::AndIOp::create(
                b, word, constant(b, word.getType(), int32_t(0xFFFF0000)))
                .getResult();
  return arith::BitcastOp::create(b, type, bits);
}

static Value expandFloats(ImplicitLocOpBuilder &b, DotOp op) {
  Value sum = op.getAcc();
  for (int64_t i : {0, 1}) {
    Value x = floatOf(b, op.getA(), i, sum.getType());
    Value y = floatOf(b, op.getB(), i, sum.getType());
    sum = arith::AddFOp::create(b, sum, arith::MulFOp::create(b, x, y));
  }
  return sum;
}

static Value expandPlain(ImplicitLocOpBuilder &b, DotOp op) {
  if (op.getKind() == DotKind::BF16)
    return expandFloats(b, op);
  int64_t count = op.getKind() == DotKind::Pairs ? 2 : 4;
  Value sum = op.getAcc();
  for (int64_t i = 0; i < count; ++i) {
    Value x = numberOf(b, op.getA(), i, 32 / count,
                       op.getKind() == DotKind::MixedBytes);
    Value y = numberOf(b, op.getB(), i, 32 / count, false);
    sum = arith::AddIOp::create(b, sum, arith::MulIOp::create(b, x, y));
  }
  return sum;
}

/// The instruction for so many lanes, or nothing.
static StringRef instructionFor(DotKind kind, int64_t lanes, StringRef dots) {
  if (kind == DotKind::Bytes)
    return dots == "neon" && lanes == 4 ? "llvm.aarch64.neon.sdot.v4i32.v16i8"
                                        : "";
  if (kind == DotKind::BF16)
    return lanes == 4    ? "llvm.x86.avx512bf16.dpbf16ps.128"
           : lanes == 8  ? "llvm.x86.avx512bf16.dpbf16ps.256"
           : lanes == 16 ? "llvm.x86.avx512bf16.dpbf16ps.512"
                         : "";
  if (dots != "pairs" && dots != "ssse3" && dots != "vnni")
    return "";
  bool isPairs = kind == DotKind::Pairs;
  if (!isPairs && dots != "vnni")
    return "";
  switch (lanes) {
  case 4:
    return isPairs ? "llvm.x86.sse2.pmadd.wd" : "llvm.x86.avx512.vpdpbusd.128";
  case 8:
    return isPairs ? "llvm.x86.avx2.pmadd.wd" : "llvm.x86.avx512.vpdpbusd.256";
  case 16:
    return isPairs ? "llvm.x86.avx512.pmaddw.d.512"
                   : "llvm.x86.avx512.vpdpbusd.512";
  default:
    return "";
  }
}

/// Lets one turn of the loop around `op` be one turn of machine code. Sums of
/// products of two turns would be added before they are added to the sum, which
/// takes registers that are not there.
static void keepRolled(Operation *op) {
  auto loop = op->getParentOfType<scf::ForOp>();
  if (!loop || loop.getInitArgs().empty())
    return;
  Builder b(op->getContext());
  auto unroll = LLVM::LoopUnrollAttr::get(b.getContext(), b.getBoolAttr(true),
                                          {}, {}, {}, {}, {}, {});
  loop->setAttr("llvm.loop_annotation",
                LLVM::LoopAnnotationAttr::get(
                    b.getContext(), {}, {}, {}, unroll, {}, {}, {}, {}, {}, {},
                    {}, {}, {}, {}, {}));
}

/// Products of four bytes added by twos in 16 bits, then those sums in 32.
static Value expandBytes(ImplicitLocOpBuilder &b, DotOp op, StringRef adds) {
  int64_t lanes = lanesOf(op.getAcc());
  StringRef name = lanes == 4   ? "llvm.x86.ssse3.pmadd.ub.sw.128"
                   : lanes == 8 ? "llvm.x86.avx2.pmadd.ub.sw"
                                : "llvm.x86.avx512.pmaddubs.w.512";
  auto bytes = VectorType::get({lanes * 4}, b.getI8Type());
  auto halves = VectorType::get({lanes * 2}, b.getI16Type());
  Value x = vector::BitCastOp::create(b, bytes, op.getA());
  Value y = vector::BitCastOp::create(b, bytes, op.getB());
  Value twos = LLVM::CallIntrinsicOp::create(b, halves, b.getStringAttr(name),
                                             ValueRange{x, y})
                   .getResults();
  Value ones = constant(b, halves, 1);
  Value sum = LLVM::CallIntrinsicOp::create(
                  b, op.getType(), b.getStringAttr(adds),
                  ValueRange{twos, ones})
                  .getResults();
  keepRolled(op);
  return arith::AddIOp::create(b, op.getAcc(), sum);
}

static Value expand(ImplicitLocOpBuilder &b, DotOp op, StringRef dots) {
  int64_t lanes = lanesOf(op.getAcc());
  StringRef pairs = instructionFor(DotKind::Pairs, lanes, dots);
  if (dots == "ssse3" && op->hasAttr(lig::codegen::kPairsFitAttr) &&
      !pairs.empty())
    return expandBytes(b, op, pairs);
  StringRef name = instructionFor(op.getKind(), lanes, dots);
  if (name.empty())
    return expandPlain(b, op);
  bool isPairs = op.getKind() == DotKind::Pairs;
  bool isFloat = op.getKind() == DotKind::BF16;
  Type number = isFloat ? Type(b.getBF16Type())
                        : Type(b.getIntegerType(isPairs ? 16 : 8));
  auto numbers =
      VectorType::get({lanes * (isPairs || isFloat ? 2 : 4)}, number);
  SmallVector<Value> operands = {
      vector::BitCastOp::create(b, numbers, op.getA()),
      vector::BitCastOp::create(b, numbers, op.getB())};
  if (!isPairs)
    operands.insert(operands.begin(), op.getAcc());
  Value result = LLVM::CallIntrinsicOp::create(b, op.getType(),
                                               b.getStringAttr(name), operands)
                     .getResults();
  if (!isPairs)
    return result;
  keepRolled(op);
  return arith::AddIOp::create(b, op.getAcc(), result);
}

static Value expand(ImplicitLocOpBuilder &b, WidenOp op) {
  Type type = op.getType();
  if (auto vector = dyn_cast<VectorType>(type)) {
    int64_t count = 2 * vector.getNumElements();
    Value bytes = vector::BitCastOp::create(
        b, VectorType::get({count}, b.getI8Type()), op.getBytes());
    Value wide = arith::ExtSIOp::create(
        b, VectorType::get({count}, b.getI16Type()), bytes);
    return vector::BitCastOp::create(b, type, wide);
  }
  Value word = arith::ExtUIOp::create(b, type, op.getBytes());
  Value low = numberOf(b, word, 0, 8, /*isUnsigned=*/false);
  Value high = numberOf(b, word, 1, 8, /*isUnsigned=*/false);
  low = arith::AndIOp::create(b, low, constant(b, type, 0xFFFF));
  high = arith::ShLIOp::create(b, high, constant(b, type, 16));
  return arith::OrIOp::create(b, low, high);
}

namespace {
struct CpuExpandDots
    : lig::codegen::impl::CpuExpandDotsPassBase<CpuExpandDots> {
  using CpuExpandDotsPassBase::CpuExpandDotsPassBase;

  void runOnOperation() override {
    if (dots != "none" && dots != "pairs" && dots != "ssse3" &&
        dots != "vnni" && dots != "neon") {
      getOperation().emitError("there are no products of words called '")
          << dots << "', only none, pairs, ssse3, vnni and neon";
      return signalPassFailure();
    }
    SmallVector<Operation *> work;
    getOperation().walk([&](Operation *op) {
      if (isa<DotOp, WidenOp>(op))
        work.push_back(op);
    });
    for (Operation *op : work) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      auto dot = dyn_cast<DotOp>(op);
      op->getResult(0).replaceAllUsesWith(dot ? expand(b, dot, dots)
                                              : expand(b, cast<WidenOp>(op)));
      op->erase();
    }
  }
};
} // namespace
