// Arithmetic in fewer bits, on request: sums of products of f32 data and
// weights become sums of products of bf16, or of integers of 8 bits with a
// scale for each row of data, found as the network runs, and for each channel
// of the weight.
//
// Weights are rounded here; data are rounded by an operation of their own in
// front of the product. What follows is as exact as f32 or i32 sums are.

#include "ParameterTable.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/RegionUtils.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using lig::TensorBytes;
using lig::typeOf;

namespace lig::codegen {
#define GEN_PASS_DEF_ROUNDPRODUCTSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

namespace {
/// A weight in fewer bits: what stands for it, its scales, and how far off the
/// farthest element is, in parts of the greatest.
struct Rounded {
  TensorBytes values, scales;
  double error = 0;
};
} // namespace

static float floatAt(const TensorBytes &bytes, int64_t i) {
  float value;
  std::memcpy(&value, bytes.data.data() + 4 * i, 4);
  return value;
}

/// Calls `visit` with every element's number and that of its channel; channels
/// are counted along the axes that are `kept`.
static void forEachElement(RankedTensorType type, ArrayRef<bool> kept,
                           function_ref<void(int64_t, int64_t)> visit) {
  int64_t count = type.getNumElements();
  for (int64_t i = 0; i < count; ++i) {
    int64_t left = i, channel = 0, unit = 1;
    for (int64_t axis = type.getRank() - 1; axis >= 0; --axis) {
      int64_t extent = type.getDimSize(axis);
      if (kept[axis]) {
        channel += left % extent * unit;
        unit *= extent;
      }
      left /= extent;
    }
    visit(i, channel);
  }
}

static std::optional<Rounded> roundToBf16(const TensorBytes &wide) {
  MLIRContext *context = wide.type.getContext();
  Rounded result;
  result.values = TensorBytes::allocate(
      RankedTensorType::get(wide.type.getShape(), BFloat16Type::get(context)));
  double greatest = 0;
  for (int64_t i = 0; i < wide.type.getNumElements(); ++i) {
    float value = floatAt(wide, i);
    APFloat rounded(value);
    bool lost;
    rounded.convert(APFloat::BFloat(), APFloat::rmNearestTiesToEven, &lost);
    uint16_t bits = rounded.bitcastToAPInt().getZExtValue();
    std::memcpy(result.values.mutableData() + 2 * i, &bits, 2);
    rounded.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &lost);
    if (!std::isfinite(value) || !rounded.isFinite())
      return std::nullopt;
    greatest = std::max(greatest, double(std::abs(value)));
    result.error = std::max(result.error,
                            std::abs(double(value) - rounded.convertToFloat()));
  }
  if (greatest > 0)
    result.error /= greatest;
  return result;
}

/// Integers in [-127, 127] times the scale of their channel.
static std::optional<Rounded> roundToBytes(const TensorBytes &wide,
                                           ArrayRef<bool> kept) {
  MLIRContext *context = wide.type.getContext();
  SmallVector<int64_t> shape;
  for (auto [axis, extent] : llvm::enumerate(wide.type.getShape()))
    if (kept[axis])
      shape.push_back(extent);
  Rounded result;
  result.values = TensorBytes::allocate(RankedTensorType::get(
      wide.type.getShape(), IntegerType::get(context, 8)));
  result.scales = TensorBytes::allocate(
      RankedTensorType::get(shape, Float32Type::get(context)));
  auto *scales = reinterpret_cast<float *>(result.scales.mutableData());
  double greatest = 0;
  bool finite = true;
  forEachElement(wide.type, kept, [&](int64_t i, int64_t channel) {
    float magnitude = std::abs(floatAt(wide, i));
    finite &= std::isfinite(magnitude);
    scales[channel] = std::max(scales[channel], magnitude);
    greatest = std::max(greatest, double(magnitude));
  });
  if (!finite)
    return std::nullopt;
  int64_t channels = result.scales.type.getNumElements();
  for (int64_t i = 0; i < channels; ++i)
    scales[i] = scales[i] > 0 ? scales[i] / 127 : 1;
  forEachElement(wide.type, kept, [&](int64_t i, int64_t channel) {
    float value = floatAt(wide, i);
    float number = std::nearbyint(value / scales[channel]);
    number = std::min(std::max(number, -127.0f), 127.0f);
    result.values.mutableData()[i] = char(int8_t(number));
    result.error = std::max(result.error,
                            std::abs(double(value) - number * scales[channel]));
  });
  if (greatest > 0)
    result.error /= greatest;
  return result;
}

