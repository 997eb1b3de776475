// One input of a contraction on its way through shared memory, which holds two
// slices of it: the one that threads multiply, and the next.
#ifndef LIGATURE_CODEGEN_GPU_INPUTSLICES_H
#define LIGATURE_CODEGEN_GPU_INPUTSLICES_H

#include "Kernel.h"

namespace lig::codegen::gpu {

/// A slice in shared memory: `width` lines (rows of the left input, columns of
/// the right one) of `depth` steps of the sum.
struct SliceLayout {
  int64_t width, depth;
  /// Elements behind each innermost run, for another bank per run.
  int64_t padding;
  /// Whether steps are innermost, not lines.
  bool stepsInner;
  /// f32, f16 or bf16; what memory holds otherwise is converted.
  mlir::Type element;

  /// `[2][outer][inner + padding]`.
  mlir::MemRefType type() const;
  /// Indices of an element of slice `buffer`.
  llvm::SmallVector<mlir::Value> at(mlir::Value buffer, mlir::Value line,
                                    mlir::Value step) const;
};

class InputSlices {
public:
  /// `lines` and `sums` are the operand's loops; `alongSums` says which of them
  /// its contiguous dimension moves with.
  InputSlices(Kernel &kernel, mlir::OpOperand &operand,
              llvm::ArrayRef<unsigned> lines, llvm::ArrayRef<unsigned> sums,
              bool alongSums, const SliceLayout &layout, mlir::Value shared,
              int64_t threads);

  /// Spreads slices over the block's threads; its tile begins at line `first`.
  void place(mlir::Value first, const LoopValues &blockValues);
  /// This thread's pieces of the slice that begins at step `start`.
  llvm::SmallVector<mlir::Value> fetch(mlir::Value start);
  /// Stores fetched pieces.
  void put(mlir::Value buffer, mlir::ValueRange pieces);

  /// Whether a slice needs no conversion, so that the machine can bring it by
  /// itself: `copy` takes the place of `fetch` and `put`.
  bool isCopied() const { return copied; }
  void copy(mlir::Value start, mlir::Value buffer);

  const SliceLayout layout;
  const mlir::Value shared;
  /// Whether f32 in slices are numbers of tf32.
  const bool holdsTF32;

private:
  mlir::Value existsAt(size_t piece, mlir::Value step, LoopValues &values);

  Kernel &kernel;
  mlir::OpOperand &operand;
  llvm::ArrayRef<unsigned> lines, sums;
  bool alongSums, copied;
  int64_t threads;
  /// Neighbours in memory that one thread brings at once.
  int64_t pieceSize;
  /// Of each piece that a thread brings: its first line and step, the values of
  /// the loops but for the sums', and whether the line exists if it may not.
  llvm::SmallVector<mlir::Value> line, step, exists;
  llvm::SmallVector<LoopValues> values;
};

/// Goes along the `steps` of a sum: `multiply(buffer, sums)` works on a slice
/// of each input, and returns the sums, while the next slices are on their way.
llvm::SmallVector<mlir::Value>
alongSlices(Kernel &kernel, InputSlices &left, InputSlices &right,
            int64_t steps, mlir::ValueRange sums,
            llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                              mlir::ValueRange)>
                multiply);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_INPUTSLICES_H
