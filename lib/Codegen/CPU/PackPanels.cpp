// A weight is packed if every reader in the module can read the packed form and
// what they read does not overlap, so that the packed form takes the place of
// the weight. Readers of the same elements must agree on the width of a panel:
// the one that costs all of them together the least is taken. A weight that is
// also read in another order (a tie that is transposed) or by other operations
// (an embedding) stays as it is: two copies are never made. Codes of 4 bits are
// packed two to a byte where every reader can take them apart.

#include "PackPanels.h"
#include "Lookup.h"
#include "TileChoice.h"
#include "TiledLoops.h"
#include "WeightLayout.h"
#include "WinogradTile.h"

#include "../ParameterTable.h"

#include "Ligature/Dialect/Share/IR/BrokenTies.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace lig::codegen::cpu {

static share::AddressOp addressOf(const Access &access) {
  if (access.scalar)
    return {};
  return rootOf(access.source).getDefiningOp<share::AddressOp>();
}

namespace {
struct Reader {
  KernelPlan *plan;
  unsigned weight;
  int laneLoop;
  Value slice;
  std::optional<WinogradConv> winograd;
};

/// Readers of the same elements in the same order, in all of the parameter or
/// in one of so many slices at a time.
struct Reading {
  PanelLayout layout;
  int64_t slices;
  SmallVector<Reader, 2> readers;

  /// Lets all read the same transformed filters if they can and gain together,
  /// or none: some may lose a little, because filters are stored in one form.
  void chooseTransform(ArrayRef<int64_t> tiles, const Machine &machine);
  bool isWinograd() const { return readers.front().winograd.has_value(); }
};

class PanelPacker {
public:
  PanelPacker(ModuleOp module, MutableArrayRef<KernelPlan> plans,
              const Machine &machine, ArrayRef<int64_t> winogradTiles)
      : module(module), plans(plans), machine(machine),
        winogradTiles(winogradTiles), table(module) {}

  unsigned run();

private:
  void findReaders();
  void read(KernelPlan &plan, unsigned input, share::AddressOp address);
  void findOtherReaders();
  bool canPack(share::ParamOp param, ArrayRef<Reading> readings) const;
  void chooseWidth(Reading &reading) const;
  TensorBytes makePanels(share::ParamOp param, const Reading &reading) const;
  void pack(share::ParamOp param, Reading &reading);

  ModuleOp module;
  MutableArrayRef<KernelPlan> plans;
  const Machine &machine;
  ArrayRef<int64_t> winogradTiles;
  ParameterTable table;
  llvm::MapVector<StringAttr, SmallVector<Reading, 1>> readings;
  llvm::DenseSet<StringAttr> kept;
};
} // namespace

void Reading::chooseTransform(ArrayRef<int64_t> tiles,
                              const Machine &machine) {
  const std::optional<WinogradConv> &first = readers.front().winograd;
  SmallVector<WinogradShape> shapes;
  for (const Reader &reader : readers)
    if (reader.winograd && first && reader.winograd->readsLike(*first))
      shapes.push_back(reader.winograd->shape);
  int64_t tile = 0;
  if (shapes.size() == readers.size())
    tile = chooseWinogradTile(shapes, tiles, first->lanes, machine.cacheBytes);
  for (Reader &reader : readers) {
    if (!tile) {
      reader.winograd.reset();
      continue;
    }
    reader.winograd->shape.tile = tile;
    reader.winograd->blocks =
        cutImage(*reader.plan->nest, *reader.winograd, machine);
  }
}

void PanelPacker::read(KernelPlan &plan, unsigned input,
                       share::AddressOp address) {
  StringAttr name = address.getSourceAttr().getAttr();
  int laneLoop = -1;
  std::optional<PanelLayout> layout =
      layoutFor(*plan.nest, input, machine, laneLoop);
  std::optional<Slice> slice = sliceOf(plan.nest->accesses[input]);
  if (!layout || !slice) {
    kept.insert(name);
    return;
  }
  SmallVector<Reading, 1> &known = readings[name];
  auto same = llvm::find_if(known, [&](const Reading &reading) {
    return reading.slices == slice->count &&
           reading.layout.readsLike(*layout) &&
           reading.readers.front().plan->nest->gates.has_value() ==
               plan.nest->gates.has_value();
  });
  if (same == known.end())
    same = known.insert(known.end(), {*layout, slice->count, {}});
  same->readers.push_back({&plan, input, laneLoop, slice->index,
                           matchWinograd(*plan.nest, machine)});
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
    if (!reading.layout.isInside(elements / reading.slices))
      return false;
    read += reading.slices * reading.layout.readElements();
  }
  return read <= elements;
}

