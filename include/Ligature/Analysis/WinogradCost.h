/// What a convolution of three by three taps costs by Winograd's transforms
/// F(4x4, 3x3) and F(2x2, 3x3), beside the plain way. Whoever arranges
/// convolutions before a transform is chosen asks here what will be chosen.
#ifndef LIGATURE_ANALYSIS_WINOGRADCOST_H
#define LIGATURE_ANALYSIS_WINOGRADCOST_H

#include "Ligature/Analysis/CallCost.h"
#include "Ligature/Dialect/Net/IR/Net.h"

namespace lig {

/// A convolution of three by three taps with steps of one.
struct WinogradShape {
  double images = 1, height = 1, width = 1;
  /// Of a group.
  double channels = 1, filters = 1;
  double groups = 1;
  /// Rows and columns of a tile's results: 4 or 2.
  int64_t tile = 4;

  /// Products of a tile.
  double countProducts() const { return double((tile + 2) * (tile + 2)); }
  /// Tiles, those over the edge included.
  double countTiles() const;
  double countFilterBytes() const;
  /// Cycles of the plain way less those of the transformed, for one image and
  /// by a margin: negative where the transform loses. Vectors have `lanes`.
  double countSavedCycles(double lanes, double cacheBytes) const;
  /// Multiplications, those that the transforms take the time of, and bytes of
  /// transformed filters.
  CallWork getWork() const;
};

/// Bytes a cycle in which `bytes` of transformed filters arrive at a core whose
/// own cache holds `cacheBytes`.
double getArrivalRate(double bytes, double cacheBytes);

/// The tiles that may be chosen from: of `auto`, `f4`, `f2` or `none`; any other
/// word is an error, which is emitted.
llvm::FailureOr<llvm::SmallVector<int64_t, 2>>
parseWinogradTiles(llvm::StringRef word, mlir::MLIRContext *context);

/// Which of `tiles` saves the most cycles on all convolutions together, as they
/// read one form of the filters; 0 where none saves any.
int64_t chooseWinogradTile(llvm::ArrayRef<WinogradShape> shapes,
                           llvm::ArrayRef<int64_t> tiles, double lanes,
                           double cacheBytes);

/// `conv` as such a convolution; nothing if it is none, or its channels do not
/// fill vectors of `lanes`.
std::optional<WinogradShape> matchWinogradShape(net::ConvOp conv,
                                                int64_t lanes);

} // namespace lig

#endif // LIGATURE_ANALYSIS_WINOGRADCOST_H
