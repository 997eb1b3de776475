// One kernel while it is written: the launch around it and the arithmetic of
// indices in it. Blocks and threads are one-dimensional; what a kernel makes of
// its number is its own.
#ifndef LIGATURE_CODEGEN_GPU_KERNEL_H
#define LIGATURE_CODEGEN_GPU_KERNEL_H

#include "IndexMath.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace lig::codegen::gpu {

inline constexpr int64_t kWarp = 32;
/// Shared memory that a block has without asking.
inline constexpr int64_t kStaticSharedBytes = 48 * 1024;

/// A value per loop of an operation; null where it is not known yet.
using LoopValues = llvm::SmallVector<mlir::Value>;

class Kernel : public IndexMath {
public:
  /// Starts a launch before `op`, which has loops of these extents; `shared`
  /// are the types of buffers that each block has for itself: of the launch, or,
  /// where they are too large for that, in memory that it asks for.
  Kernel(mlir::RewriterBase &rewriter, mlir::Operation *op,
         llvm::ArrayRef<int64_t> extents, int64_t blocks, int64_t threads,
         llvm::ArrayRef<mlir::MemRefType> shared = {});
  /// Ends the kernel; the rewriter stands behind the launch again.
  void finish();

  mlir::Value block() { return launch.getBlockIds().x; }
  mlir::Value thread() { return launch.getThreadIds().x; }
  mlir::Value shared(unsigned i) { return buffers[i]; }

  /// Gives each block this much shared memory besides, and says where it is,
  /// as a number. For kernels whose `shared` is of the launch.
  mlir::Value dynamicShared(int64_t bytes);

  /// The value of an expression of dimensions that are not negative; those
  /// without a value are 0.
  mlir::Value apply(mlir::AffineExpr expr, llvm::ArrayRef<mlir::Value> dims);

  /// Sets the values of `loops` from their joint number, the last loop fastest.
  void unflatten(mlir::Value number, llvm::ArrayRef<unsigned> loops,
                 LoopValues &values);
  /// Steps of all `loops` together.
  int64_t count(llvm::ArrayRef<unsigned> loops) const;

  // Operands are those of any operation in the kernel; values are of its loops.
  mlir::Value load(mlir::OpOperand &operand, const LoopValues &values);
  void store(mlir::Value value, mlir::OpOperand &operand,
             const LoopValues &values);
  /// `load`, or `other` where `condition` (may be null) does not hold.
  mlir::Value loadIf(mlir::Value condition, mlir::OpOperand &operand,
                     const LoopValues &values, mlir::Value other);
  /// `count` neighbours along the innermost dimension as a vector, zeros where
  /// `condition` (may be null) does not hold. More than one lie at a multiple
  /// of their size.
  mlir::Value loadPieceIf(mlir::Value condition, mlir::OpOperand &operand,
                          const LoopValues &values, int64_t count);
  /// Where an operand lies for these values of the loops.
  llvm::SmallVector<mlir::Value> indices(mlir::OpOperand &operand,
                                         const LoopValues &values);
  /// The body of `op` on `arguments`, null where it ignores them; what it
  /// yields.
  llvm::SmallVector<mlir::Value> body(mlir::linalg::GenericOp op,
                                      llvm::ArrayRef<mlir::Value> arguments,
                                      const LoopValues &values);

  llvm::SmallVector<int64_t> extents;

private:
  /// Memory that each block asks for.
  mlir::Value askForShared(int64_t bytes);
  void placeShared(llvm::ArrayRef<mlir::MemRefType> types);
  /// What `load` gives, or `other` where `condition` does not hold.
  mlir::Value choose(mlir::Value condition, mlir::Value other,
                     llvm::function_ref<mlir::Value()> load);

  mlir::RewriterBase &rewriter;
  mlir::gpu::LaunchOp launch;
  llvm::SmallVector<mlir::Value> buffers;
};

/// Elements of `buffer` that can be read at once, 16 bytes or one element, where
/// `map` says what it shows and loop `dim` takes `extent` steps: more than one
/// are neighbours along that loop, and all runs of it consist of whole pieces.
int64_t countNeighbours(mlir::Value buffer, mlir::AffineMap map, unsigned dim,
                        int64_t extent);

/// Whether rows of `piece` elements, in every row of `type`, begin at multiples
/// of `piece` from the beginning of the storage.
bool hasWholePieces(mlir::MemRefType type, int64_t piece);

/// Of buffers of these types, each at a multiple of 16.
int64_t countSharedBytes(llvm::ArrayRef<mlir::MemRefType> types);

/// Shared memory of this shape.
mlir::MemRefType sharedType(llvm::ArrayRef<int64_t> shape, mlir::Type element);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_KERNEL_H
