// A weight is packed if every reader in the module can read the packed form and
// what they read does not overlap, so that the packed form takes the place of
// the weight. Readers of the same elements must agree on the width of a panel:
// the one that costs all of them together the least is taken. A weight that is
// also read in another order (a tie that is transposed) or by other operations
// (an embedding) stays as it is: two copies are never made.

#include "PackPanels.h"
#include "Body.h"
#include "PanelLayout.h"
#include "Strategies.h"
#include "TileChoice.h"

#include "../ParameterTable.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lig::codegen::cpu {

static share::AddressOp addressOf(const Access &access) {
  if (access.scalar)
    return {};
  return rootOf(access.source).getDefiningOp<share::AddressOp>();
}

/// Whether lanes along `loop` suit everything but `weight`: its panels are
/// packed for them anyway. What else is read must be the same in every lane,
/// or the weight is no more worth than that.
static bool suitsLanes(const Nest &nest, unsigned loop, unsigned weight) {
  if (!nest.accesses[weight].strides[loop] || !hasVectorForm(nest, loop) ||
      !storesLanes(nest, loop))
    return false;
  return llvm::all_of(inputsOf(nest), [&](const Access *input) {
    return input == &nest.accesses[weight] || input->strides[loop] == 0;
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

/// The order in which `nest` would read input `weight`, with panels of no width
/// yet; nothing where panels do not suit it.
static std::optional<PanelLayout> layoutFor(const Nest &nest, unsigned weight,
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
  if (ShapedType::isDynamic(offset) || native == 1 || 2 * extent < native)
    return std::nullopt;
  PanelLayout layout;
  layout.offset = offset + access.offset;
  layout.lanes = std::min<int64_t>(native, llvm::PowerOf2Ceil(extent));
  for (auto [i, loop] : llvm::enumerate(nest.loops)) {
    if (int(i) == laneLoop)
      layout.lane = {loop.extent, access.strides[i]};
    else if (access.strides[i])
      (loop.reduction ? layout.steps : layout.outer)
          .push_back({loop.extent, access.strides[i]});
  }
  if (layout.steps.empty())
    return std::nullopt;
  return layout;
}

/// Cuts `nest` along the lanes into whole panels and the rest, and lets both
/// parts read `packed` as `layout` says.
static std::vector<Nest> cutByPanels(const Nest &nest, unsigned weight,
                                     int laneLoop, const PanelLayout &layout,
                                     Value packed) {
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
    int64_t step = width, outer = layout.numSteps() * width * panels;
    for (unsigned loop = part.loops.size(); loop-- > 0;) {
      if (int(loop) == laneLoop || !input.strides[loop])
        continue;
      int64_t &next = part.loops[loop].reduction ? step : outer;
      input.strides[loop] = next;
      next *= part.loops[loop].extent;
    }
    input.strides[laneLoop] = 1;
    if (panels > 1) {
      input.panelLoop = laneLoop;
      input.panelStep = layout.numSteps();
    }
    part.packed = {weight, laneLoop, layout.lanes, width / layout.lanes};
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

namespace {
struct Reader {
  KernelPlan *plan;
  unsigned weight;
  int laneLoop;
};

/// Readers of the same elements in the same order.
struct Reading {
  PanelLayout layout;
  SmallVector<Reader> readers;
};

class PanelPacker {
public:
  PanelPacker(ModuleOp module, MutableArrayRef<KernelPlan> plans,
              const Machine &machine)
      : module(module), plans(plans), machine(machine), table(module) {}

  unsigned run();

private:
  void findReaders();
  void read(KernelPlan &plan, unsigned input, share::AddressOp address);
  void findOtherReaders();
  bool canPack(share::ParamOp param, ArrayRef<Reading> readings) const;
  void chooseWidth(Reading &reading) const;
  void pack(share::ParamOp param, Reading &reading);

  ModuleOp module;
  MutableArrayRef<KernelPlan> plans;
  const Machine &machine;
  ParameterTable table;
  llvm::MapVector<StringAttr, SmallVector<Reading, 1>> readings;
  llvm::DenseSet<StringAttr> kept;
};
} // namespace

void PanelPacker::read(KernelPlan &plan, unsigned input,
                       share::AddressOp address) {
  StringAttr name = address.getSourceAttr().getAttr();
  int laneLoop = -1;
  std::optional<PanelLayout> layout =
      layoutFor(*plan.nest, input, machine, laneLoop);
  if (!layout) {
    kept.insert(name);
    return;
  }
  SmallVector<Reading, 1> &known = readings[name];
  auto same = llvm::find_if(known, [&](const Reading &reading) {
    return reading.layout.readsLike(*layout);
  });
  if (same == known.end())
    same = known.insert(known.end(), {*layout, {}});
  same->readers.push_back({&plan, input, laneLoop});
}

void PanelPacker::findReaders() {
  for (KernelPlan &plan : plans) {
    if (failed(plan.nest))
      continue;
    const Nest &nest = *plan.nest;
    SmallVector<StringAttr> seen;
    for (unsigned i = 0; i < nest.accesses.size(); ++i) {
      share::AddressOp address = addressOf(nest.accesses[i]);
      if (!address || (i < nest.numInputs && !nest.reads(i)))
        continue;
      // A kernel that reads a weight in two ways reads it as it is.
      StringAttr name = address.getSourceAttr().getAttr();
      if (llvm::is_contained(seen, name))
        kept.insert(name);
      seen.push_back(name);
      read(plan, i, address);
    }
  }
}

/// Parameters that anything but a described kernel reads stay as they are.
void PanelPacker::findOtherReaders() {
  llvm::DenseSet<Operation *> described;
  for (KernelPlan &plan : plans) {
    if (failed(plan.nest))
      continue;
    described.insert(plan.op);
    described.insert_range(plan.joined);
  }
  module.walk([&](share::AddressOp address) {
    SmallVector<Value> views = {address.getResult()};
    while (!views.empty())
      for (Operation *user : views.pop_back_val().getUsers()) {
        if (isa<ViewLikeOpInterface>(user))
          llvm::append_range(views, user->getResults());
        else if (!described.contains(user))
          kept.insert(address.getSourceAttr().getAttr());
      }
  });
}

bool PanelPacker::canPack(share::ParamOp param,
                          ArrayRef<Reading> readings) const {
  if (!param || !param.isFrozen() || !param.getElements() ||
      !readElements(param.getElements()))
    return false;
  int64_t elements = param.getTensorType().getNumElements(), read = 0;
  for (const Reading &reading : readings) {
    if (!reading.layout.isInside(elements))
      return false;
    read += reading.layout.readElements();
  }
  return read <= elements;
}

/// Cycles of all kernels that read panels of this layout.
static double costOf(const Reading &reading, const PanelLayout &layout,
                     const Machine &machine) {
  double cycles = 0;
  for (const Reader &reader : reading.readers) {
    const Nest &nest = *reader.plan->nest;
    for (const Nest &part :
         cutByPanels(nest, reader.weight, reader.laneLoop, layout,
                     nest.accesses[reader.weight].source))
      cycles += chooseTile(part, reader.laneLoop, layout.lanes,
                           part.accesses[reader.weight], machine,
                           part.packed->columns)
                    .cycles;
  }
  return cycles;
}

/// The width that is cheapest for all readers together.
void PanelPacker::chooseWidth(Reading &reading) const {
  double best = -1;
  int64_t width = reading.layout.lanes;
  for (int64_t columns = 1; columns <= kMaxColumns; ++columns) {
    PanelLayout layout = reading.layout;
    layout.width = columns * layout.lanes;
    double cycles = costOf(reading, layout, machine);
    // Wide panels are read in longer steps, which caches deliver more slowly.
    if (best < 0 || cycles < best * 0.98) {
      best = cycles;
      width = layout.width;
    }
  }
  reading.layout.width = width;
}

void PanelPacker::pack(share::ParamOp param, Reading &reading) {
  std::optional<TensorBytes> weight = readElements(param.getElements());
  const PanelLayout &layout = reading.layout;
  Type element = param.getTensorType().getElementType();
  TensorBytes bytes = TensorBytes::allocate(
      RankedTensorType::get({layout.packedElements()}, element));
  layout.pack(weight->data.data(), bytes.mutableData(),
              getElementBytes(element));
  auto root = param->getAttrOfType<StringAttr>(share::kPackedFromAttr);
  if (!root)
    root = param.getSymNameAttr();
  auto [packed, isNew] = table.getOrCreate(
      bytes, (root.getValue() + ".panels").str(), param.getLoc());
  if (isNew) {
    packed->setAttr(share::kPackedFromAttr, root);
    if (Attribute uses = param->getAttr(share::kUsesAttr))
      packed->setAttr(share::kUsesAttr, uses);
  }
  auto type = MemRefType::get({layout.packedElements()}, element);
  for (const Reader &reader : reading.readers) {
    OpBuilder b(reader.plan->op);
    Value address = share::AddressOp::create(
        b, reader.plan->op.getLoc(), type, packed.getSymName());
    reader.plan->parts = cutByPanels(*reader.plan->nest, reader.weight,
                                     reader.laneLoop, layout, address);
  }
}

unsigned PanelPacker::run() {
  findReaders();
  findOtherReaders();
  unsigned count = 0;
  for (auto &[name, ofParam] : readings) {
    auto param = table.getSymbols().lookup<share::ParamOp>(name);
    if (kept.contains(name) || !canPack(param, ofParam))
      continue;
    for (Reading &reading : ofParam) {
      chooseWidth(reading);
      pack(param, reading);
    }
    ++count;
  }
  return count;
}

unsigned packPanels(ModuleOp module, MutableArrayRef<KernelPlan> plans,
                    const Machine &machine) {
  return PanelPacker(module, plans, machine).run();
}

} // namespace lig::codegen::cpu
