// Data are rounded by the copy, once for all blocks that read it, so tensor
// cores get the nearest value and not one that they cut off.

#include "BoxCopies.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"

using namespace mlir;

namespace lig::codegen::gpu {

AffineMap mapOfSteps(linalg::GenericOp op, OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  DenseMap<AffineExpr, AffineExpr> still;
  for (auto [loop, extent] : llvm::enumerate(op.getStaticLoopRanges()))
    if (extent == 1)
      still[getAffineDimExpr(loop, op.getContext())] =
          getAffineConstantExpr(0, op.getContext());
  return simplifyAffineMap(
      map.replace(still, map.getNumDims(), map.getNumSymbols()));
}

/// The f32 nearest to `value` that is a tf32; of two the one farther from zero.
static Value roundToTf32(OpBuilder &b, Location loc, Value value) {
  Type i32 = b.getI32Type();
  auto constant = [&](int32_t number) -> Value {
    return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(number));
  };
  Value bits = arith::BitcastOp::create(b, loc, i32, value);
  bits = arith::AddIOp::create(b, loc, bits, constant(0x1000));
  bits = arith::AndIOp::create(b, loc, bits, constant(-0x2000));
  Value rounded = arith::BitcastOp::create(b, loc, value.getType(), bits);
  // The sum of NaN and half a step may be anything.
  Value isNumber =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, value, value);
  return arith::SelectOp::create(b, loc, isNumber, rounded, value);
}

static Value convert(OpBuilder &b, Location loc, Value value, Type element) {
  if (value.getType() == element && !element.isF32())
    return value;
  if (value.getType().isF32())
    return element.isF32()
               ? roundToTf32(b, loc, value)
               : arith::TruncFOp::create(b, loc, element, value).getResult();
  Value wide = arith::ExtFOp::create(b, loc, b.getF32Type(), value);
  return element.isF32()
             ? wide
             : arith::TruncFOp::create(b, loc, element, wide).getResult();
}

Value copyRounded(RewriterBase &rewriter, Location loc, Value buffer,
                  AffineMap from, ArrayRef<int64_t> shape, Type element) {
  Value copy =
      memref::AllocOp::create(rewriter, loc, MemRefType::get(shape, element),
                              rewriter.getI64IntegerAttr(64));
  SmallVector<AffineMap> maps = {from,
                                 rewriter.getMultiDimIdentityMap(shape.size())};
  SmallVector<utils::IteratorType> loops(shape.size(),
                                         utils::IteratorType::parallel);
  linalg::GenericOp::create(rewriter, loc, buffer, copy, maps, loops,
                            [&](OpBuilder &b, Location at, ValueRange in) {
                              linalg::YieldOp::create(
                                  b, at, convert(b, at, in[0], element));
                            });
  return copy;
}

Value makeTensorMap(Kernel &kernel, Value buffer, ArrayRef<int64_t> box) {
  ImplicitLocOpBuilder &b = kernel.b;
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  auto type = nvgpu::TensorMapDescriptorType::get(
      b.getContext(), sharedType(box, element),
      nvgpu::TensorMapSwizzleKind::SWIZZLE_128B,
      nvgpu::TensorMapL2PromoKind::L2PROMO_256B,
      nvgpu::TensorMapOOBKind::OOB_ZERO,
      nvgpu::TensorMapInterleaveKind::INTERLEAVE_NONE);
  Value any = memref::CastOp::create(
      b, UnrankedMemRefType::get(element, Attribute()), buffer);
  Value made = nvgpu::TmaCreateDescriptorOp::create(b, type, any, ValueRange());
  return UnrealizedConversionCastOp::create(
             b, LLVM::LLVMPointerType::get(b.getContext()), made)
      .getResult(0);
}

void copyBox(Kernel &kernel, Value tensorMap, ArrayRef<Value> at, Value to,
             Value barrier) {
  ImplicitLocOpBuilder &b = kernel.b;
  auto cluster = LLVM::LLVMPointerType::get(
      b.getContext(), unsigned(NVVM::NVVMMemorySpace::SharedCluster));
  SmallVector<Value> coordinates;
  for (Value index : llvm::reverse(at))
    coordinates.push_back(arith::IndexCastOp::create(b, b.getI32Type(), index));
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b, LLVM::AddrSpaceCastOp::create(b, cluster, to), tensorMap, coordinates,
      barrier, /*im2colOffsets=*/ValueRange(), /*multicastMask=*/Value(),
      /*l2CacheHint=*/Value(), NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false,
      /*group=*/NVVM::CTAGroupKindAttr(), /*predicate=*/Value());
}

} // namespace lig::codegen::gpu
