// Indices are expanded to plain arithmetic on unsigned numbers here: what
// affine lowering writes for divisions also serves negative ones, which costs.

#include "Kernel.h"

#include "MemoryRoots.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace lig::codegen::gpu {

MemRefType sharedType(ArrayRef<int64_t> shape, Type element) {
  auto space = ::mlir::gpu::AddressSpaceAttr::get(
      element.getContext(), ::mlir::gpu::AddressSpace::Workgroup);
  return MemRefType::get(shape, element, MemRefLayoutAttrInterface(), space);
}

/// Room for a buffer, up to where another may begin.
static int64_t roomFor(MemRefType type) {
  return llvm::alignTo(
      type.getNumElements() * type.getElementTypeBitWidth() / 8, 16);
}

int64_t countSharedBytes(ArrayRef<MemRefType> types) {
  int64_t bytes = 0;
  for (MemRefType type : types)
    bytes += roomFor(type);
  return bytes;
}

bool hasWholePieces(MemRefType type, int64_t piece) {
  auto [strides, offset] = type.getStridesAndOffset();
  auto isWhole = [&](int64_t number) {
    return !ShapedType::isDynamic(number) && number % piece == 0;
  };
  return !strides.empty() && strides.back() == 1 && isWhole(offset) &&
         llvm::all_of(ArrayRef(strides).drop_back(), isWhole);
}

int64_t countNeighbours(Value buffer, AffineMap map, unsigned dim,
                        int64_t extent) {
  auto type = cast<MemRefType>(buffer.getType());
  int64_t piece = 128 / type.getElementTypeBitWidth();
  if (map.getNumResults() == 0)
    return 1;
  bool alone =
      map.getResults().back() == getAffineDimExpr(dim, map.getContext()) &&
      llvm::none_of(map.getResults().drop_back(),
                    [&](AffineExpr e) { return e.isFunctionOfDim(dim); });
  bool isWhole = alone && extent % piece == 0 && hasWholePieces(type, piece) &&
                 beginsAligned(buffer);
  return isWhole ? piece : 1;
}

Kernel::Kernel(RewriterBase &rewriter, Operation *op, ArrayRef<int64_t> extents,
               int64_t blocks, int64_t threads, ArrayRef<MemRefType> shared)
    : IndexMath({op->getLoc(), rewriter}), extents(extents),
      rewriter(rewriter) {
  rewriter.setInsertionPoint(op);
  b.setInsertionPoint(op);
  Value one = index(1), grid = index(blocks), size = index(threads);
  bool isOfLaunch = countSharedBytes(shared) <= kStaticSharedBytes;
  SmallVector<Type> attributions;
  if (isOfLaunch)
    attributions.assign(shared.begin(), shared.end());
  launch = ::mlir::gpu::LaunchOp::create(
      b, grid, one, one, size, one, one, /*dynamicSharedMemorySize=*/nullptr,
      /*asyncTokenType=*/nullptr, ValueRange(), attributions);
  b.setInsertionPointToEnd(&launch.getBody().front());
  if (isOfLaunch)
    llvm::append_range(buffers, launch.getWorkgroupAttributions());
  else
    placeShared(shared);
}

void Kernel::placeShared(ArrayRef<MemRefType> types) {
  Value all = askForShared(countSharedBytes(types));
  int64_t offset = 0;
  for (MemRefType type : types) {
    buffers.push_back(
        memref::ViewOp::create(b, type, all, index(offset), ValueRange()));
    offset += roomFor(type);
  }
}

void Kernel::finish() {
  ::mlir::gpu::TerminatorOp::create(b);
  rewriter.setInsertionPointAfter(launch);
}

Value Kernel::askForShared(int64_t bytes) {
  OpBuilder host(launch);
  launch.getDynamicSharedMemorySizeMutable().assign(arith::ConstantOp::create(
      host, b.getLoc(), host.getI32IntegerAttr(bytes)));
  return ::mlir::gpu::DynamicSharedMemoryOp::create(
      b, sharedType({ShapedType::kDynamic}, b.getI8Type()));
}

Value Kernel::dynamicShared(int64_t bytes) {
  return memref::ExtractAlignedPointerAsIndexOp::create(b, askForShared(bytes));
}

