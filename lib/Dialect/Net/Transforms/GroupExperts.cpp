// A layer of experts chooses weights by the data: each row of a tensor (a token)
// goes through some experts of many. Files have it in two ways that compute too
// much or copy too much:
//
//   sum over e of gate[e, row] * f(x[row], W[e])    all experts, most gates 0
//   f(x[row], W[index[row]])                        a copy of a weight per row
//
// Both become a loop over blocks of rows of one expert, whose weight is read
// where it lies; how many blocks there are turns out when the model runs.
//
// The first form gives the same for any gates, because a gate of zero adds
// nothing; that few gates are not zero only makes it pay, and is known where
// gates are scattered into zeros.

#include "ExpertProgram.h"

#include "Ligature/Analysis/CallCost.h"
#include "Ligature/Analysis/TensorBytes.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

using namespace mlir;
using namespace lig::net;
using lig::typeOf;

namespace lig::net {
#define GEN_PASS_DEF_GROUPEXPERTSPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

/// Grouping is done if this share of the time is saved.
static constexpr double kLeastGain = 0.1;
/// Microseconds to ask an expert about a row.
static constexpr double kTimeToAsk = 0.0015;

//===-- How many gates are open -------------------------------------------===//

static bool isZero(Value value) {
  return matchPattern(value, m_AnyZeroFloat());
}

static Value withoutMoves(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             linalg::TransposeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// True for a parameter whose bytes are all zero.
static bool isZeroParameter(Value value) {
  auto get = value.getDefiningOp<lig::share::GetOp>();
  if (!get)
    return false;
  SymbolTableCollection tables;
  auto param = dyn_cast_or_null<lig::share::ParamOp>(
      lig::share::lookupParameter(get, get.getSourceAttr(), tables));
  if (!param || !param.isFrozen() || !param.getElements())
    return false;
  auto bytes = lig::readElements(param.getElements());
  return bytes && llvm::all_of(bytes->data, [](char byte) { return byte == 0; });
}

/// True for zeros, and for products with zero, which exporters take for zeros:
/// a NaN among them would cost time and stay what it is.
static bool isFilledWithZeros(Value value) {
  value = withoutMoves(value);
  if (isZero(value) || isZeroParameter(value))
    return true;
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return isZero(fill.value());
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumReductionLoops() != 0 || op->getNumResults() != 1)
    return false;
  Value result = op.getBody()->getTerminator()->getOperand(0);
  auto product = result.getDefiningOp<arith::MulFOp>();
  return isZero(result) ||
         (product && (isZero(product.getLhs()) || isZero(product.getRhs())));
}

/// How many gates at most are not zero, if that is known.
static std::optional<int64_t> countOpenGates(Value gates) {
  gates = withoutMoves(gates);
  auto loop = gates.getDefiningOp<scf::ForOp>();
  if (!loop)
    return std::nullopt;
  unsigned index = cast<OpResult>(gates).getResultNumber();
  Value written = loop.getBody()->getTerminator()->getOperand(index);
  auto steps = getConstantIntValue(loop.getUpperBound());
  int64_t each = 1;
  Value target;
  if (auto insert = written.getDefiningOp<tensor::InsertOp>()) {
    target = insert.getDest();
  } else if (auto insert = written.getDefiningOp<tensor::InsertSliceOp>()) {
    each = insert.getSourceType().hasStaticShape()
               ? insert.getSourceType().getNumElements()
               : typeOf(gates).getNumElements();
    target = insert.getDest();
  }
  if (!steps || !target || target != loop.getRegionIterArg(index) ||
      !isConstantIntValue(loop.getLowerBound(), 0) ||
      !isConstantIntValue(loop.getStep(), 1) ||
      !isFilledWithZeros(loop.getInitArgs()[index]))
    return std::nullopt;
  return *steps * each;
}

//===-- Finding layers of experts -----------------------------------------===//

/// The inputs of an operation whose body is one `BodyOp` of two of its
/// arguments.
template <typename BodyOp>
static bool isBinary(linalg::LinalgOp op, Value first, Value second) {
  Block *body = op.getBlock();
  auto inner =
      body->getTerminator()->getOperand(0).template getDefiningOp<BodyOp>();
  return inner && body->getOperations().size() == 2 &&
         ((inner.getLhs() == first && inner.getRhs() == second) ||
          (inner.getLhs() == second && inner.getRhs() == first));
}

namespace {
/// sum over experts of gate * value.
struct GatedSum {
  linalg::LinalgOp sum, product;
  OpOperand *gate;
  ExpertDims dims;
  int64_t openGates;
};
} // namespace

/// The sum over one loop of an input, and which dimension of it is summed up.
static std::optional<int64_t> matchSum(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() != 1 || op.getNumDpsInputs() != 1 ||
      op->getNumResults() != 1 || !op.hasPureTensorSemantics() ||
      !isBinary<arith::AddFOp>(op, op.getBlock()->getArgument(0),
                               op.getBlock()->getArgument(1)) ||
      !op.getDpsInits()[0].getDefiningOp<linalg::FillOp>())
    return std::nullopt;
  AffineMap in = op.getIndexingMapsArray().front();
  AffineMap out = op.getIndexingMapsArray().back();
  SmallVector<unsigned> reduced;
  op.getReductionDims(reduced);
  if (!in.isPermutation())
    return std::nullopt;
  SmallVector<AffineExpr> kept;
  int64_t dim = -1;
  for (auto [i, expr] : llvm::enumerate(in.getResults()))
    if (cast<AffineDimExpr>(expr).getPosition() == reduced.front())
      dim = i;
    else
      kept.push_back(expr);
  if (out.getResults() != ArrayRef<AffineExpr>(kept))
    return std::nullopt;
  return dim;
}

