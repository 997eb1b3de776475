// Large sums of products by warpgroups, wgmma, on chips that have them
// (sm_90a).
//
// A block computes a tile of 128 rows, or the places of a box of a convolution.
// Its last warp brings slices of both inputs to shared memory by the machine's
// own copies, as many slices ahead as there is room for; two groups of four
// warps have 64 rows each and multiply from there, sums in registers. Two
// barriers in shared memory belong to each place for a slice: `full` counts the
// bytes that arrive, `empty` the warps that have multiplied what was there.
//
// A slice has rows of 128 bytes, swizzled: pieces of 16 bytes are exchanged by
// the number of the row in its eight. A descriptor tells wgmma where a matrix
// begins, and how far its eights lie apart: along lines that are innermost,
// boxes of a row's width (leading), along everything else 1024 bytes (stride).
//
// Lane l of warp w holds, of each 8 columns, row 16 w + l / 4 + 8 (e / 2) and
// column 2 (l % 4) + e % 2 in element e.

#include "GroupRows.h"
#include "MemberWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace lig::codegen::gpu;

static constexpr int64_t kRows = 128, kGroups = 2;
static constexpr int64_t kGroupRows = kRows / kGroups, kGroupThreads = 128;
static constexpr int64_t kMultiplying = kGroups * kGroupThreads;
static constexpr int64_t kThreads = kMultiplying + kWarp;
/// Bytes that one instruction takes of a row: 16 steps of 16 bits, 8 of 32.
static constexpr int64_t kInstructionBytes = 32;
/// Bytes of eight rows, after which swizzling repeats; boxes begin at
/// multiples.
static constexpr int64_t kPatternBytes = 8 * kRowBytes;

namespace {
class Writer {
public:
  Writer(Kernel &kernel, const ElementGroup &members,
         const ContractionLoops &loops, TileExtent tile, int64_t stages,
         GroupRows &left, MappedInput &right);
  void write();

private:
  Value shared(int64_t offset);
  Value barrier(int64_t first, Value number);
  void initialize();
  void bring();
  void multiply();
  /// The products of one slice; adds them to `sums`.
  Value multiplySlice(Value number, Value sums);
  Value descriptor(bool stepsInner, Value start);
  Value i32(Value index);
  void wait(Value barrier, Value parity);
  void store(Value sums);
  void storeRow(ArrayRef<Value> sums, LoopValues &values);
  /// Calls `body` inside of a branch, unless `condition` is null.
  void when(Value condition, llvm::function_ref<void()> body);

  Kernel &kernel;
  ImplicitLocOpBuilder &b;
  const ContractionLoops &loops;
  TileExtent tile;
  MemberWriter members;
  int64_t stages, sliceBytes, slices;
  GroupRows &left;
  MappedInput &right;
  /// Where the block's columns begin.
  Value column;
  Value batch, memory, group, lane;
};
} // namespace

Writer::Writer(Kernel &kernel, const ElementGroup &members,
               const ContractionLoops &loops, TileExtent tile, int64_t stages,
               GroupRows &left, MappedInput &right)
    : kernel(kernel), b(kernel.b), loops(loops), tile(tile),
      members(kernel, members, /*keepsMemory=*/false), stages(stages),
      sliceBytes((tile.rows + tile.columns) * kRowBytes),
      slices(left.countSlices()), left(left), right(right) {}

/// Dynamic shared memory of a block, with room to begin at a whole pattern.
static int64_t sharedBytesOf(TileExtent tile, int64_t stages) {
  return stages * ((tile.rows + tile.columns) * kRowBytes + 2 * 8) +
         kPatternBytes;
}

//===-- Places -----------------------------------------------------------===//

Value Writer::shared(int64_t offset) {
  return LLVM::GEPOp::create(b, memory.getType(), b.getI8Type(), memory,
                             ArrayRef<LLVM::GEPArg>{int32_t(offset)});
}

Value Writer::i32(Value index) {
  return arith::IndexCastOp::create(b, b.getI32Type(), index);
}

/// Barrier `number` of those behind the slices that begin with `first`.
Value Writer::barrier(int64_t first, Value number) {
  Value base = shared(stages * sliceBytes + first * 8);
  return LLVM::GEPOp::create(b, memory.getType(), b.getI64Type(), base,
                             ArrayRef<LLVM::GEPArg>{i32(number)});
}

void Writer::when(Value condition, llvm::function_ref<void()> body) {
  OpBuilder::InsertionGuard guard(b);
  if (condition)
    b.setInsertionPointToStart(scf::IfOp::create(b, condition).thenBlock());
  body();
}

