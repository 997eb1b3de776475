// Repetition shows where the block, put into an order that only the graph
// decides, says the same again: at a distance p, p operations for each step.
// Such runs only suggest; a region is grown from one operation of each step
// and checked, and where that fails, once more without the first or the last.

#include "Ligature/Analysis/RepeatedRegions.h"

#include "OperationClasses.h"
#include "RegionGrowth.h"

#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig;

/// How many of the next operations of a class are tried as its next step.
static constexpr unsigned kMaxDistances = 4;
/// How many runs are tried.
static constexpr unsigned kMaxRuns = 64;

namespace {
/// `length` operations from `begin` on that repeat after `period`.
struct Run {
  size_t begin, period, length;
};
} // namespace

static std::vector<Run> findRuns(ArrayRef<unsigned> ids, unsigned minSteps) {
  std::vector<Run> runs;
  DenseMap<unsigned, std::vector<size_t>> places;
  for (auto [place, id] : llvm::enumerate(ids))
    places[id].push_back(place);
  // A run is found once, from whichever of its operations comes first.
  DenseMap<size_t, size_t> ends;
  DenseMap<unsigned, size_t> ranks;
  for (size_t place = 0; place < ids.size(); ++place) {
    const std::vector<size_t> &same = places[ids[place]];
    size_t rank = ranks[ids[place]]++;
    for (size_t next = rank + 1;
         next < same.size() && next <= rank + kMaxDistances; ++next) {
      size_t period = same[next] - place;
      size_t &end = ends[period];
      if (place < end)
        continue;
      size_t begin = place, last = place;
      while (last + period < ids.size() && ids[last] == ids[last + period])
        ++last;
      while (begin > end && ids[begin - 1] == ids[begin - 1 + period])
        --begin;
      end = last;
      size_t length = last - begin + period;
      if (length > (minSteps - 1) * period)
        runs.push_back({begin, period, length});
    }
  }
  llvm::sort(runs, [](const Run &a, const Run &b) {
    return std::tuple(b.length, a.period, a.begin) <
           std::tuple(a.length, b.period, b.begin);
  });
  if (runs.size() > kMaxRuns)
    runs.resize(kMaxRuns);
  return runs;
}

/// One operation in each step: of those that occur in most steps, the first
/// that reads a parameter.
static SmallVector<Operation *> pickAnchors(ArrayRef<Operation *> order,
                                            const Run &run,
                                            const OperationClasses &classes) {
  size_t whole = run.length % run.period;
  auto candidates =
      order.slice(run.begin, whole == 0 ? run.period : whole);
  auto readsParameter = [&](Operation *op) {
    return llvm::any_of(classes.get(op).reads, [](Value value) {
      return value.getDefiningOp<share::GetOp>() != nullptr;
    });
  };
  auto found = llvm::find_if(candidates, readsParameter);
  size_t offset =
      found == candidates.end() ? 0 : found - candidates.begin();
  SmallVector<Operation *> anchors;
  for (size_t place = offset; place < run.length; place += run.period)
    anchors.push_back(order[run.begin + place]);
  return anchors;
}

static std::optional<RepeatedRegion> growAny(RegionGrowth &growth,
                                             ArrayRef<Operation *> anchors,
                                             unsigned minSteps) {
  for (auto [front, back] : {std::pair(0, 0), {1, 0}, {0, 1}, {1, 1}}) {
    if (anchors.size() < minSteps + front + back)
      continue;
    if (auto region = growth.grow(anchors.drop_front(front).drop_back(back)))
      return region;
  }
  return std::nullopt;
}

std::vector<RepeatedRegion> lig::findRepeatedRegions(Block &block,
                                                     unsigned minSteps) {
  OperationClasses classes(block);
  // A slice that is cut where the step says is another operation each time; it
  // is an input, and must not hide what repeats around it.
  std::vector<Operation *> order = classes.orderByUse();
  llvm::erase_if(order,
                 [](Operation *op) { return isa<tensor::ExtractSliceOp>(op); });
  std::vector<unsigned> ids;
  for (Operation *op : order)
    ids.push_back(classes.get(op).id);
  RegionGrowth growth(classes);
  std::vector<RepeatedRegion> regions;
  for (const Run &run : findRuns(ids, std::max(2u, minSteps)))
    if (auto region = growAny(growth, pickAnchors(order, run, classes),
                              std::max(2u, minSteps)))
      regions.push_back(std::move(*region));
  auto cover = [](const RepeatedRegion &region) {
    return region.members.size() * (region.numSteps - 1);
  };
  llvm::sort(regions, [&](const auto &a, const auto &b) {
    Operation *first = a.members[0].steps[0], *second = b.members[0].steps[0];
    return cover(a) != cover(b) ? cover(a) > cover(b)
                                : first != second &&
                                      first->isBeforeInBlock(second);
  });
  return regions;
}
