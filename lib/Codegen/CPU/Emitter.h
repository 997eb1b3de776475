// Addresses, loads, stores and loops of one kernel.
#ifndef LIGATURE_CODEGEN_CPU_EMITTER_H
#define LIGATURE_CODEGEN_CPU_EMITTER_H

#include "Nest.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"

namespace lig::codegen::cpu {

/// What the register tile and the vectors are chosen for.
struct Machine {
  int64_t vectorBits = 256;
  int64_t registers = 16;
  bool fma = true;
  /// Whether lanes of one vector are picked by another, as on AVX2 and AVX-512.
  bool permutes = false;
  /// Whether kernels are split among threads.
  bool threads = true;
  /// Whether they are, for a kernel that this one is a part of.
  bool shares = false;
  /// Whether a kernel may have room of its own to copy operands to. Inside a
  /// loop that threads share there is none.
  bool room = true;
  /// Of the cache that one core has for itself.
  int64_t cacheBytes = 1 << 20;
};

/// Constants of a function, each written once, at its top.
class Constants {
public:
  explicit Constants(mlir::Block &block) : block(block) {}
  mlir::Value get(mlir::Location loc, mlir::TypedAttr value);
  mlir::Value index(mlir::Location loc, int64_t value);

private:
  mlir::Block &block;
  llvm::DenseMap<mlir::Attribute, mlir::Value> values;
};

/// `value + constant`, in elements or steps; `value` may be absent.
struct Linear {
  mlir::Value value;
  int64_t constant = 0;
};

/// Where a piece of a kernel stands: one offset per operand, and the index of
/// every loop.
struct Position {
  llvm::SmallVector<Linear> offsets;
  llvm::SmallVector<Linear> indices;
};

/// The part of the iteration space that one piece of straight-line code covers:
/// `rows` steps of one loop, `columns` vectors along another. The lanes of a
/// vector are steps of the lane loop; the last column may use fewer of them.
struct Tile {
  int laneLoop = -1;
  int64_t lanes = 1;
  int64_t active = 1;
  int rowLoop = -1;
  int64_t rows = 1;
  int columnLoop = -1;
  int64_t columns = 1;

  /// Steps of the column loop from one column to the next.
  int64_t columnStep() const { return columnLoop == laneLoop ? lanes : 1; }
  int64_t activeIn(int64_t column) const {
    return columnLoop != laneLoop || column == columns - 1 ? active : lanes;
  }
  int64_t size() const { return rows * columns; }
};

class Emitter {
public:
  Emitter(mlir::OpBuilder &builder, Constants &constants, const Nest &nest,
          const Machine &machine);

  Position start() const;
  /// `position` moved by `steps` of `loop`.
  Position advance(const Position &position, unsigned loop, mlir::Value steps);
  Position advance(const Position &position, unsigned loop, int64_t steps);

  /// Where an access of one row and column of a tile at `position` is.
  Linear offset(unsigned access, const Position &position, const Tile &tile,
                int64_t row, int64_t column) const;

  mlir::Value materialize(Linear linear);
  mlir::Value constant(mlir::TypedAttr value) {
    return constants.get(b.getLoc(), value);
  }
  /// `value` in every lane.
  mlir::Value splat(mlir::Value value, int64_t lanes);
  /// The first `active` of `lanes` lanes.
  mlir::Value mask(int64_t lanes, int64_t active);

  /// Lanes along `laneStride`: one scalar where that is 0 or `lanes` is 1.
  mlir::Value load(unsigned access, Linear offset, int64_t laneStride,
                   int64_t lanes, int64_t active);
  void store(mlir::Value value, unsigned access, Linear offset, int64_t lanes,
             int64_t active);

  /// A loop over [0, steps * step) with carried values; `body` gets the
  /// induction variable and the carried values and returns the next ones.
  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::Value, mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> loop(int64_t end, int64_t step,
                                      mlir::ValueRange carried, LoopBody body);

  /// The same without carried values; threads may share its steps.
  void sharedLoop(int64_t end, int64_t step,
                  llvm::function_ref<void(mlir::Value)> body);

  /// Lets `access` be to `buffer`, of one dimension, from here on; returns what
  /// it was to.
  mlir::Value replaceBuffer(unsigned access, mlir::Value buffer) {
    return std::exchange(flat[access], buffer);
  }

  const Nest &nest;
  const Machine &machine;
  mlir::ImplicitLocOpBuilder b;

  Constants &constants;

private:
  mlir::Value flatten(const Access &access);
  mlir::Value loadSecond(unsigned access, Linear offset, int64_t lanes,
                         int64_t active);

  llvm::SmallVector<mlir::Value> flat;
};

/// `element` itself for one lane, else a vector of it.
mlir::Type lanesOf(mlir::Type element, int64_t lanes);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_EMITTER_H
