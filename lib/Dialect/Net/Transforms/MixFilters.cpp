// Convolution is linear in its filter: convolutions of one input whose results
// are mixed are one convolution with the mixed filter,
//
//   a1 (x * W1) + ... + ak (x * Wk) = x * (a1 W1 + ... + ak Wk)
//
// where every a is one number, known only at run time (CondConv, Yang et al.
// 2019; Dynamic Convolution, Chen et al. 2020). Exporters write either side.
// Mixing passes once over the filters; a convolution does so for every position.
// In a batch every sample may have numbers of its own, and so a filter of its
// own: a loop over samples mixes one and convolves with it.

#include "BinaryOps.h"

#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Support/TensorMoves.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace lig::net {
#define GEN_PASS_DEF_MIXFILTERSPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

using lig::net::ConvOp;
using lig::net::isReadInOrder;
using lig::net::matchBinary;
using lig::typeOf;

namespace {
/// A convolution and the number its result is multiplied by, or one number for
/// each sample.
struct Term {
  ConvOp conv;
  Value gate;
  bool isPerSample() const { return typeOf(gate).getNumElements() != 1; }
};
} // namespace

/// True if `gate` has one element, or one for each image of the result.
static bool isGate(OpOperand *gate) {
  auto type = dyn_cast<RankedTensorType>(gate->get().getType());
  if (!type || !type.hasStaticShape() || type.getNumElements() == 1)
    return type && type.hasStaticShape();
  auto op = cast<linalg::LinalgOp>(gate->getOwner());
  AffineMap map = op.getMatchingIndexingMap(gate);
  for (unsigned loop = 1; loop < map.getNumDims(); ++loop)
    if (map.isFunctionOfDim(loop))
      return false;
  return map.isFunctionOfDim(0) &&
         type.getNumElements() == op.getStaticLoopRanges().front();
}

/// A gate that multiplies a convolution's result.
static std::optional<Term> matchTerm(Value value) {
  auto operands = matchBinary<arith::MulFOp>(value);
  if (failed(operands) || !value.hasOneUse())
    return std::nullopt;
  for (unsigned i : {0u, 1u}) {
    OpOperand *first = (*operands)[i], *second = (*operands)[1 - i];
    auto conv = first->get().getDefiningOp<ConvOp>();
    if (conv && conv->hasOneUse() && isReadInOrder(first) && isGate(second))
      return Term{conv, second->get()};
  }
  return std::nullopt;
}

/// The terms of a sum, in order; false where something else is added.
static bool collectTerms(Value value, SmallVectorImpl<Term> &terms) {
  if (std::optional<Term> term = matchTerm(value)) {
    terms.push_back(*term);
    return true;
  }
  auto operands = matchBinary<arith::AddFOp>(value);
  if (failed(operands))
    return false;
  return llvm::all_of(*operands, [&](OpOperand *operand) {
    return isReadInOrder(operand) && (operand->get().hasOneUse()) &&
           collectTerms(operand->get(), terms);
  });
}

static bool areAlike(ConvOp a, ConvOp b) {
  return a.getInput() == b.getInput() && a.getType() == b.getType() &&
         a.getFilter().getType() == b.getFilter().getType() &&
         a->getAttrDictionary() == b->getAttrDictionary() &&
         !a.getBias() == !b.getBias();
}

/// Whether one convolution and a pass over all filters cost less than a
/// convolution for each: multiplications, those of the pass counted twice since
/// each waits for its number to come from memory.
static bool pays(ArrayRef<Term> terms) {
  ConvOp conv = terms.front().conv;
  auto result = typeOf(conv.getResult());
  if (!result.hasStaticShape() || !typeOf(conv.getFilter()).hasStaticShape())
    return false;
  int64_t positions = result.getNumElements() / result.getDimSize(1);
  bool perSample = llvm::any_of(
      terms, [](const Term &term) { return term.isPerSample(); });
  if (perSample)
    positions /= result.getDimSize(0);
  int64_t count = terms.size();
  return (count - 1) * positions > 2 * count;
}

/// sum over k of gates[k] * tensors[k].
static Value mix(OpBuilder &b, Location loc, ArrayRef<Value> tensors,
                 ArrayRef<Value> gates) {
  RankedTensorType type = typeOf(tensors.front());
  AffineMap same = b.getMultiDimIdentityMap(type.getRank());
  AffineMap first = AffineMap::get(type.getRank(), 0,
                                   b.getAffineConstantExpr(0));
  SmallVector<Value> inputs(tensors);
  SmallVector<AffineMap> maps(tensors.size(), same);
  inputs.append(gates.begin(), gates.end());
  maps.append(gates.size(), first);
  maps.push_back(same);
  SmallVector<utils::IteratorType> kinds(type.getRank(),
                                         utils::IteratorType::parallel);
  Value room = tensor::EmptyOp::create(b, loc, type.getShape(),
                                       type.getElementType());
  return linalg::GenericOp::create(
             b, loc, type, inputs, room, maps, kinds,
             [&](OpBuilder &inner, Location at, ValueRange in) {
               Value sum;
               for (size_t k = 0; k < tensors.size(); ++k) {
                 Value product = arith::MulFOp::create(
                     inner, at, in[k], in[tensors.size() + k]);
                 sum = sum ? Value(arith::AddFOp::create(inner, at, sum,
                                                         product))
                           : product;
               }
               linalg::YieldOp::create(inner, at, sum);
             })
      .getResult(0);
}

