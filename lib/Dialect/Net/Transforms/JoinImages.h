// Convolutions of images of different sizes, as one of an image that holds all.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINIMAGES_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINIMAGES_H

#include "Mosaic.h"

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"

namespace lig::net {

/// True if a convolution keeps the size of its images, has steps of one and
/// sees more than one pixel.
bool keepsImageSize(ConvOp conv);

/// Rows and columns of the result.
Pixels imageSizeOf(ConvOp conv);

/// Pixels that must be zero between two images of `conv`.
Pixels gapOf(ConvOp conv);

/// True if the images that `convs` read are parts of one value already, in the
/// places of `mosaic`.
bool readMosaic(llvm::ArrayRef<ConvOp> convs, const Mosaic &mosaic);

/// Replaces independent convolutions of one block, which convolve alike and
/// keep sizes, by one of a mosaic of their images, in the place of the first.
/// What follows on all images alike follows on the mosaic; the number of
/// operations that did is added to `numTaken`. Fails, changing nothing, where
/// one needs another.
llvm::LogicalResult joinImages(mlir::RewriterBase &rewriter,
                               llvm::ArrayRef<ConvOp> convs,
                               const Mosaic &mosaic,
                               mlir::DominanceInfo &dominance,
                               unsigned &numTaken);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINIMAGES_H
