// Where an input's layout is known to allow it, threads read 16 bytes at once:
// the innermost dimension moves with the fastest loop alone, and every run of
// it begins at a multiple of the piece.

#include "InputSlices.h"

#include "Convert.h"
#include "RoundedWeights.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace lig::codegen::gpu {

MemRefType SliceLayout::type() const {
  int64_t outer = stepsInner ? width : depth,
          inner = stepsInner ? depth : width;
  return sharedType({2, outer, inner + padding}, element);
}

SmallVector<Value> SliceLayout::at(Value buffer, Value line, Value step) const {
  if (stepsInner)
    return {buffer, line, step};
  return {buffer, step, line};
}

/// Elements that can be read at once along `loops`.
static int64_t choosePiece(OpOperand &operand, ArrayRef<unsigned> loops) {
  auto op = cast<linalg::GenericOp>(operand.getOwner());
  if (loops.empty())
    return 1;
  return countNeighbours(operand.get(), op.getMatchingIndexingMap(&operand),
                         loops.back(), op.getStaticLoopRanges()[loops.back()]);
}

InputSlices::InputSlices(Kernel &kernel, OpOperand &operand,
                         ArrayRef<unsigned> lines, ArrayRef<unsigned> sums,
                         bool alongSums, const SliceLayout &layout,
                         Value shared, int64_t threads)
    : layout(layout), shared(shared), holdsTF32(gpu::holdsTF32(operand.get())),
      kernel(kernel), operand(operand), lines(lines), sums(sums),
      alongSums(alongSums), threads(threads),
      pieceSize(choosePiece(operand, alongSums ? sums : lines)) {
  while (layout.width * layout.depth % (pieceSize * threads))
    pieceSize /= 2;
  auto type = cast<MemRefType>(operand.get().getType());
  // The machine copies 4, 8 or 16 bytes that stay neighbours; the operation for
  // it wants the innermost dimension to be contiguous.
  copied = type.getElementType() == layout.element && type.getRank() > 0 &&
           type.isLastDimUnitStride() &&
           (alongSums == layout.stepsInner || pieceSize == 1) &&
           pieceSize * type.getElementTypeBitWidth() >= 32;
}

void InputSlices::place(Value first, const LoopValues &blockValues) {
  int64_t extent = kernel.count(lines);
  int64_t inner = (alongSums ? layout.depth : layout.width) / pieceSize;
  // Neighbours in a warp are neighbours in memory.
  for (int64_t i = 0; i < layout.width * layout.depth / pieceSize / threads;
       ++i) {
    Value number = kernel.add(kernel.thread(), kernel.index(i * threads));
    Value fast = kernel.mul(kernel.rem(number, inner), pieceSize);
    Value slow = kernel.div(number, inner);
    line.push_back(alongSums ? slow : fast);
    step.push_back(alongSums ? fast : slow);
    Value ofOperand = kernel.add(first, line.back());
    exists.push_back(extent % layout.width ? kernel.less(ofOperand, extent)
                                           : Value());
    values.push_back(blockValues);
    kernel.unflatten(ofOperand, lines, values.back());
  }
}

/// Fills in `values` for a piece at a step of the sum; whether it is inside.
Value InputSlices::existsAt(size_t piece, Value step, LoopValues &values) {
  values = this->values[piece];
  kernel.unflatten(step, sums, values);
  Value inside = kernel.less(step, kernel.count(sums));
  if (exists[piece])
    inside = arith::AndIOp::create(kernel.b, inside, exists[piece]);
  return inside;
}

SmallVector<Value> InputSlices::fetch(Value start) {
  SmallVector<Value> pieces;
  for (size_t i = 0; i < line.size(); ++i) {
    LoopValues at;
    Value inside = existsAt(i, kernel.add(start, step[i]), at);
    pieces.push_back(convertFloats(
        kernel.b, kernel.loadPieceIf(inside, operand, at, pieceSize),
        layout.element));
  }
  return pieces;
}

