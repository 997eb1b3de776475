// Values are followed from the result backwards. Each knows which of its
// dimensions count experts and rows; an operation belongs to the program if its
// loops carry all of both over to what it reads, and if nothing else reads its
// result. What has no rows is a weight, or computed from weights alone; what has
// them, and no way to a weight, is data.

#include "ExpertProgram.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

#include <numeric>

using namespace mlir;
using namespace lig::net;
using lig::typeOf;

/// More operations than an expert ever has.
static constexpr size_t kMostOperations = 128;

static int64_t product(ArrayRef<int64_t> extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t(1),
                         std::multiplies<>());
}

//===-- Slices of a stacked weight, one a row -----------------------------===//

static Value withoutCast(Value value) {
  auto cast = value.getDefiningOp<arith::IndexCastOp>();
  return cast ? cast.getIn() : value;
}

/// True for [0, `at`, 0] [1, 1, all] [1, 1, 1].
static bool isRow(OffsetSizeAndStrideOpInterface op, Value at,
                  RankedTensorType whole) {
  return whole.getRank() == 3 && whole.getDimSize(0) == 1 &&
         op.getOffsets().size() == 1 && op.getDynamicOffset(1) == at &&
         op.getSizes().empty() && op.getStrides().empty() &&
         op.getStaticOffsets()[0] == 0 && op.getStaticOffsets()[2] == 0 &&
         op.getStaticSizes() == ArrayRef<int64_t>({1, 1, whole.getDimSize(2)}) &&
         llvm::all_of(op.getStaticStrides(),
                      [](int64_t stride) { return stride == 1; });
}

std::optional<GatheredWeight> lig::net::matchGatheredWeight(Value value) {
  auto loop = value.getDefiningOp<scf::ForOp>();
  if (!loop || loop.getNumResults() != 1)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  auto insert = yield.getOperand(0).getDefiningOp<tensor::InsertSliceOp>();
  if (!type || !insert || insert.getDest() != loop.getRegionIterArg(0) ||
      !isRow(insert, loop.getInductionVar(), type) ||
      !isConstantIntValue(loop.getLowerBound(), 0) ||
      !isConstantIntValue(loop.getUpperBound(), type.getDimSize(1)) ||
      !isConstantIntValue(loop.getStep(), 1))
    return std::nullopt;
  auto slice = insert.getSource().getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice || slice.getOffsets().size() != 1 ||
      slice.getSource() == loop.getRegionIterArg(0) ||
      !isRow(slice, slice.getDynamicOffset(1), slice.getSourceType()))
    return std::nullopt;
  auto index = withoutCast(slice.getDynamicOffset(1))
                   .getDefiningOp<tensor::ExtractOp>();
  if (!index || index.getIndices().size() != 1 ||
      index.getIndices().front() != loop.getInductionVar() ||
      !isa<IntegerType>(index.getType()) ||
      !lig::getMovedParameter(slice.getSource()) ||
      !loop.isDefinedOutsideOfLoop(index.getTensor()))
    return std::nullopt;
  return GatheredWeight{slice.getSource(), index.getTensor()};
}

//===-- Where experts and rows are ----------------------------------------===//

std::optional<DimRange> lig::net::mapRange(ArrayRef<int64_t> from,
                                           DimRange range,
                                           ArrayRef<int64_t> to) {
  if (range.count == 0)
    return range;
  int64_t before = product(from.take_front(range.first));
  int64_t within = product(from.slice(range.first, range.count));
  size_t first = 0;
  int64_t done = 1;
  while (first < to.size() && done < before)
    done *= to[first++];
  // Dimensions of extent one before it belong to nothing.
  while (within != 1 && first < to.size() && to[first] == 1)
    ++first;
  if (done != before || first == to.size())
    return std::nullopt;
  size_t last = first;
  int64_t size = to[last++];
  while (last < to.size() && size < within)
    size *= to[last++];
  if (size != within)
    return std::nullopt;
  return DimRange{int64_t(first), int64_t(last - first)};
}

