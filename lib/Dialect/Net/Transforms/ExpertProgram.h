// What is computed for each row by the weights of an expert, and the same for
// one block of rows.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_EXPERTPROGRAM_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_EXPERTPROGRAM_H

#include "RowBlocks.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <optional>

namespace lig::net {

/// Consecutive dimensions; empty where a value lacks what they stand for.
struct DimRange {
  int64_t first = 0, count = 0;

  bool contains(int64_t dim) const {
    return dim >= first && dim < first + count;
  }
  bool operator==(const DimRange &other) const {
    return first == other.first && count == other.count;
  }
};

/// The dimensions of `to`, which has the elements of `from` in the same order,
/// that count what `range` counts.
std::optional<DimRange> mapRange(llvm::ArrayRef<int64_t> from, DimRange range,
                                 llvm::ArrayRef<int64_t> to);

/// Where `map` has `loops`, side by side in order, or nothing.
DimRange findRange(mlir::AffineMap map, llvm::ArrayRef<unsigned> loops);

/// The dimensions of a value that count experts and rows.
struct ExpertDims {
  DimRange experts, rows;
};

/// Slices of a stacked weight, one for each row, copied by a loop.
struct GatheredWeight {
  /// [1, experts, elements]
  mlir::Value bank;
  /// [rows] of integers.
  mlir::Value experts;
};
std::optional<GatheredWeight> matchGatheredWeight(mlir::Value value);

/// What a row costs in one product with the weight of an expert.
struct ExpertProduct {
  double flops, weightBytes;
};

/// The operations between weights that are chosen by row and a result.
class ExpertProgram {
public:
  /// The program that ends in `root`. Where `experts` are given, each row's
  /// expert is what they name, and weights are gathered by them; otherwise
  /// `dims` says which dimension of the root counts experts.
  ExpertProgram(mlir::Value root, ExpertDims dims, mlir::Value experts);

  /// False where no weight is multiplied or a part has no form by rows.
  bool isValid() const { return valid; }

  llvm::ArrayRef<ExpertProduct> getProducts() const { return products; }
  int64_t countExperts() const { return numExperts; }
  int64_t countRows() const { return numRows; }

  /// Adds the operations that `build` made copies of.
  void markDone(llvm::DenseSet<mlir::Operation *> &done) const {
    done.insert_range(llvm::make_first_range(inside));
  }

  /// The root for the rows of `block`: without the experts' dimension, and the
  /// first of the rows' dimensions counts places in the block.
  mlir::Value build(mlir::OpBuilder &b, const RowBlock &block);

private:
  struct Built {
    mlir::Value value;
    bool hasRows;
  };
  void collect(mlir::Value value, ExpertDims dims);
  bool isInside(mlir::Value value) const;
  bool isWeight(mlir::Value value) const;
  void dropReadElsewhere();
  void findProducts();
  mlir::SmallVector<std::pair<mlir::OpOperand *, ExpertDims>>
  placeOperands(mlir::Operation *op, ExpertDims dims) const;

  Built convert(mlir::OpBuilder &b, const RowBlock &block, mlir::Value value);
  Built convertOp(mlir::OpBuilder &b, const RowBlock &block,
                  mlir::linalg::LinalgOp op);
  Built convertLeaf(mlir::OpBuilder &b, const RowBlock &block,
                    mlir::linalg::LinalgOp user, mlir::OpOperand *operand);
  mlir::RankedTensorType typeInBlock(mlir::Value value, bool hasRows,
                                     const RowBlock &block) const;

  mlir::Value root, experts;
  bool valid = true;
  int64_t numExperts = 0, numRows = 0;
  llvm::MapVector<mlir::Operation *, ExpertDims> inside;
  llvm::SmallVector<ExpertProduct> products;
  llvm::DenseMap<mlir::Value, Built> built;
};

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_EXPERTPROGRAM_H
