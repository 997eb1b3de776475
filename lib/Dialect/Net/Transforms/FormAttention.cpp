// Attention arrives as products, a softmax and products again, with the scores
// of all queries and keys between them. Where those are so many that they leave
// the caches, one operation stands for all of it, which a target may compute
// without storing a score; where they are few, nothing is faster than the
// products, and the chain stays as it is.
//
// The match goes backwards from the second product. Transposes and repetitions
// of heads around it are a matter of its maps and need no pass over the data.

#include "SoftmaxChain.h"

#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using lig::typeOf;

namespace lig::net {
#define GEN_PASS_DEF_FORMATTENTIONPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

static unsigned position(AffineExpr expr) {
  return cast<AffineDimExpr>(expr).getPosition();
}

namespace {
/// One operand: a value, and the dimension of attention along each of its own.
struct Operand {
  Value value;
  SmallVector<unsigned> dims;
};

/// Attention as it was found.
struct Match {
  linalg::LinalgOp scores, mix;
  /// What happens to scores, if anything, and the input that is the scores.
  linalg::GenericOp between;
  unsigned scoreInput = 0;
  unsigned numBatch = 0;
  Operand query, key, value, result;
  SmallVector<Operand> inputs;
  SmallVector<int64_t> extents;

  unsigned row() const { return numBatch; }
  unsigned keys() const { return numBatch + 1; }
  unsigned sum() const { return numBatch + 2; }
  unsigned column() const { return numBatch + 3; }
};
} // namespace

/// A sum of products of two f32 tensors that starts from zero.
static linalg::LinalgOp matchProduct(Value value) {
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !linalg::isaContractionOpInterface(op) ||
      op.getNumReductionLoops() != 1)
    return {};
  for (Value operand : op->getOperands())
    if (!typeOf(operand).getElementType().isF32() ||
        !typeOf(operand).hasStaticShape())
      return {};
  auto isZero = [](const APFloat &x) { return x.isZero(); };
  if (!lig::net::isFilledWith(op.getDpsInitOperand(0)->get(), isZero))
    return {};
  return op;
}

/// The dimensions of operand `i`, named by `names`, which has -1 for a loop
/// that attention has not; false if the operand moves along such.
static bool nameDims(linalg::LinalgOp op, unsigned i, ArrayRef<int> names,
                     Operand &operand) {
  OpOperand &from = op->getOpOperand(i);
  operand = {from.get(), {}};
  for (AffineExpr expr : op.getMatchingIndexingMap(&from).getResults()) {
    int name = names[position(expr)];
    if (name < 0)
      return false;
    operand.dims.push_back(name);
  }
  return true;
}

static unsigned reductionLoop(linalg::LinalgOp op) {
  SmallVector<unsigned> loops;
  op.getReductionDims(loops);
  return loops.front();
}

/// Finds what the scores are made of and which dimension is which.
static bool nameScores(Match &match, SmallVector<unsigned> &ofScores) {
  linalg::LinalgOp op = match.scores;
  AffineMap out = op.getIndexingMapsArray().back();
  unsigned rank = out.getNumResults();
  auto moves = [&](unsigned operand, unsigned axis) {
    return op.getIndexingMapsArray()[operand].isFunctionOfDim(
        position(out.getResult(axis)));
  };
  if (rank < 2 || !out.isProjectedPermutation() ||
      moves(0, rank - 1) == moves(1, rank - 1))
    return false;
  unsigned key = moves(1, rank - 1), query = 1 - key;
  int row = -1;
  for (unsigned axis = 0; axis + 1 < rank; ++axis)
    if (moves(query, axis) && !moves(key, axis))
      row = axis;
  if (row < 0)
    return false;
  match.numBatch = rank - 2;
  ofScores.assign(rank, 0);
  unsigned next = 0;
  for (unsigned axis = 0; axis + 1 < rank; ++axis)
    ofScores[axis] = int(axis) == row ? match.row() : next++;
  ofScores[rank - 1] = match.keys();
  SmallVector<int> names(op.getNumLoops(), -1);
  for (unsigned axis = 0; axis < rank; ++axis)
    names[position(out.getResult(axis))] = ofScores[axis];
  names[reductionLoop(op)] = match.sum();
  return nameDims(op, query, names, match.query) &&
         nameDims(op, key, names, match.key);
}