static bool isReshape(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

/// The loops that count what `range` of the result counts.
static SmallVector<unsigned> loopsOf(linalg::LinalgOp op, DimRange range) {
  AffineMap out = op.getIndexingMapsArray().back();
  SmallVector<unsigned> loops;
  for (int64_t dim = range.first; dim < range.first + range.count; ++dim)
    loops.push_back(out.getDimPosition(dim));
  return loops;
}

DimRange lig::net::findRange(AffineMap map, ArrayRef<unsigned> loops) {
  for (int64_t first = 0;
       first + loops.size() <= map.getNumResults() && !loops.empty(); ++first) {
    bool isHere = true;
    for (auto [i, loop] : llvm::enumerate(loops)) {
      auto dim = dyn_cast<AffineDimExpr>(map.getResult(first + i));
      isHere &= dim && dim.getPosition() == loop;
    }
    if (isHere)
      return {first, int64_t(loops.size())};
  }
  return {};
}

/// True if `map` moves along `loops` only by whole dimensions.
static bool isPlain(AffineMap map, ArrayRef<unsigned> loops) {
  return llvm::all_of(map.getResults(), [&](AffineExpr expr) {
    return isa<AffineDimExpr>(expr) ||
           llvm::none_of(loops, [&](unsigned loop) {
             return expr.isFunctionOfDim(loop);
           });
  });
}

/// True if a copy of `op` for some of its rows computes the same for them.
static bool canCut(linalg::LinalgOp op, ExpertDims dims) {
  if (op->getNumResults() != 1 || !op.hasPureTensorSemantics() ||
      op.hasIndexSemantics() || isa<linalg::FillOp>(op.getOperation()) ||
      !op.getIndexingMapsArray().back().isProjectedPermutation())
    return false;
  SmallVector<unsigned> loops = loopsOf(op, dims.experts);
  llvm::append_range(loops, loopsOf(op, dims.rows));
  return llvm::all_of(op.getIndexingMapsArray(), [&](AffineMap map) {
    return isPlain(map, loops);
  });
}

SmallVector<std::pair<OpOperand *, ExpertDims>>
ExpertProgram::placeOperands(Operation *op, ExpertDims dims) const {
  SmallVector<std::pair<OpOperand *, ExpertDims>> places;
  if (isReshape(op)) {
    ArrayRef<int64_t> from = typeOf(op->getResult(0)).getShape(),
                      to = typeOf(op->getOperand(0)).getShape();
    auto experts = mapRange(from, dims.experts, to);
    auto rows = mapRange(from, dims.rows, to);
    if (experts && rows)
      places.push_back({&op->getOpOperand(0), {*experts, *rows}});
    return places;
  }
  auto linalgOp = cast<linalg::LinalgOp>(op);
  for (OpOperand &operand : op->getOpOperands())
    if (isa<RankedTensorType>(operand.get().getType())) {
      AffineMap map = linalgOp.getMatchingIndexingMap(&operand);
      places.push_back({&operand,
                        {findRange(map, loopsOf(linalgOp, dims.experts)),
                         findRange(map, loopsOf(linalgOp, dims.rows))}});
    }
  return places;
}

//===-- The program -------------------------------------------------------===//

ExpertProgram::ExpertProgram(Value root, ExpertDims dims, Value experts)
    : root(root), experts(experts) {
  ArrayRef<int64_t> shape = typeOf(root).getShape();
  numRows = product(shape.slice(dims.rows.first, dims.rows.count));
  if (!experts)
    numExperts = product(shape.slice(dims.experts.first, dims.experts.count));
  collect(root, dims);
  if (valid)
    dropReadElsewhere();
  findProducts();
  valid &= !products.empty();
}

bool ExpertProgram::isInside(Value value) const {
  return value.getDefiningOp() && inside.contains(value.getDefiningOp());
}

bool ExpertProgram::isWeight(Value value) const {
  if (!experts)
    return false;
  auto gathered = matchGatheredWeight(value);
  return gathered && gathered->experts == experts &&
         (numExperts == 0 ||
          typeOf(gathered->bank).getDimSize(1) == numExperts);
}

void ExpertProgram::collect(Value start, ExpertDims startDims) {
  SmallVector<std::pair<Value, ExpertDims>> left = {{start, startDims}};
  while (!left.empty()) {
    auto [value, dims] = left.pop_back_val();
    if (isWeight(value)) {
      numExperts = typeOf(matchGatheredWeight(value)->bank).getDimSize(1);
      continue;
    }
    Operation *op = value.getDefiningOp();
    bool counts = dims.rows.count && (experts || dims.experts.count);
    if (!op || !counts || op->getBlock() != root.getParentBlock())
      continue;
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (!isReshape(op) && !(linalgOp && canCut(linalgOp, dims)))
      continue;
    auto places = placeOperands(op, dims);
    if (places.empty())
      continue;
    auto [known, isNew] = inside.insert({op, dims});
    if (!isNew) {
      // One value that is read along two of its dimensions.
      valid &= known->second.rows == dims.rows &&
               known->second.experts == dims.experts;
      continue;
    }
    valid &= inside.size() <= kMostOperations;
    if (!valid)
      return;
    for (auto &[operand, place] : places)
      left.push_back({operand->get(), place});
  }
}

/// Leaves operations whose results only the program reads.
void ExpertProgram::dropReadElsewhere() {
  SmallVector<Operation *> order(llvm::make_first_range(inside));
  llvm::sort(order,
             [](Operation *a, Operation *b) { return b->isBeforeInBlock(a); });
  for (Operation *op : order)
    if (op != root.getDefiningOp() &&
        !llvm::all_of(op->getUsers(), [&](Operation *user) {
          return inside.contains(user);
        }))
      inside.erase(op);
}

/// Leaves operations on a way from a weight, and notes the products.
void ExpertProgram::findProducts() {
  SmallVector<Operation *> order(llvm::make_first_range(inside));
  llvm::sort(order,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  llvm::DenseMap<Operation *, bool> hasRows;
  double ofAll = double(numRows) * (experts ? 1 : numExperts);
  auto bytesOfOne = [&](Value weight) {
    return double(lig::countBytes(typeOf(weight))) /
           (experts ? numRows : numExperts);
  };
  for (Operation *op : order) {
    bool readsWeight = false, readsRows = false;
    double weightBytes = 0;
    for (auto &[operand, place] : placeOperands(op, inside[op])) {
      Value value = operand->get();
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      if (linalgOp && linalgOp.isDpsInit(operand) && !isInside(value))
        continue;
      bool isPlainWeight = !experts && place.experts.count &&
                           !place.rows.count &&
                           lig::getMovedParameter(value);
      if (isWeight(value) || isPlainWeight) {
        readsWeight = true;
        weightBytes += bytesOfOne(value);
      } else if (isInside(value)) {
        readsWeight = true;
        if (hasRows[value.getDefiningOp()])
          readsRows = true;
        else
          weightBytes += bytesOfOne(value);
      } else if (linalgOp) {
        AffineMap map = linalgOp.getMatchingIndexingMap(operand);
        for (unsigned loop : loopsOf(linalgOp, inside[op].rows))
          readsRows |= map.isFunctionOfDim(loop);
      }
    }
    if (!readsWeight) {
      inside.erase(op);
      continue;
    }
    hasRows[op] = readsRows;
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (linalgOp && linalgOp.getNumReductionLoops() && readsRows && weightBytes)
      products.push_back({product(linalgOp.getStaticLoopRanges()) * 2.0 / ofAll,
                          weightBytes});
  }
  valid &= isInside(root) && hasRows.lookup(root.getDefiningOp());
}

//===-- The program for one block -----------------------------------------===//

RankedTensorType ExpertProgram::typeInBlock(Value value, bool hasRows,
                                            const RowBlock &block) const {
  const ExpertDims &dims = inside.lookup(value.getDefiningOp());
  SmallVector<int64_t> shape;
  for (auto [dim, extent] : llvm::enumerate(typeOf(value).getShape())) {
    if (dims.experts.contains(dim))
      continue;
    if (!dims.rows.contains(dim))
      shape.push_back(extent);
    else if (hasRows && int64_t(dim) == dims.rows.first)
      shape.push_back(block.countRows());
  }
  return RankedTensorType::get(shape, typeOf(value).getElementType());
}

/// The same elements in the same order.
static Value reshape(OpBuilder &b, Location loc, Value value,
                     RankedTensorType type) {
  if (value.getType() == type)
    return value;
  auto all = [](int64_t rank) {
    SmallVector<ReassociationIndices> groups;
    if (rank)
      groups.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
    return groups;
  };
  auto flat = RankedTensorType::get({type.getNumElements()},
                                    type.getElementType());
  if (typeOf(value).getRank() != 1)
    value = typeOf(value).getRank()
                ? Value(tensor::CollapseShapeOp::create(
                      b, loc, flat, value, all(typeOf(value).getRank())))
                : Value(tensor::ExpandShapeOp::create(
                      b, loc, flat, value, ArrayRef<ReassociationIndices>()));
  if (type.getRank() == 1)
    return value;
  if (type.getRank() == 0)
    return tensor::CollapseShapeOp::create(b, loc, type, value,
                                           ArrayRef<ReassociationIndices>());
  return tensor::ExpandShapeOp::create(b, loc, type, value,
                                       all(type.getRank()));
}

ExpertProgram::Built ExpertProgram::convert(OpBuilder &b, const RowBlock &block,
                                            Value value) {
  auto known = built.find(value);
  if (known != built.end())
    return known->second;
  Built result;
  Operation *op = value.getDefiningOp();
  if (isWeight(value)) {
    Value bank = matchGatheredWeight(value)->bank;
    RankedTensorType type = typeOf(bank);
    // As it is stored, so that what reads it sees a slice of a parameter.
    while (isReshape(bank.getDefiningOp()))
      bank = bank.getDefiningOp()->getOperand(0);
    bool isStacked = typeOf(bank).getDimSize(0) == numExperts;
    Value slice = block.takeExpert(
        b, value.getLoc(),
        isStacked ? bank : matchGatheredWeight(value)->bank, isStacked ? 0 : 1);
    auto flat = RankedTensorType::get({1, type.getDimSize(2)},
                                      type.getElementType());
    result = {reshape(b, value.getLoc(), slice, flat), false};
  } else if (isReshape(op)) {
    Built source = convert(b, block, op->getOperand(0));
    result = {reshape(b, op->getLoc(), source.value,
                      typeInBlock(value, source.hasRows, block)),
              source.hasRows};
  } else {
    result = convertOp(b, block, cast<linalg::LinalgOp>(op));
  }
  built[value] = result;
  return result;
}

ExpertProgram::Built ExpertProgram::convertLeaf(OpBuilder &b,
                                                const RowBlock &block,
                                                linalg::LinalgOp user,
                                                OpOperand *operand) {
  const ExpertDims &dims = inside[user];
  AffineMap map = user.getMatchingIndexingMap(operand);
  SmallVector<unsigned> expertLoops = loopsOf(user, dims.experts),
                        rowLoops = loopsOf(user, dims.rows);
  SmallVector<int64_t> extents = user.getStaticLoopRanges();
  Location loc = user.getLoc();
  Value value = operand->get();
  DimRange experts = findRange(map, expertLoops);
  int64_t expertDim = experts.count ? experts.first : -1;
  if (expertDim >= 0)
    value = block.takeExpert(b, loc, value, expertDim);
  SmallVector<RowDim> rows;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop || !llvm::is_contained(rowLoops, loop.getPosition()))
      continue;
    int64_t stride = 1;
    for (size_t inner = rowLoops.size();
         rowLoops[--inner] != loop.getPosition();)
      stride *= extents[rowLoops[inner]];
    int64_t place = dim;
    rows.push_back({place - (expertDim >= 0 && expertDim < place), stride,
                    extents[loop.getPosition()]});
  }
  if (rows.empty())
    return {value, false};
  return {block.gather(b, loc, value, rows), true};
}