/// Cycles of all kernels that read panels of this layout.
static double costOf(const Reading &reading, const PanelLayout &layout,
                     const Machine &machine) {
  double cycles = 0;
  bool isWinograd = reading.isWinograd();
  for (const Reader &reader : reading.readers) {
    Nest nest = *reader.plan->nest;
    int laneLoop = reader.laneLoop;
    if (isWinograd) {
      nest = winogradProducts(nest, *reader.winograd,
                              reader.winograd->blocks.tiles());
      laneLoop = productLanes(*reader.winograd);
    }
    for (const Nest &part : cutByPanels(nest, reader.weight, laneLoop, layout,
                                        nest.accesses[reader.weight].source))
      cycles += chooseTile(part, laneLoop, layout.lanes,
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
  // Gates are the columns of a tile already.
  if (reading.readers.front().plan->nest->gates) {
    reading.layout.width = width;
    return;
  }
  for (int64_t columns = 1; columns <= kMaxColumns; ++columns) {
    PanelLayout layout = reading.layout;
    layout.width = columns * layout.lanes;
    // Half a pair would shift the panels after it.
    if (layout.paired && columns % 2 && layout.wholeExtent() > layout.width)
      continue;
    double cycles = costOf(reading, layout, machine);
    // Wide panels are read in longer steps, which caches deliver more slowly.
    if (best < 0 || cycles < best * 0.98) {
      best = cycles;
      width = layout.width;
    }
  }
  reading.layout.width = width;
}

/// The order of filters that were transformed.
static PanelLayout layoutOf(const WinogradConv &conv, int64_t filters) {
  PanelLayout layout;
  layout.outer = {
      {conv.tileProducts() * conv.numGroups, conv.channels * filters}};
  layout.steps = {{conv.channels, filters}};
  layout.lane = {filters, 1};
  layout.lanes = conv.lanes;
  return layout;
}

/// One slice after another.
TensorBytes PanelPacker::makePanels(share::ParamOp param,
                                    const Reading &reading) const {
  TensorBytes weight = *readElements(param.getElements());
  const PanelLayout &layout = reading.layout;
  Type element = param.getTensorType().getElementType();
  int64_t bytes = getElementBytes(element), size = layout.packedElements();
  SmallVector<int64_t> shape = {size};
  if (reading.slices > 1)
    shape.insert(shape.begin(), reading.slices);
  TensorBytes panels =
      TensorBytes::allocate(RankedTensorType::get(shape, element));
  const Reader &reader = reading.readers.front();
  for (int64_t slice = 0; slice < reading.slices; ++slice) {
    const char *from =
        weight.data.data() + slice * (weight.data.size() / reading.slices);
    std::vector<float> transformed;
    if (reading.isWinograd()) {
      int laneLoop;
      PanelLayout plain = *layoutFor(*reader.plan->nest, reader.weight, machine,
                                     laneLoop);
      transformed = transformFilters(
          reinterpret_cast<const float *>(from), plain.offset,
          plain.lane.extent, plain.lane.stride, *reader.winograd);
      from = reinterpret_cast<const char *>(transformed.data());
    }
    layout.pack(from, panels.mutableData() + slice * size * bytes, bytes);
  }
  return panels;
}

/// The panels of the slice that `reader` reads.
static Value addressFor(const Reader &reader, MemRefType type, StringRef name) {
  OpBuilder b(reader.plan->op);
  Location loc = reader.plan->op.getLoc();
  Value address = share::AddressOp::create(b, loc, type, name);
  if (!reader.slice)
    return address;
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  int64_t size = type.getDimSize(1);
  SmallVector<OpFoldResult> offsets = {reader.slice, zero},
                            sizes = {one, b.getIndexAttr(size)},
                            strides = {one, one};
  MemRefType part = memref::SubViewOp::inferRankReducedResultType(
      {size}, type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, loc, part, address, offsets, sizes,
                                   strides);
}

void PanelPacker::pack(share::ParamOp param, Reading &reading) {
  if (reading.isWinograd())
    reading.layout = layoutOf(*reading.readers.front().winograd,
                              reading.layout.lane.extent);
  // Gates alternate from step to step: two of them never share a vector.
  reading.layout.paired = llvm::all_of(reading.readers, [&](const Reader &r) {
    return !r.plan->nest->gates && holdsSmallCodes(*r.plan->nest, r.weight) &&
           canMask(*r.plan->nest, r.laneLoop, machine, r.weight);
  });
  chooseWidth(reading);
  TensorBytes bytes = makePanels(param, reading);
  const PanelLayout &layout = reading.layout;
  StringAttr root = share::getOrigin(param);
  auto [packed, isNew] = table.getOrCreate(
      bytes, (root.getValue() + ".panels").str(), param.getLoc());
  if (isNew)
    share::markPacked(packed, param);
  auto type = MemRefType::get(bytes.type.getShape(),
                              bytes.type.getElementType());
  for (const Reader &reader : reading.readers) {
    Value address = addressFor(reader, type, packed.getSymName());
    if (reading.isWinograd()) {
      Access &filters = reader.plan->parts.front().accesses[reader.weight];
      filters.source = address;
      filters.offset = 0;
      llvm::fill(filters.strides, 0);
      reader.plan->winograd = {*reader.winograd, layout};
      continue;
    }
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
      reading.chooseTransform(winogradTiles, machine);
      pack(param, reading);
    }
    ++count;
  }
  return count;
}

unsigned packPanels(ModuleOp module, MutableArrayRef<KernelPlan> plans,
                    const Machine &machine,
                    ArrayRef<int64_t> winogradTiles) {
  return PanelPacker(module, plans, machine, winogradTiles).run();
}

} // namespace lig::codegen::cpu
