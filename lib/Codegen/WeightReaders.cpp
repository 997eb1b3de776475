// Reshapes and slices carry a weight along, a scan hands each step its slice;
// what reads it in the end converts each element. A sum of products multiplies
// by its channel's scale after summing, once per result instead of once per
// product; everything else multiplies what it reads.

#include "WeightReaders.h"

#include "Ligature/Analysis/StridedView.h"
#include "Ligature/Dialect/Net/IR/Net.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lig::codegen;
using lig::net::ScanOp;

/// The multiplication of `weight` in a body that adds products to its output;
/// null for any other body.
static arith::MulFOp productOf(linalg::GenericOp op, BlockArgument weight) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInits() != 1 ||
      !weight.hasOneUse())
    return {};
  Operation *yielded =
      op.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  auto sum = dyn_cast_or_null<arith::AddFOp>(yielded);
  auto product = dyn_cast<arith::MulFOp>(*weight.getUsers().begin());
  Value out = op.getBody()->getArguments().back();
  if (!sum || !product || !product->hasOneUse() || !out.hasOneUse() ||
      *product->getUsers().begin() != sum || *out.getUsers().begin() != sum)
    return {};
  return product;
}

static BlockArgument argumentOf(OpOperand &use) {
  auto op = cast<linalg::GenericOp>(use.getOwner());
  return op.getMatchingBlockArgument(&use);
}

/// The scan's slice of what `use` hands it, or null.
static Value sliceOf(OpOperand &use) {
  auto scan = dyn_cast<ScanOp>(use.getOwner());
  if (!scan)
    return {};
  unsigned first = scan.getInputs().empty()
                       ? ~0u
                       : scan.getInputs().getBeginOperandIndex();
  unsigned number = use.getOperandNumber();
  if (number < first || number >= first + scan.getInputs().size())
    return {};
  return scan.getSliceArgs()[number - first];
}

WeightReaders::WeightReaders(ArrayRef<Operation *> reads,
                             RewriterBase &rewriter) {
  for (Operation *read : reads) {
    Value value = read->getResult(0);
    auto type = cast<RankedTensorType>(value.getType());
    wide = type.getElementType();
    auto strided = dyn_cast<share::GetStridedOp>(read);
    if (strided)
      offsetOf[value] = strided.getOffset();
    collect(value,
            strided ? SmallVector<int64_t>(strided.getStrides())
                    : lig::getRowMajorStrides(type.getShape()),
            rewriter);
  }
}

void WeightReaders::collect(Value value, ArrayRef<int64_t> strides,
                            RewriterBase &rewriter) {
  moved.push_back(value);
  stridesOf[value] = SmallVector<int64_t>(strides);
  // Made generic first: that replaces the uses that are looked at below.
  for (Operation *user : llvm::make_early_inc_range(value.getUsers())) {
    auto named = dyn_cast<linalg::LinalgOp>(user);
    if (!named || isa<linalg::GenericOp>(user))
      continue;
    rewriter.setInsertionPoint(user);
    if (failed(linalg::generalizeNamedOp(rewriter, named)))
      isKnown = false;
  }
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
            tensor::ExtractSliceOp>(user) &&
        use.getOperandNumber() == 0) {
      auto type = cast<RankedTensorType>(user->getResult(0).getType());
      isKnown &= !offsetOf.contains(value);
      collect(user->getResult(0), lig::getRowMajorStrides(type.getShape()),
              rewriter);
    } else if (Value slice = sliceOf(use)) {
      isKnown &= !offsetOf.contains(value);
      collect(slice, strides.drop_front(), rewriter);
    } else if (isa<tensor::ExtractOp>(user)) {
      leaves.push_back(&use);
    } else if (auto generic = dyn_cast<linalg::GenericOp>(user);
               generic && generic.isDpsInput(&use)) {
      // Changing one operand of an operation would lose sight of another.
      isKnown &= llvm::none_of(leaves, [&](OpOperand *leaf) {
        return leaf->getOwner() == user;
      });
      leaves.push_back(&use);
      hasContraction |= productOf(generic, argumentOf(use)) != nullptr;
    } else {
      isKnown = false;
    }
  }
}

bool WeightReaders::areProducts() const {
  return llvm::all_of(leaves, [](OpOperand *leaf) {
    auto generic = dyn_cast<linalg::GenericOp>(leaf->getOwner());
    return generic && productOf(generic, argumentOf(*leaf));
  });
}

