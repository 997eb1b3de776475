// From launches in the code of an entry point to kernels of their own and calls
// of the queue that the runtime hands in.
//
// Views are computed again in the kernel, so that its parameters are the entry
// point's own pointers and numbers of the host. Memory for the arguments of one
// launch is made once and used by all, since a launch has read them when it
// returns. A launch that fails is the last one: those behind it are passed
// over.
//
// A tensor map stands in the launch as the operation that makes it, because it
// belongs to the buffers there. The host makes it: right before the launch, in
// the place of an argument.

#include "TensorMaps.h"

#include "Ligature/ABI/Device.h"
#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Utils/GPUUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"

namespace lig::target {
#define GEN_PASS_DEF_GPUOUTLINEKERNELSPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;

static constexpr char enqueueName[] = "lig_enqueue";
static constexpr char makeMapName[] = "lig_make_map";
static constexpr char cooperativeAttr[] = "lig.cooperative";

//===-- Captures ---------------------------------------------------------===//

/// Whether an operation is computed again in a kernel: a constant, or a view of
/// device memory.
static bool isSunk(Operation *op) {
  if (matchPattern(op, m_Constant()))
    return true;
  return isa<memref::ViewOp, memref::SubViewOp, memref::ReinterpretCastOp,
             memref::CastOp, memref::CollapseShapeOp, memref::ExpandShapeOp,
             memref::TransposeOp, memref::MemorySpaceCastOp,
             memref::ExtractStridedMetadataOp>(op);
}

/// Computes `value` again at `b` if it is sunk, once for each launch.
static Value sink(OpBuilder &b, Value value, IRMapping &sunk) {
  Operation *op = value.getDefiningOp();
  if (!op || !isSunk(op))
    return value;
  if (Value known = sunk.lookupOrNull(value))
    return known;
  for (Value operand : op->getOperands())
    if (Value inside = sink(b, operand, sunk); inside != operand)
      sunk.map(operand, inside);
  b.clone(*op, sunk);
  return sunk.lookup(value);
}

static void sinkInto(mlir::gpu::LaunchOp launch) {
  SetVector<Value> captured;
  getUsedValuesDefinedAbove(launch.getBody(), captured);
  OpBuilder b = OpBuilder::atBlockBegin(&launch.getBody().front());
  IRMapping sunk;
  for (Value value : captured)
    if (Value inside = sink(b, value, sunk); inside != value)
      replaceAllUsesInRegionWith(value, inside, launch.getBody());
}

/// A pointer, or a number.
static LogicalResult checkOperand(mlir::gpu::LaunchOp launch, Value operand) {
  if (auto type = dyn_cast<MemRefType>(operand.getType())) {
    if (type.hasStaticShape() && type.getLayout().isIdentity())
      return success();
    return launch.emitOpError("reads ")
           << type
           << ", which is no buffer of the entry point nor a view that "
              "the kernel can compute";
  }
  if (operand.getType().isIntOrIndexOrFloat() ||
      operand.getDefiningOp<nvgpu::TmaCreateDescriptorOp>())
    return success();
  return launch.emitOpError("takes a ") << operand.getType();
}

//===-- Calls ------------------------------------------------------------===//

/// A function (device, ..., status) that calls the function at `member` of the
/// device with all but the status, if nothing has failed yet.
static LLVM::LLVMFuncOp declareGuarded(ModuleOp module, StringRef name,
                                       uint64_t member, unsigned numArguments) {
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  Location loc = module.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type i32 = b.getI32Type();
  SmallVector<Type> parameters(numArguments + 2, pointer);
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), parameters);
  auto function =
      LLVM::LLVMFuncOp::create(b, loc, name, type, LLVM::Linkage::Internal);
  Block *entry = function.addEntryBlock(b);
  Block *call = b.createBlock(&function.getBody());
  Block *end = b.createBlock(&function.getBody());
  ValueRange arguments = entry->getArguments().drop_back();
  Value place = entry->getArguments().back();
  b.setInsertionPointToEnd(entry);
  Value status = LLVM::LoadOp::create(b, loc, i32, place);
  Value zero = LLVM::ConstantOp::create(b, loc, i32, 0);
  Value isGood =
      LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, status, zero);
  LLVM::CondBrOp::create(b, loc, isGood, call, end);
  b.setInsertionPointToEnd(call);
  Value target = LLVM::LoadOp::create(
      b, loc, pointer,
      LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), arguments.front(),
                          ArrayRef<LLVM::GEPArg>{int32_t(member)}));
  SmallVector<Value> operands = {target};
  llvm::append_range(operands, arguments);
  parameters.pop_back();
  auto called = LLVM::CallOp::create(
      b, loc, LLVM::LLVMFunctionType::get(i32, parameters), operands);
  LLVM::StoreOp::create(b, loc, called.getResult(), place);
  LLVM::BrOp::create(b, loc, end);
  b.setInsertionPointToEnd(end);
  LLVM::ReturnOp::create(b, loc, ValueRange());
  return function;
}

