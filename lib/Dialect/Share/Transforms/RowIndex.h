// Finds parameters that are consecutive rows of others.
#ifndef LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_ROWINDEX_H
#define LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_ROWINDEX_H

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Share/IR/Share.h"

namespace lig::share {

/// `part` holds rows [first, first + count) of `whole`, bit for bit.
struct RowSlice {
  ParamOp part, whole;
  int64_t first, count;
};

class RowIndex {
public:
  explicit RowIndex(unsigned hashBits) : hashBits(hashBits) {}

  /// Slices among `params`, all of rank two or more with values at hand. No
  /// parameter is both a part and a whole. Takes time linear in their bytes.
  std::vector<RowSlice> findSlices(llvm::ArrayRef<ParamOp> params);

private:
  void searchGroup(std::vector<ParamOp> &group, std::vector<RowSlice> &found);

  unsigned hashBits;
};

} // namespace lig::share

#endif // LIGATURE_LIB_DIALECT_SHARE_TRANSFORMS_ROWINDEX_H
