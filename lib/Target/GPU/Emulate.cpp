// Kernels become host functions that a thread of the emulator runs. Shared
// memory becomes an offset into the block's.

#include "EmulatedOps.h"

#include "Ligature/Emulator/Emulator.h"
#include "Ligature/Target/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "llvm/ADT/MapVector.h"

namespace lig::target {
#define GEN_PASS_DEF_GPUEMULATEPASS
#include "Ligature/Target/Passes.h.inc"
} // namespace lig::target

using namespace mlir;
using namespace lig::target::gpu;
using lig::emulator::Thread;

/// Where dynamic shared memory begins, and blocks: as aligned as TMA wants it.
static constexpr uint64_t sharedAlignment = 1024;

namespace {
/// A kernel in the table.
struct KernelEntry {
  std::string name;
  LLVM::LLVMFuncOp wrapper;
  uint64_t sharedBytes;
  bool meets;
};

/// One gpu.module on its way.
class ModuleEmulation {
public:
  ModuleEmulation(ModuleOp host, gpu::GPUModuleOp device)
      : host(host), device(device), ops(host),
        pointer(LLVM::LLVMPointerType::get(host.getContext())) {}

  /// `drop` counts down to the synchronization to leave out.
  LogicalResult run(int &drop, SmallVectorImpl<KernelEntry> &kernels,
                    unsigned &numSynchronizations);

private:
  void collectShared(LLVM::LLVMFuncOp function, DenseSet<Operation *> &seen);
  void placeSharedMemory(ArrayRef<std::pair<LLVM::LLVMFuncOp, bool>> kernels);
  void leaveAddressSpaces();
  void addThreadArguments();
  void dropSynchronization(int &drop, unsigned &count);
  LogicalResult replaceOps();
  LogicalResult moveToHost();
  bool meets(LLVM::LLVMFuncOp function, DenseSet<Operation *> &seen);
  LLVM::LLVMFuncOp makeWrapper(LLVM::LLVMFuncOp kernel);

  ModuleOp host;
  gpu::GPUModuleOp device;
  EmulatedOps ops;
  Type pointer;
  llvm::MapVector<StringAttr, uint64_t> sharedOffsets;
  SmallVector<uint64_t> sharedBytes; ///< of each kernel
};
} // namespace

static bool isKernel(LLVM::LLVMFuncOp function) {
  return function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()) ||
         function->hasAttr(gpu::GPUDialect::getKernelFuncAttrName());
}

//===-- Memory -----------------------------------------------------------===//

/// The shared memory that a function names, or a function that it calls.
void ModuleEmulation::collectShared(LLVM::LLVMFuncOp function,
                                    DenseSet<Operation *> &seen) {
  if (!seen.insert(function).second)
    return;
  function.walk([&](Operation *op) {
    if (auto address = dyn_cast<LLVM::AddressOfOp>(op)) {
      auto global =
          device.lookupSymbol<LLVM::GlobalOp>(address.getGlobalName());
      if (global && global.getAddrSpace() == 3)
        seen.insert(global);
    } else if (auto call = dyn_cast<LLVM::CallOp>(op);
               call && call.getCallee()) {
      if (auto callee =
              device.lookupSymbol<LLVM::LLVMFuncOp>(*call.getCallee()))
        collectShared(callee, seen);
    }
  });
}

/// A buffer begins behind those of all kernels that name it; kernels that share
/// none use the same bytes. What has no size of its own comes last.
void ModuleEmulation::placeSharedMemory(
    ArrayRef<std::pair<LLVM::LLVMFuncOp, bool>> kernels) {
  SmallVector<DenseSet<Operation *>> reached(kernels.size());
  for (auto [kernel, set] : llvm::zip(kernels, reached))
    collectShared(kernel.first, set);
  sharedBytes.assign(kernels.size(), 0);
  auto place = [&](LLVM::GlobalOp global, uint64_t bytes, uint64_t alignment) {
    uint64_t offset = 0;
    for (auto [end, set] : llvm::zip(sharedBytes, reached))
      if (set.contains(global))
        offset = std::max(offset, llvm::alignTo(end, alignment));
    for (auto [end, set] : llvm::zip(sharedBytes, reached))
      if (set.contains(global))
        end = offset + bytes;
    sharedOffsets[global.getSymNameAttr()] = offset;
  };
  DataLayout layout(host);
  SmallVector<LLVM::GlobalOp> globals, dynamic;
  for (auto global : device.getOps<LLVM::GlobalOp>()) {
    if (global.getAddrSpace() != 3)
      continue;
    globals.push_back(global);
    uint64_t bytes = layout.getTypeSize(global.getGlobalType());
    if (bytes == 0)
      dynamic.push_back(global);
    else
      place(global, bytes,
            std::max<uint64_t>(
                16, global.getAlignment().value_or(
                        layout.getTypeABIAlignment(global.getGlobalType()))));
  }
  for (LLVM::GlobalOp global : dynamic)
    place(global, 0, sharedAlignment);
  for (LLVM::GlobalOp global : globals)
    global.erase();
}

