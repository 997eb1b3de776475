// Rows that are brought into blocks, each of rows of one expert.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_ROWBLOCKS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_ROWBLOCKS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace lig::net {

/// How many rows and experts there are, and how large a block is.
struct RowCounts {
  int64_t rows, experts, perBlock;
};

/// Which rows each block has. How many blocks there are is known when the model
/// runs; at most `limit` are.
struct RowBlocks {
  RowCounts counts;
  mlir::Value count;
  /// [limit + 1] the expert of each block.
  mlir::Value experts;
  /// [limit * perBlock + 1] row numbers; `counts.rows` is no row.
  mlir::Value members;
};

/// Asks of each expert and row, in this order, whether the expert takes the row.
using TakesRow = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::Value expert, mlir::Value row)>;

RowBlocks makeBlocks(mlir::OpBuilder &b, mlir::Location loc, RowCounts counts,
                     int64_t limit, TakesRow takes);

/// The part of a row's number that a dimension counts.
struct RowDim {
  int64_t dim, stride, extent;
};

/// One block within the loop over them.
class RowBlock {
public:
  RowBlock(mlir::OpBuilder &b, mlir::Location loc, const RowBlocks &blocks,
           mlir::Value step);

  /// The rows of a block, of which the last may be none.
  int64_t countRows() const { return blocks.counts.perBlock; }

  /// Slice `expert` of `stacked` along `dim`, which the result lacks.
  mlir::Value takeExpert(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value stacked, int64_t dim) const;

  /// The block's rows of `source`. In the result, the first of `dims` is the
  /// place in the block, and the others are gone.
  mlir::Value gather(mlir::OpBuilder &b, mlir::Location loc, mlir::Value source,
                     llvm::ArrayRef<RowDim> dims) const;

  /// Writes the rows of `block` along `dim` to their places in `rows`, which has
  /// one more than there are rows for what is no row, or adds them there.
  mlir::Value put(mlir::OpBuilder &b, mlir::Location loc, mlir::Value block,
                  mlir::Value rows, int64_t dim, bool adds) const;

private:
  mlir::Value memberAt(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Value place) const;

  const RowBlocks &blocks;
  mlir::Value expert, first;
};

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_ROWBLOCKS_H
