// The computation of one element, written for every row and column of a tile.
#ifndef LIGATURE_CODEGEN_CPU_BODY_H
#define LIGATURE_CODEGEN_CPU_BODY_H

#include "Emitter.h"

namespace lig::codegen::cpu {

/// Whether every operation of `nest`'s body has a form on vectors, and no
/// operand keeps truth values in memory along `laneLoop`: those take a byte
/// each there, but a bit each in a vector.
bool hasVectorForm(const Nest &nest, int laneLoop);

/// Lanes of the widest type that the body computes with.
int64_t nativeLanes(const Nest &nest, const Machine &machine);

/// Whether computing with lanes that hold nothing could trap.
bool mayTrap(const Nest &nest);

/// Writes the body at one position. Values that do not change along the rows
/// or columns are written once.
class Body {
public:
  /// `carried` replaces the outputs' arguments, output by output, row by row;
  /// when empty the outputs are read from memory.
  Body(Emitter &emitter, const Tile &tile, const Position &position,
       mlir::ValueRange carried);

  /// What the body yields, ordered like `carried`.
  llvm::SmallVector<mlir::Value> yields();

private:
  struct Reach {
    bool rows = false, columns = false;
  };
  using Key = std::pair<mlir::Value, std::pair<int64_t, int64_t>>;

  Reach reachOf(mlir::Value value);
  mlir::Value get(mlir::Value value, int64_t row, int64_t column);
  mlir::Value compute(mlir::Value value, int64_t row, int64_t column);
  mlir::Operation *computeOp(mlir::Operation *op, int64_t row,
                             int64_t column);
  mlir::Value fuse(mlir::Operation *op, int64_t row, int64_t column);
  mlir::Value indexOf(unsigned dim, int64_t row, int64_t column);
  mlir::Value argument(unsigned access, int64_t row, int64_t column);
  mlir::Value transposed(unsigned access, int64_t row, int64_t column);
  Linear offsetOf(unsigned access, int64_t row, int64_t column);

  Emitter &e;
  Tile tile;
  const Position &position;
  mlir::ValueRange carried;
  llvm::DenseMap<mlir::Value, Reach> reaches;
  llvm::DenseMap<Key, mlir::Value> values;
};

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_BODY_H