/// Finds what is done to the scores `finished` before the softmax.
static bool nameInputs(Match &match, Value finished) {
  match.scores = matchProduct(finished);
  if (match.scores)
    return true;
  auto op = finished.getDefiningOp<linalg::GenericOp>();
  if (!op || op->getNumResults() != 1 || op.getNumReductionLoops() ||
      !op.getIndexingMapsArray().back().isIdentity() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return false;
  for (auto [i, input] : llvm::enumerate(op.getInputs())) {
    AffineMap map = op.getIndexingMapsArray()[i];
    if (!map.isProjectedPermutation())
      return false;
    if (!match.scores && map.isIdentity() && input.hasOneUse() &&
        input.getType() == finished.getType() && matchProduct(input)) {
      match.scores = matchProduct(input);
      match.scoreInput = i;
    }
  }
  match.between = op;
  return bool(match.scores);
}

/// Names the dimensions of the second product, whose operand `weights` are the
/// softmax of scores.
static bool nameMix(Match &match, unsigned weights,
                    ArrayRef<unsigned> ofScores) {
  linalg::LinalgOp op = match.mix;
  SmallVector<int> names(op.getNumLoops(), -1);
  AffineMap map = op.getIndexingMapsArray()[weights];
  for (auto [axis, expr] : llvm::enumerate(map.getResults()))
    names[position(expr)] = ofScores[axis];
  if (names[reductionLoop(op)] != int(match.keys()))
    return false;
  for (int &name : names) {
    if (name >= 0)
      continue;
    if (llvm::is_contained(names, int(match.column())))
      return false;
    name = match.column();
  }
  return llvm::is_contained(names, int(match.column())) &&
         nameDims(op, 1 - weights, names, match.value) &&
         nameDims(op, 2, names, match.result) &&
         !llvm::is_contained(match.value.dims, match.row());
}

/// Whether the region may be asked of any score on its own.
static bool isOfScores(const Match &match, ArrayRef<unsigned> ofScores) {
  linalg::GenericOp between = match.between;
  if (!between)
    return true;
  for (Operation &op : between.getBody()->without_terminator()) {
    if (op.getNumRegions() || !isMemoryEffectFree(&op))
      return false;
    if (auto index = dyn_cast<linalg::IndexOp>(op))
      if (ofScores[index.getDim()] < match.numBatch)
        return false;
  }
  return true;
}

/// Reads what `operand` was transposed or repeated from in its place.
static void absorbMoves(Operand &operand) {
  while (Operation *op = operand.value.getDefiningOp()) {
    SmallVector<unsigned> dims;
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
      dims.resize(operand.dims.size());
      for (auto [to, from] : llvm::enumerate(transpose.getPermutation()))
        dims[from] = operand.dims[to];
      operand = {transpose.getInput(), dims};
      continue;
    }
    auto copy = dyn_cast<linalg::GenericOp>(op);
    if (!copy || copy->getNumResults() != 1 || copy.getNumDpsInputs() != 1 ||
        copy.getNumReductionLoops() ||
        copy.getBody()->getTerminator()->getOperand(0) !=
            copy.getBody()->getArgument(0))
      return;
    AffineMap in = copy.getIndexingMapsArray()[0];
    AffineMap out = copy.getIndexingMapsArray()[1];
    if (!in.isProjectedPermutation() || !out.isPermutation())
      return;
    for (AffineExpr expr : in.getResults())
      dims.push_back(operand.dims[*out.getResultPosition(expr)]);
    operand = {copy.getInputs()[0], dims};
  }
}

namespace {
/// A batch dimension that is two: heads in groups, which share keys and values.
struct Split {
  unsigned dim;
  int64_t outer, inner;
};
} // namespace

/// How heads are grouped, if `operand` repeats what it has for a group for each
/// head of it.
static std::optional<Split> findSplit(const Match &match,
                                      const Operand &operand) {
  auto collapse = operand.value.getDefiningOp<tensor::CollapseShapeOp>();
  auto copy = collapse ? collapse.getSrc().getDefiningOp<linalg::GenericOp>()
                       : linalg::GenericOp();
  if (!copy || copy.getNumDpsInputs() != 1 || copy.getNumReductionLoops() ||
      !copy.getIndexingMapsArray()[1].isIdentity())
    return std::nullopt;
  std::optional<Split> split;
  for (auto [axis, group] :
       llvm::enumerate(collapse.getReassociationIndices())) {
    if (group.size() == 1)
      continue;
    if (split || group.size() != 2 || operand.dims[axis] >= match.numBatch ||
        copy.getIndexingMapsArray()[0].isFunctionOfDim(group[1]))
      return std::nullopt;
    split =
        Split{operand.dims[axis], collapse.getSrcType().getDimSize(group[0]),
              collapse.getSrcType().getDimSize(group[1])};
  }
  return split;
}