static Value
generic(ImplicitLocOpBuilder &b, ValueRange inputs, Value init,
        ArrayRef<AffineMap> maps, unsigned numReductions,
        function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> body) {
  SmallVector<utils::IteratorType> loops(maps.back().getNumDims(),
                                         utils::IteratorType::parallel);
  std::fill(loops.end() - numReductions, loops.end(),
            utils::IteratorType::reduction);
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, inputs, init, maps, loops,
             [&](OpBuilder &inner, Location loc, ValueRange in) {
               ImplicitLocOpBuilder s(loc, inner);
               linalg::YieldOp::create(s, body(s, in));
             })
      .getResult(0);
}

namespace {
struct RoundProducts
    : lig::codegen::impl::RoundProductsPassBase<RoundProducts> {
  using RoundProductsPassBase::RoundProductsPassBase;

  void runOnOperation() override {
    if (compute == "f32")
      return;
    if (compute != "bf16" && compute != "vnni") {
      getOperation().emitError("a CPU computes in f32, bf16 or vnni, not in '")
          << compute << "'";
      return signalPassFailure();
    }
    lig::codegen::ParameterTable table(getOperation());
    SymbolTableCollection tables;
    lig::ConstantEvaluator evaluator(tables);
    SmallVector<linalg::LinalgOp> work;
    getOperation().walk([&](linalg::LinalgOp op) { work.push_back(op); });
    for (linalg::LinalgOp op : work)
      if (std::optional<unsigned> weight = findWeight(op, evaluator))
        round(op, *weight, evaluator, table);
    IRRewriter rewriter(&getContext());
    for (auto function : getOperation().getOps<func::FuncOp>())
      (void)runRegionDCE(rewriter, function->getRegions());
    table.eraseUnread(copies, getArgument());
  }

private:
  /// The input of a sum of products that is known, if the other is not.
  std::optional<unsigned> findWeight(linalg::LinalgOp op,
                                     lig::ConstantEvaluator &evaluator) {
    if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
        op->getNumResults() != 1 || op.getNumReductionLoops() == 0 ||
        !addsProducts(op))
      return std::nullopt;
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    for (Value operand : op->getOperands())
      if (!typeOf(operand).getElementType().isF32() ||
          !typeOf(operand).hasStaticShape())
        return std::nullopt;
    for (unsigned weight : {1u, 0u}) {
      Value value = op->getOperand(weight);
      auto facts = evaluator.getFacts(value);
      if (facts.known && facts.root && maps[weight].isProjectedPermutation() &&
          maps[2].isProjectedPermutation() &&
          typeOf(value).getNumElements() >= minElements &&
          !evaluator.getFacts(op->getOperand(1 - weight)).known &&
          (compute == "bf16" || suitsWords(op, weight)))
        return weight;
    }
    return std::nullopt;
  }