static std::optional<GatedSum> matchGatedSum(linalg::LinalgOp op) {
  auto expertDim = matchSum(op);
  if (!expertDim)
    return std::nullopt;
  auto product = op->getOperand(0).getDefiningOp<linalg::LinalgOp>();
  if (!product || product.getNumDpsInputs() != 2 ||
      product.getNumReductionLoops() != 0 || !product->hasOneUse() ||
      !product.hasPureTensorSemantics() ||
      !product.getIndexingMapsArray().back().isIdentity() ||
      !isBinary<arith::MulFOp>(product, product.getBlock()->getArgument(0),
                               product.getBlock()->getArgument(1)))
    return std::nullopt;
  for (OpOperand *gate : product.getDpsInputOperands()) {
    AffineMap map = product.getMatchingIndexingMap(gate);
    if (!isa<RankedTensorType>(gate->get().getType()) ||
        !map.isProjectedPermutation() || !map.isFunctionOfDim(*expertDim) ||
        map.getNumResults() < 2 || map.isPermutation())
      continue;
    // The other loops of the gates are the rows.
    SmallVector<int64_t> rows;
    for (int64_t loop = 0; loop < int64_t(map.getNumDims()); ++loop)
      if (loop != *expertDim && map.isFunctionOfDim(loop))
        rows.push_back(loop);
    if (rows.back() - rows.front() + 1 != int64_t(rows.size()))
      continue;
    auto open = countOpenGates(gate->get());
    if (open)
      return GatedSum{op, product, gate,
                      {{*expertDim, 1}, {rows.front(), int64_t(rows.size())}},
                      *open};
  }
  return std::nullopt;
}

//===-- Rewriting them ----------------------------------------------------===//

