// Values that lanes exchange pass as 32-bit words, fragments of matrices as
// arrays of them on the stack.

#include "EmulatedOps.h"

#include "Ligature/Emulator/Emulator.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace lig::target::gpu;
using lig::emulator::Thread;

//===-- Building blocks --------------------------------------------------===//

Value EmulatedOps::getThread(Operation *op) {
  auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
  return function.getBody().front().getArguments().back();
}

Value EmulatedOps::loadField(Operation *op, Type type, uint64_t offset) {
  b.setInsertionPoint(op);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value place = LLVM::GEPOp::create(b, op->getLoc(), pointer, b.getI8Type(),
                                    getThread(op),
                                    ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  auto load = LLVM::LoadOp::create(b, op->getLoc(), type, place);
  // No thread changes who it is.
  load.setInvariant(true);
  return load;
}

Value EmulatedOps::constant(int64_t value, unsigned width) {
  Type type = b.getIntegerType(width);
  return LLVM::ConstantOp::create(b, loc, type, b.getIntegerAttr(type, value));
}

Value EmulatedOps::call(StringRef name, Type result, ValueRange arguments) {
  auto function = SymbolTable::lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(
      host, b.getStringAttr(name));
  if (!function) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&host->getRegion(0).front());
    auto type = LLVM::LLVMFunctionType::get(
        result ? result : LLVM::LLVMVoidType::get(b.getContext()),
        llvm::to_vector(arguments.getTypes()));
    function = LLVM::LLVMFuncOp::create(b, loc, name, type);
  }
  auto made = LLVM::CallOp::create(b, loc, function, arguments);
  return result ? made.getResult() : Value();
}

Value EmulatedOps::callMath(StringRef name, Value argument) {
  return call(name, argument.getType(), argument);
}

Value EmulatedOps::allocate(Operation *op, int64_t words) {
  auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.getBody().front());
  return LLVM::AllocaOp::create(b, loc,
                                LLVM::LLVMPointerType::get(b.getContext()),
                                b.getI32Type(), constant(words),
                                /*alignment=*/16);
}

static Value wordAt(OpBuilder &b, Location loc, Value words, int32_t index) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  return LLVM::GEPOp::create(b, loc, pointer, b.getI32Type(), words,
                             ArrayRef<LLVM::GEPArg>{index});
}

Value EmulatedOps::storeAll(Operation *op, ValueRange values) {
  Value words = allocate(op, values.size());
  for (auto [i, value] : llvm::enumerate(values))
    LLVM::StoreOp::create(b, loc, value, wordAt(b, loc, words, i));
  return words;
}

Value EmulatedOps::loadAll(Type type, Value words) {
  auto structure = dyn_cast<LLVM::LLVMStructType>(type);
  if (!structure)
    return LLVM::LoadOp::create(b, loc, type, words);
  Value result = LLVM::PoisonOp::create(b, loc, type);
  for (auto [i, member] : llvm::enumerate(structure.getBody()))
    result = LLVM::InsertValueOp::create(
        b, loc, result,
        LLVM::LoadOp::create(b, loc, member, wordAt(b, loc, words, i)),
        int64_t(i));
  return result;
}

Value EmulatedOps::toBits(Value value) {
  if (value.getType().isInteger(32))
    return value;
  return LLVM::BitcastOp::create(b, loc, b.getI32Type(), value);
}

Value EmulatedOps::fromBits(Value bits, Type type) {
  if (bits.getType() == type)
    return bits;
  if (type.isInteger(1))
    return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, bits,
                                constant(0));
  return LLVM::BitcastOp::create(b, loc, type, bits);
}

Value EmulatedOps::withFlag(Value value, Value word, Type type) {
  if (!isa<LLVM::LLVMStructType>(type))
    return value;
  Value bits = LLVM::LoadOp::create(b, loc, b.getI32Type(), word);
  Value pair = LLVM::PoisonOp::create(b, loc, type);
  pair = LLVM::InsertValueOp::create(b, loc, pair, value, int64_t(0));
  return LLVM::InsertValueOp::create(b, loc, pair,
                                     fromBits(bits, b.getI1Type()), int64_t(1));
}

void EmulatedOps::finish(Operation *op, Value result) {
  if (result)
    op->getResult(0).replaceAllUsesWith(result);
  op->erase();
}

//===-- Kinds of operations ----------------------------------------------===//

