// An adapter adds a matrix of low rank to a filter that others use as it is
// (LoRA, Hu et al. 2021). Convolution is linear in its filter,
//
//   x * (W + s B A) = x * W + B (s (x * A))
//
// where A are a few filters, and B mixes their results pixel by pixel. The
// shared filter is read where it lies, and there is no second one to store.
//
// Files have the delta as a product of matrices, reshaped to a filter, or as a
// convolution of A, its first two dimensions exchanged, with B.

#include "BinaryOps.h"

#include "Ligature/Analysis/ParameterMoves.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Dialect/Share/IR/Share.h"
#include "Ligature/Support/TensorMoves.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace lig::net {
#define GEN_PASS_DEF_FACTORFILTERSPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

using lig::net::ConvOp;
using lig::typeOf;

namespace {
/// base + scale * (mix times narrow), a filter.
struct Delta {
  Value base;
  double scale = 1;
  /// The product, and its factors: [F, R] and [R, C, K..] in moves below.
  Operation *product = nullptr;
  Value mix, narrow;
  /// Whether dimensions of a factor have to be exchanged.
  bool turnMix = false, turnNarrow = false;
  int64_t rank = 0;
};
} // namespace

static Value withoutReshapes(Value value) {
  while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
      value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// The one number that all elements of `value` are.
static std::optional<double> getNumber(Value value) {
  FloatAttr number;
  DenseElementsAttr elements;
  if (matchPattern(value, m_Constant(&number)))
    return number.getValueAsDouble();
  if (matchPattern(value, m_Constant(&elements)) && elements.isSplat() &&
      isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().convertToDouble();
  return std::nullopt;
}

/// Takes a multiplication by one number off `value`, and notes the number.
static Value withoutScale(Value value, double &scale) {
  if (auto operands = lig::net::matchBinary<arith::MulFOp>(value);
      succeeded(operands)) {
    for (unsigned i : {0u, 1u})
      if (auto number = getNumber((*operands)[1 - i]->get());
          number && lig::net::isReadInOrder((*operands)[i])) {
        scale *= *number;
        return (*operands)[i]->get();
      }
    return value;
  }
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || op.getNumDpsInputs() != 1 || op.getNumReductionLoops() != 0 ||
      op->getNumResults() != 1 ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return value;
  Block *body = op.getBlock();
  auto product =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  for (unsigned i : {0u, 1u})
    if (product && product->getOperand(i) == body->getArgument(0))
      if (auto number = getNumber(product->getOperand(1 - i))) {
        scale *= *number;
        return op->getOperand(0);
      }
  return value;
}

/// A sum of products [F, R] x [R, C K..] from zero on, in any order of
/// dimensions.
static bool matchMatrices(Value value, int64_t filters, Delta &delta) {
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !linalg::isaContractionOpInterface(op) || op.getNumLoops() != 3 ||
      typeOf(value).getRank() != 2 || typeOf(value).getDimSize(0) != filters)
    return false;
  auto fill = op.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  AffineMap out = op.getIndexingMapsArray().back();
  if (!fill || !matchPattern(fill.value(), m_AnyZeroFloat()) ||
      !out.isProjectedPermutation())
    return false;
  unsigned row = out.getDimPosition(0);
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!map.isProjectedPermutation() || map.getNumResults() != 2)
      return false;
    bool isMix = map.isFunctionOfDim(row);
    Value &factor = isMix ? delta.mix : delta.narrow;
    if (factor)
      return false;
    factor = input->get();
    unsigned kept = out.getDimPosition(isMix ? 0 : 1);
    unsigned place = isMix ? 0 : 1;
    bool turned = map.getDimPosition(place) != kept;
    (isMix ? delta.turnMix : delta.turnNarrow) = turned;
    if (isMix)
      delta.rank = typeOf(factor).getDimSize(turned ? 0 : 1);
  }
  delta.product = op;
  return delta.mix && delta.narrow;
}

/// transpose(conv(transpose(A), B)) with a B of one pixel.
static bool matchConvolution(Value value, Delta &delta) {
  auto turned = value.getDefiningOp<linalg::TransposeOp>();
  auto conv = turned ? turned.getInput().getDefiningOp<ConvOp>() : ConvOp();
  SmallVector<int64_t> exchanged = llvm::to_vector(
      llvm::seq<int64_t>(0, typeOf(value).getRank()));
  std::swap(exchanged[0], exchanged[1]);
  auto isOne = [](int64_t extent) { return extent == 1; };
  auto isZero = [](int64_t extent) { return extent == 0; };
  if (!conv || conv.getBias() || conv.getGroups() != 1 ||
      turned.getPermutation() != ArrayRef<int64_t>(exchanged) ||
      !llvm::all_of(typeOf(conv.getFilter()).getShape().drop_front(2), isOne) ||
      !llvm::all_of(conv.getStrides(), isOne) ||
      !llvm::all_of(conv.getPads(), isZero))
    return false;
  delta.product = conv;
  delta.mix = conv.getFilter();
  delta.narrow = conv.getInput();
  delta.turnNarrow = true;
  delta.rank = typeOf(delta.mix).getDimSize(1);
  return true;
}

/// True if `value` is a parameter that is read by more than the delta's filter.
static bool isShared(Value value, ModuleOp module) {
  lig::share::GetOp get = lig::getMovedParameter(value);
  if (!get)
    return false;
  unsigned uses = 0;
  module.walk([&](lig::share::GetOp other) {
    if (other.getSourceAttr() == get.getSourceAttr())
      uses += llvm::range_size(other->getUses());
  });
  return uses > 1;
}