namespace {
/// How a layer is grouped, and the time that it takes.
struct Plan {
  int64_t perBlock = 1;
  double time = 0;
};

struct GroupExperts : lig::net::impl::GroupExpertsPassBase<GroupExperts> {
  using GroupExpertsPassBase::GroupExpertsPassBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    cost.emplace(vectorBits, lig::countParameterBytes(function));
    SmallVector<linalg::LinalgOp> work;
    function.walk([&](linalg::LinalgOp op) { work.push_back(op); });
    // Users come first, so that a layer is found as a whole.
    for (linalg::LinalgOp op : llvm::reverse(work)) {
      if (done.contains(op))
        continue;
      if (auto layer = matchGatedSum(op))
        groupGated(*layer);
      else if (auto chosen = matchChosen(op))
        groupChosen(op, chosen->first, chosen->second);
    }
    for (linalg::LinalgOp op : llvm::reverse(work))
      if (isOpTriviallyDead(op))
        op.erase();
  }

private:
  /// The dimensions of `value` that count the rows weights were gathered for,
  /// and by what, if it is gathered weights in another order.
  static std::optional<std::pair<DimRange, Value>> findGathered(Value value);
  static std::optional<std::pair<DimRange, Value>>
  matchChosen(linalg::LinalgOp op);

  double timeOfRows(const ExpertProgram &program, int64_t rows,
                    double copiedBytes) const {
    double time = cost->timeOfCopy(copiedBytes * rows);
    for (const ExpertProduct &product : program.getProducts())
      time += cost->timeOf({product.flops * rows, product.weightBytes});
    return time;
  }

  /// The block size with which `rows` rows take least time.
  Plan makePlan(const ExpertProgram &program, int64_t rows,
                double rowBytes) const {
    double experts = program.countExperts();
    double occupied = experts * (1 - std::pow(1 - 1 / experts, rows));
    Plan best;
    for (int64_t perBlock = 1; perBlock <= 16; perBlock *= 2) {
      // On average, half of the last block of each expert is filled.
      double blocks = double(rows) / perBlock +
                      occupied * (perBlock - 1) / (2 * perBlock);
      double time = blocks * timeOfRows(program, perBlock, 3 * rowBytes) +
                    kTimeToAsk * experts * program.countRows();
      if (perBlock == 1 || time < best.time)
        best = {perBlock, time};
    }
    return best;
  }

  bool decide(Operation *op, const ExpertProgram &program, int64_t rows,
              double before, const Plan &plan) {
    bool pays = plan.time < (1 - kLeastGain) * before;
    auto options =
        remark::RemarkOpts::name(pays ? "grouped" : "apart").category("share");
    auto text = remark::add(
        "{0} rows of {1} experts: {2:F2} us as they are, {3:F2} us in blocks "
        "of {4}",
        rows, program.countExperts(), before, plan.time, plan.perBlock);
    if (pays)
      remark::passed(op->getLoc(), options) << text;
    else
      remark::missed(op->getLoc(), options) << text;
    return pays;
  }

  void groupGated(GatedSum layer);
  void groupChosen(linalg::LinalgOp root, DimRange rows, Value experts);

  /// The loop over blocks; `start` is what rows are written to, with one more.
  Value makeLoop(OpBuilder &b, Location loc, const RowBlocks &blocks,
                 ExpertProgram &program, Value start, int64_t dim, bool adds) {
    auto scan = ScanOp::create(b, loc, blocks.count, ValueRange{start},
                               ValueRange{}, TypeRange{});
    OpBuilder body = OpBuilder::atBlockBegin(&scan.getBody().front());
    RowBlock block(body, loc, blocks, scan.getStepNumber());
    Value value = program.build(body, block);
    Value next = block.put(body, loc, value, scan.getStateArgs().front(), dim,
                           adds);
    YieldOp::create(body, loc, next);
    ++numLayers;
    return scan.getStates().front();
  }

  std::optional<lig::CallCost> cost;
  llvm::DenseSet<Operation *> done;
};
} // namespace

