// The operations that read a parameter, and how they read narrower numbers in
// its place.
#ifndef LIGATURE_LIB_CODEGEN_WEIGHTREADERS_H
#define LIGATURE_LIB_CODEGEN_WEIGHTREADERS_H

#include "WeightFormat.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/DenseMap.h"

namespace lig::codegen {

/// Everything that reads one parameter.
class WeightReaders {
public:
  /// Finds the readers of what `reads` (share.get and share.get_strided of one
  /// parameter) give. Named operations among them become generic ones.
  WeightReaders(llvm::ArrayRef<mlir::Operation *> reads,
                mlir::RewriterBase &rewriter);

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
  void collect(mlir::Value value, llvm::ArrayRef<int64_t> strides,
               mlir::RewriterBase &rewriter);
  Channels channelsAt(mlir::OpOperand &use) const;
  std::optional<int64_t> channelDim(mlir::Value value, Channels channels) const;
  mlir::Value readScales(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::StringAttr scales, Channels channels);
  void narrowGeneric(mlir::OpOperand &use, mlir::StringAttr scales,
                     Channels channels, mlir::RewriterBase &rewriter);
  void narrowExtract(mlir::OpOperand &use, mlir::StringAttr scales,
                     Channels channels, mlir::RewriterBase &rewriter);

  bool isKnown = true, hasContraction = false;
  mlir::Type wide;
  /// Elements of the parameter from one step of each dimension to the next.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t>> stridesOf;
  /// Where the parameter is read through strides, the first element.
  llvm::DenseMap<mlir::Value, int64_t> offsetOf;
  /// Values whose type changes, and uses where it becomes the old one again.
  llvm::SmallVector<mlir::Value> moved;
  llvm::SmallVector<mlir::OpOperand *> leaves;
};

} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_WEIGHTREADERS_H
