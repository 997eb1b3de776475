// Which convolutions of one filter gain by being one, where images differ in
// size.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINSIZES_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINSIZES_H

#include "JoinImages.h"

#include "Ligature/Analysis/CallCost.h"

namespace lig::net {

/// What is known of the machine.
struct ConvTarget {
  const CallCost &cost;
  /// Floats of a vector, and bytes of a core's own cache.
  int64_t lanes, cacheBytes;
  /// Tiles by which filters may be transformed.
  llvm::ArrayRef<int64_t> winogradTiles;
};

/// Some of the convolutions as one.
struct JoinPlan {
  enum class Way { Images, Pixels };
  Way way = Way::Images;
  /// How many are joined, from the smallest on: one if none is to be.
  size_t count = 1;
  Mosaic mosaic;
  /// Microseconds of those as they are, and as one. Where none gains by being
  /// joined: of all of them, and with the best of the joint ones.
  double apart = 0, joint = 0;
};

/// The best of the ways to join the first few of `convs`, which are independent
/// uses of one filter, convolve alike, and stand in the order of their size.
/// With `force` all of them are joined, if that is possible.
JoinPlan planJoin(llvm::ArrayRef<ConvOp> convs, const ConvTarget &target,
                  bool force);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINSIZES_H
