// A layer whose data comes channels-first and whose result goes back that way
// pays for two transposes, and at a network's ends they cost more than the
// order of channels gains. Windows over each channel by itself can put vectors
// along the row, and taps of one pixel are a product of matrices in any order:
// such a layer is turned to the model's order where the transposes cost more
// than what is lost. A convolution of few channels reads single numbers anyway,
// so its data stays as it is.
//
// Loops keep their meaning and only change places: a layer is written between
// the inverse transposes, and those cancel with what stood there.

#include "ChannelsLast.h"

#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/TensorMoves.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/AffineExpr.h"

#include <cmath>
#include <numeric>

using namespace mlir;

using lig::makeTranspose;
using lig::net::isChannelsLast;
using lig::net::transposeOf;
using Permutation = SmallVector<int64_t>;

/// Cycles that transposing an element takes, and copying one.
static constexpr double kTransposeCycles = 0.7, kCopyCycles = 0.25;
/// A row of a window's input is deinterleaved where it steps by two.
static constexpr double kSlowerStep = 2.5;
/// Channels whose rows, of all taps, stay in the first cache.
static constexpr int64_t kFewChannels = 8;

/// From channels-last to the model's order.
static Permutation orderOf(int64_t rank) {
  Permutation order = {0, rank - 1};
  for (int64_t dim = 1; dim < rank - 1; ++dim)
    order.push_back(dim);
  return order;
}

namespace {
/// A convolution or a pool, and what stands around it.
class Layer {
public:
  explicit Layer(linalg::GenericOp op, int64_t lanes)
      : op(op), lanes(lanes),
        rank(cast<ShapedType>(op->getResult(0).getType()).getRank()) {}

  /// Reads the layer; false if it is none that could be turned.
  bool match();
  /// Whether it is cheaper in the model's order, at least its data.
  bool gains();
  void turn(RewriterBase &rewriter);

private:
  bool matchData();
  bool matchMaps();
  bool endsFirst();
  bool ownsFilter();
  double windowCycles();
  double productCycles();
  Value turnData(RewriterBase &rewriter);
  Value turnStart(RewriterBase &rewriter);
  SmallVector<AffineExpr> renamed(Builder &b, unsigned numLoops) const;
  int64_t extent(unsigned loop) { return op.getStaticLoopRanges()[loop]; }
  int64_t elements(Value value) const {
    return cast<ShapedType>(value.getType()).getNumElements();
  }

  linalg::GenericOp op;
  int64_t lanes, rank;
  linalg::TransposeOp before;
  tensor::PadOp pad;
  /// The loop over the data's channels.
  unsigned channel = 0;
  /// Steps of the innermost window, and taps of all dimensions.
  int64_t step = 1, taps = 1;
  bool hasSteps = false, turnsResult = false;
};
} // namespace

/// The data, transposed for this layer alone and perhaps padded.
bool Layer::matchData() {
  Value data = op.getDpsInputs().front();
  pad = data.getDefiningOp<tensor::PadOp>();
  if (pad) {
    if (!pad->hasOneUse() || !pad.getConstantPaddingValue() ||
        pad.getNofold() || !pad.getLow().empty() || !pad.getHigh().empty())
      return false;
    data = pad.getSource();
  }
  before = transposeOf(data);
  return before && before->hasOneUse() &&
         isChannelsLast(before.getPermutation());
}

bool Layer::matchMaps() {
  unsigned numLoops = op.getNumLoops();
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  AffineMap in = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  auto last = dyn_cast<AffineDimExpr>(in.getResult(rank - 1));
  AffineMap all = AffineMap::getMultiDimIdentityMap(numLoops, op.getContext());
  if (out != all.getMajorSubMap(rank) ||
      op.getNumParallelLoops() != unsigned(rank) || !last ||
      in.getNumResults() != unsigned(rank))
    return false;
  channel = last.getPosition();
  for (int64_t dim = 1; dim < rank - 1; ++dim) {
    SmallVector<int64_t> factors;
    if (failed(
            getFlattenedAffineExpr(in.getResult(dim), numLoops, 0, &factors)))
      return false;
    step = factors[dim];
    hasSteps |= step != 1;
  }
  for (unsigned loop = rank; loop < numLoops; ++loop)
    taps *= loop == channel ? 1 : extent(loop);
  return true;
}

