// From one operation in each step to the whole region around it.
#ifndef LIGATURE_LIB_ANALYSIS_REGIONGROWTH_H
#define LIGATURE_LIB_ANALYSIS_REGIONGROWTH_H

#include "OperationClasses.h"

#include "Ligature/Analysis/RepeatedRegions.h"

#include <deque>
#include <optional>

namespace lig {

class RegionGrowth {
public:
  using Steps = llvm::SmallVector<mlir::Operation *>;

  explicit RegionGrowth(const OperationClasses &classes) : classes(classes) {}

  /// The largest region with `anchors`, one for each step, that a loop can
  /// take the place of, or nothing.
  std::optional<RepeatedRegion> grow(llvm::ArrayRef<mlir::Operation *> anchors);

private:
  struct Place {
    unsigned member, step;
  };

  llvm::SmallVector<mlir::Value> getValues(unsigned member,
                                           unsigned slot) const;
  std::optional<RepeatedRegion::Read>
  classify(llvm::ArrayRef<mlir::Value> values);
  bool isPlausible(const Steps &steps) const;
  bool add(Steps steps);
  void removeLast();
  Steps getProducers(llvm::ArrayRef<mlir::Value> values) const;

  void growBackward(unsigned member);
  void growAcross();
  void growForward(unsigned member);
  Steps matchReaders(unsigned member, unsigned result, mlir::Operation *first);
  bool isSettled(unsigned member);
  void completeLastStep();
  mlir::Operation *findInLastStep(unsigned member);

  std::optional<RepeatedRegion> finish();
  bool feedsItself(const RepeatedRegion &region) const;

  const OperationClasses &classes;
  unsigned numSteps = 0;
  std::vector<Steps> members;
  llvm::DenseMap<mlir::Operation *, Place> places;
  /// Members whose operands, and members whose readers have to be looked at.
  std::deque<unsigned> backward, forward;
  /// Operands that no rule settles yet.
  llvm::SmallVector<std::pair<unsigned, unsigned>> open;
};

} // namespace lig

#endif // LIGATURE_LIB_ANALYSIS_REGIONGROWTH_H