  /// Whether what lies together in the data is summed up, and lanes can go
  /// along a dimension that only the weight has: else integers gain nothing.
  static bool suitsWords(linalg::LinalgOp op, unsigned weight) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    AffineMap data = maps[1 - weight];
    if (data.getNumResults() == 0)
      return false;
    auto last = dyn_cast<AffineDimExpr>(data.getResults().back());
    if (!last || maps[2].isFunctionOfDim(last.getPosition()) ||
        !maps[weight].isFunctionOfDim(last.getPosition()))
      return false;
    return llvm::any_of(maps[weight].getResults(), [&](AffineExpr expr) {
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      return maps[2].isFunctionOfDim(dim) && !data.isFunctionOfDim(dim);
    });
  }

  static bool addsProducts(linalg::LinalgOp op) {
    Block &body = op->getRegion(0).front();
    auto add =
        body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
    if (!add || body.getOperations().size() != 3)
      return false;
    Value sum = body.getArgument(2);
    Value product = add.getLhs() == sum ? add.getRhs() : add.getLhs();
    return (add.getLhs() == sum || add.getRhs() == sum) &&
           product.getDefiningOp<arith::MulFOp>();
  }

  void round(linalg::LinalgOp op, unsigned weight,
             lig::ConstantEvaluator &evaluator,
             lig::codegen::ParameterTable &table);
  void toBf16(ImplicitLocOpBuilder &b, linalg::LinalgOp op, unsigned weight,
              Value stored);
  void toBytes(ImplicitLocOpBuilder &b, linalg::LinalgOp op, unsigned weight,
               Value stored, Value scales, ArrayRef<bool> kept);
  Value store(const TensorBytes &bytes, Value value, StringAttr root,
              std::optional<double> error, lig::codegen::ParameterTable &table);

  lig::codegen::PackedCopies copies;
};
} // namespace

Value RoundProducts::store(const TensorBytes &bytes, Value value,
                           StringAttr root, std::optional<double> error,
                           lig::codegen::ParameterTable &table) {
  auto [param, isNew] = table.getOrCreatePacked(bytes, root, value.getLoc());
  if (isNew && error) {
    copies.add(param, lig::codegen::PackedCopies::countReads(value));
    param->setAttr("share.rounding_error",
                   Builder(&getContext()).getF64FloatAttr(*error));
    std::string arithmetic = compute;
    remark::passed(param.getLoc(),
                   remark::RemarkOpts::name("rounded").category("share"))
        << remark::add("@{0} is multiplied as {1}, off by {2} of its greatest "
                       "magnitude",
                       param.getSymName(), arithmetic, *error);
  }
  OpBuilder b(&getContext());
  b.setInsertionPointAfterValue(value);
  return lig::share::GetOp::create(b, value.getLoc(), bytes.type,
                                   param.getSymName());
}

void RoundProducts::round(linalg::LinalgOp op, unsigned weight,
                          lig::ConstantEvaluator &evaluator,
                          lig::codegen::ParameterTable &table) {
  Value value = op->getOperand(weight);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<bool> kept;
  for (AffineExpr expr : maps[weight].getResults())
    kept.push_back(
        maps[2].isFunctionOfDim(cast<AffineDimExpr>(expr).getPosition()));
  std::optional<TensorBytes> wide = evaluator.evaluate(value);
  if (!wide)
    return;
  std::optional<Rounded> rounded =
      compute == "bf16" ? roundToBf16(*wide) : roundToBytes(*wide, kept);
  StringAttr root = evaluator.getFacts(value).root;
  evaluator.dropValues();
  if (!rounded)
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value stored = store(rounded->values, value, root, rounded->error, table);
  if (compute == "bf16")
    toBf16(b, op, weight, stored);
  else
    toBytes(b, op, weight, stored,
            store(rounded->scales, value, root, std::nullopt, table), kept);
  ++numRounded;
}

void RoundProducts::toBf16(ImplicitLocOpBuilder &b, linalg::LinalgOp op,
                           unsigned weight, Value stored) {
  Value data = op->getOperand(1 - weight);
  RankedTensorType type = typeOf(data);
  AffineMap all = b.getMultiDimIdentityMap(type.getRank());
  Type narrow = b.getBF16Type();
  Value rounded = generic(
      b, data, tensor::EmptyOp::create(b, type.getShape(), narrow), {all, all},
      0, [&](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        return arith::TruncFOp::create(s, narrow, in[0]);
      });
  Value inputs[2];
  inputs[weight] = stored;
  inputs[1 - weight] = rounded;
  auto made = linalg::GenericOp::create(
      b, op->getResultTypes(), inputs, op.getDpsInits(),
      op.getIndexingMapsArray(), op.getIteratorTypesArray(),
      [&](OpBuilder &inner, Location loc, ValueRange in) {
        ImplicitLocOpBuilder s(loc, inner);
        Value x = arith::ExtFOp::create(s, s.getF32Type(), in[0]);
        Value y = arith::ExtFOp::create(s, s.getF32Type(), in[1]);
        Value product = arith::MulFOp::create(s, x, y);
        linalg::YieldOp::create(
            s, ValueRange{arith::AddFOp::create(s, in[2], product)});
      });
  op->replaceAllUsesWith(made->getResults());
  op->erase();
}