namespace {
/// Loops of an operation as those of its copy for a block.
struct LoopsInBlock {
  LoopsInBlock(linalg::LinalgOp op, ExpertDims dims, bool hasRows) {
    SmallVector<unsigned> experts = loopsOf(op, dims.experts);
    rows = loopsOf(op, dims.rows);
    MLIRContext *context = op.getContext();
    SmallVector<utils::IteratorType> old = op.getIteratorTypesArray();
    for (unsigned loop = 0; loop < old.size(); ++loop) {
      bool isGone = llvm::is_contained(experts, loop) ||
                    (llvm::is_contained(rows, loop) &&
                     !(hasRows && loop == rows.front()));
      gone.push_back(isGone);
      replacements.push_back(getAffineDimExpr(isGone ? 0 : kinds.size(),
                                              context));
      if (!isGone)
        kinds.push_back(old[loop]);
    }
  }

  /// Of several dimensions that count rows, the first stays.
  AffineMap map(AffineMap old, bool hasRows) const {
    SmallVector<AffineExpr> results;
    bool hadRows = false;
    for (AffineExpr expr : old.getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (dim && llvm::is_contained(rows, dim.getPosition())) {
        if (hasRows && !hadRows)
          results.push_back(replacements[rows.front()]);
        hadRows = true;
      } else if (!dim || !gone[dim.getPosition()]) {
        results.push_back(expr.replaceDims(replacements));
      }
    }
    return AffineMap::get(kinds.size(), 0, results, old.getContext());
  }

