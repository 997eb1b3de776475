// Conv and ConvTranspose, which are operations of their own, and DeformConv,
// which is a plain convolution over an image of samples.

#include "Operators.h"

#include "Checks.h"
#include "Window.h"

#include "Ligature/Dialect/Net/IR/Net.h"

using namespace mlir;
using namespace lig::onnx_import;

/// Checks the ranks and types of input, filter and bias; `filters` is the
/// result's channel count.
static LogicalResult checkOperands(Node &node, unsigned bias) {
  if (failed(checkFloats(node, 2)))
    return failure();
  ArrayRef<int64_t> input = node.shape(0), filter = node.shape(1);
  if (input.size() < 3 || filter.size() != input.size())
    return node.error() << "the input has shape " << describe(input)
                        << " and the filter " << describe(filter)
                        << ", but both need [N, C] and the same number of "
                           "spatial dimensions";
  if (node.hasInput(bias) && node.elementType(bias) != node.elementType(0))
    return node.error() << "the bias has elements of type "
                        << node.elementType(bias) << ", but the input of "
                        << node.elementType(0);
  if (node.hasAttribute("kernel_shape") &&
      ArrayRef(node.intsAttribute("kernel_shape")) != filter.drop_front(2))
    return node.error() << "kernel_shape is "
                        << describe(node.intsAttribute("kernel_shape"))
                        << ", but the filter has shape " << describe(filter);
  return success();
}

/// The number of groups, which must divide both counts.
static FailureOr<int64_t> groupsOf(Node &node, int64_t left, int64_t right) {
  int64_t groups = node.intAttribute("group", 1);
  if (groups < 1 || left % groups || right % groups)
    return LogicalResult(node.error()
                         << groups << " groups do not divide " << left
                         << " and " << right << " channels");
  return groups;
}

static LogicalResult translateConv(Node &node) {
  if (failed(checkOperands(node, 2)))
    return failure();
  ArrayRef<int64_t> input = node.shape(0), filter = node.shape(1);
  auto groups = groupsOf(node, input[1], filter[0]);
  if (failed(groups))
    return failure();
  if (filter[1] * *groups != input[1])
    return node.error() << "the filter of shape " << describe(filter)
                        << " takes " << filter[1] << " channels in " << *groups
                        << " groups, but the input has " << input[1];
  if (failed(checkShape(node, 2, {filter[0]}, "the bias")))
    return failure();
  Window window;
  auto shape = shapeOfConvolution(node, window, input, filter);
  if (failed(shape))
    return failure();
  auto type = node.makeType(*shape, node.elementType(0));
  if (failed(type))
    return failure();
  Value bias = node.hasInput(2) ? node.input(2) : Value();
  node.setOutput(0, lig::net::ConvOp::create(node.builder(), node.loc(), *type,
                                             node.input(0), node.input(1), bias,
                                             window.strides, window.dilations,
                                             window.pads, *groups));
  return success();
}

/// The result's extents of a transposed convolution; pads become what they
/// and `auto_pad` ask for.
static FailureOr<SmallVector<int64_t>>
placeTransposed(Node &node, Window &window, ArrayRef<int64_t> image) {
  auto mode = autoPadOf(node);
  if (failed(mode))
    return failure();
  SmallVector<int64_t> extra = node.intsAttribute("output_padding");
  SmallVector<int64_t> wanted = node.intsAttribute("output_shape");
  if (extra.empty())
    extra.assign(image.size(), 0);
  if (wanted.size() == image.size() + 2)
    wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (extra.size() != image.size() ||
      (!wanted.empty() && wanted.size() != image.size()))
    return LogicalResult(node.error()
                         << "output_padding or output_shape does not have "
                         << image.size() << " entries");
  SmallVector<int64_t> result;
  for (auto [d, extent] : llvm::enumerate(image)) {
    int64_t count = 0;
    if (extent < 1 || extent > (int64_t(1) << 31) || extra[d] < 0 ||
        extra[d] > (int64_t(1) << 31))
      return LogicalResult(node.error()
                           << "spatial dimension " << d << " has extent "
                           << extent << " and output_padding " << extra[d]);
    int64_t reach =
        window.strides[d] * (extent - 1) + extra[d] + window.span(d);
    if (!wanted.empty())
      count = wanted[d];
    else if (StringRef(*mode).starts_with("SAME"))
      count = extent * window.strides[d];
    else
      count = reach - window.padBoth(d);
    if (count < 1)
      return LogicalResult(node.error()
                           << "spatial dimension " << d
                           << " of the result has extent " << count);
    if (!wanted.empty() || StringRef(*mode).starts_with("SAME"))
      splitPadding(window, d, reach - count, *mode);
    result.push_back(count);
  }
  return result;
}

static LogicalResult translateConvTranspose(Node &node) {
  if (failed(checkOperands(node, 2)))
    return failure();
  ArrayRef<int64_t> input = node.shape(0), filter = node.shape(1);
  auto groups = groupsOf(node, input[1], filter[0]);
  if (failed(groups))
    return failure();
  if (filter[0] != input[1])
    return node.error() << "the filter of shape " << describe(filter)
                        << " takes " << filter[0]
                        << " channels, but the input has " << input[1];
  auto window = readWindow(node, filter.drop_front(2));
  if (failed(window))
    return failure();
  auto extents = placeTransposed(node, *window, input.drop_front(2));
  if (failed(extents))
    return failure();
  SmallVector<int64_t> shape = {input[0], 0};
  if (llvm::MulOverflow(filter[1], *groups, shape[1]))
    return node.error() << "there are " << *groups << " groups";
  shape.append(*extents);
  if (failed(checkShape(node, 2, {shape[1]}, "the bias")))
    return failure();
  auto type = node.makeType(shape, node.elementType(0));
  if (failed(type))
    return failure();
  Value bias = node.hasInput(2) ? node.input(2) : Value();
  node.setOutput(0, lig::net::ConvTransposeOp::create(
                        node.builder(), node.loc(), *type, node.input(0),
                        node.input(1), bias, window->strides, window->dilations,
                        window->pads, *groups));
  return success();
}

void lig::onnx_import::addConvolutionOperators(OperatorTable &table) {
  table.add("Conv", 1, translateConv);
  table.add("ConvTranspose", 1, translateConvTranspose);
}
