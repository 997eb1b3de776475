// Which nests are convolutions that Winograd's transform knows. Whether it saves
// more than it pays is for the cost model (Analysis/WinogradCost) to say.

#include "Strategies.h"
#include "Winograd.h"

#include "Body.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// Whether the body is one multiplication and one addition of f32.
static bool isPlain(const Nest &nest) {
  if (!isContraction(nest) || nest.numInputs != 2 ||
      nest.body()->without_terminator().empty())
    return false;
  unsigned count = 0;
  for (Operation &op : nest.body()->without_terminator()) {
    if (!isa<arith::MulFOp, arith::AddFOp>(op))
      return false;
    ++count;
  }
  return count == 2 && llvm::all_of(nest.body()->getArgumentTypes(),
                                    [](Type type) { return type.isF32(); });
}

/// The loop of `candidates` along which `access` moves by `stride`; -1 if none.
static int findStride(const Access &access, ArrayRef<unsigned> candidates,
                      int64_t stride) {
  for (unsigned loop : candidates)
    if (access.strides[loop] == stride)
      return loop;
  return -1;
}

/// Whether what the convolution writes, and what its stages read, moves by one
/// step of `groups` as far as by all filters of a group: then the filters of
/// all groups are numbered through.
static bool isNumberedThrough(const Nest &nest, const WinogradConv &conv) {
  for (auto [i, access] : llvm::enumerate(nest.accesses)) {
    bool isOwn = i == conv.data || i == conv.filters;
    if (!isOwn && access.strides[conv.groups] !=
                      access.strides[conv.outputs] *
                          nest.loops[conv.outputs].extent)
      return false;
  }
  return llvm::none_of(nest.bodies(), [](Block *body) {
    return !body->getOps<linalg::IndexOp>().empty();
  });
}

/// Finds rows, columns, filters, groups and images among the parallel loops.
static bool nameOutputs(const Nest &nest, WinogradConv &conv) {
  const Access &data = nest.accesses[conv.data];
  const Access &filters = nest.accesses[conv.filters];
  conv.outputs = conv.images = conv.groups = -1;
  SmallVector<unsigned> spatial;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false)) {
    if (!filters.strides[loop]) {
      spatial.push_back(loop);
      continue;
    }
    int &named = data.strides[loop] ? conv.groups : conv.outputs;
    if (named >= 0)
      return false;
    named = loop;
  }
  if (conv.outputs < 0 || spatial.size() < 2 || spatial.size() > 3 ||
      (conv.groups >= 0 && !isNumberedThrough(nest, conv)))
    return false;
  // Images lie farthest apart, columns closest together.
  llvm::sort(spatial, [&](unsigned x, unsigned y) {
    return data.strides[x] > data.strides[y];
  });
  if (spatial.size() == 3)
    conv.images = spatial[0];
  conv.rows = spatial[spatial.size() - 2];
  conv.columns = spatial.back();
  return data.strides[conv.columns] > 0;
}

/// Finds the taps: three along rows, three along columns, maybe one loop with
/// the channels.
static bool nameTaps(const Nest &nest, WinogradConv &conv) {
  const Access &data = nest.accesses[conv.data];
  const Access &filters = nest.accesses[conv.filters];
  SmallVector<unsigned> reductions = nest.loopsOfKind(/*reduction=*/true);
  int row = findStride(data, reductions, data.strides[conv.rows]);
  conv.channelLoop = findStride(data, reductions, 1);
  if (row < 0 || conv.channelLoop < 0 || nest.loops[row].extent != 3)
    return false;
  int64_t extent = nest.loops[conv.channelLoop].extent;
  conv.numGroups = conv.groups < 0 ? 1 : nest.loops[conv.groups].extent;
  conv.groupStep = conv.groups < 0 ? 0 : filters.strides[conv.groups];
  conv.rowTap = filters.strides[row];
  conv.channelStep = filters.strides[conv.channelLoop];
  if (reductions.size() == 2) {
    conv.channels = extent / 3;
    conv.columnTap = conv.channels * conv.channelStep;
    return extent % 3 == 0 && data.strides[conv.columns] == conv.channels &&
           conv.groups < 0;
  }
  int column = findStride(data, reductions, data.strides[conv.columns]);
  if (reductions.size() != 3 || column < 0 || column == row ||
      nest.loops[column].extent != 3)
    return false;
  conv.channels = extent;
  conv.columnTap = filters.strides[column];
  // The groups' channels are neighbours.
  return conv.groups < 0 || data.strides[conv.groups] == conv.channels;
}

/// The shape of one image, for the cost model.
static WinogradShape shapeOf(const Nest &nest, const WinogradConv &conv) {
  WinogradShape shape;
  shape.height = nest.loops[conv.rows].extent;
  shape.width = nest.loops[conv.columns].extent;
  shape.channels = conv.channels;
  shape.filters = nest.loops[conv.outputs].extent;
  shape.groups = conv.numGroups;
  return shape;
}

std::optional<WinogradConv> matchWinograd(const Nest &nest,
                                          const Machine &machine) {
  if (!isPlain(nest) || !machine.fma)
    return std::nullopt;
  for (unsigned data : {0, 1}) {
    WinogradConv conv{};
    conv.data = data;
    conv.filters = 1 - data;
    if (nest.accesses[0].scalar || nest.accesses[1].scalar ||
        !nameOutputs(nest, conv) || !nameTaps(nest, conv) ||
        !hasVectorForm(nest, conv.outputs) ||
        !storesLanes(nest, conv.outputs))
      continue;
    conv.lanes = nativeLanes(nest, machine);
    if (conv.channels % conv.lanes == 0 &&
        nest.loops[conv.outputs].extent % conv.lanes == 0 && conv.lanes > 1) {
      conv.shape = shapeOf(nest, conv);
      return conv;
    }
  }
  return std::nullopt;
}

} // namespace lig::codegen::cpu