static bool isAtomicLoad(Operation *op) {
  auto load = dyn_cast<LLVM::LoadOp>(op);
  return load && (load.getOrdering() != LLVM::AtomicOrdering::not_atomic ||
                  load.getVolatile_());
}

bool EmulatedOps::isMeeting(Operation *op) {
  return isAtomicLoad(op) ||
         isa<NVVM::Barrier0Op, NVVM::BarrierOp, NVVM::BarrierArriveOp,
             NVVM::SyncWarpOp, NVVM::ShflOp, NVVM::VoteSyncOp,
             NVVM::MatchSyncOp, NVVM::ReduxOp, NVVM::ElectSyncOp, NVVM::MmaOp,
             NVVM::LdMatrixOp, NVVM::StMatrixOp, NVVM::CpAsyncOp,
             NVVM::CpAsyncCommitGroupOp, NVVM::CpAsyncWaitGroupOp,
             NVVM::NanosleepOp, LLVM::Trap, NVVM::MBarrierInitOp,
             NVVM::MBarrierTryWaitParityOp, NVVM::MBarrierArriveOp,
             NVVM::MBarrierArriveExpectTxOp, NVVM::WgmmaMmaAsyncOp>(op);
}

bool EmulatedOps::isSynchronization(Operation *op) {
  return isa<NVVM::Barrier0Op, NVVM::BarrierOp, NVVM::SyncWarpOp,
             NVVM::CpAsyncCommitGroupOp, NVVM::CpAsyncWaitGroupOp,
             NVVM::MembarOp, LLVM::FenceOp,
             NVVM::MBarrierTryWaitParityOp, NVVM::MBarrierArriveOp,
             NVVM::MBarrierArriveExpectTxOp, NVVM::WgmmaFenceAlignedOp,
             NVVM::WgmmaGroupSyncAlignedOp, NVVM::WgmmaWaitGroupSyncOp>(op);
}

//===-- Registers --------------------------------------------------------===//

bool EmulatedOps::replaceRegister(Operation *op) {
  static const llvm::StringMap<uint64_t> offsets = [] {
    llvm::StringMap<uint64_t> map;
    const std::pair<const char *, uint64_t> triples[] = {
        {"tid", offsetof(Thread, thread)},
        {"ntid", offsetof(Thread, blockSize)},
        {"ctaid", offsetof(Thread, block)},
        {"nctaid", offsetof(Thread, gridSize)}};
    for (auto [name, offset] : triples)
      for (int d = 0; d < 3; ++d)
        map["nvvm.read.ptx.sreg." + std::string(name) + "." + "xyz"[d]] =
            offset + 4 * d;
    map["nvvm.read.ptx.sreg.laneid"] = offsetof(Thread, lane);
    map["nvvm.read.ptx.sreg.warpid"] = offsetof(Thread, warp);
    map["nvvm.read.ptx.sreg.dynamic.smem.size"] =
        offsetof(Thread, dynamicShared);
    return map;
  }();
  if (isa<NVVM::WarpSizeOp>(op)) {
    finish(op, constant(32));
    return true;
  }
  auto it = offsets.find(op->getName().getStringRef());
  if (it == offsets.end())
    return false;
  finish(op, loadField(op, b.getI32Type(), it->second));
  return true;
}

//===-- Meetings ---------------------------------------------------------===//

