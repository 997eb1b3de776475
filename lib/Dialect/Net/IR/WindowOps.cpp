// Verifiers of the operations that slide a window: convolution, transposed
// convolution and pooling. Each error names the two facts that clash. An extent
// that is not known agrees with everything; attributes may be any numbers, so
// arithmetic on them is checked.

#include "Ligature/Dialect/Net/IR/Net.h"

#include "llvm/Support/MathExtras.h"

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

/// False if both are known and unequal.
static bool agree(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

/// The product of an extent and a count, or the unknown extent.
static int64_t multiply(int64_t extent, int64_t count) {
  int64_t product;
  if (ShapedType::isDynamic(extent))
    return extent;
  return llvm::MulOverflow(extent, count, product) ? -1 : product;
}

/// How often a window fits, -1 if it never does, or the unknown extent.
static int64_t windowCount(int64_t extent, int64_t kernel, int64_t stride,
                           int64_t dilation, int64_t padBegin, int64_t padEnd) {
  if (ShapedType::isDynamic(extent) || ShapedType::isDynamic(kernel))
    return ShapedType::kDynamic;
  int64_t reach, room;
  if (kernel < 1 || llvm::MulOverflow(kernel - 1, dilation, reach) ||
      llvm::AddOverflow(extent, padBegin, room) ||
      llvm::AddOverflow(room, padEnd, room))
    return -1;
  room = room - 1 - reach;
  return room < 0 ? -1 : room / stride + 1;
}

static LogicalResult refuseExtent(Operation *op, int64_t axis, int64_t have,
                                  int64_t fits) {
  InFlightDiagnostic error = op->emitOpError()
                             << "result has extent " << have
                             << " in spatial dimension " << axis << " but ";
  if (fits < 0)
    return error << "the window does not fit into the input there";
  return error << "the window fits " << fits << " times";
}

/// `sums`: what `value` holds may be sums of 32 bits where the input has smaller
/// integers.
static LogicalResult verifyElements(Operation *op, StringRef what, Value value,
                                    RankedTensorType input,
                                    bool sums = false) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  Type own = input.getElementType();
  if (element == own || (sums && element.isInteger(32) && own.isInteger() &&
                         own.getIntOrFloatBitWidth() < 32))
    return success();
  return op->emitOpError() << what << " has elements " << element
                           << " but the input has " << input.getElementType();
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
  if (!agree(result.getDimSize(0), input.getDimSize(0)))
    return op->emitOpError() << "result batch " << result.getDimSize(0)
                             << " differs from input batch "
                             << input.getDimSize(0);
  return success();
}

static LogicalResult verifyBias(Operation *op, Value bias, int64_t channels,
                                RankedTensorType input) {
  if (!bias)
    return success();
  auto type = cast<RankedTensorType>(bias.getType());
  if (type.getRank() != 1 || !agree(type.getDimSize(0), channels))
    return op->emitOpError() << "bias has type " << type
                             << " but the result has " << channels
                             << " channels";
  return verifyElements(op, "bias", bias, input, isa<ConvOp>(op));
}

/// What both convolutions have in common.
template <typename Op> static LogicalResult verifyConvolution(Op op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  auto result = cast<RankedTensorType>(op.getResult().getType());
  if (failed(verifyRanks(op, input, filter, result)) ||
      failed(verifyElements(op, "filter", op.getFilter(), input)) ||
      failed(verifyElements(op, "result", op.getResult(), input,
                            isa<ConvOp>(op.getOperation()))))
    return failure();
  return verifyWindow(op, input.getRank() - 2, op.getStrides(),
                      op.getDilations(), op.getPads());
}