/// `type` with `range` as one dimension of `extent`.
static RankedTensorType joinRange(RankedTensorType type, DimRange range,
                                  int64_t extent) {
  SmallVector<int64_t> shape(type.getShape().take_front(range.first));
  shape.push_back(extent);
  llvm::append_range(shape,
                     type.getShape().drop_front(range.first + range.count));
  return RankedTensorType::get(shape, type.getElementType());
}

/// The rows of `joint`, which has one more along `range.first`, as `type`.
static Value splitRows(OpBuilder &b, Location loc, Value joint,
                       RankedTensorType type, DimRange range) {
  int64_t rows = typeOf(joint).getDimSize(range.first) - 1;
  RankedTensorType part = joinRange(type, range, rows);
  SmallVector<OpFoldResult> offsets(part.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(part.getRank(), b.getIndexAttr(1));
  Value slice = tensor::ExtractSliceOp::create(
      b, loc, part, joint, offsets,
      getAsIndexOpFoldResult(b.getContext(), part.getShape()), strides);
  if (part == type)
    return slice;
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (groups.empty() || !range.contains(dim) || dim == range.first)
      groups.push_back({dim});
    else
      groups.back().push_back(dim);
  return tensor::ExpandShapeOp::create(b, loc, type, slice, groups);
}

static int64_t productOf(ArrayRef<int64_t> shape, DimRange range) {
  int64_t product = 1;
  for (int64_t extent : shape.slice(range.first, range.count))
    product *= extent;
  return product;
}

void GroupExperts::groupGated(GatedSum layer) {
  linalg::LinalgOp product = layer.product;
  ExpertProgram program(product->getResult(0), layer.dims, /*experts=*/{});
  if (!program.isValid())
    return;
  int64_t rows = program.countRows(), experts = program.countExperts();
  int64_t open = std::min(layer.openGates, rows * experts);
  auto type = typeOf(layer.sum->getResult(0));
  Plan plan = makePlan(program, open, double(lig::countBytes(type)) / rows);
  double before = experts * timeOfRows(program, rows, 0);
  if (!decide(layer.sum, program, open, before, plan))
    return;

  OpBuilder b(layer.sum);
  Location loc = layer.sum.getLoc();
  AffineMap map = product.getMatchingIndexingMap(layer.gate);
  SmallVector<int64_t> extents = product.getStaticLoopRanges();
  auto isOpen = [&](OpBuilder &s, Location at, Value expert, Value row) {
    SmallVector<Value> place;
    for (AffineExpr expr : map.getResults()) {
      int64_t loop = cast<AffineDimExpr>(expr).getPosition();
      if (loop == layer.dims.experts.first) {
        place.push_back(expert);
        continue;
      }
      int64_t stride = productOf(
          extents, {loop + 1, layer.dims.rows.first + layer.dims.rows.count -
                                  loop - 1});
      Value part = arith::DivUIOp::create(
          s, at, row, arith::ConstantIndexOp::create(s, at, stride));
      place.push_back(arith::RemUIOp::create(
          s, at, part, arith::ConstantIndexOp::create(s, at, extents[loop])));
    }
    Value gate = tensor::ExtractOp::create(s, at, layer.gate->get(), place);
    Value zero =
        arith::ConstantOp::create(s, at, s.getZeroAttr(gate.getType()));
    return Value(arith::CmpFOp::create(s, at, arith::CmpFPredicate::UNE, gate,
                                       zero));
  };
  int64_t limit = experts * llvm::divideCeil(rows, plan.perBlock);
  RowBlocks blocks =
      makeBlocks(b, loc, {rows, experts, plan.perBlock}, limit, isOpen);
  DimRange range = layer.dims.rows;
  range.first -= layer.dims.experts.first < range.first;
  RankedTensorType joint = joinRange(type, range, rows + 1);
  auto fill = layer.sum.getDpsInits()[0]
                  .getDefiningOp<linalg::FillOp>();
  Value room = tensor::EmptyOp::create(b, loc, joint.getShape(),
                                       joint.getElementType());
  Value start =
      linalg::FillOp::create(b, loc, fill.getInputs(), room).getResult(0);
  Value sums = makeLoop(b, loc, blocks, program, start, range.first,
                        /*adds=*/true);
  Operation *sum = layer.sum;
  sum->getResult(0).replaceAllUsesWith(splitRows(b, loc, sums, type, range));
  program.markDone(done);
  numRows += open;
}

std::optional<std::pair<DimRange, Value>>
GroupExperts::findGathered(Value value) {
  if (auto gathered = matchGatheredWeight(value))
    return {{DimRange{1, 1}, gathered->experts}};
  Operation *op = value.getDefiningOp();
  if (!op || !isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                  linalg::TransposeOp>(op))
    return std::nullopt;
  auto source = findGathered(op->getOperand(0));
  if (!source)
    return std::nullopt;
  std::optional<DimRange> range = source->first;
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    const auto *first =
        llvm::find(transpose.getPermutation(), source->first.first);
    range = DimRange{first - transpose.getPermutation().begin(),
                     source->first.count};
  } else {
    range = mapRange(typeOf(op->getOperand(0)).getShape(), source->first,
                     typeOf(value).getShape());
  }
  if (!range)
    return std::nullopt;
  return {{*range, source->second}};
}