bool EmulatedOps::replaceMeeting(Operation *op) {
  Value thread = getThread(op);
  Type i32 = b.getI32Type();
  auto orZero = [&](Value value) { return value ? value : constant(0); };
  if (isa<NVVM::Barrier0Op>(op)) {
    call("lig_emu_barrier", nullptr, {thread, constant(0), constant(0)});
    finish(op);
  } else if (auto barrier = dyn_cast<NVVM::BarrierOp>(op);
             barrier && !barrier.getReductionOp()) {
    call("lig_emu_barrier", nullptr,
         {thread, orZero(barrier.getBarrierId()),
          orZero(barrier.getNumberOfThreads())});
    finish(op);
  } else if (auto arrive = dyn_cast<NVVM::BarrierArriveOp>(op)) {
    call("lig_emu_barrier_arrive", nullptr,
         {thread, orZero(arrive.getBarrierId()), arrive.getNumberOfThreads()});
    finish(op);
  } else if (auto sync = dyn_cast<NVVM::SyncWarpOp>(op)) {
    call("lig_emu_sync_warp", nullptr, {thread, sync.getMask()});
    finish(op);
  } else if (isa<NVVM::NanosleepOp>(op)) {
    call("lig_emu_yield", nullptr, thread);
    finish(op);
  } else if (isa<LLVM::Trap>(op)) {
    call("lig_emu_trap", nullptr, thread);
    finish(op);
  } else if (auto shuffle = dyn_cast<NVVM::ShflOp>(op)) {
    Value valid = allocate(op, 1);
    Value bits =
        call("lig_emu_shuffle", i32,
             {thread, shuffle.getThreadMask(), toBits(shuffle.getVal()),
              shuffle.getOffset(), shuffle.getMaskAndClamp(),
              constant(int64_t(shuffle.getKind())), valid});
    Value result = fromBits(bits, shuffle.getVal().getType());
    finish(op, withFlag(result, valid, shuffle.getType()));
  } else if (auto vote = dyn_cast<NVVM::VoteSyncOp>(op)) {
    Value value = LLVM::ZExtOp::create(b, loc, i32, vote.getPred());
    Value bits = call(
        "lig_emu_vote", i32,
        {thread, vote.getMask(), value, constant(int64_t(vote.getKind()))});
    finish(op, fromBits(bits, vote.getType()));
  } else if (auto match = dyn_cast<NVVM::MatchSyncOp>(op)) {
    Value value = match.getVal();
    if (value.getType() == i32)
      value = LLVM::ZExtOp::create(b, loc, b.getI64Type(), value);
    Value all = allocate(op, 1);
    Value result = call("lig_emu_match", i32,
                        {thread, match.getThreadMask(), value,
                         constant(int64_t(match.getKind())), all});
    finish(op, withFlag(result, all, match.getType()));
  } else if (auto redux = dyn_cast<NVVM::ReduxOp>(op);
             redux && !redux.getAbs() && !redux.getNan()) {
    Value bits = call("lig_emu_reduce", i32,
                      {thread, redux.getMaskAndClamp(), toBits(redux.getVal()),
                       constant(int64_t(redux.getKind()))});
    finish(op, fromBits(bits, redux.getType()));
  } else if (auto elect = dyn_cast<NVVM::ElectSyncOp>(op)) {
    Value mask = elect.getMembermask() ? elect.getMembermask() : constant(-1);
    finish(op,
           fromBits(call("lig_emu_elect", i32, {thread, mask}), b.getI1Type()));
  } else {
    return false;
  }
  return true;
}

//===-- Matrices ---------------------------------------------------------===//

/// Whether the emulator has this shape: 16 rows of A, 8 columns of B, and as
/// many elements of k as two registers of B hold, or one.
static bool isKnownShape(NVVM::MmaOp mma) {
  auto typeA = mma.getMultiplicandAPtxType();
  auto typeB = mma.getMultiplicandBPtxType();
  if (!typeA || !typeB || mma.getShape().getM() != 16 ||
      mma.getShape().getN() != 8 || mma.getLayoutA() != NVVM::MMALayout::row ||
      mma.getLayoutB() != NVVM::MMALayout::col || mma.getB1Op())
    return false;
  using NVVM::MMATypes;
  switch (*typeA) {
  case MMATypes::f16:
  case MMATypes::bf16:
  case MMATypes::tf32:
    return *typeA == *typeB;
  case MMATypes::s8:
  case MMATypes::u8:
    // Sums that do not fit are another question than the one tests ask.
    return *typeB == MMATypes::s8 || *typeB == MMATypes::u8;
  default:
    return false;
  }
}

static bool isOf16Bits(NVVM::LdStMatrixShapeAttr shape,
                       NVVM::LdStMatrixEltType type) {
  return shape.getM() == 8 && shape.getN() == 8 &&
         type == NVVM::LdStMatrixEltType::B16;
}

