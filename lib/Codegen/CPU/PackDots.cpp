// Sums of products of small integers as sums over words: machines multiply two
// numbers of 16 bits, or four of 8, in each lane and add up the products in one
// instruction or two.
//
// Data lie with the reduction innermost already, so a word is a view of as many
// neighbours, once their number is made even; weights are laid out anew, words
// along the reduction, which the packing of panels then takes as elements like
// any others. Products of 16-bit data with weights that are stored as bytes
// widen those as they are read. Two bf16 make a word, too. A machine that adds
// two products of bytes in 16 bits multiplies four bytes where all such sums fit.
//
// A step of a loop over layers reads a slice of a stack of weights. The whole
// stack is laid out then, and the step reads the same slice of it.

#include "../PairSums.h"
#include "../ParameterTable.h"

#include "Ligature/Codegen/Passes.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Share/IR/BrokenTies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace lig;

namespace lig::codegen {
#define GEN_PASS_DEF_CPUPACKDOTSPASS
#include "Ligature/Codegen/Passes.h.inc"
} // namespace lig::codegen

namespace {
/// A sum of products of small integers that words suit.
struct Product {
  linalg::GenericOp op;
  unsigned data, weight;
  share::ParamOp param;
  /// The slice of the parameter that the weight is; null where it is all of it.
  memref::SubViewOp slice;
  /// The reduction that is innermost in the data, and where the weight has it.
  unsigned loop, weightAxis;
  int64_t extent;
  /// Numbers of a word.
  int64_t count;
  net::DotKind kind;
  /// Whether products of bytes can be added in pairs of 16 bits.
  bool pairsFit = false;
};
} // namespace

/// The operand that `value` widens, and whether it counts as unsigned; -1 where
/// it is something else.
static std::pair<int, bool> widened(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !isa<arith::ExtSIOp, arith::ExtUIOp, arith::ExtFOp>(op))
    return {-1, false};
  auto argument = dyn_cast<BlockArgument>(op->getOperand(0));
  return {argument ? int(argument.getArgNumber()) : -1,
          isa<arith::ExtUIOp>(op)};
}

/// Whether the body adds a product of two widened inputs; says which of them
/// are unsigned.
static bool matchBody(linalg::GenericOp op, bool (&isUnsigned)[2]) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return false;
  Block *body = op.getBody();
  Operation *add = body->getTerminator()->getOperand(0).getDefiningOp();
  Type sumType = body->getArgument(2).getType();
  if (!isa_and_nonnull<arith::AddIOp, arith::AddFOp>(add) ||
      !(sumType.isInteger(32) || sumType.isF32()))
    return false;
  for (bool swapped : {false, true}) {
    Value sum = add->getOperand(swapped);
    Operation *multiply = add->getOperand(!swapped).getDefiningOp();
    if (sum != body->getArgument(2) ||
        !isa_and_nonnull<arith::MulIOp, arith::MulFOp>(multiply))
      continue;
    auto [x, xUnsigned] = widened(multiply->getOperand(0));
    auto [y, yUnsigned] = widened(multiply->getOperand(1));
    if (x < 0 || y < 0 || x > 1 || y > 1 || x == y)
      continue;
    isUnsigned[x] = xUnsigned;
    isUnsigned[y] = yUnsigned;
    return true;
  }
  return false;
}

/// The parameter of which `buffer` shows all elements in order, or null.
static share::ParamOp wholeParam(Value buffer, SymbolTable &symbols) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (auto address = dyn_cast<share::AddressOp>(op)) {
      auto param = symbols.lookup<share::ParamOp>(address.getSource());
      return param && param.isFrozen() && param.getElements()
                 ? param
                 : share::ParamOp();
    }
    if (!isa<memref::ExpandShapeOp, memref::CollapseShapeOp>(op))
      break;
    buffer = op->getOperand(0);
  }
  return {};
}

/// `buffer` as one slice along the leading dimension of what it is cut from.
static memref::SubViewOp leadingSlice(Value buffer) {
  auto slice = buffer.getDefiningOp<memref::SubViewOp>();
  if (!slice || !slice.hasUnitStride() ||
      slice.getType().getRank() + 1 != slice.getSourceType().getRank() ||
      slice.getStaticSizes().front() != 1 ||
      slice.getStaticSizes().drop_front() != slice.getType().getShape() ||
      slice.getType().getShape() !=
          slice.getSourceType().getShape().drop_front())
    return {};
  return slice;
}

/// The weight's shape, after that of the stack it is cut from.
static SmallVector<int64_t> storedShape(const Product &product) {
  memref::SubViewOp slice = product.slice;
  linalg::GenericOp op = product.op;
  return llvm::to_vector(
      slice ? slice.getSourceType().getShape()
            : cast<MemRefType>(op->getOperand(product.weight).getType())
                  .getShape());
}

static unsigned bitsOf(Value buffer) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  return element.isInteger() ? element.getIntOrFloatBitWidth() : 0;
}