void Writer::wait(Value barrier, Value parity) {
  constexpr int64_t ticks = 10'000'000; // a hint: it waits on, however long
  NVVM::MBarrierTryWaitParityOp::create(
      b, barrier, i32(parity),
      arith::ConstantOp::create(b, b.getI32IntegerAttr(ticks)));
}

//===-- Slices -----------------------------------------------------------===//

void Writer::initialize() {
  Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                      kernel.thread(), kernel.index(0));
  auto number = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
  };
  when(first, [&] {
    for (int64_t i = 0; i < stages; ++i) {
      NVVM::MBarrierInitOp::create(b, barrier(0, kernel.index(i)), number(1),
                                   Value());
      NVVM::MBarrierInitOp::create(b, barrier(stages, kernel.index(i)),
                                   number(kMultiplying / kWarp), Value());
    }
    // The machine's copies see memory by another way than threads do.
    NVVM::FenceMbarrierInitOp::create(b);
    NVVM::FenceProxyOp::create(
        b, NVVM::ProxyKind::async_shared,
        NVVM::SharedSpaceAttr::get(b.getContext(),
                                   NVVM::SharedSpace::shared_cta));
  });
  ::mlir::gpu::BarrierOp::create(b);
}

/// What one thread does: a slice after the other, as places become empty.
void Writer::bring() {
  auto loop = scf::ForOp::create(b, kernel.index(0), kernel.index(slices),
                                 kernel.index(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value slice = loop.getInductionVar(), stage = kernel.rem(slice, stages);
  // The phase before the first counts as over.
  Value round = kernel.add(kernel.div(slice, stages), kernel.index(1));
  wait(barrier(stages, stage), kernel.rem(round, 2));
  Value full = barrier(0, stage);
  NVVM::MBarrierArriveExpectTxOp::create(
      b, /*res=*/Type(), full,
      arith::ConstantOp::create(b, b.getI32IntegerAttr(sliceBytes)),
      NVVM::MemScopeKind::CTA, /*relaxed=*/false, /*predicate=*/Value());
  Value step = kernel.mul(slice, right.getDepth());
  Value to = LLVM::GEPOp::create(
      b, memory.getType(), b.getI8Type(), memory,
      ArrayRef<LLVM::GEPArg>{i32(kernel.mul(stage, sliceBytes))});
  left.copy(batch, slice, to, full);
  to = LLVM::GEPOp::create(
      b, memory.getType(), b.getI8Type(), to,
      ArrayRef<LLVM::GEPArg>{int32_t(tile.rows * kRowBytes)});
  right.copy(batch, column, step, to, full);
}

//===-- Products ---------------------------------------------------------===//

/// Of a matrix that begins at byte `start` of shared memory.
Value Writer::descriptor(bool stepsInner, Value start) {
  constexpr int64_t swizzled = int64_t(1) << 62;
  int64_t leading = stepsInner ? 16 : right.getDepth() * kRowBytes;
  int64_t distances = swizzled | kPatternBytes / 16 << 32 | leading / 16 << 16;
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  Value place = arith::AndIOp::create(b, start, constant(0x3ffff));
  place = arith::ShRUIOp::create(b, place, constant(4));
  return arith::OrIOp::create(b, place, constant(distances));
}

static NVVM::WGMMATypes typeOf(Type element) {
  return element.isBF16()  ? NVVM::WGMMATypes::bf16
         : element.isF16() ? NVVM::WGMMATypes::f16
                           : NVVM::WGMMATypes::tf32;
}

Value Writer::multiplySlice(Value stage, Value sums) {
  Value start = LLVM::PtrToIntOp::create(b, b.getI64Type(), memory);
  auto add = [&](Value value, int64_t more) -> Value {
    return b.createOrFold<arith::AddIOp>(
        value, arith::ConstantOp::create(b, b.getI64IntegerAttr(more)));
  };
  Value offset = arith::IndexCastOp::create(b, b.getI64Type(),
                                            kernel.mul(stage, sliceBytes));
  start = arith::AddIOp::create(b, start, offset);
  Value ofGroup = arith::IndexCastOp::create(
      b, b.getI64Type(), kernel.mul(group, kGroupRows * kRowBytes));
  Value rows = descriptor(left.areStepsInner(),
                          arith::AddIOp::create(b, start, ofGroup));
  Value columns =
      descriptor(right.areStepsInner(), add(start, tile.rows * kRowBytes));
  // An instruction's steps are neighbours in a row, or rows behind each other.
  int64_t steps = right.getDepth() * kInstructionBytes / kRowBytes;
  auto advance = [&](bool stepsInner) {
    return (stepsInner ? kInstructionBytes : steps * kRowBytes) / 16;
  };
  auto layout = [](bool isRow) {
    return isRow ? NVVM::MMALayout::row : NVVM::MMALayout::col;
  };
  NVVM::WGMMATypes type = typeOf(right.getElement());
  NVVM::WgmmaFenceAlignedOp::create(b);
  for (int64_t i = 0; i < kRowBytes / kInstructionBytes; ++i)
    sums = NVVM::WgmmaMmaAsyncOp::create(
        b, sums.getType(), sums, add(rows, i * advance(left.areStepsInner())),
        add(columns, i * advance(right.areStepsInner())),
        NVVM::MMAShapeAttr::get(b.getContext(), kGroupRows, tile.columns,
                                steps),
        type, type, NVVM::WGMMATypes::f32, NVVM::WGMMAScaleOut::one,
        NVVM::WGMMAScaleIn::one, NVVM::WGMMAScaleIn::one,
        layout(left.areStepsInner()), layout(!right.areStepsInner()),
        NVVM::MMAIntOverflowAttr());
  NVVM::WgmmaGroupSyncAlignedOp::create(b);
  return sums;
}

/// The registers of `sums` as they are here, behind a wait: what reads them
/// cannot move before it.
static Value tieRegisters(ImplicitLocOpBuilder &b, Value sums) {
  auto type = cast<LLVM::LLVMStructType>(sums.getType());
  SmallVector<Value> registers;
  std::string out, in;
  for (size_t i = 0; i < type.getBody().size(); ++i) {
    registers.push_back(LLVM::ExtractValueOp::create(b, sums, int64_t(i)));
    out += i ? ",=f" : "=f";
    in += "," + std::to_string(i);
  }
  return LLVM::InlineAsmOp::create(
             b, type, registers, /*asm_string=*/b.getStringAttr(""),
             b.getStringAttr(out + in), /*has_side_effects=*/b.getUnitAttr(),
             /*is_align_stack=*/UnitAttr(),
             LLVM::TailCallKindAttr::get(
                 b.getContext(), LLVM::tailcallkind::TailCallKind::None),
             /*asm_dialect=*/LLVM::AsmDialectAttr(),
             /*operand_attrs=*/ArrayAttr())
      .getResult(0);
}

void Writer::multiply() {
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(tile.columns / 2, b.getF32Type()));
  Value none = LLVM::ZeroOp::create(b, type);
  auto loop = scf::ForOp::create(b, kernel.index(0), kernel.index(slices),
                                 kernel.index(1), none);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value slice = loop.getInductionVar(), stage = kernel.rem(slice, stages);
    wait(barrier(0, stage), kernel.rem(kernel.div(slice, stages), 2));
    Value sums = multiplySlice(stage, loop.getRegionIterArg(0));
    // While this slice is multiplied the one before it is done with.
    NVVM::WgmmaWaitGroupSyncOp::create(b, 1);
    Value speaks =
        arith::AndIOp::create(b,
                              arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                    lane, kernel.index(0)),
                              arith::CmpIOp::create(b, arith::CmpIPredicate::ne,
                                                    slice, kernel.index(0)));
    when(speaks, [&] {
      Value before =
          kernel.rem(kernel.add(slice, kernel.index(stages - 1)), stages);
      NVVM::MBarrierArriveOp::create(b, /*res=*/Type(), barrier(stages, before),
                                     Value(), NVVM::MemScopeKind::CTA, false);
    });
    scf::YieldOp::create(b, sums);
  }
  NVVM::WgmmaWaitGroupSyncOp::create(b, 0);
  store(tieRegisters(b, loop.getResult(0)));
}

