// Which uses of a parameter feed one another.
#ifndef LIGATURE_LIB_ANALYSIS_USEORDER_H
#define LIGATURE_LIB_ANALYSIS_USEORDER_H

#include "Ligature/Analysis/ParameterUses.h"

namespace lig {

class UseOrder {
public:
  /// Looks at `families` of uses of one function, each a list of indices of
  /// `uses`; uses are related only within a family.
  UseOrder(mlir::Operation *function, llvm::ArrayRef<ParameterUse> uses,
           llvm::ArrayRef<llvm::ArrayRef<unsigned>> families);

  /// How many uses of its family feed a use or are fed by it, all and those
  /// whose results have the same type.
  struct Related {
    unsigned all = 0, ofSameSize = 0;
  };
  Related getRelated(unsigned use) const { return related.lookup(use); }

private:
  llvm::DenseMap<unsigned, Related> related;
};

} // namespace lig

#endif // LIGATURE_LIB_ANALYSIS_USEORDER_H