void ModuleEmulation::leaveAddressSpaces() {
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](LLVM::LLVMPointerType type) { return pointer; });
  replacer.recursivelyReplaceElementsIn(device, /*replaceAttrs=*/true,
                                        /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  for (auto global : device.getOps<LLVM::GlobalOp>())
    global.setAddrSpace(0);
}

//===-- Code -------------------------------------------------------------===//

void ModuleEmulation::addThreadArguments() {
  for (auto function : device.getOps<LLVM::LLVMFuncOp>()) {
    if (function.isExternal())
      continue;
    auto type = function.getFunctionType();
    auto parameters = llvm::to_vector(type.getParams());
    parameters.push_back(pointer);
    function.setFunctionType(
        LLVM::LLVMFunctionType::get(type.getReturnType(), parameters));
    if (ArrayAttr attributes = function.getArgAttrsAttr()) {
      auto all = llvm::to_vector(attributes.getValue());
      all.push_back(DictionaryAttr::get(host.getContext()));
      function.setArgAttrsAttr(ArrayAttr::get(host.getContext(), all));
    }
    function.getBody().front().addArgument(pointer, function.getLoc());
  }
}

void ModuleEmulation::dropSynchronization(int &drop, unsigned &count) {
  SmallVector<Operation *> dropped;
  device.walk([&](Operation *op) {
    if (!EmulatedOps::isSynchronization(op))
      return;
    ++count;
    if (drop-- == 0)
      dropped.push_back(op);
  });
  for (Operation *op : dropped)
    op->erase();
}

/// Whether a thread may wait in a function, or in what it calls.
bool ModuleEmulation::meets(LLVM::LLVMFuncOp function,
                            DenseSet<Operation *> &seen) {
  if (!seen.insert(function).second)
    return false;
  bool found = false;
  function.walk([&](Operation *op) {
    found |= EmulatedOps::isMeeting(op);
    if (auto call = dyn_cast<LLVM::CallOp>(op); call && call.getCallee())
      if (auto callee =
              device.lookupSymbol<LLVM::LLVMFuncOp>(*call.getCallee()))
        found |= meets(callee, seen);
  });
  return found;
}

LogicalResult ModuleEmulation::replaceOps() {
  SmallVector<Operation *> all;
  for (auto function : device.getOps<LLVM::LLVMFuncOp>())
    function.getBody().walk([&](Operation *op) { all.push_back(op); });
  for (Operation *op : all) {
    auto address = dyn_cast<LLVM::AddressOfOp>(op);
    auto it = address
                  ? sharedOffsets.find(address.getGlobalNameAttr().getAttr())
                  : sharedOffsets.end();
    if (it != sharedOffsets.end()) {
      Value base = ops.loadField(op, pointer, offsetof(Thread, shared));
      OpBuilder b(op);
      Value place =
          LLVM::GEPOp::create(b, op->getLoc(), pointer, b.getI8Type(), base,
                              ArrayRef<LLVM::GEPArg>{int32_t(it->second)});
      op->getResult(0).replaceAllUsesWith(place);
      op->erase();
    } else if (failed(ops.replace(op))) {
      return failure();
    }
  }
  return success();
}

/// Reads the parameters from where a launch has them.
LLVM::LLVMFuncOp ModuleEmulation::makeWrapper(LLVM::LLVMFuncOp kernel) {
  OpBuilder b = OpBuilder::atBlockEnd(host.getBody());
  Location loc = kernel.getLoc();
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), {pointer, pointer});
  auto wrapper = LLVM::LLVMFuncOp::create(
      b, loc, (kernel.getName() + ".emulated").str(), type);
  Block *body = wrapper.addEntryBlock(b);
  b.setInsertionPointToStart(body);
  SmallVector<Value> arguments;
  for (auto [i, parameter] :
       llvm::enumerate(kernel.getFunctionType().getParams().drop_back())) {
    Value place =
        LLVM::GEPOp::create(b, loc, pointer, pointer, body->getArgument(0),
                            ArrayRef<LLVM::GEPArg>{int32_t(i)});
    Value value = LLVM::LoadOp::create(b, loc, pointer, place);
    // A parameter that is passed by value in memory is already where it is.
    if (!kernel.getArgAttr(i, LLVM::LLVMDialect::getByValAttrName()))
      value = LLVM::LoadOp::create(b, loc, parameter, value);
    arguments.push_back(value);
  }
  arguments.push_back(body->getArgument(1));
  LLVM::CallOp::create(b, loc, kernel, arguments);
  LLVM::ReturnOp::create(b, loc, ValueRange());
  return wrapper;
}

