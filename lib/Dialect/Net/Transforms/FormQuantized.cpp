// Exporters write a quantized network as floats between a DequantizeLinear and
// a QuantizeLinear. Scales stand outside of the sums, so what a convolution or
// a product of matrices adds up are integers:
//
//   sum of (x - zx) sx * (w - zw) sw  =  sx sw * sum of (x - zx) (w - zw)
//
// A bias whose scale is sx sw is added as an integer, and a quantization after
// it becomes one multiplication by sx sw / sy, as runtimes for such networks do
// it.

#include "Dequantized.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Net/Transforms/Passes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lig::net;
using lig::typeOf;

namespace lig::net {
#define GEN_PASS_DEF_FORMQUANTIZEDPASS
#include "Ligature/Dialect/Net/Transforms/Passes.h.inc"
} // namespace lig::net

/// An operation with one input of its result's type, or null.
static linalg::GenericOp elementwiseUser(Value value) {
  if (!value.hasOneUse())
    return {};
  auto op = dyn_cast<linalg::GenericOp>(*value.getUsers().begin());
  if (!op || op->getNumResults() != 1 || op.getNumReductionLoops() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)) ||
      !op.getIndexingMapsArray().back().isIdentity())
    return {};
  return op;
}

/// The argument of `op`'s body that stands for `value`; null unless elements
/// are read one to one.
static BlockArgument argumentFor(linalg::GenericOp op, Value value) {
  for (auto [i, input] : llvm::enumerate(op.getInputs()))
    if (input == value && op.getIndexingMapsArray()[i].isIdentity())
      return op.getBody()->getArgument(i);
  return {};
}

static Value yielded(linalg::GenericOp op) {
  return op.getBody()->getTerminator()->getOperand(0);
}

namespace {
/// Sums of integers that stand for floats: `value` times `scale`.
struct Sums {
  Value floats;
  Value value;
  Value scale;
  int axis;
};

struct FormQuantized : lig::net::impl::FormQuantizedPassBase<FormQuantized> {
  using FormQuantizedPassBase::FormQuantizedPassBase;

  void runOnOperation() override {
    SymbolTableCollection tables;
    lig::ConstantEvaluator constants(tables);
    evaluator = &constants;
    SmallVector<Operation *> work;
    getOperation().walk([&](Operation *op) {
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      if (isa<ConvOp>(op) ||
          (linalgOp && linalg::isaContractionOpInterface(linalgOp)))
        work.push_back(op);
    });
    for (Operation *op : work) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      auto conv = dyn_cast<ConvOp>(op);
      std::optional<Sums> sums =
          conv ? sumConv(b, conv) : sumProduct(b, cast<linalg::LinalgOp>(op));
      if (!sums)
        continue;
      ++numFormed;
      follow(*sums);
    }
    // Floats that nobody wants any more are not in the way of other passes.
    IRRewriter rewriter(&getContext());
    for (auto function : getOperation().getOps<func::FuncOp>())
      (void)runRegionDCE(rewriter, function->getRegions());
  }

private:
  bool isKnown(Value value) { return evaluator->getFacts(value).known; }
  std::optional<Sums> sumConv(ImplicitLocOpBuilder &b, ConvOp op);
  std::optional<Sums> sumProduct(ImplicitLocOpBuilder &b, linalg::LinalgOp op);
  void follow(Sums sums);
  bool addBias(Sums &sums, linalg::GenericOp op);
  bool quantize(const Sums &sums, linalg::GenericOp op);
  bool isScaledAs(const Dequantized &bias, Value scale);
  Value writeFloats(ImplicitLocOpBuilder &b, const Sums &sums, Value scale);

  lig::ConstantEvaluator *evaluator = nullptr;
};
} // namespace

/// x times y, one of which has rank 0.
static Value multiplyScales(ImplicitLocOpBuilder &b, Value x, Value y) {
  if (typeOf(x).getRank() < typeOf(y).getRank())
    std::swap(x, y);
  unsigned rank = typeOf(x).getRank();
  return writeElementwise(
      b, {x, y},
      {b.getMultiDimIdentityMap(rank), AffineMap::get(rank, 0, b.getContext())},
      typeOf(x).getShape(), b.getF32Type(),
      [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        return arith::MulFOp::create(s, in[0], in[1]);
      });
}

/// Whether `bias` is in units of `scale`, element by element.
bool FormQuantized::isScaledAs(const Dequantized &bias, Value scale) {
  if (!isKnown(bias.scale) || !isKnown(scale))
    return false;
  std::optional<lig::TensorBytes> x = evaluator->evaluate(bias.scale);
  std::optional<lig::TensorBytes> y = evaluator->evaluate(scale);
  if (!x || !y)
    return false;
  size_t nx = x->data.size() / 4, ny = y->data.size() / 4;
  if (nx != ny && nx != 1 && ny != 1)
    return false;
  for (size_t i = 0; i < std::max(nx, ny); ++i) {
    float own, other;
    std::memcpy(&own, x->data.data() + 4 * (nx == 1 ? 0 : i), 4);
    std::memcpy(&other, y->data.data() + 4 * (ny == 1 ? 0 : i), 4);
    if (!(std::abs(own - other) <= 1e-5f * std::abs(other)))
      return false;
  }
  return true;
}

