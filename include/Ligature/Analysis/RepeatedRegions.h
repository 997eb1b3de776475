/// Finds what an exporter has unrolled: layers over the same or corresponding
/// parameters, steps of a recurrence, one head over several inputs.
#ifndef LIGATURE_ANALYSIS_REPEATEDREGIONS_H
#define LIGATURE_ANALYSIS_REPEATEDREGIONS_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseSet.h"

#include <vector>

namespace lig {

/// Operations of a block that occur `steps` times and differ only in what they
/// read. One occurrence need not be contiguous. The last one may lack
/// operations whose results only a next step would need; they may be run all
/// the same.
struct RepeatedRegion {
  /// Where an operation finds one value that it reads.
  struct Read {
    enum Kind {
      /// Result `result` of operation `index` in the same step.
      Internal,
      /// The same value in every step.
      Invariant,
      /// States[index]: what the step before made.
      State,
      /// Inputs[index]: another value in every step.
      Input
    } kind;
    unsigned index = 0, result = 0;
  };

  struct Member {
    /// The operation in each step; the last may be null.
    llvm::SmallVector<mlir::Operation *> steps;
    /// One for each value in getReads() of the operation.
    llvm::SmallVector<Read> reads;
    bool isWhole() const { return steps.back() != nullptr; }
  };

  struct State {
    mlir::Value init;
    /// The member and the result that is the state of the next step.
    unsigned member, result;
  };

  /// True if `op` is a member's operation in some step.
  bool contains(mlir::Operation *op) const { return operations.contains(op); }

  unsigned numSteps = 0;
  /// In an order in which each reads only earlier ones of its step.
  std::vector<Member> members;
  llvm::SmallVector<State> states;
  /// A value for each step.
  std::vector<llvm::SmallVector<mlir::Value>> inputs;
  /// What a step does: 1 for each member that computes element by element, 8
  /// for each that needs a kernel of its own, nothing for moves.
  unsigned cost = 0;
  llvm::DenseSet<mlir::Operation *> operations;
};

/// What `op` reads from outside: its operands, then what its regions capture,
/// once for each place, in the order of a walk.
llvm::SmallVector<mlir::OpOperand *> getReads(mlir::Operation *op);

/// The repetitions of `block` that can become loops of at least `minSteps`
/// steps, those that cover most first. Time is close to linear in the size of
/// the block. Regions may overlap.
std::vector<RepeatedRegion> findRepeatedRegions(mlir::Block &block,
                                                unsigned minSteps);

} // namespace lig

#endif // LIGATURE_ANALYSIS_REPEATEDREGIONS_H
