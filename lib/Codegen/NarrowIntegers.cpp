// A quantized network's products are of bytes, less their zero points. The
// model is read in numbers of 16 bits, in which that difference fits; here the
// weights, which are known, become bytes again, the zero point taken off for
// good, and so do the data where the machine multiplies bytes:
//
//   sum of (x - zero) * w  =  sum of x * w  -  zero * sum of w
//
// The last term is known but for a zero point that may depend on the data, and
// is where the sum starts. Everything is exact: sums of 32 bits wrap around. A
// machine that adds products of bytes in 16 bits multiplies those only whose
// weights are small enough.
//
// Layers that were rolled into a scan read slices of a stack of weights: the
// whole stack becomes bytes, and so there is a stack of those sums.

#include "PairSums.h"
#include "ParameterTable.h"

#include "Ligature/Analysis/ConstantEvaluator.h"
#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Net/IR/ScanSlices.h"
#include "Ligature/Support/TensorTypes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/RegionUtils.h"

#include <cstring>

using namespace mlir;
using lig::TensorBytes;
using lig::typeOf;

namespace lig::codegen {
#define GEN_PASS_DEF_NARROWINTEGERSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

//===-- Data -------------------------------------------------------------===//

namespace {
/// Numbers of 16 bits as bytes, of one sign or the other, and what has to be
/// taken off them: an i32 tensor of one element, or null for 0.
struct Bytes {
  Value value, zero;
};

/// Finds the bytes that data were made of.
class ByteFinder {
public:
  ByteFinder(ImplicitLocOpBuilder &b, bool isUnsigned)
      : b(b), isUnsigned(isUnsigned) {}

  std::optional<Bytes> find(Value numbers);

private:
  std::optional<Bytes> findElementwise(linalg::GenericOp op);
  std::optional<Bytes> pad(tensor::PadOp op);
  Value zeroOf(Value number, linalg::GenericOp op, int64_t shift);
  Value flip(OpBuilder &at, Location loc, Value byte) {
    Value sign =
        arith::ConstantOp::create(at, loc, at.getI8IntegerAttr(int8_t(-128)));
    return arith::XOrIOp::create(at, loc, byte, sign);
  }