/// The gate as a tensor of rank one.
static Value flatten(OpBuilder &b, Location loc, Value gate) {
  RankedTensorType type = typeOf(gate);
  auto flat = RankedTensorType::get({1}, type.getElementType());
  SmallVector<ReassociationIndices> groups;
  if (type.getRank() == 0)
    return tensor::ExpandShapeOp::create(b, loc, flat, gate, groups);
  if (type.getRank() == 1)
    return gate;
  groups.emplace_back(llvm::to_vector(llvm::seq<int64_t>(0, type.getRank())));
  return tensor::CollapseShapeOp::create(b, loc, flat, gate, groups);
}

namespace {
struct MixFilters : lig::net::impl::MixFiltersPassBase<MixFilters> {
  void runOnOperation() override {
    // Users come before what they use, so that whole sums are found.
    SmallVector<Operation *> sums;
    getOperation()->walk([&](linalg::LinalgOp op) { sums.push_back(op); });
    llvm::DenseSet<Operation *> erased;
    for (Operation *op : llvm::reverse(sums)) {
      SmallVector<Term> terms;
      if (erased.contains(op) || op->getNumResults() != 1 ||
          failed(matchBinary<arith::AddFOp>(op->getResult(0))) ||
          !collectTerms(op->getResult(0), terms) || !areMixed(terms))
        continue;
      replace(op, terms, erased);
    }
  }

private:
  static bool areMixed(ArrayRef<Term> terms) {
    return llvm::all_of(terms,
                        [&](const Term &term) {
                          return areAlike(terms.front().conv, term.conv);
                        }) &&
           pays(terms);
  }

  void replace(Operation *sum, ArrayRef<Term> terms,
               llvm::DenseSet<Operation *> &erased) {
    OpBuilder b(sum);
    bool perSample = llvm::any_of(
        terms, [](const Term &term) { return term.isPerSample(); });
    Value result;
    if (perSample) {
      result = convolveSamples(b, sum->getLoc(), terms);
    } else {
      SmallVector<Value> gates;
      for (const Term &term : terms)
        gates.push_back(flatten(b, sum->getLoc(), term.gate));
      result = convolve(b, sum->getLoc(), terms, gates).getResult();
    }
    sum->getResult(0).replaceAllUsesWith(result);
    numMixed += terms.size();
    eraseUnused(sum, erased);
  }

  /// The convolution of all terms with the filter that `gates` mix.
  static ConvOp convolve(OpBuilder &b, Location loc, ArrayRef<Term> terms,
                         ArrayRef<Value> gates) {
    SmallVector<Value> filters, biases;
    for (const Term &term : terms) {
      ConvOp conv = term.conv;
      filters.push_back(conv.getFilter());
      if (conv.getBias())
        biases.push_back(conv.getBias());
    }
    Value filter = mix(b, loc, filters, gates);
    Value bias = biases.empty() ? Value() : mix(b, loc, biases, gates);
    auto conv = cast<ConvOp>(b.clone(*ConvOp(terms.front().conv)));
    conv.getFilterMutable().assign(filter);
    if (bias)
      conv.getBiasMutable().assign(bias);
    return conv;
  }

  /// The same in a loop over samples, each with gates of its own.
  static Value convolveSamples(OpBuilder &b, Location loc,
                               ArrayRef<Term> terms) {
    ConvOp first = terms.front().conv;
    RankedTensorType type = typeOf(first.getResult());
    int64_t samples = type.getDimSize(0);
    SmallVector<Value> gates, inputs = {first.getInput()};
    for (const Term &term : terms) {
      gates.push_back(term.isPerSample() ? Value()
                                         : flatten(b, loc, term.gate));
      if (term.isPerSample())
        inputs.push_back(lig::makeReshape(b, loc, term.gate, {samples, 1}));
    }
    Value count = arith::ConstantIndexOp::create(b, loc, samples);
    auto scan = lig::net::ScanOp::create(b, loc, count, ValueRange{}, inputs,
                                         TypeRange{type});
    OpBuilder body = OpBuilder::atBlockEnd(&scan.getBody().front());
    auto slices = scan.getSliceArgs();
    unsigned next = 1;
    for (Value &gate : gates)
      if (!gate)
        gate = slices[next++];
    auto single = [&](Value slice) {
      SmallVector<int64_t> shape = {1};
      llvm::append_range(shape, typeOf(slice).getShape());
      return lig::makeReshape(body, loc, slice, shape);
    };
    ConvOp conv = convolve(body, loc, terms, gates);
    body.setInsertionPoint(conv);
    conv.getInputMutable().assign(single(slices[0]));
    SmallVector<int64_t> shape(type.getShape());
    shape[0] = 1;
    conv.getResult().setType(
        RankedTensorType::get(shape, type.getElementType()));
    body.setInsertionPointAfter(conv);
    Value image = lig::makeReshape(body, loc, conv.getResult(),
                                   type.getShape().drop_front());
    lig::net::YieldOp::create(body, loc, image);
    return scan.getStacked().front();
  }

  /// Erases `op` and what only it used.
  static void eraseUnused(Operation *op, llvm::DenseSet<Operation *> &erased) {
    SmallVector<Operation *> operands;
    for (Value operand : op->getOperands())
      if (Operation *defining = operand.getDefiningOp())
        if (isa<linalg::LinalgOp, ConvOp>(defining))
          operands.push_back(defining);
    erased.insert(op);
    op->erase();
    for (Operation *operand : operands)
      if (!erased.contains(operand) && isOpTriviallyDead(operand))
        eraseUnused(operand, erased);
  }
};
} // namespace