//===-- Results ----------------------------------------------------------===//

void Writer::storeRow(ArrayRef<Value> sums, LoopValues &values) {
  int64_t columns = kernel.count(loops.columns);
  Value first = kernel.add(column, kernel.mul(kernel.rem(lane, 4), 2));
  for (auto [e, sum] : llvm::enumerate(sums)) {
    Value at = kernel.add(first, kernel.index(e / 2 * 8 + e % 2));
    Value exists = columns % tile.columns ? kernel.less(at, columns) : Value();
    when(exists, [&, sum = sum] {
      kernel.unflatten(at, loops.columns, values);
      members.finishRow(values, sum);
    });
  }
}

void Writer::store(Value sums) {
  Value warp = kernel.rem(kernel.div(kernel.thread(), kWarp), 4);
  Value first =
      kernel.add(kernel.mul(group, kGroupRows),
                 kernel.add(kernel.mul(warp, 16), kernel.div(lane, 4)));
  LoopValues ofBatch(kernel.extents.size());
  kernel.unflatten(batch, loops.batch, ofBatch);
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<Value> ofRow;
    for (int64_t i = 0; i < tile.columns / 4; ++i)
      ofRow.push_back(
          LLVM::ExtractValueOp::create(b, sums, i / 2 * 4 + half * 2 + i % 2));
    LoopValues values = ofBatch;
    Value exists =
        left.locate(kernel.add(first, kernel.index(half * 8)), values);
    when(exists, [&] { storeRow(ofRow, values); });
  }
}

