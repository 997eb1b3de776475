// The operations that read a parameter, and how they read narrower numbers in
// its place.
#ifndef LIGATURE_LIB_CODEGEN_WEIGHTREADERS_H
#define LIGATURE_LIB_CODEGEN_WEIGHTREADERS_H

#include "WeightFormat.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace lig::codegen {

/// Everything that reads one parameter.
class WeightReaders {
public:
  /// Finds the readers of what `gets` give. Named operations among them become
  /// generic ones.
  WeightReaders(llvm::ArrayRef<share::GetOp> gets, mlir::RewriterBase &rewriter);

  /// Whether all readers can read another element type, and a sum of products
  /// is among them.
  bool canNarrow() const { return isKnown && hasContraction; }

  /// The dimension that all sums of products keep and no other input of them
  /// has: the one whose scale can be multiplied to the sums. One channel where
  /// they do not agree.
  Channels getChannels() const;

  /// Lets all readers read `element` and multiply by the scales in @`scales`
  /// (a tensor of one f32 a channel; none if null).
  void narrow(mlir::Type element, mlir::StringAttr scales, Channels channels,
              mlir::RewriterBase &rewriter);

private:
  void collect(mlir::Value value, mlir::RewriterBase &rewriter);
  mlir::Value readScales(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::StringAttr scales, Channels channels);
  void narrowGeneric(mlir::OpOperand &use, mlir::StringAttr scales,
                     Channels channels, mlir::RewriterBase &rewriter);
  void narrowExtract(mlir::OpOperand &use, mlir::StringAttr scales,
                     Channels channels, mlir::RewriterBase &rewriter);

  bool isKnown = true, hasContraction = false;
  mlir::Type wide;
  /// Values whose type changes, and uses where it becomes the old one again.
  llvm::SmallVector<mlir::Value> moved;
  llvm::SmallVector<mlir::OpOperand *> leaves;
};

} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_WEIGHTREADERS_H