namespace {
/// Data as rows that each have a scale: what the result has in common with
/// them.
struct Rows {
  SmallVector<int64_t> shape;
  /// The data with the dimensions of a row first, and those that are summed up
  /// behind them.
  AffineMap order;
  /// Where a row is, by the dimensions of the data and of the result.
  AffineMap ofData, ofResult;
  unsigned numSummed = 0;
};
} // namespace

static Rows findRows(RankedTensorType data, AffineMap map, AffineMap out) {
  MLIRContext *context = map.getContext();
  Rows rows;
  SmallVector<AffineExpr> ofData, ofResult, order(data.getRank());
  SmallVector<unsigned> summed;
  for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    std::optional<unsigned> at =
        dim ? out.getResultPosition(dim) : std::nullopt;
    if (!at) {
      summed.push_back(axis);
      continue;
    }
    order[axis] = getAffineDimExpr(rows.shape.size(), context);
    ofData.push_back(getAffineDimExpr(axis, context));
    ofResult.push_back(getAffineDimExpr(*at, context));
    rows.shape.push_back(data.getDimSize(axis));
  }
  for (auto [i, axis] : llvm::enumerate(summed))
    order[axis] = getAffineDimExpr(rows.shape.size() + i, context);
  rows.numSummed = summed.size();
  rows.order = AffineMap::get(data.getRank(), 0, order, context);
  rows.ofData = AffineMap::get(data.getRank(), 0, ofData, context);
  rows.ofResult = AffineMap::get(out.getNumResults(), 0, ofResult, context);
  return rows;
}

/// The scale of each row: its greatest magnitude is 127. A row of zeros is
/// zeros by any scale.
static Value writeUnits(ImplicitLocOpBuilder &b, Value data, const Rows &rows) {
  Type f32 = b.getF32Type();
  unsigned rank = rows.order.getNumDims();
  AffineMap lines = b.getMultiDimIdentityMap(rows.shape.size());
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  Value room = tensor::EmptyOp::create(b, rows.shape, f32);
  Value greatest = generic(
      b, data, linalg::FillOp::create(b, zero, room).getResult(0),
      {rows.order, AffineMap::get(rank, 0, lines.getResults(), b.getContext())},
      rows.numSummed, [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        return arith::MaximumFOp::create(s, math::AbsFOp::create(s, in[0]),
                                         in[1]);
      });
  return generic(
      b, greatest, tensor::EmptyOp::create(b, rows.shape, f32), {lines, lines},
      0, [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        Value least = arith::ConstantOp::create(s, s.getF32FloatAttr(1e-30f));
        Value most = arith::MaximumFOp::create(s, in[0], least);
        Value count = arith::ConstantOp::create(s, s.getF32FloatAttr(127));
        return arith::DivFOp::create(s, most, count);
      });
}

/// The data in units of their rows, rounded, in 16 bits.
static Value writeNumbers(ImplicitLocOpBuilder &b, Value data, Value units,
                          const Rows &rows) {
  RankedTensorType type = typeOf(data);
  AffineMap all = b.getMultiDimIdentityMap(type.getRank());
  return generic(b, {data, units},
                 tensor::EmptyOp::create(b, type.getShape(), b.getI16Type()),
                 {all, rows.ofData, all}, 0,
                 [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
                   Value one =
                       arith::ConstantOp::create(s, s.getF32FloatAttr(1));
                   Value inverse = arith::DivFOp::create(s, one, in[1]);
                   Value number = math::RoundEvenOp::create(
                       s, arith::MulFOp::create(s, in[0], inverse));
                   Value byte =
                       arith::FPToSIOp::create(s, s.getI8Type(), number);
                   return arith::ExtSIOp::create(s, s.getI16Type(), byte);
                 });
}