std::optional<Sums> FormQuantized::sumConv(ImplicitLocOpBuilder &b, ConvOp op) {
  if (!typeOf(op.getResult()).getElementType().isF32() ||
      !isKnown(op.getFilter()))
    return std::nullopt;
  std::optional<Dequantized> x = findDequantized(b, op.getInput());
  std::optional<Dequantized> w = findDequantized(b, op.getFilter());
  auto isNarrow = [](const std::optional<Dequantized> &d) {
    return d && typeOf(d->numbers).getElementType().isInteger(16);
  };
  if (!isNarrow(x) || !isNarrow(w) || x->axis >= 0 || w->axis > 0)
    return std::nullopt;
  Sums sums;
  sums.scale = multiplyScales(b, w->scale, x->scale);
  sums.axis = w->axis < 0 ? -1 : 1;
  Value bias;
  bool addsFloats = false;
  if (op.getBias()) {
    std::optional<Dequantized> own = findDequantized(b, op.getBias());
    if (own && typeOf(own->numbers).getElementType().isInteger(32) &&
        isScaledAs(*own, sums.scale))
      bias = own->numbers;
    else
      addsFloats = true;
  }
  sums.floats = op.getResult();
  sums.value = ConvOp::create(b, typeOf(op.getResult()).clone(b.getI32Type()),
                              x->numbers, w->numbers, bias, op.getStrides(),
                              op.getDilations(), op.getPads(), op.getGroups());
  if (!addsFloats)
    return sums;
  // The bias is its own scale's business: floats from here on.
  Value scaled = writeFloats(b, sums, sums.scale);
  unsigned rank = typeOf(scaled).getRank();
  Value sum = writeElementwise(
      b, {scaled, op.getBias()},
      {b.getMultiDimIdentityMap(rank), alongAxis(b.getContext(), rank, 1)},
      typeOf(scaled).getShape(), b.getF32Type(),
      [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        return arith::AddFOp::create(s, in[0], in[1]);
      });
  op.getResult().replaceAllUsesWith(sum);
  ++numFormed;
  return std::nullopt;
}

std::optional<Sums> FormQuantized::sumProduct(ImplicitLocOpBuilder &b,
                                              linalg::LinalgOp op) {
  if (op->getNumResults() != 1 || op.getNumDpsInputs() != 2 ||
      !typeOf(op->getResult(0)).getElementType().isF32())
    return std::nullopt;
  auto fill = op.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!fill || !matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) ||
      !maps[2].isProjectedPermutation())
    return std::nullopt;
  unsigned weight = isKnown(op.getDpsInputOperand(1)->get()) ? 1 : 0;
  if (!isKnown(op.getDpsInputOperand(weight)->get()))
    return std::nullopt;
  std::optional<Dequantized> parts[2];
  for (unsigned i : {0u, 1u}) {
    parts[i] = findDequantized(b, op.getDpsInputOperand(i)->get());
    if (!parts[i] || !typeOf(parts[i]->numbers).getElementType().isInteger(16))
      return std::nullopt;
  }
  const Dequantized &w = *parts[weight], &x = *parts[1 - weight];
  Sums sums{op->getResult(0), {}, {}, -1};
  if (x.axis >= 0)
    return std::nullopt;
  if (w.axis >= 0) {
    std::optional<unsigned> at =
        maps[2].getResultPosition(maps[weight].getResult(w.axis));
    if (!at)
      return std::nullopt;
    sums.axis = *at;
  }
  sums.scale = multiplyScales(b, w.scale, x.scale);
  auto type =
      cast<RankedTensorType>(typeOf(op->getResult(0)).clone(b.getI32Type()));
  Value zero = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  Value init = tensor::EmptyOp::create(b, type.getShape(), b.getI32Type());
  init = linalg::FillOp::create(b, zero, init).getResult(0);
  sums.value =
      linalg::GenericOp::create(
          b, TypeRange{type}, ValueRange{parts[0]->numbers, parts[1]->numbers},
          init, maps, op.getIteratorTypesArray(),
          [](OpBuilder &inner, Location loc, ValueRange in) {
            ImplicitLocOpBuilder s(loc, inner);
            Value product = arith::MulIOp::create(
                s, arith::ExtSIOp::create(s, s.getI32Type(), in[0]),
                arith::ExtSIOp::create(s, s.getI32Type(), in[1]));
            linalg::YieldOp::create(
                s, ValueRange{arith::AddIOp::create(s, in[2], product)});
          })
          .getResult(0);
  return sums;
}

Value FormQuantized::writeFloats(ImplicitLocOpBuilder &b, const Sums &sums,
                                 Value scale) {
  RankedTensorType type = typeOf(sums.value);
  unsigned rank = type.getRank();
  int axis = typeOf(scale).getRank() ? sums.axis : -1;
  return writeElementwise(
      b, {sums.value, scale},
      {b.getMultiDimIdentityMap(rank), alongAxis(b.getContext(), rank, axis)},
      type.getShape(), b.getF32Type(),
      [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        Value number = arith::SIToFPOp::create(s, s.getF32Type(), in[0]);
        return arith::MulFOp::create(s, number, in[1]);
      });
}

