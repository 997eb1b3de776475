// An LSTM multiplies its state by one matrix and cuts the result into four
// gates. Apart, the product is stored, and each gate read again by kernels that
// are over before they have begun. Here the loop along the result becomes two,
// gates and units: a tile holds all gates of a vector of units, so what combines
// them finds them in registers, and the weight is one stream of panels in which
// gates alternate.
//
// Nothing knows of LSTMs: any elementwise operations qualify that read slices of
// one extent. A slice that is also wanted elsewhere is stored as before.

#include "Gates.h"
#include "Body.h"
#include "Combiner.h"
#include "JoinStages.h"
#include "Strategies.h"
#include "TiledLoops.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace lig::codegen::cpu {

/// The most gates whose sums fit registers beside one another.
static constexpr int64_t kMaxGates = 8;

/// With fewer rows than this, and a panel that the first cache does not hold, a
/// tile waits for the weight.
static constexpr int64_t kFewestRows = 4, kNearPanel = 16 << 10;

/// Rows of `gates` sums each, beside a vector of every gate and one of the
/// state.
static int64_t rowsThatFit(int64_t gates, const Machine &machine) {
  return (machine.registers - gates - 1) / gates;
}

/// Where the first element of `access` is in the buffer under it, if known.
static std::optional<int64_t> startOf(const Access &access) {
  int64_t offset =
      cast<MemRefType>(access.source.getType()).getStridesAndOffset().second;
  if (ShapedType::isDynamic(offset))
    return std::nullopt;
  return offset + access.offset;
}

static bool isSamePlace(const Access &a, const Access &b) {
  return a.source == b.source && a.offset == b.offset &&
         a.strides == b.strides;
}

static bool asksForIndex(Block *body) {
  return llvm::any_of(*body, [](Operation &op) {
    return isa<linalg::IndexOp>(op) || op.getNumRegions();
  });
}

namespace {
class GateJoiner {
public:
  GateJoiner(const Nest &plain, const Machine &machine,
             const llvm::SmallDenseSet<Operation *> &taken)
      : plain(plain), nest(plain), machine(machine), taken(taken),
        ownAccess(plain.stores.front().access),
        root(rootOf(plain.accesses[ownAccess].source)) {}

  bool run(SmallVectorImpl<Operation *> &joined, std::vector<Nest> &separate);
  const Nest &getNest() const { return nest; }

private:
  std::optional<Nest> describeStage(Operation *op) const;
  bool readsTooOften(int64_t gates) const;
  bool split(const Nest &stage);
  bool join(Operation *op);
  bool mapStrides(const Nest &stage, Nest &mapped) const;
  std::optional<int> gateOf(const Access &access) const;
  std::optional<int> sourceOf(const Access &access) const;
  bool mayStore(const Access &access, const Nest &stage) const;
  bool mayPass(Operation *op) const;
  void findStores();

  const Access &own() const { return nest.accesses[ownAccess]; }

  struct Written {
    Access access;
    int result;
  };

  const Nest &plain;
  Nest nest;
  const Machine &machine;
  const llvm::SmallDenseSet<Operation *> &taken;
  unsigned ownAccess;
  Value root;
  int laneLoop = -1;
  int64_t units = 0;
  int results = 0;
  /// The result that each gate's place in the buffer would hold.
  SmallVector<int> current;
  SmallVector<Written> written;
  SmallVector<Operation *> stages;
  std::vector<Nest> nests;
};
} // namespace

std::optional<Nest> GateJoiner::describeStage(Operation *op) const {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || taken.contains(op) || generic.getNumReductionLoops() ||
      asksForIndex(generic.getBody()) ||
      !llvm::all_of(*generic.getBody(), [](Operation &inner) {
        return isMemoryEffectFree(&inner);
      }))
    return std::nullopt;
  FailureOr<Nest> stage = describe(generic);
  if (failed(stage) || stage->empty() || !hasVectorForm(*stage, -1) ||
      mayTrap(*stage) ||
      nativeLanes(*stage, machine) < nativeLanes(nest, machine))
    return std::nullopt;
  for (const Access &access : stage->accesses)
    if (access.element.isInteger(1) && !access.scalar)
      return std::nullopt;
  return *stage;
}