static std::optional<Delta> matchDelta(ConvOp conv, ModuleOp module) {
  RankedTensorType type = typeOf(conv.getFilter());
  auto operands = lig::net::matchBinary<arith::AddFOp>(conv.getFilter());
  if (failed(operands) || conv.getGroups() != 1 || !type.hasStaticShape() ||
      !typeOf(conv.getResult()).hasStaticShape())
    return std::nullopt;
  for (unsigned i : {0u, 1u}) {
    Delta delta;
    delta.base = (*operands)[i]->get();
    Value other = withoutScale((*operands)[1 - i]->get(), delta.scale);
    if (!lig::net::isReadInOrder((*operands)[0]) ||
        !lig::net::isReadInOrder((*operands)[1]) ||
        !isShared(delta.base, module))
      continue;
    Value matrix = withoutScale(withoutReshapes(other), delta.scale);
    if ((matchMatrices(matrix, type.getDimSize(0), delta) ||
         matchConvolution(other, delta)) &&
        lig::getMovedParameter(delta.mix) &&
        lig::getMovedParameter(delta.narrow))
      return delta;
  }
  return std::nullopt;
}

/// Whether both factors have fewer elements than the filter, and so need fewer
/// multiplications than it at every pixel.
static bool pays(ConvOp conv, const Delta &delta) {
  RankedTensorType filter = typeOf(conv.getFilter());
  int64_t filters = filter.getDimSize(0);
  int64_t taps = filter.getNumElements() / filters;
  return delta.rank * (filters + taps) < filter.getNumElements();
}

//===-- Rewriting --------------------------------------------------------===//

static Value makeFactor(ImplicitLocOpBuilder &b, Value factor, bool turn,
                        ArrayRef<int64_t> shape) {
  if (turn) {
    auto order = llvm::to_vector(
        llvm::seq<int64_t>(0, typeOf(factor).getRank()));
    std::swap(order[0], order[1]);
    factor = lig::makeTranspose(b, b.getLoc(), factor, order);
  }
  return lig::makeReshape(b, b.getLoc(), factor, shape);
}

/// `value` times `scale`, added to `base` if that is given.
static Value scaleAndAdd(ImplicitLocOpBuilder &b, Value value, double scale,
                         Value base) {
  RankedTensorType type = typeOf(value);
  SmallVector<Value> inputs = {value};
  if (base)
    inputs.push_back(base);
  Value room =
      tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  SmallVector<AffineMap> maps(inputs.size() + 1,
                              b.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> kinds(type.getRank(),
                                         utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, type, inputs, room, maps, kinds,
             [&](OpBuilder &inner, Location loc, ValueRange in) {
               Value result = in[0];
               if (scale != 1)
                 result = arith::MulFOp::create(
                     inner, loc, result,
                     arith::ConstantOp::create(
                         inner, loc,
                         inner.getFloatAttr(type.getElementType(), scale)));
               if (base)
                 result = arith::AddFOp::create(inner, loc, in[1], result);
               linalg::YieldOp::create(inner, loc, result);
             })
      .getResult(0);
}

static void factor(ConvOp conv, const Delta &delta) {
  ImplicitLocOpBuilder b(conv.getLoc(), conv);
  RankedTensorType filter = typeOf(conv.getFilter());
  RankedTensorType result = typeOf(conv.getResult());
  SmallVector<int64_t> shape(filter.getShape());
  shape[0] = delta.rank;
  Value narrow = makeFactor(b, delta.narrow, delta.turnNarrow, shape);
  SmallVector<int64_t> mixShape(filter.getRank(), 1);
  mixShape[0] = filter.getDimSize(0);
  mixShape[1] = delta.rank;
  Value mix = makeFactor(b, delta.mix, delta.turnMix, mixShape);

  SmallVector<int64_t> few(result.getShape());
  few[1] = delta.rank;
  auto element = result.getElementType();
  Value inner = ConvOp::create(
      b, RankedTensorType::get(few, element), conv.getInput(), narrow,
      /*bias=*/Value(), conv.getStrides(), conv.getDilations(), conv.getPads(),
      conv.getGroups());
  if (delta.scale != 1)
    inner = scaleAndAdd(b, inner, delta.scale, {});
  SmallVector<int64_t> ones(conv.getStrides().size(), 1);
  SmallVector<int64_t> zeros(conv.getPads().size(), 0);
  Value outer = ConvOp::create(b, result, inner, mix, /*bias=*/Value(), ones,
                               ones, zeros, 1);
  auto base = cast<ConvOp>(b.clone(*conv));
  base.getFilterMutable().assign(delta.base);
  conv.replaceAllUsesWith(scaleAndAdd(b, outer, 1, base.getResult()));
  conv.erase();
}

namespace {
struct FactorFilters
    : lig::net::impl::FactorFiltersPassBase<FactorFilters> {
  void runOnOperation() override {
    SmallVector<ConvOp> convs;
    getOperation().walk([&](ConvOp conv) { convs.push_back(conv); });
    for (ConvOp conv : convs) {
      auto delta = matchDelta(conv, getOperation());
      if (!delta)
        continue;
      bool gains = pays(conv, *delta);
      report(conv, *delta, gains);
      if (!gains)
        continue;
      factor(conv, *delta);
      ++numFactored;
    }
  }

private:
  static void report(ConvOp conv, const Delta &delta, bool gains) {
    auto options = remark::RemarkOpts::name(gains ? "factored" : "whole")
                       .category("share");
    auto text = remark::add(
        "a delta of rank {0} to @{1}", delta.rank,
        lig::getMovedParameter(delta.base).getSource());
    if (gains)
      remark::passed(conv.getLoc(), options) << text;
    else
      remark::missed(conv.getLoc(), options) << text;
  }
};
} // namespace