  ImplicitLocOpBuilder &b;
  bool isUnsigned;
};
} // namespace

/// The number that `number`, of the body of `op`, is for all elements, plus
/// `shift`; null if it is not the same for all.
Value ByteFinder::zeroOf(Value number, linalg::GenericOp op, int64_t shift) {
  auto scalar = RankedTensorType::get({}, b.getI32Type());
  APInt known;
  if (matchPattern(number, m_ConstantInt(&known)))
    return arith::ConstantOp::create(
        b,
        DenseElementsAttr::get(scalar, int32_t(known.getSExtValue() + shift)));
  Operation *extension = nullptr;
  if (Operation *def = number.getDefiningOp()) {
    if (isa<arith::ExtSIOp, arith::ExtUIOp>(def)) {
      extension = def;
      number = def->getOperand(0);
    }
  }
  // A tensor of one element: an operand, or read by the body where it stands.
  Value input;
  auto argument = dyn_cast<BlockArgument>(number);
  if (argument && argument.getOwner() == op.getBody())
    input = op->getOperand(argument.getArgNumber());
  else if (auto extract = number.getDefiningOp<tensor::ExtractOp>())
    input = extract.getTensor();
  auto type =
      input ? dyn_cast<RankedTensorType>(input.getType()) : RankedTensorType();
  if (!type || type.getRank() != 0 || input == op.getOutputs()[0])
    return {};
  AffineMap map = b.getMultiDimIdentityMap(0);
  Value init = tensor::EmptyOp::create(b, ArrayRef<int64_t>(), b.getI32Type());
  return linalg::GenericOp::create(
             b, TypeRange{scalar}, input, init, ArrayRef<AffineMap>{map, map},
             ArrayRef<utils::IteratorType>(),
             [&](OpBuilder &inner, Location loc, ValueRange in) {
               Type wide = inner.getI32Type();
               Value x = isa_and_nonnull<arith::ExtUIOp>(extension)
                             ? arith::ExtUIOp::create(inner, loc, wide, in[0])
                                   .getResult()
                             : arith::ExtSIOp::create(inner, loc, wide, in[0])
                                   .getResult();
               Value far = arith::ConstantOp::create(
                   inner, loc, inner.getI32IntegerAttr(shift));
               linalg::YieldOp::create(
                   inner, loc,
                   arith::AddIOp::create(inner, loc, x, far).getResult());
             })
      .getResult(0);
}

/// What yields a byte less a zero point is asked for the byte.
std::optional<Bytes> ByteFinder::findElementwise(linalg::GenericOp op) {
  if (op->getNumResults() != 1 || op.getNumReductionLoops() ||
      op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
    return std::nullopt;
  Value number = op.getBody()->getTerminator()->getOperand(0), zero;
  if (auto difference = number.getDefiningOp<arith::SubIOp>()) {
    number = difference.getLhs();
    zero = difference.getRhs();
  }
  Operation *extension = number.getDefiningOp();
  if (!isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(extension) ||
      !extension->getOperand(0).getType().isInteger(8))
    return std::nullopt;
  bool flips = isa<arith::ExtUIOp>(extension) != isUnsigned;
  int64_t shift = !flips ? 0 : isUnsigned ? 128 : -128;
  Bytes bytes;
  if (zero) {
    bytes.zero = zeroOf(zero, op, shift);
    if (!bytes.zero)
      return std::nullopt;
  } else if (shift) {
    bytes.zero = arith::ConstantOp::create(
        b, DenseElementsAttr::get(RankedTensorType::get({}, b.getI32Type()),
                                  int32_t(shift)));
  }
  auto type = typeOf(op.getResult(0)).clone(b.getI8Type());
  Value init =
      tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
  auto made = linalg::GenericOp::create(
      b, TypeRange{type}, op.getInputs(), init, op.getIndexingMapsArray(),
      op.getIteratorTypesArray(),
      [&](OpBuilder &inner, Location loc, ValueRange in) {
        IRMapping values;
        values.map(op.getBody()->getArguments().drop_back(), in.drop_back());
        for (Operation &old : op.getBody()->without_terminator())
          inner.clone(old, values);
        Value byte = values.lookupOrDefault(extension->getOperand(0));
        linalg::YieldOp::create(inner, loc,
                                flips ? flip(inner, loc, byte) : byte);
      });
  bytes.value = made.getResult(0);
  return bytes;
}

/// What is around an image is the zero point itself.
std::optional<Bytes> ByteFinder::pad(tensor::PadOp op) {
  Value fill = op.getConstantPaddingValue();
  if (!fill || !matchPattern(fill, m_Zero()))
    return std::nullopt;
  std::optional<Bytes> inner = find(op.getSource());
  if (!inner)
    return std::nullopt;
  Value byte;
  if (inner->zero) {
    Value number = tensor::ExtractOp::create(b, inner->zero, ValueRange());
    byte = arith::TruncIOp::create(b, b.getI8Type(), number);
  } else {
    byte = arith::ConstantOp::create(b, b.getI8IntegerAttr(0));
  }
  inner->value = tensor::PadOp::create(
      b, typeOf(op.getResult()).clone(b.getI8Type()), inner->value,
      op.getMixedLowPad(), op.getMixedHighPad(), byte);
  return inner;
}

std::optional<Bytes> ByteFinder::find(Value numbers) {
  Operation *op = numbers.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return findElementwise(generic);
  if (auto padded = dyn_cast<tensor::PadOp>(op))
    return pad(padded);
  if (!isa<linalg::TransposeOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
          op))
    return std::nullopt;
  std::optional<Bytes> bytes = find(op->getOperand(0));
  if (!bytes)
    return std::nullopt;
  auto type = typeOf(numbers).clone(b.getI8Type());
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    Value init =
        tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
    bytes->value = linalg::TransposeOp::create(b, bytes->value, init,
                                               transpose.getPermutation())
                       .getResult()[0];
    return bytes;
  }
  IRMapping values;
  values.map(op->getOperand(0), bytes->value);
  Operation *clone = b.clone(*op, values);
  clone->getResult(0).setType(type);
  bytes->value = clone->getResult(0);
  return bytes;
}