/// Whether the reduction `loop` is innermost in the data and one axis of the
/// weight.
static bool placeLoop(Product &product) {
  SmallVector<AffineMap> maps = product.op.getIndexingMapsArray();
  AffineMap data = maps[product.data], weight = maps[product.weight];
  auto type = cast<MemRefType>(product.op->getOperand(product.data).getType());
  if (data.getNumResults() == 0 || !type.hasStaticShape() ||
      !weight.isProjectedPermutation())
    return false;
  auto last = dyn_cast<AffineDimExpr>(data.getResults().back());
  if (!last)
    return false;
  product.loop = last.getPosition();
  product.extent = type.getShape().back();
  std::optional<unsigned> axis = weight.getResultPosition(last);
  if (!axis ||
      product.op.getIteratorTypesArray()[product.loop] !=
          utils::IteratorType::reduction ||
      product.op.getStaticLoopRanges()[product.loop] != product.extent)
    return false;
  for (AffineExpr expr : data.getResults().drop_back())
    if (expr.isFunctionOfDim(product.loop))
      return false;
  product.weightAxis = *axis;
  // Some dimension of the result must be the weight's alone, for the lanes.
  for (AffineExpr expr : maps.back().getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      if (weight.isFunctionOfDim(dim.getPosition()) &&
          !data.isFunctionOfDim(dim.getPosition()))
        return true;
  return false;
}

/// The weight's axis along which words lie, in what is stored.
static unsigned storedAxis(const Product &product) {
  return product.weightAxis + (product.slice ? 1 : 0);
}

/// Whether the weight's bytes are so small that two products fit 16 bits.
static bool pairsFit(const Product &product) {
  share::ParamOp param = product.param;
  return lig::codegen::pairSumsFit(readElements(param.getElements())->data,
                                   storedShape(product), storedAxis(product));
}

/// What `kind` of words the operands make, if any.
static bool chooseKind(Product &product, bool dataUnsigned, bool weightUnsigned,
                       StringRef dots, bool bf16) {
  auto isBf16 = [&](unsigned operand) {
    return getElementTypeOrSelf(product.op->getOperand(operand).getType())
        .isBF16();
  };
  if (isBf16(product.data) && isBf16(product.weight)) {
    product.kind = net::DotKind::BF16;
    product.count = 2;
    return bf16;
  }
  unsigned data = bitsOf(product.op->getOperand(product.data));
  unsigned weight = bitsOf(product.op->getOperand(product.weight));
  if (weightUnsigned || (weight != 8 && weight != 16))
    return false;
  product.kind = net::DotKind::Pairs;
  product.count = 2;
  if (data == 16)
    return !dataUnsigned;
  if (data != 8 || weight != 8)
    return false;
  product.pairsFit = dots == "ssse3" && dataUnsigned && pairsFit(product);
  bool fits = dots == "vnni" ? dataUnsigned
                             : product.pairsFit ||
                                   (dots == "neon" && !dataUnsigned);
  if (!fits)
    return false;
  product.kind = dataUnsigned ? net::DotKind::MixedBytes : net::DotKind::Bytes;
  product.count = 4;
  return true;
}

namespace {
struct CpuPackDots : lig::codegen::impl::CpuPackDotsPassBase<CpuPackDots> {
  using CpuPackDotsPassBase::CpuPackDotsPassBase;

  void runOnOperation() override {
    lig::codegen::ParameterTable parameters(getOperation());
    SmallVector<linalg::GenericOp> work;
    getOperation().walk([&](linalg::GenericOp op) { work.push_back(op); });
    for (linalg::GenericOp op : work)
      if (std::optional<Product> product = match(op, parameters.getSymbols())) {
        rewrite(*product, parameters);
        ++numProducts;
      }
  }

private:
  std::optional<Product> match(linalg::GenericOp op, SymbolTable &symbols) {
    bool isUnsigned[2];
    if (!op.hasPureBufferSemantics() || op.getNumReductionLoops() == 0 ||
        !matchBody(op, isUnsigned))
      return std::nullopt;
    for (unsigned weight : {1u, 0u}) {
      Product product;
      product.op = op;
      product.weight = weight;
      product.data = 1 - weight;
      Value stored = op->getOperand(weight);
      product.slice = leadingSlice(stored);
      if (product.slice)
        stored = product.slice.getSource();
      product.param = wholeParam(stored, symbols);
      if (product.param && placeLoop(product) &&
          chooseKind(product, isUnsigned[product.data], isUnsigned[weight],
                     dots, bf16))
        return product;
    }
    return std::nullopt;
  }

  void rewrite(const Product &product,
               lig::codegen::ParameterTable &parameters);
};
} // namespace

/// The weight's words: numbers of one word lie one after another in it, and
/// those that are missing at the end are 0.
static TensorBytes makeWords(const Product &product) {
  share::ParamOp param = product.param;
  TensorBytes weight = *readElements(param.getElements());
  auto type = cast<MemRefType>(
      linalg::GenericOp(product.op)->getOperand(product.weight).getType());
  int64_t bytes = getElementBytes(type.getElementType());
  SmallVector<int64_t> shape = storedShape(product);
  size_t axis = storedAxis(product);
  int64_t extent = shape[axis], outer = 1, inner = 1;
  for (size_t i = 0; i < shape.size(); ++i)
    if (i != axis)
      (i < axis ? outer : inner) *= shape[i];
  int64_t words = llvm::divideCeil(extent, product.count);
  shape[axis] = words;
  auto element = IntegerType::get(type.getContext(), 8 * bytes * product.count);
  TensorBytes result =
      TensorBytes::allocate(RankedTensorType::get(shape, element));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t k = 0; k < extent; ++k)
      for (int64_t i = 0; i < inner; ++i) {
        int64_t word = (o * words + k / product.count) * inner + i;
        std::memcpy(result.mutableData() +
                        (word * product.count + k % product.count) * bytes,
                    weight.data.data() + ((o * extent + k) * inner + i) * bytes,
                    bytes);
      }
  return result;
}

