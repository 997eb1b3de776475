// Convolutions of images of different sizes, as one product.
#ifndef LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINPIXELS_H
#define LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINPIXELS_H

#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/IR/Dominance.h"
#include "mlir/IR/PatternMatch.h"

namespace lig::net {

/// True if a convolution can be a product of its pixels with its filter: one
/// group, floats that add up in their own type.
bool hasPixels(ConvOp conv);

/// True if two convolutions do the same to images that may differ in size.
bool convolveAlike(ConvOp a, ConvOp b);

/// Bytes of the rows that joinPixels gathers for `conv`: none where a pixel is
/// its own row.
double countGatheredBytes(ConvOp conv);

/// Replaces independent convolutions of one block, which convolve alike, by one
/// product of all their pixels in the place of the first. A pixel's row holds
/// what its window sees. Fails, changing nothing, where one needs another.
llvm::LogicalResult joinPixels(mlir::RewriterBase &rewriter,
                               llvm::ArrayRef<ConvOp> convs,
                               mlir::DominanceInfo &dominance);

} // namespace lig::net

#endif // LIGATURE_LIB_DIALECT_NET_TRANSFORMS_JOINPIXELS_H