/// Shape of a tensor with its dimension `axis` cut in two.
static SmallVector<int64_t> cutShape(ArrayRef<int64_t> shape, unsigned axis,
                                     const Split &split) {
  SmallVector<int64_t> result(shape);
  result[axis] = split.outer;
  result.insert(result.begin() + axis + 1, split.inner);
  return result;
}

static SmallVector<ReassociationIndices> cutGroups(unsigned rank,
                                                   unsigned axis) {
  SmallVector<ReassociationIndices> groups;
  for (unsigned i = 0, next = 0; i < rank; ++i) {
    groups.push_back({next++});
    if (i == axis)
      groups.back().push_back(next++);
  }
  return groups;
}

/// Names the dimensions anew; where the operand has the one that is cut,
/// returns its axis.
static int renameDims(Operand &operand, const Split &split) {
  int at = -1;
  for (auto [axis, dim] : llvm::enumerate(operand.dims)) {
    if (dim == split.dim)
      at = axis;
    else if (dim > split.dim)
      ++dim;
  }
  if (at >= 0)
    operand.dims.insert(operand.dims.begin() + at + 1, split.dim + 1);
  return at;
}

/// Cuts the dimension in an operand: one that repeats is read before it does.
static void cutOperand(OpBuilder &b, const Match &match, Operand &operand,
                       const Split &split) {
  std::optional<Split> own = findSplit(match, operand);
  bool repeats = own && own->dim == split.dim && own->outer == split.outer;
  int axis = renameDims(operand, split);
  if (axis < 0)
    return;
  Value value = operand.value;
  auto type = typeOf(value);
  if (repeats)
    operand.value = value.getDefiningOp<tensor::CollapseShapeOp>().getSrc();
  else
    operand.value = tensor::ExpandShapeOp::create(
        b, value.getLoc(),
        RankedTensorType::get(cutShape(type.getShape(), axis, split),
                              type.getElementType()),
        value, cutGroups(type.getRank(), axis));
}

/// Writes the result as a transposition that alone reads it wants it.
static Operation *absorbTransposition(Match &match) {
  Value result = match.mix->getResult(0);
  if (!result.hasOneUse())
    return match.mix;
  auto transpose = dyn_cast<linalg::TransposeOp>(*result.getUsers().begin());
  if (!transpose)
    return match.mix;
  SmallVector<unsigned> dims;
  for (int64_t from : transpose.getPermutation())
    dims.push_back(match.result.dims[from]);
  match.result.dims = dims;
  return transpose;
}

static std::optional<Match> matchAttention(linalg::LinalgOp mix) {
  if (mix->getNumResults() != 1 || !matchProduct(mix->getResult(0)))
    return std::nullopt;
  for (unsigned weights : {0u, 1u}) {
    Match match;
    match.mix = mix;
    SmallVector<unsigned> ofScores;
    Value finished =
        lig::net::matchSoftmax(mix.getDpsInputOperand(weights)->get());
    if (!finished || !nameInputs(match, finished) ||
        !nameScores(match, ofScores) || !nameMix(match, weights, ofScores) ||
        !isOfScores(match, ofScores))
      continue;
    if (match.between)
      for (auto [i, input] : llvm::enumerate(match.between.getInputs())) {
        if (i == match.scoreInput)
          continue;
        Operand operand{input, {}};
        AffineMap map = match.between.getIndexingMapsArray()[i];
        for (AffineExpr expr : map.getResults())
          operand.dims.push_back(ofScores[position(expr)]);
        match.inputs.push_back(operand);
      }
    return match;
  }
  return std::nullopt;
}

