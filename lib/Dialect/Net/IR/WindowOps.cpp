// Verifiers of the operations that slide a window: convolution, transposed
// convolution and pooling. Each error names the two facts that clash.

#include "Ligature/Dialect/Net/IR/Net.h"

using namespace mlir;
using namespace lig::net;

/// Checks that the per-axis attributes fit `rank` spatial dimensions.
static LogicalResult verifyWindow(Operation *op, int64_t rank,
                                  ArrayRef<int64_t> strides,
                                  ArrayRef<int64_t> dilations,
                                  ArrayRef<int64_t> pads) {
  auto check = [&](StringRef name, ArrayRef<int64_t> values, int64_t count,
                   int64_t least) -> LogicalResult {
    if (static_cast<int64_t>(values.size()) != count)
      return op->emitOpError() << "has " << values.size() << " " << name
                               << " but " << count << " are needed for " << rank
                               << " spatial dimensions";
    for (int64_t value : values)
      if (value < least)
        return op->emitOpError() << "has " << value << " in " << name
                                 << " but at least " << least << " is needed";
    return success();
  };
  if (failed(check("strides", strides, rank, 1)) ||
      failed(check("dilations", dilations, rank, 1)) ||
      failed(check("pads", pads, 2 * rank, 0)))
    return failure();
  return success();
}

/// The extent of a forward window operation, or -1 where it does not fit.
static int64_t windowCount(int64_t extent, int64_t kernel, int64_t stride,
                           int64_t dilation, int64_t padBoth) {
  int64_t span = (kernel - 1) * dilation + 1;
  int64_t room = extent + padBoth - span;
  return room < 0 ? -1 : room / stride + 1;
}

static LogicalResult verifyRanks(Operation *op, RankedTensorType input,
                                 RankedTensorType filter,
                                 RankedTensorType result) {
  if (input.getRank() < 3)
    return op->emitOpError() << "input " << input
                             << " has no spatial dimension after [N, C]";
  if (filter.getRank() != input.getRank())
    return op->emitOpError() << "filter " << filter << " has rank "
                             << filter.getRank() << " but the input has rank "
                             << input.getRank();
  if (result.getRank() != input.getRank())
    return op->emitOpError() << "result " << result << " has rank "
                             << result.getRank() << " but the input has rank "
                             << input.getRank();
  if (result.getDimSize(0) != input.getDimSize(0))
    return op->emitOpError() << "result batch " << result.getDimSize(0)
                             << " differs from input batch "
                             << input.getDimSize(0);
  return success();
}

static LogicalResult verifyBias(Operation *op, Value bias, int64_t channels) {
  if (!bias)
    return success();
  auto type = cast<RankedTensorType>(bias.getType());
  if (type.getRank() != 1 || type.getDimSize(0) != channels)
    return op->emitOpError() << "bias has type " << type << " but the result has "
                             << channels << " channels";
  return success();
}

LogicalResult ConvOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto filter = cast<RankedTensorType>(getFilter().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (failed(verifyRanks(*this, input, filter, result)))
    return failure();
  int64_t rank = input.getRank() - 2, groups = getGroups();
  if (failed(verifyWindow(*this, rank, getStrides(), getDilations(), getPads())))
    return failure();
  if (groups < 1 || filter.getDimSize(0) % groups != 0)
    return emitOpError() << "has " << groups << " groups but "
                         << filter.getDimSize(0) << " filters";
  if (filter.getDimSize(1) * groups != input.getDimSize(1))
    return emitOpError() << "filter takes " << filter.getDimSize(1)
                         << " channels in " << groups
                         << " groups but the input has " << input.getDimSize(1);
  if (result.getDimSize(1) != filter.getDimSize(0))
    return emitOpError() << "result has " << result.getDimSize(1)
                         << " channels but there are " << filter.getDimSize(0)
                         << " filters";
  for (int64_t i = 0; i < rank; ++i) {
    int64_t want = windowCount(input.getDimSize(i + 2), filter.getDimSize(i + 2),
                               getStrides()[i], getDilations()[i],
                               getPads()[i] + getPads()[i + rank]);
    if (result.getDimSize(i + 2) != want)
      return emitOpError() << "result has extent " << result.getDimSize(i + 2)
                           << " in spatial dimension " << i
                           << " but the window fits " << want << " times";
  }
  return verifyBias(*this, getBias(), filter.getDimSize(0));
}

LogicalResult ConvTransposeOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto filter = cast<RankedTensorType>(getFilter().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (failed(verifyRanks(*this, input, filter, result)))
    return failure();
  if (failed(verifyWindow(*this, input.getRank() - 2, getStrides(),
                          getDilations(), getPads())))
    return failure();
  int64_t groups = getGroups();
  if (groups < 1 || input.getDimSize(1) % groups != 0)
    return emitOpError() << "has " << groups << " groups but the input has "
                         << input.getDimSize(1) << " channels";
  if (filter.getDimSize(0) != input.getDimSize(1))
    return emitOpError() << "filter takes " << filter.getDimSize(0)
                         << " channels but the input has "
                         << input.getDimSize(1);
  if (filter.getDimSize(1) * groups != result.getDimSize(1))
    return emitOpError() << "result has " << result.getDimSize(1)
                         << " channels but the filter gives "
                         << filter.getDimSize(1) * groups;
  return verifyBias(*this, getBias(), result.getDimSize(1));
}

LogicalResult PoolOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (input.getRank() < 3)
    return emitOpError() << "input " << input
                         << " has no spatial dimension after [N, C]";
  int64_t rank = input.getRank() - 2;
  if (static_cast<int64_t>(getKernel().size()) != rank)
    return emitOpError() << "has " << getKernel().size()
                         << " kernel extents but " << rank
                         << " spatial dimensions";
  if (failed(verifyWindow(*this, rank, getStrides(), getDilations(), getPads())))
    return failure();
  if (result.getRank() != input.getRank() ||
      result.getShape().take_front(2) != input.getShape().take_front(2))
    return emitOpError() << "result " << result
                         << " differs from the input " << input
                         << " in batch or channels";
  // Rounding up adds at most one window, so the extent is a range.
  for (int64_t i = 0; i < rank; ++i) {
    int64_t fits = windowCount(input.getDimSize(i + 2), getKernel()[i],
                               getStrides()[i], getDilations()[i],
                               getPads()[i] + getPads()[i + rank]);
    int64_t have = result.getDimSize(i + 2);
    if (have != fits && have != fits + 1 && !(fits < 0 && have == 1))
      return emitOpError() << "result has extent " << have
                           << " in spatial dimension " << i
                           << " but the window fits " << fits << " times";
  }
  return success();
}

LogicalResult NormalizeOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  int64_t last = -1;
  for (int64_t axis : getAxes()) {
    if (axis <= last)
      return emitOpError() << "axes must rise, but " << axis << " follows "
                           << last;
    if (axis >= type.getRank())
      return emitOpError() << "has axis " << axis << " but the input has rank "
                           << type.getRank();
    last = axis;
  }
  if (!isa<FloatType>(type.getElementType()))
    return emitOpError() << "normalises floats, but has "
                         << type.getElementType();
  return success();
}