/// Whether so few rows of all gates fit registers that the weight, read again
/// for every few, would take longer to arrive than a product by itself does.
bool GateJoiner::readsTooOften(int64_t gates) const {
  int64_t rows = 1, panel = gates * machine.vectorBits / 8;
  for (auto [i, loop] : llvm::enumerate(nest.loops))
    if (int(i) != laneLoop)
      (loop.reduction ? panel : rows) *= loop.extent;
  int64_t fitting = rowsThatFit(gates, machine);
  return panel > kNearPanel && fitting < kFewestRows && rows > fitting;
}

/// Makes two loops of the one along the result, as the first slice that `stage`
/// reads says.
bool GateJoiner::split(const Nest &stage) {
  const Access *slice = nullptr;
  for (unsigned i = 0; i < stage.numInputs; ++i)
    if (!stage.accesses[i].scalar && rootOf(stage.accesses[i].source) == root)
      slice = &stage.accesses[i];
  if (!slice)
    return false;
  for (auto [loop, stride] : llvm::zip(stage.loops, slice->strides))
    if (stride == 1)
      units = loop.extent;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false))
    if (own().strides[loop] == 1)
      laneLoop = loop;
  if (laneLoop < 0 || units == 0 || nest.loops[laneLoop].extent % units)
    return false;
  int64_t gates = nest.loops[laneLoop].extent / units;
  if (gates < 2 || gates > kMaxGates ||
      2 * units < nativeLanes(nest, machine) || readsTooOften(gates))
    return false;
  nest.loops[laneLoop].extent = units;
  nest.gates = {unsigned(nest.loops.size()), nest.stores.front().result, {}};
  nest.loops.push_back({gates, /*reduction=*/false});
  for (Access &access : nest.accesses)
    access.strides.push_back(access.strides[laneLoop] * units);
  results = gates;
  for (int gate = 0; gate < gates; ++gate)
    current.push_back(gate);
  return true;
}

/// Gives the operands of `stage` strides along the loops of the nest: each of
/// its loops is the one that walks the result like it.
bool GateJoiner::mapStrides(const Nest &stage, Nest &mapped) const {
  const Access *shared = nullptr, *ours = nullptr;
  for (const Access &access : stage.accesses)
    if (!access.scalar && rootOf(access.source) == root) {
      shared = &access;
      ours = &own();
    }
  if (!shared)
    return false;
  SmallVector<int> target(stage.loops.size(), -1);
  size_t count = 0;
  for (unsigned d : nest.loopsOfKind(/*reduction=*/false)) {
    if (d == nest.gates->loop)
      continue;
    ++count;
    for (auto [p, loop] : llvm::enumerate(stage.loops))
      if (loop.extent == nest.loops[d].extent &&
          shared->strides[p] == ours->strides[d])
        target[p] = d;
  }
  if (count != stage.loops.size() || llvm::is_contained(target, -1))
    return false;
  mapped = stage;
  for (Access &access : mapped.accesses) {
    SmallVector<int64_t> strides(nest.loops.size(), 0);
    for (auto [p, d] : llvm::enumerate(target))
      strides[d] = access.strides[p];
    access.strides = strides;
    if (access.stride(laneLoop) != 0 && access.stride(laneLoop) != 1)
      return false;
  }
  return true;
}

/// Which gate `access` reads or writes, in order and whole.
std::optional<int> GateJoiner::gateOf(const Access &access) const {
  std::optional<int64_t> start = startOf(access);
  if (!start || *start % units || *start / units >= int64_t(current.size()))
    return std::nullopt;
  for (unsigned loop = 0; loop < nest.gates->loop; ++loop)
    if (access.strides[loop] !=
        (nest.loops[loop].reduction ? 0 : own().strides[loop]))
      return std::nullopt;
  return *start / units;
}

