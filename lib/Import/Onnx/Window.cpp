// Reading and placing windows. Every number is bounded before arithmetic, so
// that no product of two overflows.

#include "Window.h"

#include "Checks.h"

using namespace mlir;
using namespace lig::onnx_import;

static constexpr int64_t largest = int64_t(1) << 31;

static LogicalResult readExtents(const Node &node, StringRef name, size_t count,
                                 int64_t least,
                                 SmallVectorImpl<int64_t> &values) {
  SmallVector<int64_t> usual(count, least);
  values = node.intsAttribute(name, usual);
  if (values.empty())
    values = usual;
  if (values.size() != count)
    return node.error() << "attribute '" << name << "' has " << values.size()
                        << " entries, but should have " << count;
  for (int64_t value : values)
    if (value < least || value > largest)
      return node.error() << "attribute '" << name << "' has the entry "
                          << value << ", but at least " << least
                          << " is needed";
  return success();
}

FailureOr<std::string> lig::onnx_import::autoPadOf(const Node &node) {
  std::string mode = node.stringAttribute("auto_pad", "NOTSET");
  if (mode.empty())
    mode = "NOTSET";
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" &&
      mode != "SAME_LOWER")
    return LogicalResult(node.error()
                         << "auto_pad '" << mode << "' is not known");
  return mode;
}

FailureOr<Window> lig::onnx_import::readWindow(const Node &node,
                                               ArrayRef<int64_t> kernel) {
  Window window;
  window.kernel.assign(kernel.begin(), kernel.end());
  size_t rank = kernel.size();
  for (int64_t extent : kernel)
    if (extent < 1 || extent > largest)
      return LogicalResult(node.error()
                           << "the kernel has shape " << describe(kernel));
  auto mode = autoPadOf(node);
  if (failed(mode) ||
      failed(readExtents(node, "strides", rank, 1, window.strides)) ||
      failed(readExtents(node, "dilations", rank, 1, window.dilations)))
    return failure();
  if (*mode != "NOTSET")
    window.pads.assign(2 * rank, 0);
  else if (failed(readExtents(node, "pads", 2 * rank, 0, window.pads)))
    return failure();
  return window;
}

void lig::onnx_import::splitPadding(Window &window, unsigned d, int64_t total,
                                    StringRef autoPad) {
  total = std::max<int64_t>(total, 0);
  int64_t begin = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
  window.pads[d] = begin;
  window.pads[d + window.rank()] = total - begin;
}

FailureOr<SmallVector<int64_t>>
lig::onnx_import::placeWindow(const Node &node, Window &window,
                              ArrayRef<int64_t> image, bool roundUp) {
  auto mode = autoPadOf(node);
  if (failed(mode))
    return failure();
  SmallVector<int64_t> result;
  for (auto [d, extent] : llvm::enumerate(image)) {
    int64_t stride = window.strides[d], span = window.span(d);
    if (StringRef(*mode).starts_with("SAME")) {
      int64_t count = llvm::divideCeil(extent, stride);
      splitPadding(window, d, (count - 1) * stride + span - extent, *mode);
      result.push_back(count);
      continue;
    }
    int64_t room = extent + window.padBoth(d) - span;
    if (room < 0 && !(roundUp && room > -stride))
      return LogicalResult(node.error()
                           << "a kernel that spans " << span
                           << " does not fit spatial dimension " << d
                           << " of extent " << extent << " with "
                           << window.padBoth(d) << " of padding");
    int64_t count = room < 0 ? 1 : room / stride + 1;
    bool hangsOver = roundUp && room >= 0 && room % stride != 0;
    if (hangsOver && count * stride < extent + window.pads[d])
      ++count;
    result.push_back(count);
  }
  return result;
}

FailureOr<SmallVector<int64_t>>
lig::onnx_import::shapeOfConvolution(const Node &node, Window &window,
                                     ArrayRef<int64_t> input,
                                     ArrayRef<int64_t> filter) {
  FailureOr<Window> read = readWindow(node, filter.drop_front(2));
  if (failed(read))
    return failure();
  window = std::move(*read);
  auto extents = placeWindow(node, window, input.drop_front(2));
  if (failed(extents))
    return failure();
  SmallVector<int64_t> shape = {input[0], filter[0]};
  shape.append(*extents);
  return shape;
}