namespace {
/// The launches of one entry point.
class EntryLaunches {
public:
  EntryLaunches(func::FuncOp entry, LLVM::LLVMFuncOp enqueue,
                LLVM::LLVMFuncOp makeMap)
      : entry(entry), enqueue(enqueue), makeMap(makeMap), b(entry.getContext()),
        loc(entry.getLoc()),
        pointer(LLVM::LLVMPointerType::get(entry.getContext())) {}

  /// Adds the device to the arguments and makes room for launches with up to
  /// `numArgs` arguments, each of which may be a tensor map or none.
  void prepare(unsigned numArgs, bool hasMaps);
  /// Calls kernel number `index` where `launch` stands.
  void replace(mlir::gpu::LaunchOp launch, unsigned index, ValueRange operands);
  void returnStatus();

private:
  Value i32(int64_t value) {
    return LLVM::ConstantOp::create(b, loc, b.getI32Type(), value);
  }
  Value at(Value base, uint64_t bytes) {
    return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), base,
                               ArrayRef<LLVM::GEPArg>{int32_t(bytes)});
  }
  void storeField(Value value, uint64_t offset) {
    LLVM::StoreOp::create(b, loc, value, at(launchPlace, offset));
  }
  Value toI32(Value value) {
    return arith::IndexCastOp::create(b, loc, b.getI32Type(), value);
  }
  Value toStored(Value operand);
  void storeMap(nvgpu::TmaCreateDescriptorOp map, Value slot);
  Value capBlocks(Value blocks);

  func::FuncOp entry;
  LLVM::LLVMFuncOp enqueue, makeMap;
  OpBuilder b;
  Location loc;
  Type pointer;
  uint64_t slotBytes = 8;
  Value device, status, launchPlace, slots;
};
} // namespace

void EntryLaunches::prepare(unsigned numArgs, bool hasMaps) {
  unsigned position = entry.getNumArguments();
  (void)entry.insertArgument(position, pointer, DictionaryAttr(), loc);
  device = entry.getArgument(position);
  b.setInsertionPointToStart(&entry.getBody().front());
  auto allocate = [&](uint64_t bytes, unsigned alignment = 8) {
    return LLVM::AllocaOp::create(b, loc, pointer, b.getI8Type(),
                                  i32(std::max<uint64_t>(bytes, 8)), alignment)
        .getResult();
  };
  if (hasMaps)
    slotBytes = LIG_TENSOR_MAP_BYTES;
  status = allocate(sizeof(int32_t));
  launchPlace = allocate(sizeof(lig_launch));
  slots = allocate(slotBytes * numArgs,
                   hasMaps ? LIG_TENSOR_MAP_ALIGNMENT : 8);
  Value args = allocate(8 * uint64_t(numArgs));
  LLVM::StoreOp::create(b, loc, i32(0), status);
  for (unsigned i = 0; i < numArgs; ++i)
    LLVM::StoreOp::create(b, loc, at(slots, slotBytes * i), at(args, 8 * i));
  storeField(args, offsetof(lig_launch, args));
}

/// As the kernel takes it: memory by its address, an index as 64 bits.
Value EntryLaunches::toStored(Value operand) {
  if (isa<MemRefType>(operand.getType()))
    operand = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, operand);
  if (operand.getType().isIndex())
    return arith::IndexCastOp::create(b, loc, b.getI64Type(), operand);
  return operand;
}

void EntryLaunches::storeMap(nvgpu::TmaCreateDescriptorOp map, Value slot) {
  Value address = lig::target::gpu::addressOf(
      b, loc, lig::target::gpu::getMapped(map));
  address = arith::IndexCastOp::create(b, loc, b.getI64Type(), address);
  Value data =
      LLVM::IntToPtrOp::create(b, loc, pointer, ValueRange{address});
  Value described = lig::target::gpu::describeOnHost(
      b, loc, entry->getParentOfType<ModuleOp>(), map);
  LLVM::CallOp::create(b, loc, makeMap,
                       ValueRange{device, described, data, slot, status});
}

/// No more blocks than the device lets wait for each other.
Value EntryLaunches::capBlocks(Value blocks) {
  Value most = LLVM::LoadOp::create(
      b, loc, b.getI32Type(),
      at(device, offsetof(lig_device, cooperative_blocks)));
  return arith::MinUIOp::create(b, loc, blocks, most);
}

