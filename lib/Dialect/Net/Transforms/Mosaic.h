// Several images in one, so far apart that no window sees two of them.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_MOSAIC_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_MOSAIC_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace lig::net {

/// Rows and columns of an image, or of a place in one.
struct Pixels {
  int64_t rows = 0, columns = 0;
  bool operator==(const Pixels &other) const {
    return rows == other.rows && columns == other.columns;
  }
};

struct Mosaic {
  Pixels size;
  /// Of each image, and where its first pixel lies.
  llvm::SmallVector<Pixels> images, places;
};

/// Lays out `images`, `gap` pixels between any two, so that `cost` of the whole
/// is small. The same images are always laid out in the same way.
Mosaic arrangeImages(llvm::ArrayRef<Pixels> images, Pixels gap,
                     llvm::function_ref<double(Pixels)> cost);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_MOSAIC_H