/// What stands for `access`: -1 - i for result i, 0 for memory; nothing if it
/// reads what the kernel writes at another place.
std::optional<int> GateJoiner::sourceOf(const Access &access) const {
  if (access.scalar)
    return 0;
  if (rootOf(access.source) == root) {
    std::optional<int> gate = gateOf(access);
    return gate ? std::optional<int>(-1 - current[*gate]) : std::nullopt;
  }
  std::optional<int> source = 0;
  for (const Written &write : written) {
    if (rootOf(write.access.source) != rootOf(access.source))
      continue;
    if (!isSamePlace(write.access, access))
      return std::nullopt;
    source = -1 - write.result;
  }
  return source;
}

/// Whether results may go to `access` while other tiles still read.
bool GateJoiner::mayStore(const Access &access, const Nest &stage) const {
  if (access.scalar || access.stride(laneLoop) != 1)
    return false;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false))
    if (loop != nest.gates->loop && !access.strides[loop])
      return false;
  Value target = rootOf(access.source);
  auto clashes = [&](const Access &other, bool inStage) {
    return !other.scalar && rootOf(other.source) == target &&
           !(inStage && isSamePlace(other, access));
  };
  for (auto [i, other] : llvm::enumerate(nest.accesses))
    if (i != ownAccess && clashes(other, i >= plain.accesses.size()))
      return false;
  for (const Written &write : written)
    if (clashes(write.access, /*inStage=*/true))
      return false;
  return llvm::none_of(stage.accesses, [&](const Access &other) {
    return clashes(other, /*inStage=*/true);
  });
}

bool GateJoiner::join(Operation *op) {
  std::optional<Nest> stage = describeStage(op);
  Nest mapped;
  if (!stage || (!nest.gates && !split(*stage)) ||
      !mapStrides(*stage, mapped))
    return false;
  Stage added{mapped.body(), {}};
  SmallVector<Access> accesses;
  SmallVector<Written> writes;
  for (auto [i, access] : llvm::enumerate(mapped.accesses)) {
    bool isOut = i >= mapped.numInputs;
    if (!mapped.reads(i)) {
      added.sources.push_back(-1);
    } else {
      std::optional<int> source = sourceOf(access);
      if (!source)
        return false;
      added.sources.push_back(
          *source ? *source : int(nest.accesses.size() + accesses.size()));
      if (!*source)
        accesses.push_back(access);
    }
    if (!isOut)
      continue;
    int result = results + int(i - mapped.numInputs);
    bool isOwn = rootOf(access.source) == root;
    if (isOwn ? !gateOf(access) : !mayStore(access, mapped))
      return false;
    writes.push_back({access, result});
  }
  for (const Written &write : writes) {
    if (rootOf(write.access.source) == root) {
      current[*gateOf(write.access)] = write.result;
      continue;
    }
    llvm::erase_if(written, [&](const Written &before) {
      return isSamePlace(before.access, write.access);
    });
    written.push_back(write);
  }
  nest.accesses.append(accesses);
  nest.gates->stages.push_back(added);
  results += mapped.numOutputs;
  stages.push_back(op);
  joinLoops(*stage);
  nests.push_back(*stage);
  return true;
}

/// Whether the kernel could run after `op` instead of before.
bool GateJoiner::mayPass(Operation *op) const {
  for (const Access &access : nest.accesses)
    if (!access.scalar && mayWrite(op, rootOf(access.source)))
      return false;
  return !touches(op, root) &&
         llvm::none_of(written, [&](const Written &write) {
           return touches(op, rootOf(write.access.source));
         });
}

/// Stores what anyone wants after the last stage, gates among it.
void GateJoiner::findStores() {
  nest.stores.clear();
  for (const Written &write : written)
    if (!isDeadAfter(rootOf(write.access.source), stages.back())) {
      nest.stores.push_back({unsigned(write.result),
                             unsigned(nest.accesses.size())});
      nest.accesses.push_back(write.access);
    }
  if (isDeadAfter(root, stages.back()))
    return;
  for (auto [gate, result] : llvm::enumerate(current)) {
    Access place = own();
    place.offset += gate * units;
    place.strides[nest.gates->loop] = 0;
    nest.stores.push_back({unsigned(result), unsigned(nest.accesses.size())});
    nest.accesses.push_back(place);
  }
}

