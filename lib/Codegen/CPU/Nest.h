// A linalg operation as loops over flat buffers.
//
// Buffers keep only what addressing needs: how many elements one step of each
// loop moves. In that form a transposed view, a subview, a unit dimension and a
// strided window are all the same thing, and two loops that walk every buffer
// as one are one loop.
#ifndef LIGATURE_CODEGEN_CPU_NEST_H
#define LIGATURE_CODEGEN_CPU_NEST_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SmallVector.h"

namespace lig::codegen::cpu {

struct Loop {
  int64_t extent;
  bool reduction;
  /// What the operation's index is at the first step.
  int64_t first = 0;
};

/// One operand: a buffer, or a scalar that is the same everywhere.
struct Access {
  mlir::Value source;
  mlir::Type element;
  /// Elements that one step of each loop moves.
  llvm::SmallVector<int64_t> strides;
  /// Where the first element is.
  int64_t offset = 0;
  bool scalar = false;
  /// Whether `source` is only where the buffer begins, and the first element is
  /// `start`, if any, elements behind that and `offset`.
  bool detached = false;
  mlir::Value start;
  /// The loop along which the buffer is a row of panels, or -1. Within a panel
  /// one step moves by `strides`; from panel to panel, by `panelStep` a step.
  int panelLoop = -1;
  int64_t panelStep = 0;

  int64_t stride(int loop) const { return loop < 0 ? 0 : strides[loop]; }
};

/// An elementwise body joined to the nest, run on values in registers.
struct Stage {
  mlir::Block *body;
  /// Per argument of the body: an access, or -1 - i for result i of the stages
  /// before (the outputs of the operation itself come first).
  llvm::SmallVector<int> sources;
};

/// A result and the access that it is written to.
struct Store {
  unsigned result;
  unsigned access;
};

/// An input that was packed at compile time: panels of `columns` vectors of
/// `lanes` elements, padded with zeros, one after another along `loop`.
struct PackedInput {
  unsigned access;
  int loop;
  int64_t lanes, columns;
  /// Whether elements are codes of 4 bits, those of every two vectors in one
  /// vector of bytes, the first in the low bits.
  bool paired = false;
};

/// A result that is cut into equal parts along a loop of their own, and the
/// elementwise bodies that combine them.
struct Gates {
  /// The last loop; a tile holds all of its steps.
  unsigned loop;
  /// The result that is cut, of the outputs and the ends.
  unsigned result;
  /// Run on a tile without that loop. Results are counted anew: the gates come
  /// first.
  llvm::SmallVector<Stage> stages;
};

struct Nest {
  mlir::Operation *op = nullptr;
  llvm::SmallVector<Loop> loops;
  /// Inputs, then outputs, in the order of the body's arguments; then what
  /// the stages read and write.
  llvm::SmallVector<Access> accesses;
  unsigned numInputs = 0;
  unsigned numOutputs = 0;
  /// Per output, what accumulation starts from; memory has it without one.
  llvm::SmallVector<std::optional<Stage>> starts;
  /// Or it starts from zero.
  bool startsAtZero = false;
  /// What happens to results before they are stored.
  llvm::SmallVector<Stage> ends;
  llvm::SmallVector<Store> stores;
  /// If set, `stores` count the results that it counts.
  std::optional<Gates> gates;
  /// The loop that a dimension of the operation became; -1 if it has one step.
  llvm::SmallVector<int> loopOfDim;
  std::optional<PackedInput> packed;

  mlir::Block *body() const { return &op->getRegion(0).front(); }
  /// The operation's body and those of its stages.
  llvm::SmallVector<mlir::Block *> bodies() const;
  bool reads(unsigned access) const {
    return !body()->getArgument(access).use_empty();
  }
  bool empty() const;
  llvm::SmallVector<unsigned> loopsOfKind(bool reduction) const;
  int64_t bytes(unsigned access) const;
};

/// Elements from one step of `loop` to the next, over whole tiles.
inline int64_t stepOf(const Access &access, unsigned loop) {
  return access.panelLoop == int(loop) ? access.panelStep
                                       : access.strides[loop];
}

/// Describes `op`, or fails where an extent or a stride is dynamic or an index
/// is not linear. Loops of one step are gone.
mlir::FailureOr<Nest> describe(mlir::linalg::GenericOp op);

/// Makes one loop of any two that all operands walk as one.
void joinLoops(Nest &nest);

/// Makes two loops of one: `loop`, and behind it one of `inner` steps.
void splitLoop(Nest &nest, unsigned loop, int64_t inner);

/// Keeps steps [first, first + extent) of the loop that `dim` became.
void keepSteps(Nest &nest, unsigned dim, int64_t first, int64_t extent);

/// Takes a loop away; operands stay where its first step has them.
void eraseLoop(Nest &nest, unsigned loop);

/// The buffer that `memref` is a view of.
mlir::Value rootOf(mlir::Value memref);

/// The buffer that `memref` shows all of, in order, in some shape.
mlir::Value wholeOf(mlir::Value memref);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_NEST_H