//===-- Weights ----------------------------------------------------------===//

/// Numbers of 16 bits as bytes; nothing if one is too large.
static std::optional<TensorBytes> toBytes(const TensorBytes &numbers) {
  Type byte = IntegerType::get(numbers.type.getContext(), 8);
  TensorBytes result = TensorBytes::allocate(
      RankedTensorType::get(numbers.type.getShape(), byte));
  for (size_t i = 0; i < numbers.data.size() / 2; ++i) {
    int16_t number;
    std::memcpy(&number, numbers.data.data() + 2 * i, 2);
    if (number < -128 || number > 127)
      return std::nullopt;
    result.mutableData()[i] = char(number);
  }
  return result;
}

/// Sums over the dimensions that `kept` leaves out.
static TensorBytes sumUp(const TensorBytes &bytes, ArrayRef<bool> kept) {
  SmallVector<int64_t> shape, strides(kept.size(), 0);
  for (auto [i, extent] : llvm::enumerate(bytes.type.getShape()))
    if (kept[i])
      shape.push_back(extent);
  int64_t stride = 1;
  for (int64_t i = int64_t(kept.size()) - 1; i >= 0; --i)
    if (kept[i]) {
      strides[i] = stride;
      stride *= bytes.type.getDimSize(i);
    }
  TensorBytes sums = TensorBytes::allocate(RankedTensorType::get(
      shape, IntegerType::get(bytes.type.getContext(), 32)));
  auto *to = reinterpret_cast<int32_t *>(sums.mutableData());
  SmallVector<int64_t> at(kept.size(), 0);
  int64_t place = 0;
  for (char byte : bytes.data) {
    to[place] += int8_t(byte);
    for (int64_t i = int64_t(at.size()) - 1; i >= 0; --i) {
      place += strides[i];
      if (++at[i] < bytes.type.getDimSize(i))
        break;
      place -= at[i] * strides[i];
      at[i] = 0;
    }
  }
  return sums;
}

//===-- Products ---------------------------------------------------------===//

/// The operation that widens argument `i` and nothing else, or null.
static Operation *widening(linalg::GenericOp op, unsigned i) {
  BlockArgument argument = op.getBody()->getArgument(i);
  if (!argument.hasOneUse())
    return nullptr;
  Operation *user = *argument.user_begin();
  return isa<arith::ExtSIOp>(user) ? user : nullptr;
}

/// Whether `op` sums up products of 16-bit numbers in 32 bits.
static bool isProduct(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumReductionLoops() == 0 ||
      (!linalg::isaContractionOpInterface(op) &&
       !isa<linalg::GenericOp>(op.getOperation())))
    return false;
  for (OpOperand *input : op.getDpsInputOperands())
    if (!getElementTypeOrSelf(input->get().getType()).isInteger(16))
      return false;
  return typeOf(op->getResult(0)).getElementType().isInteger(32) &&
         typeOf(op->getResult(0)).hasStaticShape();
}

namespace {
/// A weight as bytes: as the product has it, or a stack with one for each step
/// of a scan.
struct Weight {
  Weight(Value value)
      : slice(lig::net::findScanSlice(value)),
        whole(slice.scan ? slice.scan.getInputs()[slice.input] : value) {}

  /// What a product reads of `stored`, which is in the place of `whole`.
  Value read(Value stored) const {
    return slice.scan
               ? lig::net::addScanInput(
                     lig::net::ScanOp(slice.scan), stored,
                     lig::net::ScanOp(slice.scan).isInputReversed(slice.input))
               : stored;
  }
  /// Dimensions of `whole` before those of the weight.
  unsigned numOuter() const { return slice.scan ? 1 : 0; }