int64_t Kernel::count(ArrayRef<unsigned> loops) const {
  int64_t product = 1;
  for (unsigned loop : loops)
    product *= extents[loop];
  return product;
}

void Kernel::unflatten(Value number, ArrayRef<unsigned> loops,
                       LoopValues &values) {
  values.resize(extents.size());
  for (unsigned i = loops.size(); i-- > 0;) {
    values[loops[i]] = i ? rem(number, extents[loops[i]]) : number;
    if (i)
      number = div(number, extents[loops[i]]);
  }
}

static bool isNeverNegative(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue() >= 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  return !binary ||
         (isNeverNegative(binary.getLHS()) && isNeverNegative(binary.getRHS()));
}

static Value expandSigned(ImplicitLocOpBuilder &b, AffineExpr expr,
                          ArrayRef<Value> dims) {
  SmallVector<Value> known(dims);
  for (Value &dim : known)
    if (!dim)
      dim = arith::ConstantIndexOp::create(b, 0);
  return affine::expandAffineExpr(b, b.getLoc(), expr, known, {});
}

Value Kernel::apply(AffineExpr expr, ArrayRef<Value> dims) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return index(constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()] ? dims[dim.getPosition()] : index(0);
  auto binary = cast<AffineBinaryOpExpr>(expr);
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (!isNeverNegative(expr) ||
      (!factor && expr.getKind() != AffineExprKind::Add))
    return expandSigned(b, expr, dims);
  Value left = apply(binary.getLHS(), dims);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return add(left, apply(binary.getRHS(), dims));
  case AffineExprKind::Mul:
    return mul(left, factor.getValue());
  case AffineExprKind::FloorDiv:
    return div(left, factor.getValue());
  case AffineExprKind::Mod:
    return rem(left, factor.getValue());
  default:
    return expandSigned(b, expr, dims);
  }
}

SmallVector<Value> Kernel::indices(OpOperand &operand,
                                   const LoopValues &values) {
  SmallVector<Value> result;
  auto op = cast<linalg::GenericOp>(operand.getOwner());
  for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
    result.push_back(apply(expr, values));
  return result;
}

Value Kernel::load(OpOperand &operand, const LoopValues &values) {
  if (!isa<MemRefType>(operand.get().getType()))
    return operand.get();
  return memref::LoadOp::create(b, operand.get(), indices(operand, values));
}

void Kernel::store(Value value, OpOperand &operand, const LoopValues &values) {
  memref::StoreOp::create(b, value, operand.get(), indices(operand, values));
}

Value Kernel::choose(Value condition, Value other,
                     llvm::function_ref<Value()> load) {
  if (!condition)
    return load();
  auto choice = scf::IfOp::create(b, other.getType(), condition,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, load());
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(b, other);
  return choice.getResult(0);
}

Value Kernel::loadIf(Value condition, OpOperand &operand,
                     const LoopValues &values, Value other) {
  return choose(condition, other, [&] { return load(operand, values); });
}

Value Kernel::loadPieceIf(Value condition, OpOperand &operand,
                          const LoopValues &values, int64_t count) {
  Type element = cast<MemRefType>(operand.get().getType()).getElementType();
  auto type = VectorType::get(count, element);
  int64_t bytes = count * element.getIntOrFloatBitWidth() / 8;
  Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return choose(condition, zeros, [&]() -> Value {
    if (count > 1)
      return vector::LoadOp::create(
          b, type, operand.get(), indices(operand, values),
          /*nontemporal=*/false, llvm::MaybeAlign(bytes));
    return vector::FromElementsOp::create(b, type, load(operand, values));
  });
}

SmallVector<Value> Kernel::body(linalg::GenericOp op, ArrayRef<Value> arguments,
                                const LoopValues &values) {
  Block &block = *op.getBody();
  IRMapping mapping;
  for (auto [argument, value] : llvm::zip(block.getArguments(), arguments))
    if (value)
      mapping.map(argument, value);
  for (Operation &inner : block.without_terminator()) {
    if (auto number = dyn_cast<linalg::IndexOp>(inner))
      mapping.map(number.getResult(), values[number.getDim()]);
    else
      b.clone(inner, mapping);
  }
  SmallVector<Value> results;
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(mapping.lookupOrDefault(value));
  return results;
}

} // namespace lig::codegen::gpu