void Writer::write() {
  // Neighbouring blocks have neighbouring columns, as in OutputTiles.
  int64_t across = llvm::divideCeil(kernel.count(loops.columns), tile.columns);
  int64_t down = left.countTiles();
  Value number = kernel.div(kernel.block(), across);
  column = kernel.mul(kernel.rem(kernel.block(), across), tile.columns);
  batch = kernel.div(number, down);
  left.start(kernel, kernel.rem(number, down));
  right.map(kernel);
  Value begin = kernel.dynamicShared(sharedBytesOf(tile, stages));
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  };
  begin = arith::IndexCastOp::create(b, b.getI64Type(), begin);
  begin = arith::AddIOp::create(b, begin, constant(kPatternBytes - 1));
  begin = arith::AndIOp::create(b, begin, constant(-kPatternBytes));
  memory = LLVM::IntToPtrOp::create(
      b,
      LLVM::LLVMPointerType::get(b.getContext(),
                                 unsigned(NVVM::NVVMMemorySpace::Shared)),
      begin);
  lane = kernel.rem(kernel.thread(), kWarp);
  group = kernel.div(kernel.thread(), kGroupThreads);
  initialize();
  Value brings = arith::CmpIOp::create(
      b, arith::CmpIPredicate::eq, kernel.thread(), kernel.index(kMultiplying));
  when(brings, [&] { bring(); });
  when(kernel.less(kernel.thread(), kMultiplying), [&] { multiply(); });
}

//===-- Choice -----------------------------------------------------------===//

/// Whether whole tiles, of which rows are `rowTiles`, keep the machine busy for
/// long enough.
static bool isLarge(ContractionSize size, int64_t rowTiles,
                    const Machine &machine) {
  int64_t outputs = size.batch * size.rows * size.columns;
  size.rows = rowTiles * kRows;
  int64_t tiles = countTiles(size, {kRows, kRows});
  return outputs * size.sums >= machine.groupWork &&
         2 * outputs >= tiles * kRows * kRows &&
         2 * tiles >= machine.multiprocessors;
}

static Type elementOf(MLIRContext *context, Precision precision) {
  Builder b(context);
  return precision == Precision::BF16  ? b.getBF16Type()
         : precision == Precision::F16 ? b.getF16Type()
                                       : Type(b.getF32Type());
}

LogicalResult lig::codegen::gpu::emitGroupContraction(RewriterBase &rewriter,
                                                      linalg::GenericOp op,
                                                      const Machine &machine) {
  static constexpr TileExtent shapes[] = {{kRows, 256}, {kRows, 128}};
  if (!machine.hasWarpgroups || machine.precision == Precision::F32)
    return failure();
  FailureOr<ContractionLoops> loops = matchContraction(op);
  if (failed(loops))
    return failure();
  ContractionSize size = sizeOf(op, *loops);
  Type element = elementOf(op.getContext(), machine.precision);
  std::unique_ptr<GroupRows> left = planMatrixRows(op, *loops, kRows, element);
  if (!left)
    left = planWindowRows(op, *loops, kRows, element);
  FailureOr<MappedInput> right =
      MappedInput::plan(op, *loops->right, *loops, loops->columns, element);
  if (!left || failed(right) || !isLarge(size, left->countTiles(), machine))
    return failure();
  size.rows = left->countTiles() * kRows;
  TileExtent tile =
      shapes[chooseTile(shapes, size, right->getDepth(), machine)];
  int64_t stages = 4;
  while (sharedBytesOf(tile, stages) > machine.sharedBytes)
    --stages;
  if (stages < 2)
    return failure();
  ElementGroup group(op);
  group.grow(/*rowsOnly=*/true);
  group.gather(rewriter);
  rewriter.setInsertionPoint(op);
  left->prepare(rewriter);
  right->prepare(rewriter, tile.columns);
  Kernel kernel(rewriter, op, group.extents, countTiles(size, tile), kThreads);
  Writer(kernel, group, *loops, tile, stages, *left, *right).write();
  kernel.finish();
  group.erase(rewriter);
  return success();
}