  lig::net::ScanSlice slice;
  Value whole;
  StringAttr root;
  TensorBytes bytes;
};
} // namespace

/// Whether a machine that adds two products of bytes in 16 bits may do so along
/// what is innermost in the data.
static bool addsInPairs(linalg::GenericOp op, unsigned data,
                        const Weight &weights) {
  AffineMap map = op.getIndexingMapsArray()[data];
  AffineMap weight = op.getIndexingMapsArray()[1 - data];
  if (map.getNumResults() == 0)
    return false;
  std::optional<unsigned> axis =
      weight.getResultPosition(map.getResults().back());
  return axis && lig::codegen::pairSumsFit(weights.bytes.data,
                                           weights.bytes.type.getShape(),
                                           *axis + weights.numOuter());
}

namespace {
struct NarrowIntegers
    : lig::codegen::impl::NarrowIntegersPassBase<NarrowIntegers> {
  using NarrowIntegersPassBase::NarrowIntegersPassBase;

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> work;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (isProduct(op))
        work.push_back(op);
    });
    if (work.empty())
      return;
    lig::codegen::ParameterTable table(getOperation());
    SymbolTableCollection tables;
    lig::ConstantEvaluator evaluator(tables);
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : work) {
      rewriter.setInsertionPoint(op);
      auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
      if (!generic) {
        FailureOr<linalg::GenericOp> made =
            linalg::generalizeNamedOp(rewriter, op);
        if (failed(made))
          continue;
        generic = *made;
      }
      narrow(generic, evaluator, table);
    }
    for (auto function : getOperation().getOps<func::FuncOp>())
      (void)runRegionDCE(rewriter, function->getRegions());
    dropUnreadSlices();
    table.eraseUnread(copies, getArgument());
  }

