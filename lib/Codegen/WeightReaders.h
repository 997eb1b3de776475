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
  /// Whether nothing but sums of products reads it.
  bool areProducts() const;

  /// The dimension that all sums of products keep and no other input of them
  /// has: the one whose scale can be multiplied to the sums. One channel where
  /// they do not agree.
  Channels getChannels() const;

  /// What numbers of the narrower type stand for.
  struct Meaning {
    mlir::Type element;
    /// A parameter of one f32 a channel to multiply by, if any.
    mlir::StringAttr scales;
    Channels channels;
    /// The parameter that they are positions in, if they are codes.
    share::ParamOp table;
  };

  /// Lets all readers read what has that meaning.
  void narrow(const Meaning &meaning, mlir::RewriterBase &rewriter);

private:
  void collect(mlir::Value value, llvm::ArrayRef<int64_t> strides,
               mlir::RewriterBase &rewriter);
  Channels channelsAt(mlir::OpOperand &use) const;
  std::optional<int64_t> channelDim(mlir::Value value, Channels channels) const;
  mlir::Value readScales(mlir::OpBuilder &b, mlir::Location loc,
                         const Meaning &meaning);
  void narrowGeneric(mlir::OpOperand &use, const Meaning &meaning,
                     mlir::RewriterBase &rewriter);
  void narrowExtract(mlir::OpOperand &use, const Meaning &meaning,
                     mlir::RewriterBase &rewriter);

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

/// Reads the table of codes for what is inside of `op`; null without one.
mlir::Value readTable(mlir::OpBuilder &b, mlir::Operation *op,
                      share::ParamOp table);

/// The number of type `wide` that `narrow` stands for, but for a scale.
mlir::Value widen(mlir::OpBuilder &b, mlir::Location loc, mlir::Value narrow,
                  mlir::Type wide, mlir::Value table);

} // namespace lig::codegen

#endif // LIGATURE_LIB_CODEGEN_WEIGHTREADERS_H