bool GateJoiner::run(SmallVectorImpl<Operation *> &joined,
                     std::vector<Nest> &separate) {
  for (Operation *at = plain.op->getNextNode(); at; at = at->getNextNode())
    if (!join(at) && !mayPass(at))
      break;
  if (stages.empty())
    return false;
  findStores();
  separate = {plain};
  joinLoops(separate.front());
  llvm::append_range(separate, nests);
  joined.append(stages);
  plain.op->moveAfter(stages.back());
  return true;
}

bool joinGates(Nest &nest, const Machine &machine,
               const llvm::SmallDenseSet<Operation *> &taken,
               SmallVectorImpl<Operation *> &joined,
               std::vector<Nest> &separate) {
  if (!isContraction(nest) || nest.stores.size() != 1 ||
      nest.loopsOfKind(/*reduction=*/true).size() != 1 ||
      llvm::any_of(nest.bodies(), asksForIndex))
    return false;
  const Access &own = nest.accesses[nest.stores.front().access];
  auto alloc = rootOf(own.source).getDefiningOp<memref::AllocOp>();
  if (!alloc || alloc->getBlock() != nest.op->getBlock() ||
      startOf(own) != int64_t(0))
    return false;
  GateJoiner joiner(nest, machine, taken);
  if (!joiner.run(joined, separate))
    return false;
  nest = joiner.getNest();
  return true;
}

/// Accumulators that keep a machine busy while each waits for its last sum: one
/// vector of the weight arrives a cycle at most, and a sum takes four.
static constexpr int64_t kSumsUnderWay = 4;

/// How many accumulators a gate has: few gates of few rows would wait.
static int64_t turnsFor(const Nest &nest, const Tile &tile,
                        const Machine &machine) {
  unsigned last = nest.loopsOfKind(/*reduction=*/true).back();
  if (!matchCombiner(nest, 0) ||
      !isa<FloatType>(nest.accesses[nest.numInputs].element))
    return 1;
  int64_t room = machine.registers - tile.columns - 2;
  int64_t turns = std::min<int64_t>(llvm::divideCeil(kSumsUnderWay, tile.size()),
                                    room / tile.size());
  return std::clamp<int64_t>(turns, 1, nest.loops[last].extent);
}

void emitGates(Emitter &emitter) {
  const Nest &nest = emitter.nest;
  const Access &weight = nest.accesses[nest.packed->access];
  Schedule schedule;
  Tile &tile = schedule.tile;
  tile.laneLoop = nest.packed->loop;
  tile.lanes = tile.active = nest.packed->lanes;
  tile.columnLoop = nest.gates->loop;
  tile.columns = nest.loops[tile.columnLoop].extent;
  SmallVector<unsigned> inner;
  for (unsigned loop : nest.loopsOfKind(/*reduction=*/false)) {
    if (int(loop) == tile.laneLoop || int(loop) == tile.columnLoop)
      continue;
    (weight.strides[loop] ? schedule.parallel : inner).push_back(loop);
  }
  schedule.parallel.push_back(tile.laneLoop);
  schedule.parallel.push_back(tile.columnLoop);
  schedule.parallel.append(inner);
  if (!inner.empty()) {
    int64_t most = rowsThatFit(tile.columns, emitter.machine);
    int64_t extent = nest.loops[inner.back()].extent;
    tile.rowLoop = inner.back();
    // Tiles of equal height, as few as fit.
    int64_t tiles = llvm::divideCeil(extent, std::max<int64_t>(most, 1));
    tile.rows = llvm::divideCeil(extent, tiles);
  }
  schedule.reductions = nest.loopsOfKind(/*reduction=*/true);
  schedule.turns = turnsFor(nest, tile, emitter.machine);
  emitTiledLoops(emitter, schedule);
}

} // namespace lig::codegen::cpu
