// A map is made of constants but for its address: extents and strides are in
// the type of the buffer, the box in that of the map.

#include "TensorMaps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace lig::target::gpu {

TypedValue<MemRefType> getMapped(nvgpu::TmaCreateDescriptorOp map) {
  auto cast = map.getTensor().getDefiningOp<memref::CastOp>();
  return cast ? dyn_cast<TypedValue<MemRefType>>(cast.getSource()) : nullptr;
}

static int32_t dtypeOf(Type element) {
  return element.isF32() ? LIG_F32 : element.isBF16() ? LIG_BF16 : LIG_F16;
}

lig_tensor_map describe(nvgpu::TmaCreateDescriptorOp map) {
  MemRefType type = getMapped(map).getType();
  nvgpu::TensorMapDescriptorType how = map.getTensorMap().getType();
  ArrayRef<int64_t> box = how.getTensor().getShape();
  auto [strides, offset] = type.getStridesAndOffset();
  uint64_t bytes = type.getElementTypeBitWidth() / 8;
  lig_tensor_map result = {};
  result.dtype = dtypeOf(type.getElementType());
  result.rank = type.getRank();
  for (uint32_t d = 0; d < result.rank; ++d) {
    uint32_t axis = result.rank - 1 - d;
    result.extents[d] = type.getDimSize(axis);
    result.strides[d] = strides[axis] * bytes;
    result.box[d] = box[axis];
  }
  result.swizzle = 16u << unsigned(how.getSwizzle()); // 32, 64 or 128 bytes
  if (how.getSwizzle() == nvgpu::TensorMapSwizzleKind::SWIZZLE_NONE)
    result.swizzle = 0;
  return result;
}

LogicalResult hoistMaps(mlir::gpu::LaunchOp launch) {
  SmallVector<nvgpu::TmaCreateDescriptorOp> maps;
  launch.getBody().walk(
      [&](nvgpu::TmaCreateDescriptorOp map) { maps.push_back(map); });
  for (nvgpu::TmaCreateDescriptorOp map : maps) {
    auto buffer = getMapped(map);
    auto how = map.getTensorMap().getType();
    if (!buffer || launch.getBody().isAncestor(buffer.getParentRegion()) ||
        !buffer.getType().hasStaticShape() || buffer.getType().getRank() > 5 ||
        how.getTensor().getRank() != buffer.getType().getRank())
      return map.emitOpError("maps what the host does not see as a buffer of "
                             "known shape and as many dimensions as the box");
    Operation *cast = map.getTensor().getDefiningOp();
    if (cast->hasOneUse())
      cast->moveBefore(launch);
    else
      map.getTensorMutable().assign(
          OpBuilder(launch).clone(*cast)->getResult(0));
    map->moveBefore(launch);
  }
  return success();
}

bool takeMaps(mlir::gpu::GPUFuncOp kernel, ValueRange operands) {
  SmallVector<int32_t> numbers;
  auto pointer = LLVM::LLVMPointerType::get(kernel.getContext());
  auto types = llvm::to_vector(kernel.getFunctionType().getInputs());
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (!operand.getDefiningOp<nvgpu::TmaCreateDescriptorOp>())
      continue;
    numbers.push_back(i);
    types[i] = pointer;
    BlockArgument argument = kernel.getArgument(i);
    argument.setType(pointer);
    // Kernels know maps by where they lie.
    for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
      user->getResult(0).replaceAllUsesWith(argument);
      user->erase();
    }
  }
  if (numbers.empty())
    return false;
  OpBuilder b(kernel);
  kernel.setFunctionType(b.getFunctionType(types, {}));
  kernel->setAttr(kMapsAttr, b.getDenseI32ArrayAttr(numbers));
  return true;
}

Value addressOf(OpBuilder &b, Location loc, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, loc, buffer);
  Value base =
      memref::ExtractAlignedPointerAsIndexOp::create(b, loc, buffer);
  Value bytes = arith::ConstantIndexOp::create(
      b, loc, type.getElementTypeBitWidth() / 8);
  return arith::AddIOp::create(
      b, loc, base,
      arith::MulIOp::create(b, loc, metadata.getOffset(), bytes));
}

Value describeOnHost(OpBuilder &b, Location loc, ModuleOp module,
                     nvgpu::TmaCreateDescriptorOp map) {
  lig_tensor_map described = describe(map);
  StringRef bytes(reinterpret_cast<const char *>(&described),
                  sizeof(described));
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
  OpBuilder atEnd = OpBuilder::atBlockEnd(module.getBody());
  SymbolTable symbols(module);
  auto global = LLVM::GlobalOp::create(
      atEnd, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal,
      "lig_tensor_map", b.getStringAttr(bytes), /*alignment=*/8);
  symbols.insert(global);
  return LLVM::AddressOfOp::create(b, loc, global);
}

} // namespace lig::target::gpu