bool EmulatedOps::replaceMatrix(Operation *op) {
  Value thread = getThread(op);
  if (auto mma = dyn_cast<NVVM::MmaOp>(op); mma && isKnownShape(mma)) {
    auto structure = cast<LLVM::LLVMStructType>(mma.getType());
    Value results = allocate(op, structure.getBody().size());
    int64_t types = int64_t(*mma.getMultiplicandAPtxType()) |
                    int64_t(*mma.getMultiplicandBPtxType()) << 8 |
                    int64_t(mma.accumPtxType()) << 16 |
                    int64_t(mma.resultPtxType()) << 24;
    call("lig_emu_mma", nullptr,
         {thread, storeAll(op, mma.getOperandA()),
          storeAll(op, mma.getOperandB()), storeAll(op, mma.getOperandC()),
          results, constant(mma.getShape().getK()), constant(types)});
    finish(op, loadAll(structure, results));
    return true;
  }
  if (auto load = dyn_cast<NVVM::LdMatrixOp>(op);
      load && isOf16Bits(load.getShape(), load.getEltType())) {
    Value results = allocate(op, load.getNum());
    bool transposed = load.getLayout() == NVVM::MMALayout::col;
    call("lig_emu_ldmatrix", nullptr,
         {thread, load.getPtr(), results, constant(load.getNum()),
          constant(transposed)});
    finish(op, loadAll(load.getType(), results));
    return true;
  }
  if (auto store = dyn_cast<NVVM::StMatrixOp>(op);
      store && isOf16Bits(store.getShape(), store.getEltType())) {
    bool transposed = store.getLayout() == NVVM::MMALayout::col;
    call("lig_emu_stmatrix", nullptr,
         {thread, store.getPtr(), storeAll(op, store.getSources()),
          constant(store.getSources().size()), constant(transposed)});
    finish(op);
    return true;
  }
  return false;
}

//===-- Rounding ---------------------------------------------------------===//

/// The bits of an f32 as those of a bf16, rounded to nearest, ties to even.
Value EmulatedOps::roundToBf16(Value value) {
  Value bits = toBits(value);
  auto shift = [&](Value word, int64_t by) -> Value {
    return LLVM::LShrOp::create(b, loc, word, constant(by));
  };
  Value odd = LLVM::AndOp::create(b, loc, shift(bits, 16), constant(1));
  Value half = LLVM::AddOp::create(b, loc, odd, constant(0x7fff));
  Value rounded = shift(LLVM::AddOp::create(b, loc, bits, half), 16);
  Value isNan =
      LLVM::FCmpOp::create(b, loc, LLVM::FCmpPredicate::uno, value, value);
  rounded = LLVM::SelectOp::create(b, loc, isNan, constant(0x7fff), rounded);
  return LLVM::TruncOp::create(b, loc, b.getI16Type(), rounded);
}

bool EmulatedOps::replaceRounding(Operation *op) {
  auto finishPair = [&](Value low, Value high) {
    Value pair =
        LLVM::PoisonOp::create(b, loc, VectorType::get(2, low.getType()));
    for (auto [i, half] : llvm::enumerate(ArrayRef{low, high}))
      pair = LLVM::InsertElementOp::create(b, loc, pair, half, constant(i));
    finish(op,
           LLVM::BitcastOp::create(b, loc, op->getResult(0).getType(), pair));
  };
  auto isNearest = [](auto round) {
    return !round.getRandomBits() && !round.getRelu() &&
           round.getRnd() == NVVM::FPRoundingMode::RN &&
           round.getSat() == NVVM::SaturationMode::NONE;
  };
  if (auto convert = dyn_cast<NVVM::ConvertFloatToTF32Op>(op)) {
    // Rounds to nearest, ties away: half a step more, the rest cut off.
    Value bits = toBits(convert.getSrc());
    bits = LLVM::AddOp::create(b, loc, bits, constant(0x1000));
    finish(op, LLVM::AndOp::create(b, loc, bits, constant(-0x2000)));
    return true;
  }
  if (auto pair = dyn_cast<NVVM::ConvertF32x2ToBF16x2Op>(op);
      pair && isNearest(pair)) {
    finishPair(roundToBf16(pair.getSrcLo()), roundToBf16(pair.getSrcHi()));
    return true;
  }
  if (auto pair = dyn_cast<NVVM::ConvertF32x2ToF16x2Op>(op);
      pair && isNearest(pair)) {
    auto round = [&](Value value) -> Value {
      return LLVM::FPTruncOp::create(b, loc, b.getF16Type(), value);
    };
    finishPair(round(pair.getSrcLo()), round(pair.getSrcHi()));
    return true;
  }
  return false;
}

//===-- Arithmetic -------------------------------------------------------===//