/// Gives `op` the region that says what happens to a score.
static void writeRegion(OpBuilder &b, Match &match, lig::net::AttentionOp op) {
  OpBuilder::InsertionGuard guard(b);
  Location loc = op.getLoc();
  SmallVector<Type> types = {b.getF32Type()};
  for (Value input : op.getInputs())
    types.push_back(getElementTypeOrSelf(input.getType()));
  types.append(2, b.getIndexType());
  SmallVector<Location> locations(types.size(), loc);
  Block *block = b.createBlock(&op.getRegion(), {}, types, locations);
  Value score = block->getArgument(0);
  if (match.between) {
    IRMapping values;
    unsigned next = 1;
    for (unsigned i = 0; i < match.between.getNumDpsInputs(); ++i)
      values.map(match.between.getBody()->getArgument(i),
                 block->getArgument(i == match.scoreInput ? 0 : next++));
    AffineMap all = match.scores.getIndexingMapsArray().back();
    for (Operation &inner : match.between.getBody()->without_terminator()) {
      auto index = dyn_cast<linalg::IndexOp>(inner);
      if (!index) {
        b.clone(inner, values);
        continue;
      }
      bool isKey = index.getDim() + 1 == all.getNumResults();
      values.map(index.getResult(), block->getArgument(next + isKey));
    }
    score = values.lookupOrDefault(
        match.between.getBody()->getTerminator()->getOperand(0));
  }
  lig::net::YieldOp::create(b, loc, score);
}

namespace {
struct FormAttention : lig::net::impl::FormAttentionPassBase<FormAttention> {
  using FormAttentionPassBase::FormAttentionPassBase;

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> products;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (linalg::isaContractionOpInterface(op))
        products.push_back(op);
    });
    for (linalg::LinalgOp op : products)
      if (std::optional<Match> match = matchAttention(op)) {
        if (!pays(*match) || !fits(*match)) {
          ++numKept;
          continue;
        }
        form(*match);
        ++numFormed;
      }
  }

private:
  static int64_t extentOf(const Operand &operand, unsigned dim) {
    for (auto [axis, at] : llvm::enumerate(operand.dims))
      if (at == dim)
        return typeOf(operand.value).getDimSize(axis);
    return 1;
  }

  /// Scores of one head that stay in the second cache are fastest as they are.
  bool pays(const Match &match) const {
    int64_t rows = extentOf(match.query, match.row());
    int64_t keys = extentOf(match.key, match.keys());
    return rows >= minRows && rows * keys >= minScores;
  }

  /// Whether the target takes attention of this size and in this place.
  bool fits(const Match &match) const {
    int64_t size = std::max(extentOf(match.query, match.sum()),
                            extentOf(match.value, match.column()));
    return (!maxSize || size <= maxSize) &&
           (!steady || isSteady(match.mix->getParentOp()));
  }

  /// Whether every loop around is a scan of known length, and there is no
  /// branch.
  static bool isSteady(Operation *parent) {
    for (; parent && !isa<FunctionOpInterface>(parent);
         parent = parent->getParentOp()) {
      auto scan = dyn_cast<lig::net::ScanOp>(parent);
      if (!scan || !matchPattern(scan.getCount(), m_Constant()) ||
          scan.getConditional())
        return false;
    }
    return true;
  }

  void form(Match &match);
};
} // namespace

void FormAttention::form(Match &match) {
  Operation *last = absorbTransposition(match);
  SmallVector<Operand *> operands = {&match.query, &match.key, &match.value};
  for (Operand &input : match.inputs)
    operands.push_back(&input);
  for (Operand *operand : operands)
    absorbMoves(*operand);
  IRRewriter b(last);
  auto type = cast<RankedTensorType>(last->getResult(0).getType());
  auto whole = type;
  std::optional<Split> split = findSplit(match, match.key);
  int cut = -1;
  if (split) {
    for (Operand *operand : operands) {
      cutOperand(b, match, *operand, *split);
      absorbMoves(*operand);
    }
    cut = renameDims(match.result, *split);
    type = type.clone(cutShape(type.getShape(), cut, *split));
    ++match.numBatch;
  }
  match.result.value = tensor::EmptyOp::create(
      b, last->getLoc(), type.getShape(), type.getElementType());
  operands.push_back(&match.result);
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
  for (Operand *operand : operands) {
    values.push_back(operand->value);
    SmallVector<AffineExpr> exprs;
    for (unsigned dim : operand->dims)
      exprs.push_back(b.getAffineDimExpr(dim));
    maps.push_back(
        AffineMap::get(match.numBatch + 4, 0, exprs, b.getContext()));
  }
  auto op = lig::net::AttentionOp::create(
      b, last->getLoc(), TypeRange{type}, values[0], values[1], values[2],
      ArrayRef(values).drop_front(3).drop_back(), values.back(),
      b.getAffineMapArrayAttr(maps));
  writeRegion(b, match, op);
  if (split)
    b.replaceOpWithNewOp<tensor::CollapseShapeOp>(
        last, whole, op.getResult(0), cutGroups(whole.getRank(), cut));
  else
    b.replaceOp(last, op->getResults());
}
