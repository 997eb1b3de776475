// A weight's panels run along the output dimension that results are contiguous
// in, whatever the order of the weight itself; what the reduction moves along
// becomes the steps of a panel, and the rest stands outside.

#include "WeightLayout.h"
#include "Body.h"
#include "Strategies.h"
#include "TileChoice.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lig::codegen::cpu {

std::optional<Slice> sliceOf(const Access &access) {
  Value view = access.source;
  int64_t offset =
      cast<MemRefType>(view.getType()).getStridesAndOffset().second;
  if (!ShapedType::isDynamic(offset))
    return Slice{};
  while (isa_and_nonnull<memref::ExpandShapeOp, memref::CollapseShapeOp>(
      view.getDefiningOp()))
    view = cast<ViewLikeOpInterface>(view.getDefiningOp()).getViewSource();
  auto slice = view.getDefiningOp<memref::SubViewOp>();
  if (!slice || !slice.getSourceType().getLayout().isIdentity())
    return std::nullopt;
  ArrayRef<int64_t> shape = slice.getSourceType().getShape();
  bool isLeading = slice.getOffsets().size() == 1 &&
                   ShapedType::isDynamic(slice.getStaticOffsets().front()) &&
                   slice.getStaticSizes().front() == 1 &&
                   slice.getStaticSizes().drop_front() == shape.drop_front();
  if (!isLeading)
    return std::nullopt;
  return Slice{shape.front(), slice.getOffsets().front()};
}

static int64_t countMoves(const Access &access) {
  return llvm::count_if(access.strides, [](int64_t s) { return s != 0; });
}

/// Whether lanes along `loop` suit everything but `weight`: its panels are
/// packed for them anyway. What else is read must be the same in every lane,
/// or a row of numbers that belong to the weight's, as its zero points; else the
/// weight is no more worth than that.
static bool suitsLanes(const Nest &nest, unsigned loop, unsigned weight) {
  const Access &panel = nest.accesses[weight];
  if (!panel.strides[loop] || !hasVectorForm(nest, loop) ||
      !storesLanes(nest, loop))
    return false;
  return llvm::all_of(inputsOf(nest), [&](const Access *input) {
    return input == &panel || input->strides[loop] == 0 ||
           (input->strides[loop] == 1 && countMoves(*input) == 1 &&
            countMoves(panel) > 1);
  });
}

static int chooseLaneLoop(const Nest &nest, unsigned weight) {
  int best = -1;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false))
    if (suitsLanes(nest, loop, weight) &&
        (best < 0 || nest.loops[loop].extent > nest.loops[best].extent))
      best = loop;
  return best;
}

/// Whether a panel holds all of the loop: gates alternate in it.
static bool isStep(const Nest &nest, unsigned loop) {
  return nest.loops[loop].reduction || (nest.gates && nest.gates->loop == loop);
}

std::optional<PanelLayout> layoutFor(const Nest &nest, unsigned weight,
                                            const Machine &machine,
                                            int &laneLoop) {
  const Access &access = nest.accesses[weight];
  if (!isContraction(nest) || weight >= nest.numInputs)
    return std::nullopt;
  laneLoop = chooseLaneLoop(nest, weight);
  if (laneLoop < 0)
    return std::nullopt;
  auto [strides, offset] =
      cast<MemRefType>(access.source.getType()).getStridesAndOffset();
  int64_t extent = nest.loops[laneLoop].extent;
  int64_t native = nativeLanes(nest, machine);
  // Half empty vectors: dot products do better.
  if (native == 1 || 2 * extent < native)
    return std::nullopt;
  PanelLayout layout;
  layout.offset = access.offset;
  if (!ShapedType::isDynamic(offset))
    layout.offset += offset;
  layout.lanes = std::min<int64_t>(native, llvm::PowerOf2Ceil(extent));
  for (auto [i, loop] : llvm::enumerate(nest.loops)) {
    if (int(i) == laneLoop)
      layout.lane = {loop.extent, access.strides[i]};
    else if (access.strides[i])
      (isStep(nest, i) ? layout.steps : layout.outer)
          .push_back({loop.extent, access.strides[i]});
  }
  if (layout.steps.empty())
    return std::nullopt;
  return layout;
}

std::vector<Nest> cutByPanels(const Nest &nest, unsigned weight, int laneLoop,
                              const PanelLayout &layout, Value packed) {
  auto makePart = [&](int64_t first, int64_t extent, int64_t width,
                      int64_t offset, int64_t panels) {
    Nest part = nest;
    for (Access &access : part.accesses)
      access.offset += first * access.strides[laneLoop];
    part.loops[laneLoop].extent = extent;
    part.loops[laneLoop].first += first;
    Access &input = part.accesses[weight];
    input.source = packed;
    input.offset = offset;
    int64_t step = layout.stepElements(width),
            outer = layout.panelElements(width) * panels;
    for (unsigned loop = part.loops.size(); loop-- > 0;) {
      if (int(loop) == laneLoop || !input.strides[loop])
        continue;
      int64_t &next = isStep(part, loop) ? step : outer;
      input.strides[loop] = next;
      next *= part.loops[loop].extent;
    }
    input.strides[laneLoop] = 1;
    if (panels > 1) {
      input.panelLoop = laneLoop;
      input.panelStep = layout.panelElements(width) / width;
    }
    part.packed = {weight, laneLoop, layout.lanes, width / layout.lanes,
                   layout.paired};
    return part;
  };
  std::vector<Nest> parts;
  if (int64_t whole = layout.wholeExtent())
    parts.push_back(
        makePart(0, whole, layout.width, 0, whole / layout.width));
  if (int64_t rest = layout.restExtent())
    parts.push_back(makePart(layout.wholeExtent(), rest, layout.restWidth(),
                             layout.restOffset(), 1));
  return parts;
}

} // namespace lig::codegen::cpu
