// The computation of one element, written for every row and column of a tile.
#ifndef LIGATURE_CODEGEN_CPU_BODY_H
#define LIGATURE_CODEGEN_CPU_BODY_H

#include "Lookup.h"

namespace lig::codegen::cpu {

/// Whether every operation of `nest` has a form on vectors, and no operand
/// keeps truth values in memory along `laneLoop`: those take a byte each there,
/// but a bit each in a vector.
bool hasVectorForm(const Nest &nest, int laneLoop);

/// Whether everything that is stored is contiguous along `laneLoop`.
bool storesLanes(const Nest &nest, int laneLoop);

/// Lanes of the widest type that the body computes with.
int64_t nativeLanes(const Nest &nest, const Machine &machine);

/// Whether computing with lanes that hold nothing could trap.
bool mayTrap(const Nest &nest);

/// Where an argument of a body comes from: memory, or values of a tile, row by
/// row.
struct Binding {
  int access = -1;
  mlir::ValueRange values;
};

/// Writes a body at one position. Values that do not change along the rows or
/// columns are written once.
class Body {
public:
  Body(Emitter &emitter, const Tile &tile, const Position &position,
       mlir::Block *block, llvm::ArrayRef<Binding> bindings);

  /// What the body yields, output by output, row by row.
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
  mlir::Value argument(unsigned number, int64_t row, int64_t column);
  bool isTurned(unsigned access, int64_t row) const;
  mlir::Value transposed(unsigned number, int64_t row, int64_t column);
  mlir::Value lookUp(const Lookup &lookup, mlir::Value entry, int64_t row,
                     int64_t column);
  void lookUpFour(const Lookup &lookup, mlir::Value entry, int64_t column);
  mlir::Value pairedCodes(mlir::BlockArgument codes, int64_t column);

  Emitter &e;
  Tile tile;
  const Position &position;
  mlir::Block *block;
  llvm::SmallVector<Binding> bindings;
  llvm::DenseMap<mlir::Value, Reach> reaches;
  llvm::DenseMap<Key, mlir::Value> values;
  /// Vectors of paired codes, by the columns of the first of each pair.
  llvm::DenseMap<Key, mlir::Value> pairs;
};

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_BODY_H
