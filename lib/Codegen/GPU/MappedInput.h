// One input of a contraction as the machine's own copies bring it: a tensor map
// of the buffer, whose boxes become rows of 128 bytes in shared memory.
#ifndef LIGATURE_CODEGEN_GPU_MAPPEDINPUT_H
#define LIGATURE_CODEGEN_GPU_MAPPEDINPUT_H

#include "BoxCopies.h"
#include "ContractionLoops.h"

namespace lig::codegen::gpu {

class MappedInput {
public:
  /// Fails where no map shows what the operand has, and a copy in another order
  /// or precision would not help. `lines` are the loops of its rows or columns,
  /// `element` is what is multiplied.
  static mlir::FailureOr<MappedInput> plan(mlir::linalg::GenericOp op,
                                           mlir::OpOperand &operand,
                                           const ContractionLoops &loops,
                                           llvm::ArrayRef<unsigned> lines,
                                           mlir::Type element);

  /// Makes the copy if one is needed, and the view that is mapped. `width` is
  /// how many lines a block takes at a time.
  void prepare(mlir::RewriterBase &rewriter, int64_t width);
  /// Makes the map, in the kernel.
  void map(Kernel &kernel);
  /// Starts copies of all lines that the block takes, at a step of the sums, to
  /// `to`, which `barrier` counts.
  void copy(mlir::Value batch, mlir::Value line, mlir::Value step,
            mlir::Value to, mlir::Value barrier);

  /// Whether steps of the sum are innermost in a row, not lines.
  bool areStepsInner() const { return order.back() == Sums; }
  mlir::Type getElement() const { return element; }
  /// Steps of the sum in a box.
  int64_t getDepth() const { return kRowBytes / bytes; }

private:
  enum Group { Batch, Lines, Sums };
  MappedInput(mlir::linalg::GenericOp op, mlir::OpOperand &operand,
              const ContractionLoops &loops, llvm::ArrayRef<unsigned> lines,
              mlir::Type element);
  bool showsOperand();
  mlir::LogicalResult planCopy();
  void makeCopy(mlir::RewriterBase &rewriter);
  int64_t boxExtent(Group group) const;

  mlir::linalg::GenericOp op;
  mlir::OpOperand *operand;
  llvm::SmallVector<unsigned> loopsOf[3];
  mlir::Type element;
  int64_t bytes, width = 0;
  /// Whether the operand cannot be mapped as it is.
  bool isCopied = false;
  /// The map's dimensions, the innermost last.
  llvm::SmallVector<Group> order;
  /// Dimensions of the buffer that are one of the map.
  llvm::SmallVector<mlir::ReassociationIndices> joined;
  mlir::Value buffer, view, tensorMap;
  Kernel *kernel = nullptr;
};

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_MAPPEDINPUT_H