void InputSlices::put(Value buffer, ValueRange pieces) {
  ImplicitLocOpBuilder &b = kernel.b;
  // Rows begin at multiples of 16 bytes; a piece that grew may be longer.
  int64_t bytes = std::min<int64_t>(
      16, pieceSize * layout.element.getIntOrFloatBitWidth() / 8);
  for (auto [piece, line, step] : llvm::zip(pieces, this->line, this->step)) {
    if (alongSums == layout.stepsInner) {
      vector::StoreOp::create(b, piece, shared, layout.at(buffer, line, step),
                              /*nontemporal=*/false, llvm::MaybeAlign(bytes));
      continue;
    }
    for (int64_t i = 0; i < pieceSize; ++i) {
      Value more = kernel.index(i);
      memref::StoreOp::create(
          b, vector::ExtractOp::create(b, piece, i), shared,
          layout.at(buffer, alongSums ? line : kernel.add(line, more),
                    alongSums ? kernel.add(step, more) : step));
    }
  }
}

void InputSlices::copy(Value start, Value buffer) {
  ImplicitLocOpBuilder &b = kernel.b;
  auto token = nvgpu::DeviceAsyncTokenType::get(b.getContext());
  for (size_t i = 0; i < line.size(); ++i) {
    LoopValues at;
    Value inside = existsAt(i, kernel.add(start, step[i]), at);
    // Beyond an edge nothing is read, and zeros arrive.
    Value count = arith::SelectOp::create(b, inside, kernel.index(pieceSize),
                                          kernel.index(0));
    nvgpu::DeviceAsyncCopyOp::create(
        b, token, shared, layout.at(buffer, line[i], step[i]), operand.get(),
        kernel.indices(operand, at), b.getIndexAttr(pieceSize), count,
        /*bypassL1=*/nullptr);
  }
}

static void waitForCopies(Kernel &kernel) {
  auto token = nvgpu::DeviceAsyncTokenType::get(kernel.b.getContext());
  Value group =
      nvgpu::DeviceAsyncCreateGroupOp::create(kernel.b, token, ValueRange());
  nvgpu::DeviceAsyncWaitOp::create(kernel.b, group, /*numGroups=*/nullptr);
}

SmallVector<Value> alongSlices(
    Kernel &kernel, InputSlices &left, InputSlices &right, int64_t steps,
    ValueRange sums,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> multiply) {
  ImplicitLocOpBuilder &b = kernel.b;
  Value zero = kernel.index(0), one = kernel.index(1);
  InputSlices *sides[] = {&left, &right};
  // What is copied needs no registers on its way; the rest is fetched before
  // and put behind the products.
  auto bring = [&](Value start, Value buffer,
                   llvm::function_ref<void()> meanwhile) {
    SmallVector<Value> fetched[2];
    for (auto [side, pieces] : llvm::zip(sides, fetched)) {
      if (side->isCopied())
        side->copy(start, buffer);
      else
        pieces = side->fetch(start);
    }
    meanwhile();
    for (auto [side, pieces] : llvm::zip(sides, fetched))
      side->put(buffer, pieces);
    if (left.isCopied() || right.isCopied())
      waitForCopies(kernel);
    ::mlir::gpu::BarrierOp::create(b);
  };
  bring(zero, zero, [] {});
  auto slices = scf::ForOp::create(
      b, zero, kernel.index(llvm::divideCeil(steps, left.layout.depth)), one,
      sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(slices.getBody());
  Value slice = slices.getInductionVar();
  Value next = kernel.mul(kernel.add(slice, one), left.layout.depth);
  Value current = kernel.rem(slice, 2);
  SmallVector<Value> results;
  bring(next, arith::SubIOp::create(b, one, current),
        [&] { results = multiply(current, slices.getRegionIterArgs()); });
  scf::YieldOp::create(b, results);
  return llvm::to_vector(ValueRange(slices.getResults()));
}

} // namespace lig::codegen::gpu