/// The channels as the sum of products at `use` would like them.
Channels WeightReaders::channelsAt(OpOperand &use) const {
  auto op = cast<linalg::GenericOp>(use.getOwner());
  auto type = cast<RankedTensorType>(use.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&use);
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  Channels best;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop || kinds[loop.getPosition()] != utils::IteratorType::parallel)
      continue;
    bool isOwn = llvm::none_of(op.getDpsInputOperands(), [&](OpOperand *other) {
      return other != &use && op.getMatchingIndexingMap(other).isFunctionOfDim(
                                  loop.getPosition());
    });
    if (isOwn && type.getDimSize(dim) > best.channels &&
        stridesOf.at(use.get())[dim] > 0)
      best = {type.getDimSize(dim), stridesOf.at(use.get())[dim]};
  }
  return best;
}

/// The dimension of `value` that counts the channels, if there is one.
std::optional<int64_t> WeightReaders::channelDim(Value value,
                                                 Channels channels) const {
  auto type = cast<RankedTensorType>(value.getType());
  if (offsetOf.lookup(value) / channels.inner % channels.channels != 0)
    return std::nullopt;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.getDimSize(dim) == channels.channels &&
        stridesOf.at(value)[dim] == channels.inner)
      return dim;
  return std::nullopt;
}

Channels WeightReaders::getChannels() const {
  std::optional<Channels> agreed;
  for (OpOperand *use : leaves) {
    auto op = dyn_cast<linalg::GenericOp>(use->getOwner());
    if (!op || !productOf(op, argumentOf(*use)))
      continue;
    Channels own = channelsAt(*use);
    if (agreed && !(*agreed == own))
      return {};
    agreed = own;
  }
  Channels channels = agreed.value_or(Channels());
  for (OpOperand *use : leaves)
    if (!channelDim(use->get(), channels))
      return {};
  return channels;
}

Value lig::codegen::readTable(OpBuilder &b, Operation *op,
                              share::ParamOp table) {
  if (!table)
    return {};
  // The table is the same in every iteration of what is around.
  while (op->getParentOp() && !isa<FunctionOpInterface>(op->getParentOp()))
    op = op->getParentOp();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(op);
  return share::GetOp::create(b, op->getLoc(), table.getTensorType(),
                              table.getSymName());
}

Value lig::codegen::widen(OpBuilder &b, Location loc, Value narrow, Type wide,
                          Value table) {
  if (table) {
    Value at =
        arith::IndexCastUIOp::create(b, loc, b.getIndexType(), narrow);
    return tensor::ExtractOp::create(b, loc, table, at);
  }
  if (isa<FloatType>(narrow.getType()))
    return arith::ExtFOp::create(b, loc, wide, narrow);
  return arith::SIToFPOp::create(b, loc, wide, narrow);
}

Value WeightReaders::readScales(OpBuilder &b, Location loc,
                                const Meaning &meaning) {
  auto type = RankedTensorType::get({meaning.channels.channels}, wide);
  return share::GetOp::create(b, loc, type,
                              FlatSymbolRefAttr::get(meaning.scales));
}

/// The same sums from zero, then scaled and added to what they started from.
static void scaleSums(linalg::GenericOp op, Value scales, AffineExpr channel,
                      RewriterBase &rewriter) {
  Location loc = op.getLoc();
  Value start = op.getDpsInits()[0];
  auto type = cast<RankedTensorType>(start.getType());
  rewriter.setInsertionPoint(op);
  Value zero = arith::ConstantOp::create(
      rewriter, loc, rewriter.getZeroAttr(type.getElementType()));
  Value room = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                       type.getElementType());
  op.getDpsInitsMutable()[0].set(
      linalg::FillOp::create(rewriter, loc, zero, room).getResult(0));
  rewriter.setInsertionPointAfter(op);

  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  MLIRContext *context = op.getContext();
  AffineMap identity =
      AffineMap::getMultiDimIdentityMap(type.getRank(), context);
  AffineExpr place = getAffineConstantExpr(0, context);
  for (auto [i, expr] : llvm::enumerate(out.getResults()))
    if (expr == channel)
      place = getAffineDimExpr(i, context);
  AffineMap scaleMap = AffineMap::get(type.getRank(), 0, {place}, context);
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  Value sums = op.getResult(0);
  Value result = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                         type.getElementType());
  auto scaled = linalg::GenericOp::create(
      rewriter, loc, type, ValueRange{sums, scales, start}, result,
      ArrayRef<AffineMap>{identity, scaleMap, identity, identity}, loops,
      [](OpBuilder &b, Location at, ValueRange in) {
        Value product = arith::MulFOp::create(b, at, in[0], in[1]);
        Value sum = arith::AddFOp::create(b, at, product, in[2]);
        linalg::YieldOp::create(b, at, sum);
      });
  rewriter.replaceAllUsesExcept(sums, scaled.getResult(0), scaled);
}