private:
  /// Lets scans forget the wide numbers that no step reads any more.
  void dropUnreadSlices() {
    RewritePatternSet patterns(&getContext());
    lig::net::ScanOp::getCanonicalizationPatterns(patterns, &getContext());
    SmallVector<Operation *> scans;
    getOperation().walk([&](lig::net::ScanOp op) { scans.push_back(op); });
    (void)applyOpPatternsGreedily(scans, std::move(patterns));
  }

  void narrow(linalg::GenericOp op, lig::ConstantEvaluator &evaluator,
              lig::codegen::ParameterTable &table) {
    for (unsigned operand : {1u, 0u}) {
      Weight weight(op->getOperand(operand));
      lig::ConstantEvaluator::Facts facts = evaluator.getFacts(weight.whole);
      if (!widening(op, 0) || !widening(op, 1) || !facts.known || !facts.root)
        continue;
      std::optional<TensorBytes> numbers = evaluator.evaluate(weight.whole);
      std::optional<TensorBytes> bytes;
      if (numbers)
        bytes = toBytes(*numbers);
      evaluator.dropValues();
      if (!bytes)
        continue;
      weight.bytes = *bytes;
      weight.root = facts.root;
      Value stored = store(*bytes, weight, /*isWeight=*/true, table);
      setInput(op, operand, weight.read(stored), false);
      ++numWeights;
      narrowData(op, 1 - operand, weight, table);
      return;
    }
  }

  /// A parameter of `bytes`, which were computed from `weight`: the model's own,
  /// if it has them as they are. Sums of a weight are no copy of it.
  Value store(const TensorBytes &bytes, const Weight &weight, bool isWeight,
              lig::codegen::ParameterTable &table) {
    Location loc = weight.whole.getLoc();
    OpBuilder b(&getContext());
    b.setInsertionPointAfterValue(weight.whole);
    auto own = table.getSymbols().lookup<lig::share::ParamOp>(weight.root);
    if (own && own.getTensorType() == bytes.type)
      if (auto elements = lig::readElements(own.getElements());
          elements && elements->data == bytes.data)
        return lig::share::GetOp::create(b, loc, bytes.type, weight.root);
    auto [param, isNew] = table.getOrCreatePacked(bytes, weight.root, loc);
    if (isNew && isWeight)
      copies.add(param, lig::codegen::PackedCopies::countReads(weight.whole));
    return lig::share::GetOp::create(b, loc, bytes.type, param.getSymName());
  }

  static void setInput(linalg::GenericOp op, unsigned i, Value bytes,
                       bool isUnsigned) {
    Operation *extension = widening(op, i);
    op->setOperand(i, bytes);
    op.getBody()->getArgument(i).setType(getElementTypeOrSelf(bytes.getType()));
    if (!isUnsigned)
      return;
    OpBuilder b(extension);
    Value wide = arith::ExtUIOp::create(b, extension->getLoc(),
                                        extension->getResult(0).getType(),
                                        extension->getOperand(0));
    extension->getResult(0).replaceAllUsesWith(wide);
    extension->erase();
  }

  void narrowData(linalg::GenericOp op, unsigned data, const Weight &weight,
                  lig::codegen::ParameterTable &table) {
    if (dots != "vnni" && dots != "neon" &&
        !(dots == "ssse3" && addsInPairs(op, data, weight)))
      return;
    AffineMap out = op.getIndexingMapsArray()[2];
    AffineMap map = op.getIndexingMapsArray()[1 - data];
    if (!out.isProjectedPermutation() || !map.isProjectedPermutation())
      return;
    ImplicitLocOpBuilder b(op.getLoc(), op);
    bool isUnsigned = dots != "neon";
    std::optional<Bytes> found =
        ByteFinder(b, isUnsigned).find(op->getOperand(data));
    if (!found)
      return;
    setInput(op, data, found->value, isUnsigned);
    ++numData;
    if (!found->zero)
      return;
    SmallVector<bool> kept(weight.numOuter(), true);
    SmallVector<AffineExpr> exprs;
    for (AffineExpr expr : map.getResults()) {
      std::optional<unsigned> at = out.getResultPosition(expr);
      kept.push_back(at.has_value());
      if (at)
        exprs.push_back(b.getAffineDimExpr(*at));
    }
    Value sums = store(sumUp(weight.bytes, kept), weight, /*isWeight=*/false,
                       table);
    startBelow(b, op, found->zero, weight.read(sums),
               AffineMap::get(out.getNumResults(), 0, exprs, b.getContext()));
  }

  /// Lets the sum start from what it did, less the zero point times `sums`.
  static void startBelow(ImplicitLocOpBuilder &b, linalg::GenericOp op,
                         Value zero, Value sums, AffineMap map) {
    Value start = op.getOutputs()[0];
    auto type = typeOf(start);
    unsigned rank = type.getRank();
    AffineMap all = b.getMultiDimIdentityMap(rank);
    SmallVector<Value> inputs = {zero, sums};
    SmallVector<AffineMap> maps = {AffineMap::get(rank, 0, b.getContext()),
                                   map};
    auto fill = start.getDefiningOp<linalg::FillOp>();
    bool fromZero = fill && matchPattern(fill.getInputs()[0], m_Zero());
    if (!fromZero) {
      inputs.push_back(start);
      maps.push_back(all);
    }
    maps.push_back(all);
    Value init =
        tensor::EmptyOp::create(b, type.getShape(), type.getElementType());
    SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
    auto made = linalg::GenericOp::create(
        b, TypeRange{type}, inputs, init, maps, loops,
        [&](OpBuilder &inner, Location loc, ValueRange in) {
          Value less = arith::MulIOp::create(inner, loc, in[0], in[1]);
          Value before = fromZero ? arith::ConstantOp::create(
                                        inner, loc, inner.getI32IntegerAttr(0))
                                        .getResult()
                                  : in[2];
          linalg::YieldOp::create(
              inner, loc,
              arith::SubIOp::create(inner, loc, before, less).getResult());
        });
    op.getDpsInitOperand(0)->set(made.getResult(0));
  }

  lig::codegen::PackedCopies copies;
};
} // namespace