void EntryLaunches::replace(mlir::gpu::LaunchOp launch, unsigned index,
                            ValueRange operands) {
  b.setInsertionPoint(launch);
  loc = launch.getLoc();
  for (auto [i, operand] : llvm::enumerate(operands)) {
    Value slot = at(slots, slotBytes * i);
    if (auto map = operand.getDefiningOp<nvgpu::TmaCreateDescriptorOp>())
      storeMap(map, slot);
    else
      LLVM::StoreOp::create(b, loc, toStored(operand), slot);
  }
  mlir::gpu::KernelDim3 grid = launch.getGridSizeOperandValues(),
                        block = launch.getBlockSizeOperandValues();
  bool isCooperative = launch->hasAttr(cooperativeAttr);
  storeField(i32(index), offsetof(lig_launch, kernel));
  const std::pair<Value, Value> extents[] = {
      {grid.x, block.x}, {grid.y, block.y}, {grid.z, block.z}};
  for (auto [d, sizes] : llvm::enumerate(extents)) {
    Value blocks = toI32(sizes.first);
    if (isCooperative && d == 0)
      blocks = capBlocks(blocks);
    storeField(blocks, offsetof(lig_launch, grid) + 4 * d);
    storeField(toI32(sizes.second), offsetof(lig_launch, block) + 4 * d);
  }
  Value shared = launch.getDynamicSharedMemorySize();
  storeField(shared ? shared : i32(0), offsetof(lig_launch, shared_bytes));
  storeField(i32(isCooperative ? LIG_LAUNCH_COOPERATIVE : 0),
             offsetof(lig_launch, flags));
  storeField(i32(0), offsetof(lig_launch, reserved));
  LLVM::CallOp::create(b, loc, enqueue,
                       ValueRange{device, launchPlace, status});
  launch.erase();
}

void EntryLaunches::returnStatus() {
  entry.walk([&](func::ReturnOp op) {
    b.setInsertionPoint(op);
    op.setOperand(0,
                  LLVM::LoadOp::create(b, op.getLoc(), b.getI32Type(), status));
  });
}

//===-- The pass ---------------------------------------------------------===//

/// What describes a kernel and its launches to who loads it.
static LogicalResult describe(mlir::gpu::GPUFuncOp kernel,
                              mlir::gpu::LaunchOp launch) {
  OpBuilder b(kernel);
  if (Value shared = launch.getDynamicSharedMemorySize()) {
    IntegerAttr bytes;
    if (!matchPattern(shared, m_Constant(&bytes)))
      return launch.emitOpError("asks for shared memory of unknown size");
    kernel->setAttr("lig.max_shared", bytes);
  }
  if (launch->hasAttr(cooperativeAttr)) {
    kernel->setAttr(cooperativeAttr, b.getUnitAttr());
    // The launch names the most; how many it gets is seen in the run.
    kernel.setKnownGridSizeAttr(nullptr);
    // One block has a multiprocessor for itself, with all registers.
    kernel->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                    b.getI32IntegerAttr(1));
  }
  return success();
}

namespace {
/// A launch, the kernel it became, and what it hands to it.
struct Outlined {
  mlir::gpu::LaunchOp launch;
  SmallVector<Value> operands;
};

struct GpuOutlineKernels
    : lig::target::impl::GpuOutlineKernelsPassBase<GpuOutlineKernels> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr("net.entry"))
        entries.push_back(function);
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    kernels =
        mlir::gpu::GPUModuleOp::create(b, getOperation().getLoc(), "kernels");
    getOperation()->setAttr(mlir::gpu::GPUDialect::getContainerModuleAttrName(),
                            b.getUnitAttr());
    enqueue = declareGuarded(getOperation(), enqueueName,
                             offsetof(lig_device, launch), 1);
    makeMap = declareGuarded(getOperation(), makeMapName,
                             offsetof(lig_device, map), 3);
    for (func::FuncOp entry : entries)
      if (failed(outline(entry)))
        return signalPassFailure();
    if (SymbolTable::symbolKnownUseEmpty(makeMap, getOperation()))
      makeMap.erase();
  }

private:
  LogicalResult outline(func::FuncOp entry) {
    SmallVector<mlir::gpu::LaunchOp> launches;
    entry.walk([&](mlir::gpu::LaunchOp launch) { launches.push_back(launch); });
    SmallVector<Outlined> outlined;
    unsigned first = count, numArgs = 0;
    OpBuilder b = OpBuilder::atBlockEnd(kernels.getBody());
    bool hasMaps = false;
    for (mlir::gpu::LaunchOp launch : launches) {
      if (failed(lig::target::gpu::hoistMaps(launch)))
        return failure();
      sinkInto(launch);
      SmallVector<Value> operands;
      std::string name =
          (entry.getName() + "_kernel_" + Twine(count - first)).str();
      mlir::gpu::GPUFuncOp kernel = outlineKernelFunc(launch, name, operands);
      for (Value operand : operands)
        if (failed(checkOperand(launch, operand)))
          return failure();
      if (failed(describe(kernel, launch)))
        return failure();
      hasMaps |= lig::target::gpu::takeMaps(kernel, operands);
      b.insert(kernel);
      ++count;
      numArgs = std::max<unsigned>(numArgs, operands.size());
      outlined.push_back({launch, operands});
    }
    EntryLaunches calls(entry, enqueue, makeMap);
    calls.prepare(numArgs, hasMaps);
    for (auto [i, one] : llvm::enumerate(outlined))
      calls.replace(one.launch, first + i, one.operands);
    entry.walk([](nvgpu::TmaCreateDescriptorOp map) { map.erase(); });
    calls.returnStatus();
    numKernels += outlined.size();
    return success();
  }

  unsigned count = 0; ///< of all entry points
  mlir::gpu::GPUModuleOp kernels;
  LLVM::LLVMFuncOp enqueue, makeMap;
};
} // namespace