/// Removes attributes that mean something to a GPU only.
static void leaveDevice(LLVM::LLVMFuncOp function) {
  auto isOfDevice = [](NamedAttribute attribute) {
    StringRef dialect = attribute.getName().strref().split('.').first;
    return dialect == "nvvm" || dialect == "gpu";
  };
  for (NamedAttribute attribute :
       llvm::to_vector(function->getDiscardableAttrs()))
    if (isOfDevice(attribute))
      function->removeDiscardableAttr(attribute.getName());
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    DictionaryAttr attributes = function.getArgAttrDict(i);
    if (!attributes)
      continue;
    for (NamedAttribute attribute : attributes)
      if (isOfDevice(attribute) ||
          attribute.getName() == LLVM::LLVMDialect::getByValAttrName())
        function.removeArgAttr(i, attribute.getName());
  }
  function.setCConv(LLVM::CConv::C);
}

LogicalResult ModuleEmulation::moveToHost() {
  SymbolTable symbols(host);
  for (Operation &op :
       llvm::make_early_inc_range(device.getBody()->getOperations())) {
    auto symbol = dyn_cast<SymbolOpInterface>(op);
    auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
    if (!symbol || (function && function.isExternal()))
      continue;
    if (symbols.lookup(symbol.getName()))
      return op.emitOpError("has the name of a function of the host");
    op.remove();
    host.getBody()->push_back(&op);
  }
  return success();
}

LogicalResult ModuleEmulation::run(int &drop,
                                   SmallVectorImpl<KernelEntry> &kernels,
                                   unsigned &numSynchronizations) {
  dropSynchronization(drop, numSynchronizations);
  SmallVector<std::pair<LLVM::LLVMFuncOp, bool>> found;
  for (auto function : device.getOps<LLVM::LLVMFuncOp>())
    if (!function.isExternal() && isKernel(function)) {
      DenseSet<Operation *> seen;
      found.emplace_back(function, meets(function, seen));
    }
  placeSharedMemory(found);
  leaveAddressSpaces();
  addThreadArguments();
  if (failed(replaceOps()) || failed(moveToHost()))
    return failure();
  for (auto [entry, bytes] : llvm::zip(found, sharedBytes))
    kernels.push_back({entry.first.getName().str(), makeWrapper(entry.first),
                       bytes, entry.second});
  for (auto [kernel, waits] : found)
    leaveDevice(kernel);
  device.erase();
  return success();
}

//===-- The table --------------------------------------------------------===//

static LLVM::GlobalOp makeText(OpBuilder &b, Location loc, StringRef text,
                               unsigned number) {
  std::string value = text.str() + '\0';
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), value.size());
  return LLVM::GlobalOp::create(
      b, loc, type, /*isConstant=*/true, LLVM::Linkage::Internal,
      "lig_emulated_name_" + std::to_string(number), b.getStringAttr(value));
}

/// An array of lig::emulator::Kernel.
static void makeTable(ModuleOp host, ArrayRef<KernelEntry> kernels) {
  OpBuilder b = OpBuilder::atBlockEnd(host.getBody());
  Location loc = host.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type i32 = b.getI32Type();
  SmallVector<LLVM::GlobalOp> names;
  for (auto [i, kernel] : llvm::enumerate(kernels))
    names.push_back(makeText(b, loc, kernel.name, i));
  auto element = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                                  {pointer, pointer, i32, i32});
  auto type = LLVM::LLVMArrayType::get(element, kernels.size() + 1);
  auto table = LLVM::GlobalOp::create(b, loc, type, /*isConstant=*/true,
                                      LLVM::Linkage::External,
                                      lig::emulator::kTableSymbol, Attribute());
  b.createBlock(&table.getInitializerRegion());
  Value value = LLVM::ZeroOp::create(b, loc, type);
  auto insert = [&](Value field, int64_t index, int64_t member) {
    value = LLVM::InsertValueOp::create(b, loc, value, field,
                                        ArrayRef<int64_t>{index, member});
  };
  auto number = [&](uint64_t amount) {
    return LLVM::ConstantOp::create(b, loc, i32, b.getIntegerAttr(i32, amount));
  };
  for (auto [i, kernel] : llvm::enumerate(kernels)) {
    insert(LLVM::AddressOfOp::create(b, loc, names[i]), i, 0);
    insert(LLVM::AddressOfOp::create(b, loc, kernel.wrapper), i, 1);
    insert(number(kernel.sharedBytes), i, 2);
    insert(number(kernel.meets), i, 3);
  }
  LLVM::ReturnOp::create(b, loc, value);
}

namespace {
struct GpuEmulate : lig::target::impl::GpuEmulatePassBase<GpuEmulate> {
  using GpuEmulatePassBase::GpuEmulatePassBase;
  void runOnOperation() override {
    ModuleOp host = getOperation();
    SmallVector<KernelEntry> kernels;
    int left = drop;
    unsigned synchronizations = 0;
    for (auto device :
         llvm::make_early_inc_range(host.getOps<gpu::GPUModuleOp>()))
      if (failed(ModuleEmulation(host, device)
                     .run(left, kernels, synchronizations)))
        return signalPassFailure();
    numKernels += kernels.size();
    numSynchronizations += synchronizations;
    host->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
    makeTable(host, kernels);
  }
};
} // namespace