LogicalResult ConvOp::verify() {
  if (failed(verifyConvolution(*this)))
    return failure();
  auto input = cast<RankedTensorType>(getInput().getType());
  auto filter = cast<RankedTensorType>(getFilter().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  int64_t rank = input.getRank() - 2, groups = getGroups();
  int64_t filters = filter.getDimSize(0);
  if (groups < 1 || (!ShapedType::isDynamic(filters) && filters % groups != 0))
    return emitOpError() << "has " << groups << " groups but " << filters
                         << " filters";
  if (!agree(multiply(filter.getDimSize(1), groups), input.getDimSize(1)))
    return emitOpError() << "filter takes " << filter.getDimSize(1)
                         << " channels in " << groups
                         << " groups but the input has " << input.getDimSize(1);
  if (!agree(result.getDimSize(1), filters))
    return emitOpError() << "result has " << result.getDimSize(1)
                         << " channels but there are " << filters << " filters";
  for (int64_t i = 0; i < rank; ++i) {
    int64_t fits = windowCount(input.getDimSize(i + 2),
                               filter.getDimSize(i + 2), getStrides()[i],
                               getDilations()[i], getPads()[i],
                               getPads()[i + rank]);
    if (!agree(result.getDimSize(i + 2), fits))
      return refuseExtent(*this, i, result.getDimSize(i + 2), fits);
  }
  return verifyBias(*this, getBias(), filters, input);
}

LogicalResult ConvTransposeOp::verify() {
  if (failed(verifyConvolution(*this)))
    return failure();
  auto input = cast<RankedTensorType>(getInput().getType());
  auto filter = cast<RankedTensorType>(getFilter().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  int64_t groups = getGroups(), channels = input.getDimSize(1);
  if (groups < 1 ||
      (!ShapedType::isDynamic(channels) && channels % groups != 0))
    return emitOpError() << "has " << groups << " groups but the input has "
                         << channels << " channels";
  if (!agree(filter.getDimSize(0), channels))
    return emitOpError() << "filter takes " << filter.getDimSize(0)
                         << " channels but the input has " << channels;
  int64_t gives = multiply(filter.getDimSize(1), groups);
  if (!agree(gives, result.getDimSize(1)))
    return emitOpError() << "result has " << result.getDimSize(1)
                         << " channels but the filter gives " << gives;
  return verifyBias(*this, getBias(), result.getDimSize(1), input);
}

LogicalResult PoolOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (input.getRank() < 3)
    return emitOpError() << "input " << input
                         << " has no spatial dimension after [N, C]";
  if (failed(verifyElements(*this, "result", getResult(), input)))
    return failure();
  int64_t rank = input.getRank() - 2;
  if (static_cast<int64_t>(getKernel().size()) != rank)
    return emitOpError() << "has " << getKernel().size()
                         << " kernel extents but " << rank
                         << " spatial dimensions";
  for (int64_t extent : getKernel())
    if (extent < 1)
      return emitOpError() << "has " << extent
                           << " in kernel but at least 1 is needed";
  if (getKind() == PoolKind::Lp && getP() < 1)
    return emitOpError() << "takes the norm of order " << getP()
                         << " but at least 1 is needed";
  if (failed(verifyWindow(*this, rank, getStrides(), getDilations(), getPads())))
    return failure();
  if (result.getRank() != input.getRank() ||
      !agree(result.getDimSize(0), input.getDimSize(0)) ||
      !agree(result.getDimSize(1), input.getDimSize(1)))
    return emitOpError() << "result " << result
                         << " differs from the input " << input
                         << " in batch or channels";
  // Rounding up adds at most one window, so the extent is a range.
  for (int64_t i = 0; i < rank; ++i) {
    int64_t fits = windowCount(input.getDimSize(i + 2), getKernel()[i],
                               getStrides()[i], getDilations()[i], getPads()[i],
                               getPads()[i + rank]);
    int64_t have = result.getDimSize(i + 2);
    if (!agree(have, fits) && have != fits + 1 && !(fits < 0 && have == 1))
      return refuseExtent(*this, i, have, fits);
  }
  return success();
}

LogicalResult NormalizeOp::verify() {
  auto type = cast<RankedTensorType>(getInput().getType());
  if (getAxes().empty())
    return emitOpError() << "has no axes, but the mean is over at least one";
  int64_t last = -1;
  for (int64_t axis : getAxes()) {
    if (axis < 0 || axis >= type.getRank())
      return emitOpError() << "has axis " << axis << " but the input has rank "
                           << type.getRank();
    if (axis <= last)
      return emitOpError() << "axes must rise, but " << axis << " follows "
                           << last;
    last = axis;
  }
  if (!isa<FloatType>(type.getElementType()))
    return emitOpError() << "normalises floats, but has "
                         << type.getElementType();
  if (!(getEpsilon().convertToDouble() >= 0))
    return emitOpError() << "adds " << getEpsilon().convertToDouble()
                         << " to the variance, but at least 0 is needed";
  return success();
}

OpFoldResult PoolOp::fold(FoldAdaptor) {
  // A window of one position shows the input, but for the sign of a norm.
  auto all = [](ArrayRef<int64_t> values, int64_t value) {
    return llvm::all_of(values, [&](int64_t v) { return v == value; });
  };
  if (getKind() != PoolKind::Lp && all(getKernel(), 1) &&
      all(getStrides(), 1) && all(getPads(), 0) &&
      getInput().getType() == getResult().getType())
    return getInput();
  return {};
}