bool Layer::match() {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  return op.getNumReductionLoops() > 0 && op.getNumDpsInits() == 1 &&
         op.getNumDpsInputs() > 0 && rank >= 4 && type &&
         type.hasStaticShape() && type.getElementType().isF32() &&
         !op.hasIndexSemantics() && matchData() && matchMaps();
}

/// Whether all that becomes of the result, element by element, is the model's
/// order of it.
bool Layer::endsFirst() {
  Value result = op->getResult(0);
  while (result.hasOneUse()) {
    OpOperand &use = *result.getUses().begin();
    if (auto behind = dyn_cast<linalg::TransposeOp>(use.getOwner()))
      return isChannelsLast(invertPermutationVector(behind.getPermutation()));
    auto next = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!next || next.getNumReductionLoops() || next.getNumDpsInits() != 1 ||
        next.isDpsInit(&use))
      return false;
    for (OpOperand &operand : next->getOpOperands()) {
      bool isWhole = &operand == &use || next.isDpsInit(&operand);
      if (isWhole != next.getMatchingIndexingMap(&operand).isIdentity())
        return false;
    }
    result = next->getResult(0);
  }
  return false;
}

/// Whether nobody else reads the filter: another order would be a second copy.
bool Layer::ownsFilter() {
  Value filter = op.getDpsInputs()[1];
  while (Operation *from = filter.getDefiningOp()) {
    if (!filter.hasOneUse())
      return false;
    if (auto get = dyn_cast<lig::share::GetOp>(from)) {
      auto param = SymbolTable::lookupNearestSymbolFrom<lig::share::ParamOp>(
          get, get.getSourceAttr());
      auto uses = param
                      ? param->getAttrOfType<IntegerAttr>(lig::share::kUsesAttr)
                      : IntegerAttr();
      return uses && uses.getInt() == 1;
    }
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
             linalg::TransposeOp>(from))
      return false;
    filter = from->getOperand(0);
  }
  return false;
}

/// What windows over each channel lose by vectors along the row.
double Layer::windowCycles() {
  double row = extent(rank - 2);
  double cycles = taps * double(elements(op->getResult(0))) / (2 * lanes);
  double turned = cycles * std::ceil(row / lanes) * lanes / row *
                  (step == 1 ? 1 : kSlowerStep);
  return turned - cycles + (pad ? kCopyCycles * elements(pad.getSource()) : 0);
}

/// What a product loses by vectors along the pixels: filters fill vectors
/// better, and pixels are copied to panels.
double Layer::productCycles() {
  double filters = extent(rank - 1), pixels = 1;
  for (int64_t dim = 1; dim < rank - 1; ++dim)
    pixels *= extent(dim);
  auto filled = [&](double extent) {
    return std::ceil(extent / lanes) * lanes / extent;
  };
  double data = elements(before.getInput());
  double cycles = data * filters / (2 * lanes);
  return cycles * (filled(pixels) - filled(filters)) + kCopyCycles * data;
}

bool Layer::gains() {
  double saved = kTransposeCycles *
                 (elements(before.getInput()) + elements(op->getResult(0)));
  bool ends = endsFirst();
  if (channel < unsigned(rank)) {
    turnsResult = channel == unsigned(rank - 1) && ends && step <= 2 &&
                  extent(rank - 2) >= lanes && windowCycles() < saved;
    return turnsResult;
  }
  bool isProduct = taps == 1 && !hasSteps && !pad && extent(0) == 1;
  turnsResult = isProduct && ends && op.getNumDpsInputs() == 2 &&
                productCycles() < saved && ownsFilter();
  return turnsResult || extent(channel) <= kFewChannels;
}

/// The data in the model's order, padded so.
Value Layer::turnData(RewriterBase &rewriter) {
  Location loc = op.getLoc();
  Permutation order = orderOf(rank);
  Value data = makeTranspose(rewriter, loc, before->getResult(0), order);
  if (!pad)
    return data;
  auto type = cast<RankedTensorType>(pad.getType());
  SmallVector<OpFoldResult> low = pad.getMixedLowPad(),
                            high = pad.getMixedHighPad();
  return tensor::PadOp::create(
      rewriter, loc,
      RankedTensorType::get(applyPermutation(type.getShape(), order),
                            type.getElementType()),
      data, applyPermutation(low, order), applyPermutation(high, order),
      pad.getConstantPaddingValue());
}

/// Where the loops of the result stand when it is in the model's order.
SmallVector<AffineExpr> Layer::renamed(Builder &b, unsigned numLoops) const {
  Permutation places = invertPermutationVector(orderOf(rank));
  SmallVector<AffineExpr> dims;
  for (int64_t loop = 0; loop < int64_t(numLoops); ++loop)
    dims.push_back(b.getAffineDimExpr(loop < rank ? places[loop] : loop));
  return dims;
}