/// The data as words: a copy whose rows are filled up with zeros.
static Value makeData(ImplicitLocOpBuilder &b, const Product &product,
                      Value data) {
  auto type = cast<MemRefType>(data.getType());
  int64_t words = llvm::divideCeil(product.extent, product.count);
  SmallVector<int64_t> padded(type.getShape()), shape(type.getShape());
  padded.back() = words * product.count;
  shape.back() = words;
  int64_t bytes = type.getElementTypeBitWidth() / 8;
  for (int64_t extent : padded)
    bytes *= extent;
  Value room =
      memref::AllocOp::create(b, MemRefType::get({bytes}, b.getI8Type()));
  Value zero = arith::ConstantIndexOp::create(b, 0);
  auto view = [&](ArrayRef<int64_t> extents, Type element) -> Value {
    return memref::ViewOp::create(b, MemRefType::get(extents, element), room,
                                  zero, ValueRange());
  };
  Value numbers = view(padded, type.getElementType());
  if (padded.back() != product.extent) {
    Value nothing = arith::ConstantOp::create(
        b, cast<TypedAttr>(b.getZeroAttr(type.getElementType())));
    linalg::FillOp::create(b, nothing, numbers);
    SmallVector<OpFoldResult> offsets(padded.size(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(padded.size(), b.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes;
    for (int64_t extent : type.getShape())
      sizes.push_back(b.getIndexAttr(extent));
    numbers = memref::SubViewOp::create(b, numbers, offsets, sizes, strides);
  }
  linalg::CopyOp::create(b, data, numbers);
  return view(shape, b.getI32Type());
}

/// What a product reads of the parameter `packed`, whose type is that of `words`.
static Value readWords(ImplicitLocOpBuilder &b, const Product &product,
                       share::ParamOp packed, RankedTensorType words) {
  SmallVector<int64_t> shape = storedShape(product);
  unsigned axis = storedAxis(product);
  shape[axis] = words.getDimSize(axis);
  Value all = share::AddressOp::create(
      b, MemRefType::get(shape, words.getElementType()), packed.getSymName());
  memref::SubViewOp slice = product.slice;
  if (!slice)
    return all;
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1)};
  for (int64_t extent : ArrayRef(shape).drop_front())
    sizes.push_back(b.getIndexAttr(extent));
  SmallVector<OpFoldResult> offsets = slice.getMixedOffsets(),
                            strides = slice.getMixedStrides();
  auto type = memref::SubViewOp::inferRankReducedResultType(
      ArrayRef(shape).drop_front(), cast<MemRefType>(all.getType()), offsets,
      sizes, strides);
  return memref::SubViewOp::create(b, cast<MemRefType>(type), all, offsets,
                                   sizes, strides);
}

void CpuPackDots::rewrite(const Product &product,
                          lig::codegen::ParameterTable &parameters) {
  linalg::GenericOp op = product.op;
  share::ParamOp param = product.param;
  TensorBytes words = makeWords(product);
  StringAttr root = share::getOrigin(param);
  auto [packed, isNew] = parameters.getOrCreate(
      words, (root.getValue() + ".words").str(), param.getLoc());
  if (isNew)
    share::markPacked(packed, param);
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value weight = readWords(b, product, packed, words.type);
  Value data = makeData(b, product, op->getOperand(product.data));
  Value operands[2];
  operands[product.data] = data;
  operands[product.weight] = weight;
  linalg::GenericOp::create(
      b, operands, op.getOutputs(), op.getIndexingMapsArray(),
      op.getIteratorTypesArray(),
      [&](OpBuilder &inner, Location loc, ValueRange in) {
        Value w = in[product.weight];
        if (w.getType().isInteger(16))
          w = net::WidenOp::create(inner, loc, inner.getI32Type(), w);
        auto sum = net::DotOp::create(inner, loc, product.kind, in[2],
                                      in[product.data], w);
        if (product.pairsFit)
          sum->setAttr(lig::codegen::kPairsFitAttr, inner.getUnitAttr());
        linalg::YieldOp::create(inner, loc, sum.getResult());
      });
  op.erase();
}
