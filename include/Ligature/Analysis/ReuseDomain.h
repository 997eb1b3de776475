/// Why one weight is applied more than once: over what its reuse goes.
///
/// | domain | a use of a parameter is in it if |
/// |---|---|
/// | space | the operation applies the weight at several positions: a filter over pixels, a matrix over rows |
/// | time  | a loop over a sequence applies it, once a step |
/// | depth | it feeds another use of the same weight, or a loop whose state is the activation applies it: consecutive layers |
/// | level | the same operation applies it to data of another size: a head over a pyramid |
/// | branch | the same operation applies it to data of the same size, and neither feeds the other: towers |
/// | model | another entry point uses it, too |
///
/// A use may be in several. Depth, level and branch compare uses of one symbol
/// by one kind of operation: an embedding and the output layer that is its
/// transpose are one parameter, but no reuse in this sense.
#ifndef LIGATURE_ANALYSIS_REUSEDOMAIN_H
#define LIGATURE_ANALYSIS_REUSEDOMAIN_H

#include "Ligature/Analysis/ParameterUses.h"

#include "llvm/ADT/BitmaskEnum.h"

namespace lig {

LLVM_ENABLE_BITMASK_ENUMS_IN_NAMESPACE();

enum class ReuseDomain : unsigned {
  None = 0,
  Space = 1,
  Time = 2,
  Depth = 4,
  Level = 8,
  Branch = 16,
  Model = 32,
  LLVM_MARK_AS_BITMASK_ENUM(/*LargestValue=*/Model)
};

/// "space", "time", ... in the order of the table.
llvm::SmallVector<llvm::StringRef> stringifyReuse(ReuseDomain domains);

/// At how many positions of its data the user of a parameter applies it in one
/// application: the product of the loop extents that the weight does not depend
/// on; 1 where that is not known.
int64_t countPositions(const ParameterUse &use);

/// The domains of each of `uses` (findParameterUses). Time is that of one walk
/// over the module per 64 uses that share their symbol with another.
std::vector<ReuseDomain>
classifyReuse(llvm::ArrayRef<ParameterUse> uses);

} // namespace lig

#endif // LIGATURE_ANALYSIS_REUSEDOMAIN_H
