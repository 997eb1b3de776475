// A filter is read in one form by all of its convolutions, plain or
// transformed, so what a large image gains by the transform the small ones pay
// for: each reads four times the bytes for a few tiles. That is why all
// convolutions of a filter are looked at together, those that stay apart too.
//
// The smallest are joined first. Reading the filter is most of their work; a
// large image reads it for many pixels anyway, and only makes the mosaic larger
// than its parts.

#include "JoinSizes.h"
#include "JoinPixels.h"

#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Analysis/WinogradCost.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::net;

/// The least share of the joined convolutions' time that must be saved.
static constexpr double kLeastGain = 0.03;

namespace {
/// The work of a convolution in either form, if it has both.
struct Work {
  lig::CallWork plain;
  std::optional<lig::WinogradShape> winograd;
};

class Planner {
public:
  Planner(ArrayRef<ConvOp> convs, const ConvTarget &target)
      : convs(convs), target(target) {
    for (ConvOp conv : convs) {
      Work work{*lig::getCallWork(conv), std::nullopt};
      if (!target.winogradTiles.empty())
        work.winograd = lig::matchWinogradShape(conv, target.lanes);
      works.push_back(work);
    }
    plan.apart = plan.joint = timeOf(works);
  }

  JoinPlan run(bool force) {
    for (size_t count = force ? convs.size() : 2; count <= convs.size();
         ++count) {
      tryImages(count, force);
      if (!force || plan.count == 1)
        tryPixels(count, force);
    }
    if (!force && !gains())
      plan.count = 1;
    if (plan.count > 1) {
      double others = timeOf(ArrayRef(works).drop_front(plan.count));
      plan.apart -= others;
      plan.joint -= others;
    }
    return plan;
  }

private:
  double timeOf(ArrayRef<Work> all) const;
  void tryImages(size_t count, bool force);
  void tryPixels(size_t count, bool force);

  /// `joint` and those of the convolutions that are not part of it.
  double timeWith(Work joint, size_t count) const {
    SmallVector<Work> all = {joint};
    llvm::append_range(all, ArrayRef(works).drop_front(count));
    return timeOf(all);
  }

  /// Whether a good share of the joined convolutions' time is saved.
  bool gains() const {
    double own = 0;
    for (const Work &work : ArrayRef(works).take_front(plan.count))
      own += target.cost.timeOf(work.plain);
    return plan.apart - plan.joint > kLeastGain * own;
  }

  void keepBest(JoinPlan::Way way, size_t count, double time, bool force,
                Mosaic mosaic = {}) {
    if (!force && plan.count > 1 && time >= plan.joint)
      return;
    plan.way = way;
    plan.count = count;
    plan.joint = time;
    plan.mosaic = std::move(mosaic);
  }

  ArrayRef<ConvOp> convs;
  const ConvTarget &target;
  SmallVector<Work> works;
  JoinPlan plan;
};
} // namespace

/// Filters are transformed if all convolutions can read them so and gain
/// together, as packing will decide (Codegen/CPU/PackPanels).
double Planner::timeOf(ArrayRef<Work> all) const {
  SmallVector<lig::WinogradShape> shapes;
  for (const Work &work : all)
    if (work.winograd)
      shapes.push_back(*work.winograd);
  int64_t tile = 0;
  if (shapes.size() == all.size())
    tile = lig::chooseWinogradTile(shapes, target.winogradTiles, target.lanes,
                                   target.cacheBytes);
  double time = 0;
  for (const Work &work : all) {
    lig::WinogradShape shape = work.winograd.value_or(lig::WinogradShape());
    shape.tile = tile;
    time += target.cost.timeOf(tile ? shape.getWork() : work.plain);
  }
  return time;
}

static double bytesOf(Value value) {
  return lig::countBytes(cast<RankedTensorType>(value.getType()));
}

/// Bytes of results that leave the function, which are copied out of the whole.
static double countLeaving(ArrayRef<ConvOp> convs) {
  double bytes = 0;
  for (ConvOp conv : convs)
    if (llvm::any_of(conv->getUsers(), [](Operation *user) {
          return user->hasTrait<OpTrait::IsTerminator>();
        }))
      bytes += bytesOf(conv.getResult());
  return bytes;
}

void Planner::tryImages(size_t count, bool force) {
  ArrayRef<ConvOp> chosen = convs.take_front(count);
  auto typeOf = [](ConvOp conv) {
    return cast<RankedTensorType>(conv.getResult().getType());
  };
  int64_t batch = typeOf(chosen.front()).getDimSize(0);
  if (!llvm::all_of(chosen, [&](ConvOp conv) {
        return keepsImageSize(conv) && typeOf(conv).getDimSize(0) == batch;
      }))
    return;
  Work joint = works.front();
  double positions = typeOf(chosen.front()).getDimSize(2) *
                     typeOf(chosen.front()).getDimSize(3);
  auto resize = [&](Pixels size) {
    Work work = joint;
    work.plain.flops *= size.rows * size.columns / positions;
    if (work.winograd) {
      work.winograd->height = size.rows;
      work.winograd->width = size.columns;
    }
    return work;
  };
  SmallVector<Pixels> sizes;
  for (ConvOp conv : chosen)
    sizes.push_back(imageSizeOf(conv));
  Mosaic mosaic = arrangeImages(sizes, gapOf(chosen.front()), [&](Pixels size) {
    return timeWith(resize(size), count);
  });
  double copied = countLeaving(chosen);
  if (!readMosaic(chosen, mosaic))
    for (ConvOp conv : chosen)
      copied += bytesOf(conv.getInput());
  keepBest(JoinPlan::Way::Images, count,
           timeWith(resize(mosaic.size), count) +
               target.cost.timeOfCopy(copied),
           force, std::move(mosaic));
}

void Planner::tryPixels(size_t count, bool force) {
  ArrayRef<ConvOp> chosen = convs.take_front(count);
  if (!llvm::all_of(chosen, hasPixels))
    return;
  Work joint{works.front().plain, std::nullopt};
  double copied = 0;
  for (auto [i, conv] : llvm::enumerate(chosen)) {
    joint.plain.flops += i ? works[i].plain.flops : 0;
    copied += countGatheredBytes(conv);
  }
  keepBest(JoinPlan::Way::Pixels, count,
           timeWith(joint, count) + target.cost.timeOfCopy(copied), force);
}

JoinPlan lig::net::planJoin(ArrayRef<ConvOp> convs, const ConvTarget &target,
                            bool force) {
  return Planner(convs, target).run(force);
}