/// What is summed up from, in the model's order: a number, a bias, or any
/// tensor.
Value Layer::turnStart(RewriterBase &rewriter) {
  Location loc = op.getLoc();
  Permutation order = orderOf(rank);
  Value start = op.getDpsInits().front();
  auto type = cast<RankedTensorType>(start.getType());
  auto room = [&] {
    return tensor::EmptyOp::create(rewriter, loc,
                                   applyPermutation(type.getShape(), order),
                                   type.getElementType());
  };
  if (auto fill = start.getDefiningOp<linalg::FillOp>())
    return linalg::FillOp::create(rewriter, loc, fill.getInputs(),
                                  ValueRange(room()))
        .getResult(0);
  auto bias = start.getDefiningOp<linalg::GenericOp>();
  if (!bias || bias.getNumReductionLoops() || bias.getNumDpsInputs() != 1 ||
      bias.getNumDpsInits() != 1 || bias.hasIndexSemantics() ||
      !bias.getIndexingMapsArray().back().isIdentity() ||
      bias.payloadUsesValueFromOperand(bias.getDpsInitOperand(0)) ||
      bias.getIndexingMapsArray().front().isIdentity())
    return makeTranspose(rewriter, loc, start, order);
  SmallVector<AffineMap> maps = bias.getIndexingMapsArray();
  maps.front() =
      maps.front().replaceDimsAndSymbols(renamed(rewriter, rank), {}, rank, 0);
  Value empty = room();
  auto turned = linalg::GenericOp::create(rewriter, loc, empty.getType(),
                                          bias.getDpsInputs(), empty, maps,
                                          bias.getIteratorTypesArray());
  rewriter.cloneRegionBefore(bias.getRegion(), turned.getRegion(),
                             turned.getRegion().begin());
  return turned.getResult(0);
}

void Layer::turn(RewriterBase &rewriter) {
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  Permutation order = orderOf(rank);
  SmallVector<Value> inputs = op.getDpsInputs();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto reorder = [&](AffineMap map, ArrayRef<int64_t> order) {
    return AffineMap::get(map.getNumDims(), 0,
                          applyPermutation(map.getResults(), order),
                          op.getContext());
  };
  inputs.front() = turnData(rewriter);
  maps.front() = reorder(maps.front(), order);
  Value start = op.getDpsInits().front();
  if (turnsResult) {
    start = turnStart(rewriter);
    maps.back() = reorder(maps.back(), order);
    for (AffineMap &map : maps)
      map = map.replaceDimsAndSymbols(renamed(rewriter, op.getNumLoops()), {},
                                      op.getNumLoops(), 0);
  }
  // The rows of a product's left side are the filters then.
  if (turnsResult && channel >= unsigned(rank)) {
    Permutation rows(maps[1].getNumResults());
    std::iota(rows.begin(), rows.end(), 0);
    auto filters =
        llvm::find(maps[1].getResults(), rewriter.getAffineDimExpr(1));
    auto at = rows.begin() + (filters - maps[1].getResults().begin());
    std::rotate(rows.begin(), at, at + 1);
    inputs[1] = makeTranspose(rewriter, loc, inputs[1], rows);
    maps[1] = reorder(maps[1], rows);
  }
  auto turned =
      linalg::GenericOp::create(rewriter, loc, start.getType(), inputs, start,
                                maps, op.getIteratorTypesArray());
  rewriter.cloneRegionBefore(op.getRegion(), turned.getRegion(),
                             turned.getRegion().begin());
  Value result = turned.getResult(0);
  if (turnsResult)
    result =
        makeTranspose(rewriter, loc, result, invertPermutationVector(order));
  rewriter.replaceOp(op, result);
}

unsigned lig::net::keepChannelsFirst(Operation *root, int64_t lanes) {
  SmallVector<linalg::GenericOp> work;
  root->walk([&](linalg::GenericOp op) {
    if (op.hasPureTensorSemantics() && op->getNumResults() == 1)
      work.push_back(op);
  });
  IRRewriter rewriter(root->getContext());
  unsigned count = 0;
  for (linalg::GenericOp op : work) {
    Layer layer(op, lanes);
    if (!layer.match() || !layer.gains())
      continue;
    layer.turn(rewriter);
    ++count;
  }
  return count;
}