/// Bytes in 16 bits.
static Value widen(ImplicitLocOpBuilder &b, Value bytes) {
  RankedTensorType type = typeOf(bytes);
  AffineMap all = b.getMultiDimIdentityMap(type.getRank());
  return generic(
      b, bytes, tensor::EmptyOp::create(b, type.getShape(), b.getI16Type()),
      {all, all}, 0, [](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        return arith::ExtSIOp::create(s, s.getI16Type(), in[0]);
      });
}

/// The sums of `op` of the integers `inputs`.
static Value writeSums(ImplicitLocOpBuilder &b, linalg::LinalgOp op,
                       ValueRange inputs) {
  Value zero = arith::ConstantOp::create(b, b.getI32IntegerAttr(0));
  Value sums = tensor::EmptyOp::create(b, typeOf(op->getResult(0)).getShape(),
                                       b.getI32Type());
  sums = linalg::FillOp::create(b, zero, sums).getResult(0);
  return linalg::GenericOp::create(
             b, TypeRange{sums.getType()}, inputs, sums,
             op.getIndexingMapsArray(), op.getIteratorTypesArray(),
             [](OpBuilder &inner, Location loc, ValueRange in) {
               ImplicitLocOpBuilder s(loc, inner);
               Value x = arith::ExtSIOp::create(s, s.getI32Type(), in[0]);
               Value y = arith::ExtSIOp::create(s, s.getI32Type(), in[1]);
               Value product = arith::MulIOp::create(s, x, y);
               linalg::YieldOp::create(
                   s, ValueRange{arith::AddIOp::create(s, in[2], product)});
             })
      .getResult(0);
}

/// `sums` in the units of rows and channels, and what `op` starts from.
static Value writeFloats(ImplicitLocOpBuilder &b, linalg::LinalgOp op,
                         ValueRange operands, ArrayRef<AffineMap> maps) {
  Type f32 = b.getF32Type();
  RankedTensorType type = typeOf(op->getResult(0));
  SmallVector<Value> inputs(operands);
  SmallVector<AffineMap> all(maps);
  AffineMap result = b.getMultiDimIdentityMap(type.getRank());
  Value start = op.getDpsInits()[0];
  auto fill = start.getDefiningOp<linalg::FillOp>();
  bool fromZero = fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
  if (!fromZero) {
    inputs.push_back(start);
    all.push_back(result);
  }
  all.push_back(result);
  return generic(
      b, inputs, tensor::EmptyOp::create(b, type.getShape(), f32), all, 0,
      [&](ImplicitLocOpBuilder &s, ValueRange in) -> Value {
        Value number = arith::SIToFPOp::create(s, f32, in[0]);
        Value unit = arith::MulFOp::create(s, in[1], in[2]);
        Value value = arith::MulFOp::create(s, number, unit);
        return fromZero ? value
                        : arith::AddFOp::create(s, value, in[3]).getResult();
      });
}

void RoundProducts::toBytes(ImplicitLocOpBuilder &b, linalg::LinalgOp op,
                            unsigned weight, Value stored, Value scales,
                            ArrayRef<bool> kept) {
  Value data = op->getOperand(1 - weight);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  Rows rows = findRows(typeOf(data), maps[1 - weight], maps[2]);
  Value units = writeUnits(b, data, rows);
  Value inputs[2];
  inputs[weight] = widen(b, stored);
  inputs[1 - weight] = writeNumbers(b, data, units, rows);
  Value sums = writeSums(b, op, inputs);
  SmallVector<AffineExpr> channels;
  for (auto [axis, expr] : llvm::enumerate(maps[weight].getResults()))
    if (kept[axis])
      channels.push_back(b.getAffineDimExpr(*maps[2].getResultPosition(expr)));
  unsigned rank = maps[2].getNumResults();
  Value floats =
      writeFloats(b, op, {sums, units, scales},
                  {b.getMultiDimIdentityMap(rank), rows.ofResult,
                   AffineMap::get(rank, 0, channels, b.getContext())});
  op->getResult(0).replaceAllUsesWith(floats);
  op->erase();
}
