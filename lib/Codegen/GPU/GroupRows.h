// The left input of a contraction by warpgroups: which rows a block has, and
// how slices of them come to shared memory.
#ifndef LIGATURE_CODEGEN_GPU_GROUPROWS_H
#define LIGATURE_CODEGEN_GPU_GROUPROWS_H

#include "MappedInput.h"
#include "OutputTiles.h"

#include <memory>

namespace lig::codegen::gpu {

class GroupRows {
public:
  virtual ~GroupRows() = default;

  /// Blocks of rows, and slices of the sum that one goes through.
  virtual int64_t countTiles() const = 0;
  virtual int64_t countSlices() const = 0;
  virtual bool areStepsInner() const = 0;

  /// Makes a copy of the operand if one is needed, before the kernel.
  virtual void prepare(mlir::RewriterBase &rewriter) = 0;
  /// Takes up work in the kernel of a block that has this tile.
  virtual void start(Kernel &kernel, mlir::Value tile) = 0;
  /// Starts the copies of a slice to `to`, which `barrier` counts.
  virtual void copy(mlir::Value batch, mlir::Value slice, mlir::Value to,
                    mlir::Value barrier) = 0;
  /// Sets the values of the loops for a row of the block; whether there is such
  /// a row, null if there always is.
  virtual mlir::Value locate(mlir::Value row, LoopValues &values) = 0;
};

/// Rows of a matrix, `count` in a block. Null where no map shows them.
std::unique_ptr<GroupRows> planMatrixRows(mlir::linalg::GenericOp op,
                                          const ContractionLoops &loops,
                                          int64_t count, mlir::Type element);

/// Places of a window of some taps: those of a box of the output, `count` in a
/// block. Null for any other operand, and where channels are no whole slices.
std::unique_ptr<GroupRows> planWindowRows(mlir::linalg::GenericOp op,
                                          const ContractionLoops &loops,
                                          int64_t count, mlir::Type element);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_GROUPROWS_H