/// Adds a bias in units of the scale to the sums themselves.
bool FormQuantized::addBias(Sums &sums, linalg::GenericOp op) {
  auto add = yielded(op).getDefiningOp<arith::AddFOp>();
  BlockArgument own = argumentFor(op, sums.floats);
  if (!add || !own || op.getNumDpsInputs() != 2 ||
      op.getBody()->getOperations().size() != 2)
    return false;
  unsigned other = 1 - own.getArgNumber();
  BlockArgument term = op.getBody()->getArgument(other);
  if (!(add.getLhs() == own && add.getRhs() == term) &&
      !(add.getLhs() == term && add.getRhs() == own))
    return false;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  std::optional<Dequantized> bias = findDequantized(b, op.getInputs()[other]);
  if (!bias || !typeOf(bias->numbers).getElementType().isInteger(32) ||
      !isScaledAs(*bias, sums.scale))
    return false;
  RankedTensorType type = typeOf(sums.value);
  sums.value =
      writeElementwise(b, {sums.value, bias->numbers},
                       {b.getMultiDimIdentityMap(type.getRank()),
                        op.getIndexingMapsArray()[other]},
                       type.getShape(), b.getI32Type(),
                       [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
                         return arith::AddIOp::create(s, in[0], in[1]);
                       });
  sums.floats = op.getResult(0);
  return true;
}

/// Multiplies by sx sw / sy in the place of two steps; a rectifier before the
/// quantization does not mind.
bool FormQuantized::quantize(const Sums &sums, linalg::GenericOp op) {
  linalg::GenericOp rectifier;
  Value floats = sums.floats;
  if (auto most = yielded(op).getDefiningOp<arith::MaximumFOp>();
      most && op.getNumDpsInputs() == 1 && argumentFor(op, floats) &&
      most.getLhs() == op.getBody()->getArgument(0) &&
      matchPattern(most.getRhs(), m_AnyZeroFloat())) {
    rectifier = op;
    floats = op.getResult(0);
    op = elementwiseUser(floats);
    if (!op)
      return false;
  }
  BlockArgument argument = argumentFor(op, floats);
  if (!argument || !argument.hasOneUse())
    return false;
  auto divide = dyn_cast<arith::DivFOp>(*argument.user_begin());
  if (!divide || divide.getLhs() != argument || !divide->hasOneUse() ||
      !isa<math::RoundEvenOp>(*divide->user_begin()))
    return false;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value step;
  FloatAttr constant;
  auto scale = dyn_cast<BlockArgument>(divide.getRhs());
  if (matchPattern(divide.getRhs(), m_Constant(&constant)))
    step = arith::ConstantOp::create(
        b, DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()),
                                  constant.getValue()));
  else if (scale && scale.getOwner() == op.getBody() &&
           typeOf(op->getOperand(scale.getArgNumber())).getRank() == 0)
    step = op->getOperand(scale.getArgNumber());
  if (!step)
    return false;
  unsigned rank = typeOf(sums.scale).getRank();
  Value factor = writeElementwise(
      b, {sums.scale, step},
      {b.getMultiDimIdentityMap(rank), AffineMap::get(rank, 0, b.getContext())},
      typeOf(sums.scale).getShape(), b.getF32Type(),
      [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        return arith::DivFOp::create(s, in[0], in[1]);
      });
  Value scaled = writeFloats(b, sums, factor);
  if (rectifier) {
    IRMapping values;
    values.map(sums.floats, scaled);
    scaled = b.clone(*rectifier, values)->getResult(0);
  }
  op->setOperand(argument.getArgNumber(), scaled);
  divide.replaceAllUsesWith(Value(argument));
  divide.erase();
  return true;
}

/// Goes along what is done to the floats as far as it can be done to integers.
void FormQuantized::follow(Sums sums) {
  while (sums.floats.hasOneUse()) {
    Operation *user = *sums.floats.getUsers().begin();
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user)) {
      bool fits;
      int axis = moveAxis(user, sums.axis, fits);
      if (!fits)
        break;
      OpBuilder b(user);
      IRMapping values;
      values.map(sums.floats, sums.value);
      Operation *clone = b.clone(*user, values);
      clone->getResult(0).setType(
          typeOf(user->getResult(0)).clone(b.getI32Type()));
      sums.floats = user->getResult(0);
      sums.value = clone->getResult(0);
      sums.axis = axis;
      continue;
    }
    linalg::GenericOp op = elementwiseUser(sums.floats);
    if (op && quantize(sums, op))
      return;
    if (!op || !addBias(sums, op))
      break;
  }
  ImplicitLocOpBuilder b(sums.floats.getLoc(), &getContext());
  b.setInsertionPointAfterValue(sums.value);
  sums.floats.replaceAllUsesWith(writeFloats(b, sums, sums.scale));
}