void WeightReaders::narrowGeneric(OpOperand &use, const Meaning &meaning,
                                  RewriterBase &rewriter) {
  Channels channels = meaning.channels;
  auto op = cast<linalg::GenericOp>(use.getOwner());
  BlockArgument argument = argumentOf(use);
  auto type = cast<RankedTensorType>(use.get().getType());
  Location loc = op.getLoc();
  bool isContraction = productOf(op, argument) != nullptr;
  AffineMap map = op.getMatchingIndexingMap(&use);
  argument.setType(type.getElementType());
  Value table = readTable(rewriter, op, meaning.table);
  rewriter.setInsertionPointToStart(op.getBody());
  SmallVector<OpOperand *> readers;
  for (OpOperand &reader : argument.getUses())
    readers.push_back(&reader);
  Value number = widen(rewriter, loc, argument, wide, table);
  for (OpOperand *reader : readers)
    reader->set(number);
  if (!meaning.scales)
    return;
  AffineExpr channel = getAffineConstantExpr(0, op.getContext());
  if (channels.channels > 1)
    channel = map.getResult(*channelDim(use.get(), channels));
  rewriter.setInsertionPoint(op);
  Value factors = readScales(rewriter, loc, meaning);
  if (isContraction && (channels.channels == 1 || isa<AffineDimExpr>(channel)))
    return scaleSums(op, factors, channel, rewriter);

  // One more input: the scale of each element.
  AffineMap scaleMap =
      AffineMap::get(map.getNumDims(), 0, {channel}, op.getContext());
  unsigned last = op.getNumDpsInputs();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps.insert(maps.begin() + last, scaleMap);
  op.getInputsMutable().append(factors);
  op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  Value factor = op.getBody()->insertArgument(last, wide, loc);
  rewriter.setInsertionPointAfter(number.getDefiningOp());
  Value product = arith::MulFOp::create(rewriter, loc, number, factor);
  rewriter.replaceAllUsesExcept(number, product, product.getDefiningOp());
}

void WeightReaders::narrowExtract(OpOperand &use, const Meaning &meaning,
                                  RewriterBase &rewriter) {
  Channels channels = meaning.channels;
  auto extract = cast<tensor::ExtractOp>(use.getOwner());
  auto type = cast<RankedTensorType>(use.get().getType());
  Location loc = extract.getLoc();
  SmallVector<OpOperand *> readers;
  for (OpOperand &reader : extract->getUses())
    readers.push_back(&reader);
  Value table = readTable(rewriter, extract, meaning.table);
  rewriter.setInsertionPointAfter(extract);
  extract.getResult().setType(type.getElementType());
  Value number = widen(rewriter, loc, extract, wide, table);
  if (meaning.scales) {
    // The scales are the same in every iteration of what is around.
    Operation *outer = extract;
    while (outer->getParentOp() && !isa<FunctionOpInterface>(outer->getParentOp()))
      outer = outer->getParentOp();
    OpBuilder b(outer);
    Value factors = readScales(b, loc, meaning);
    Value at = channels.channels == 1
                   ? Value(arith::ConstantIndexOp::create(b, loc, 0))
                   : extract.getIndices()[*channelDim(use.get(), channels)];
    Value factor = tensor::ExtractOp::create(rewriter, loc, factors, at);
    number = arith::MulFOp::create(rewriter, loc, number, factor);
  }
  for (OpOperand *reader : readers)
    reader->set(number);
}

void WeightReaders::narrow(const Meaning &meaning, RewriterBase &rewriter) {
  for (Value value : moved)
    value.setType(
        cast<RankedTensorType>(value.getType()).clone(meaning.element));
  for (OpOperand *use : leaves)
    if (isa<tensor::ExtractOp>(use->getOwner()))
      narrowExtract(*use, meaning, rewriter);
    else
      narrowGeneric(*use, meaning, rewriter);
}
