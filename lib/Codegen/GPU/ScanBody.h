// The step of a loop as a kernel that lives through all of its steps sees it:
// products of weights and small matrices, elementwise operations, and which of
// them may follow each other without waiting for other blocks.
//
// Work is cut into items: one row and one unit. An operation whose last
// dimension is a multiple of the units has several gates of each; the gates of
// a unit are computed by one thread, or by one warp where there are sums. So
// what an elementwise operation reads of a product before it, or of itself a
// step ago, was written by the same thread.
#ifndef LIGATURE_CODEGEN_GPU_SCANBODY_H
#define LIGATURE_CODEGEN_GPU_SCANBODY_H

#include "MemoryRoots.h"
#include "WeightDecoding.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <optional>

namespace lig::codegen::gpu {

/// Where an operand lies in its storage, in elements.
struct Place {
  MemoryRoot storage = nullptr;
  /// Whether what follows is known.
  bool isLinear = false;
  int64_t start = 0, perStep = 0;
  llvm::SmallVector<int64_t> perLoop; ///< of the operation
};

struct ScanOp {
  mlir::linalg::GenericOp op;
  llvm::SmallVector<unsigned> rows; ///< loops of more than one step
  unsigned unit = 0;                ///< the loop over gates and units
  int64_t units = 1, gates = 1;
  llvm::SmallVector<Place> places; ///< one an operand
  unsigned stage = 0, group = 0;

  /// Of a product: the loop that is summed up, what each step brings, and what
  /// stays.
  std::optional<unsigned> sum;
  mlir::OpOperand *vector = nullptr, *weights = nullptr;
  WeightDecoding decoding;

  bool isProduct() const { return weights; }
  int64_t extent(unsigned loop) const;
  int64_t countRows() const;
  const Place &place(mlir::OpOperand &operand) const {
    return places[operand.getOperandNumber()];
  }
  bool reads(mlir::OpOperand &operand) const;
  /// What an operand shows of an item: the same numbers are the same element.
  llvm::SmallVector<int64_t> itemAt(mlir::OpOperand &operand,
                                    int64_t gate) const;
};

/// State that others read while its next value is written, so that it needs two
/// places: operations up to the writer read one and the others the other, and
/// every step they change roles.
struct CarriedBuffer {
  mlir::Value buffer;
  unsigned writer;
};

struct ScanBody {
  mlir::scf::ForOp loop;
  llvm::SmallVector<ScanOp> ops;
  llvm::SmallVector<CarriedBuffer> carried;
  /// Stages of a step, and how often all blocks wait for each other a step: the
  /// stages after the first `waits` run beside those of later steps.
  unsigned stages = 1, waits = 1;
  /// Allocations of the step that pass from thread to thread.
  llvm::SmallPtrSet<mlir::Operation *, 4> exchanged;

  /// By how many steps the last stage is behind the first one.
  unsigned lastDelay() const { return (stages - 1) / waits; }
  const CarriedBuffer *findCarried(MemoryRoot storage) const;
  /// Whether the value that an operation hands on is needed in memory.
  bool isStored(const ScanOp &op, mlir::OpOperand &output) const;
};

/// Whether a loop consists of nothing but operations that may suit.
bool mayBeScan(mlir::scf::ForOp loop);

/// Fails for a loop that a kernel cannot live through, or need not: without
/// weights that its steps share, or with so many rows that a step is a kernel's
/// work. Copies have to be structured operations already.
mlir::FailureOr<ScanBody> matchScan(mlir::scf::ForOp loop);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_SCANBODY_H