std::optional<std::pair<DimRange, Value>>
GroupExperts::matchChosen(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || op->getNumResults() != 1)
    return std::nullopt;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    if (!isa<RankedTensorType>(operand->get().getType()))
      continue;
    auto gathered = findGathered(operand->get());
    if (!gathered)
      continue;
    AffineMap map = op.getMatchingIndexingMap(operand);
    SmallVector<unsigned> loops;
    for (int64_t i = 0; i < gathered->first.count; ++i)
      if (auto dim = dyn_cast<AffineDimExpr>(
              map.getResult(gathered->first.first + i)))
        loops.push_back(dim.getPosition());
    DimRange rows = findRange(op.getIndexingMapsArray().back(), loops);
    if (rows.count == gathered->first.count)
      return {{rows, gathered->second}};
  }
  return std::nullopt;
}

void GroupExperts::groupChosen(linalg::LinalgOp root, DimRange range,
                               Value chosen) {
  auto type = typeOf(root->getResult(0));
  ExpertProgram program(root->getResult(0), {{}, range}, chosen);
  if (!program.isValid())
    return;
  int64_t rows = program.countRows(), experts = program.countExperts();
  Plan plan = makePlan(program, rows, double(lig::countBytes(type)) / rows);
  double copied = 0;
  for (const ExpertProduct &product : program.getProducts())
    copied += 2 * product.weightBytes;
  double before = rows * timeOfRows(program, 1, copied);
  if (!decide(root, program, rows, before, plan))
    return;

  OpBuilder b(root);
  Location loc = root.getLoc();
  auto isChosen = [&](OpBuilder &s, Location at, Value expert, Value row) {
    Value index = tensor::ExtractOp::create(s, at, chosen, row);
    index = arith::IndexCastOp::create(s, at, s.getIndexType(), index);
    return Value(arith::CmpIOp::create(s, at, arith::CmpIPredicate::eq, index,
                                       expert));
  };
  int64_t limit = std::min(
      rows, (rows + experts * (plan.perBlock - 1)) / plan.perBlock);
  RowBlocks blocks =
      makeBlocks(b, loc, {rows, experts, plan.perBlock}, limit, isChosen);
  RankedTensorType joint = joinRange(type, range, rows + 1);
  Value start = tensor::EmptyOp::create(b, loc, joint.getShape(),
                                        joint.getElementType());
  Value all = makeLoop(b, loc, blocks, program, start, range.first,
                       /*adds=*/false);
  root->getResult(0).replaceAllUsesWith(splitRows(b, loc, all, type, range));
  program.markDone(done);
  numRows += rows;
}