  SmallVector<unsigned> rows;
  SmallVector<bool> gone;
  SmallVector<AffineExpr> replacements;
  SmallVector<utils::IteratorType> kinds;
};
} // namespace

ExpertProgram::Built ExpertProgram::convertOp(OpBuilder &b,
                                              const RowBlock &block,
                                              linalg::LinalgOp op) {
  Location loc = op.getLoc();
  ExpertDims dims = inside[op];
  SmallVector<Built> operands;
  bool hasRows = false;
  auto convertOperand = [&](OpOperand *operand) -> Built {
    Value value = operand->get();
    if (!isa<RankedTensorType>(value.getType()))
      return {value, false};
    return isInside(value) || isWeight(value)
               ? convert(b, block, value)
               : convertLeaf(b, block, op, operand);
  };
  for (OpOperand *operand : op.getDpsInputOperands()) {
    operands.push_back(convertOperand(operand));
    hasRows |= operands.back().hasRows;
  }
  OpOperand *init = op.getDpsInitOperand(0);
  auto fill = init->get().getDefiningOp<linalg::FillOp>();
  Built from{{}, false};
  if (!fill && op.payloadUsesValueFromOperand(init)) {
    from = convertOperand(init);
    hasRows |= from.hasRows;
  }
  RankedTensorType type = typeInBlock(op->getResult(0), hasRows, block);
  Value start = from.value;
  if (!start || from.hasRows != hasRows) {
    Value room = tensor::EmptyOp::create(b, loc, type.getShape(),
                                         type.getElementType());
    bool isBehind = dims.experts.count && dims.experts.first < dims.rows.first;
    if (start)
      start = linalg::BroadcastOp::create(b, loc, start, room,
                                          dims.rows.first - isBehind)
                  ->getResult(0);
    else
      start = fill ? linalg::FillOp::create(b, loc, fill.getInputs(), room)
                         .getResult(0)
                   : room;
  }
  LoopsInBlock loops(op, dims, hasRows);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (auto [operand, made] : llvm::zip(op.getDpsInputOperands(), operands)) {
    inputs.push_back(made.value);
    maps.push_back(loops.map(op.getMatchingIndexingMap(operand), made.hasRows));
  }
  maps.push_back(loops.map(op.getMatchingIndexingMap(init), hasRows));
  auto copy = linalg::GenericOp::create(b, loc, type, inputs, start, maps,
                                        loops.kinds);
  IRMapping mapping;
  op->getRegion(0).cloneInto(&copy.getRegion(), mapping);
  return {copy.getResult(0), hasRows};
}

Value ExpertProgram::build(OpBuilder &b, const RowBlock &block) {
  return convert(b, block, root).value;
}
