// What one thread has of a block of scores, and of the sums that they weigh:
// how products are computed decides which elements these are.
#ifndef LIGATURE_CODEGEN_GPU_ATTENTIONTILE_H
#define LIGATURE_CODEGEN_GPU_ATTENTIONTILE_H

#include "Kernel.h"
#include "Strategies.h"

#include <memory>

namespace lig::codegen::gpu {

/// Extents of attention that decide about its blocks.
struct AttentionSize {
  /// Heads of all samples; queries; what a score sums up; columns of values.
  int64_t batch, rows, sums, columns;
};

class AttentionTile {
public:
  virtual ~AttentionTile() = default;

  /// Queries and keys of a block; sums and columns with what fills them up.
  int64_t rows = 0, keys = 0, sums = 0, columns = 0;
  int64_t threads = 0;
  /// Neighbouring threads that share the rows they have.
  int64_t lanes = 0;
  /// Of a thread: rows, scores in a row, sums in a row.
  int64_t threadRows = 0, threadKeys = 0, threadColumns = 0;
  /// What a thread has on the way to shared memory at a time, in registers.
  int64_t fetched = 0;
  /// Of queries, keys and values in shared memory.
  mlir::Type element;

  /// Queries and keys line by line; values line by line or column by column;
  /// what else.
  virtual llvm::SmallVector<mlir::MemRefType> shared() const = 0;
  virtual bool turnsValues() const = 0;

  /// Takes up work in a kernel that declares `shared()`.
  virtual void start(Kernel &kernel) = 0;
  /// A vector of f32 as shared memory has it.
  virtual mlir::Value convert(mlir::Value piece) = 0;
  /// Places in the block.
  virtual mlir::Value rowAt(int64_t i) = 0;
  virtual mlir::Value keyAt(int64_t j) = 0;
  virtual mlir::Value columnAt(int64_t c) = 0;
  /// Products of the block's queries and keys, row by row.
  virtual llvm::SmallVector<mlir::Value> scores() = 0;
  /// `sums`, row by row, with the values added, of which each counts by its
  /// weight.
  virtual llvm::SmallVector<mlir::Value> mix(mlir::ValueRange weights,
                                             mlir::ValueRange sums) = 0;
};

/// Null where a block would not fit into shared memory.
std::unique_ptr<AttentionTile> chooseAttentionTile(mlir::MLIRContext *context,
                                                   const AttentionSize &size,
                                                   const Machine &machine);

/// The kinds: multiply-adds of f32, and fragments on tensor cores.
std::unique_ptr<AttentionTile> makePlainTile(mlir::MLIRContext *context,
                                             int64_t rows, int64_t keys,
                                             const AttentionSize &size);
std::unique_ptr<AttentionTile> makeTensorTile(mlir::MLIRContext *context,
                                              int64_t rows, int64_t keys,
                                              const AttentionSize &size,
                                              Precision precision);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_ATTENTIONTILE_H
