// The window that convolutions and pools slide over an image: kernel extents,
// strides, dilations and pads as attributes say them.
#pragma once

#include "Node.h"

namespace lig::onnx_import {

struct Window {
  /// One entry a spatial dimension; `pads` holds the begins, then the ends.
  llvm::SmallVector<int64_t> kernel, strides, dilations, pads;

  unsigned rank() const { return kernel.size(); }
  /// How far the kernel reaches in dimension `d`, dilation included.
  int64_t span(unsigned d) const { return (kernel[d] - 1) * dilations[d] + 1; }
  int64_t padBoth(unsigned d) const { return pads[d] + pads[d + rank()]; }
};

/// Strides, dilations and explicit pads for a kernel of these extents; pads are
/// zero where `auto_pad` is to decide.
llvm::FailureOr<Window> readWindow(const Node &node,
                                   llvm::ArrayRef<int64_t> kernel);
/// The extents of the positions of a forward window over `image`. Pads become
/// what `auto_pad` asks for. With `roundUp` a last window may hang over, as
/// long as it starts inside the image or the pad before it.
llvm::FailureOr<llvm::SmallVector<int64_t>>
placeWindow(const Node &node, Window &window, llvm::ArrayRef<int64_t> image,
            bool roundUp = false);

/// The shape of a forward convolution's result, [images, filters, positions];
/// `window` becomes what the attributes say.
llvm::FailureOr<llvm::SmallVector<int64_t>>
shapeOfConvolution(const Node &node, Window &window,
                   llvm::ArrayRef<int64_t> input,
                   llvm::ArrayRef<int64_t> filter);

/// Splits the padding of one dimension: SAME_UPPER gives the odd one to the
/// end, everything else to the begin.
void splitPadding(Window &window, unsigned d, int64_t total,
                  llvm::StringRef autoPad);
/// The attribute, checked.
llvm::FailureOr<std::string> autoPadOf(const Node &node);

} // namespace lig::onnx_import
