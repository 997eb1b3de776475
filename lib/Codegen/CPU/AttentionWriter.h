// Writes attention as products, reductions and elementwise operations on pieces
// of buffers.
#ifndef LIGATURE_CODEGEN_CPU_ATTENTIONWRITER_H
#define LIGATURE_CODEGEN_CPU_ATTENTIONWRITER_H

#include "Ligature/Analysis/MaskBand.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace lig::codegen::cpu {

/// Where room on a thread's stack begins.
inline constexpr int64_t kRoomAlignment = 64;

/// The part of a dimension that a step looks at.
struct Part {
  mlir::OpFoldResult first;
  int64_t extent;
};

class AttentionWriter {
public:
  AttentionWriter(net::AttentionOp op, mlir::RewriterBase &rewriter,
                  int64_t rows, int64_t keys)
      : op(op), b(op.getLoc(), rewriter), extents(op.getExtents()),
        element(mlir::getElementTypeOrSelf(op.getInit().getType())),
        band(findMaskBand(op, /*boundsScores=*/true)) {
    blockRows = std::min(rows, extents[op.getRowDim()]);
    blockKeys = std::min(keys, extents[op.getKeyDim()]);
  }

  void write();

private:
  /// What a thread keeps for a block of queries.
  struct Block {
    mlir::Value query, scores, sums, most, next, total, factor;
    /// Scores of the keys that fill no block, and the least of `most`; null
    /// where none is needed.
    mlir::Value restScores, least;
  };
  /// Keys or values, in whole blocks and what is left over; null without any.
  struct Packed {
    mlir::Value blocks, rest;
  };

  Packed pack(unsigned operand, llvm::ArrayRef<unsigned> dims);
  mlir::Value packPart(unsigned operand, llvm::ArrayRef<unsigned> dims,
                       int64_t first, int64_t blocks, int64_t extent);
  mlir::Value cutPacked(mlir::Value packed, unsigned operand,
                        mlir::OpFoldResult number, llvm::ArrayRef<Part> parts);
  void overQueries(int64_t first, int64_t count, int64_t rows);
  void writeQueries(llvm::SmallVector<Part> parts);
  mlir::Value copyQueries(llvm::ArrayRef<Part> parts);
  std::pair<mlir::Value, mlir::Value> visibleKeys(const Part &rows);
  std::pair<mlir::Value, mlir::Value> visibleBlocks(const Part &rows);
  mlir::Value isRestSeen(const Part &rows, bool seen);
  mlir::Value needsHidden(const Block &block, llvm::ArrayRef<Part> parts);
  mlir::Value hiddenLimit(const Block &block, llvm::ArrayRef<Part> parts);
  mlir::Value boundKeys();
  /// Goes on where `condition` holds.
  void inside(mlir::Value condition) {
    auto choice =
        mlir::scf::IfOp::create(b, condition, /*withElseRegion=*/false);
    b.setInsertionPointToStart(choice.thenBlock());
  }
  void lookAtVisible(const Block &block, llvm::ArrayRef<Part> parts);
  void lookAtHidden(const Block &block, llvm::ArrayRef<Part> parts);
  void lookAtBlock(const Block &block, llvm::SmallVector<Part> parts,
                   mlir::Value number);
  void lookAtRest(const Block &block, llvm::SmallVector<Part> parts);
  void writeKeys(const Block &block, llvm::SmallVector<Part> parts,
                 mlir::Value keys, mlir::Value values);
  void addProduct(mlir::Value left, mlir::Value right, mlir::AffineMap rightMap,
                  mlir::Value sums);
  void writeRegion(mlir::Value scores, llvm::ArrayRef<Part> parts);
  void writeSoftmax(const Block &block);
  void writeResult(const Block &block, llvm::ArrayRef<Part> parts);

  /// The part of operand `i`, without batch dimensions, and its map in `dims`.
  std::pair<mlir::Value, mlir::AffineMap>
  cut(unsigned i, llvm::ArrayRef<Part> parts, llvm::ArrayRef<unsigned> dims);
  mlir::Value room(llvm::ArrayRef<int64_t> shape) {
    return mlir::memref::AllocaOp::create(b,
                                          mlir::MemRefType::get(shape, element),
                                          b.getI64IntegerAttr(kRoomAlignment));
  }
  mlir::Value number(double value) {
    return mlir::arith::ConstantOp::create(b, b.getFloatAttr(element, value));
  }
  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  void fill(mlir::Value buffer, mlir::Value with) {
    mlir::linalg::FillOp::create(b, with, buffer);
  }
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;
  void generic(mlir::ValueRange inputs, mlir::ValueRange outputs,
               llvm::ArrayRef<mlir::AffineMap> maps, unsigned numReductions,
               Body body);
  mlir::AffineMap map(unsigned numDims, llvm::ArrayRef<unsigned> dims) {
    llvm::SmallVector<mlir::AffineExpr> exprs;
    for (unsigned dim : dims)
      exprs.push_back(b.getAffineDimExpr(dim));
    return mlir::AffineMap::get(numDims, 0, exprs, b.getContext());
  }
  /// The batch dimensions that operand `i` moves along.
  llvm::SmallVector<unsigned> batchOf(unsigned i) {
    llvm::SmallVector<unsigned> dims;
    for (unsigned dim = 0; dim < op.getNumBatch(); ++dim)
      if (op.getMap(i).isFunctionOfDim(dim))
        dims.push_back(dim);
    return dims;
  }

  net::AttentionOp op;
  mlir::ImplicitLocOpBuilder b;
  llvm::SmallVector<int64_t> extents;
  mlir::Type element;
  std::optional<MaskBand> band;
  int64_t blockRows, blockKeys;
  Packed keys, values;
  /// The greatest magnitude in each column of the keys of each head; null where
  /// no score has to be bounded.
  mlir::Value keyBounds;
};

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_ATTENTIONWRITER_H