/// The function of the host's library that an approximation comes near to;
/// empty if there is none.
static StringRef getExactFunction(StringRef intrinsic) {
  return llvm::StringSwitch<StringRef>(intrinsic)
      .Cases({"llvm.nvvm.tanh.approx.f", "llvm.nvvm.tanh.approx.f32"}, "tanhf")
      .Cases({"llvm.nvvm.ex2.approx.f", "llvm.nvvm.ex2.approx.ftz.f",
              "llvm.nvvm.ex2.approx.f32", "llvm.nvvm.ex2.approx.ftz.f32",
              "llvm.nvvm.ex2.approx", "llvm.nvvm.ex2.approx.ftz"},
             "exp2f")
      .Cases({"llvm.nvvm.lg2.approx.f", "llvm.nvvm.lg2.approx.ftz.f"}, "log2f")
      .Cases({"llvm.nvvm.sqrt.approx.f", "llvm.nvvm.sqrt.approx.ftz.f"},
             "sqrtf")
      .Cases({"llvm.nvvm.sin.approx.f", "llvm.nvvm.sin.approx.ftz.f"}, "sinf")
      .Cases({"llvm.nvvm.cos.approx.f", "llvm.nvvm.cos.approx.ftz.f"}, "cosf")
      .Cases({"llvm.nvvm.rsqrt.approx.f", "llvm.nvvm.rsqrt.approx.ftz.f"},
             "lig_emu_rsqrtf")
      .Cases({"llvm.nvvm.rcp.approx.ftz.f"}, "lig_emu_rcpf")
      .Default("");
}

bool EmulatedOps::replaceApproximation(Operation *op) {
  if (auto reciprocal = dyn_cast<NVVM::RcpApproxFtzF32Op>(op)) {
    finish(op, callMath("lig_emu_rcpf", reciprocal.getOperand()));
    return true;
  }
  auto intrinsic = dyn_cast<LLVM::CallIntrinsicOp>(op);
  if (!intrinsic || intrinsic->getNumResults() != 1 ||
      intrinsic.getArgs().size() != 1 ||
      !intrinsic.getArgs()[0].getType().isF32())
    return false;
  StringRef name = getExactFunction(intrinsic.getIntrin());
  if (name.empty())
    return false;
  finish(op, callMath(name, intrinsic.getArgs()[0]));
  return true;
}

/// Functions of libdevice are those of the host's mathematical library by other
/// names; functions of the kernel's module want the thread.
LogicalResult EmulatedOps::replaceCall(Operation *op) {
  auto call = cast<LLVM::CallOp>(op);
  if (!call.getCallee())
    return op->emitOpError("calls through a pointer, which the emulator does "
                           "not know");
  StringRef name = *call.getCallee();
  if (!name.consume_front("__nv_")) {
    call.getCalleeOperandsMutable().append(getThread(op));
    return success();
  }
  name.consume_front("fast_");
  std::string known = name == "rsqrtf" ? "lig_emu_rsqrtf" : name.str();
  if (op->getNumResults() != 1)
    return op->emitOpError("has no counterpart on the host");
  finish(op, this->call(known, op->getResult(0).getType(), op->getOperands()));
  return success();
}

//===-- All --------------------------------------------------------------===//

LogicalResult EmulatedOps::replace(Operation *op) {
  loc = op->getLoc();
  b.setInsertionPoint(op);
  if (isAtomicLoad(op)) {
    call("lig_emu_yield", nullptr, getThread(op));
    cast<LLVM::LoadOp>(op).setSyncscope(std::nullopt);
    return success();
  }
  if (auto atomic = dyn_cast<LLVM::AtomicRMWOp>(op))
    return atomic.setSyncscope(std::nullopt), success();
  if (auto atomic = dyn_cast<LLVM::AtomicCmpXchgOp>(op))
    return atomic.setSyncscope(std::nullopt), success();
  if (auto store = dyn_cast<LLVM::StoreOp>(op))
    return store.setSyncscope(std::nullopt), success();
  if (auto fence = dyn_cast<LLVM::FenceOp>(op))
    return fence.setSyncscope(std::nullopt), success();
  if (isa<LLVM::AddrSpaceCastOp>(op)) {
    finish(op, op->getOperand(0));
    return success();
  }
  // Threads run one at a time on one processor: memory is always in order.
  if (isa<NVVM::MembarOp, NVVM::FenceProxyOp, NVVM::FenceMbarrierInitOp>(op)) {
    finish(op);
    return success();
  }
  if (replaceRegister(op) || replaceMeeting(op) || replaceMatrix(op) ||
      replaceCopy(op) || replaceBulkCopy(op) || replaceWarpgroup(op) ||
      replaceRounding(op) || replaceApproximation(op))
    return success();
  if (isa<LLVM::CallOp>(op))
    return replaceCall(op);
  if (isa<NVVM::NVVMDialect>(op->getDialect()) ||
      isa<LLVM::InlineAsmOp, LLVM::CallIntrinsicOp>(op))
    return op->emitOpError("is nothing that the emulator knows");
  return success();
}
