// Copies that are made for maps are made by the test: they are other kernels.

#include "GroupKernel.h"

#include "TensorMaps.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <cstring>

using namespace mlir;
using namespace lig;
using namespace lig::test;

std::string lig::test::bufferType(const std::vector<int> &shape,
                       const std::string &element) {
  std::string type = "memref<";
  for (int extent : shape)
    type += std::to_string(extent) + "x";
  return type + element + ">";
}

std::vector<float> lig::test::makeExactValues(size_t count, unsigned number) {
  std::vector<float> values(count);
  for (float &value : values) {
    number = number * 1664525 + 1013904223;
    value = float(int(number >> 28) - 8) / 8;
  }
  return values;
}

static uint16_t toHalf(const std::string &element, float value) {
  uint16_t half;
  if (element == "f16") {
    auto number = _Float16(value);
    memcpy(&half, &number, 2);
    return half;
  }
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return uint16_t(bits >> 16);
}

std::vector<char> lig::test::encode(const std::string &element,
                                    const std::vector<float> &values) {
  std::vector<char> bytes;
  auto append = [&](auto number) {
    auto *first = reinterpret_cast<const char *>(&number);
    bytes.insert(bytes.end(), first, first + sizeof(number));
  };
  for (float value : values)
    if (element == "f32")
      append(value);
    else
      append(toHalf(element, value));
  return bytes;
}

static std::vector<char> gather(const std::vector<char> &from,
                                const std::vector<size_t> &places,
                                size_t width) {
  std::vector<char> to;
  for (size_t place : places)
    to.insert(to.end(), &from[place * width], &from[place * width] + width);
  return to;
}

/// The operation that fills `buffer` says which elements it has.
unsigned GroupKernel::addCopy(Value buffer) {
  for (Operation *user : buffer.getUsers()) {
    auto fill = dyn_cast<linalg::GenericOp>(user);
    if (!fill || fill.getDpsInits()[0] != buffer)
      continue;
    Value source = fill.getDpsInputs()[0];
    Copy copy = {getArgumentNumber(source), {}};
    ArrayRef<int64_t> from = cast<MemRefType>(source.getType()).getShape();
    SmallVector<int64_t> to = fill.getStaticLoopRanges(), at(to.size(), 0);
    AffineMap map = fill.getIndexingMapsArray()[0];
    for (int64_t i = 0; i < ShapedType::getNumElements(to); ++i) {
      int64_t left = i, place = 0;
      for (size_t d = to.size(); d-- > 0; left /= to[d])
        at[d] = left % to[d];
      for (auto [index, extent] : llvm::zip(map.compose(at), from))
        place = place * extent + index;
      copy.places.push_back(size_t(place));
    }
    copies.push_back(std::move(copy));
  }
  return 2 + unsigned(copies.size());
}

/// Kernels take maps as pointers: what stands for one here is a cast of the
/// buffer, which tells them apart.
std::vector<Operation *> GroupKernel::takeMapsOut(ModuleOp module) {
  std::vector<Operation *> taken;
  SmallVector<gpu::LaunchOp> launches;
  module.walk([&](gpu::LaunchOp op) { launches.push_back(op); });
  for (gpu::LaunchOp op : launches)
    if (failed(lig::target::gpu::hoistMaps(op)))
      return {};
  SmallVector<nvgpu::TmaCreateDescriptorOp> made;
  module.walk([&](nvgpu::TmaCreateDescriptorOp map) { made.push_back(map); });
  for (nvgpu::TmaCreateDescriptorOp map : made) {
    Value buffer = lig::target::gpu::getMapped(map);
    if (auto view = buffer.getDefiningOp<memref::CollapseShapeOp>())
      buffer = view.getSrc();
    maps.emplace_back(lig::target::gpu::describe(map),
                      isa<BlockArgument>(buffer) ? getArgumentNumber(buffer)
                                                 : addCopy(buffer));
    OpBuilder b(map);
    Operation *pointer = UnrealizedConversionCastOp::create(
        b, map.getLoc(), LLVM::LLVMPointerType::get(b.getContext()), buffer);
    taken.push_back(pointer);
    for (Operation *user : llvm::make_early_inc_range(map->getUsers())) {
      user->getResult(0).replaceAllUsesWith(pointer->getResult(0));
      user->erase();
    }
    map.erase();
  }
  return taken;
}

GroupKernel::GroupKernel(const std::string &code, const std::string &compute,
                         unsigned sharedBytes) {
  KernelContext kernels;
  MLIRContext &context = kernels.context;
  auto module = parseSourceString<ModuleOp>(code, &context);
  PassManager emit(&context), outline(&context);
  lig::codegen::GpuEmitStrategiesPassOptions options;
  options.multiprocessors = 1;
  options.compute = compute;
  options.warpgroups = true;
  options.groupWork = 1;
  options.sharedBytes = sharedBytes;
  emit.addNestedPass<func::FuncOp>(
      lig::codegen::createGpuEmitStrategiesPass(options));
  emit.addPass(createCanonicalizerPass());
  outline.addPass(createGpuLaunchSinkIndexComputationsPass());
  outline.addPass(createGpuKernelOutliningPass());
  if (!module || failed(emit.run(*module)))
    return;
  std::vector<Operation *> pointers = takeMapsOut(*module);
  if (failed(outline.run(*module)))
    return;
  auto numberOf = [&](Value operand) {
    auto map = llvm::find(pointers, operand.getDefiningOp());
    return operand.getDefiningOp() && map != pointers.end()
               ? 3 + unsigned(map - pointers.begin())
               : getArgumentNumber(operand);
  };
  outlined = readOutlinedKernel(*module, numberOf);
  functions = outlined.functions;
}

std::string GroupKernel::check(EmulatedKernels &kernels, GroupData data,
                               const emulator::Options &options) const {
  std::vector<void *> buffers = {data.left.data(), data.right.data(),
                                 data.output.data()};
  std::vector<std::vector<char>> copied;
  copied.reserve(copies.size());
  for (const Copy &copy : copies) {
    const std::vector<char> &from = copy.from == 0 ? data.left : data.right;
    copied.push_back(
        gather(from, copy.places, maps.front().first.dtype == LIG_F32 ? 4 : 2));
    buffers.push_back(copied.back().data());
  }
  struct alignas(LIG_TENSOR_MAP_ALIGNMENT) Map {
    char bytes[LIG_TENSOR_MAP_BYTES];
  };
  std::vector<Map> made(maps.size());
  lig_device_code nothing = {};
  emulator::Kernel none = {};
  emulator::Emulator emulator(&none, nothing, options);
  const lig_device *device = emulator.getDevice();
  for (size_t i = 0; i < made.size(); ++i)
    if (device->map(device, &maps[i].first, buffers[maps[i].second],
                    &made[i]) != 0)
      return emulator.getError();
  std::vector<void *> pointers;
  for (unsigned i : outlined.arguments)
    pointers.push_back(i < 3 ? buffers[i] : &made[i - 3]);
  std::string error =
      kernels.launch(outlined.name.c_str(), outlined.shape, pointers, options);
  for (size_t i = 0; error.empty() && i < data.output.size(); ++i)
    if (!(data.output[i] == data.expected[i]))
      return "element " + std::to_string(i) + ": " +
             std::to_string(data.output[i]) + " for " +
             std::to_string(data.expected[i]);
  return error;
}

std::string GroupKernel::checkAll(const GroupData &data) const {
  if (functions.find("wgmma.mma_async") == std::string::npos)
    return "no product by warpgroups";
  EmulatedKernels kernels(functions);
  std::string error = kernels.getError();
  for (const emulator::Options &options : allSchedules())
    if (error.empty())
      error = check(kernels, data, options);
  return error;
}

unsigned GroupKernel::countSynchronizations() const {
  return EmulatedKernels(functions).countSynchronizations();
}

std::vector<unsigned> GroupKernel::findUnneeded(const GroupData &data) const {
  std::vector<unsigned> unneeded;
  for (unsigned drop = 0, all = countSynchronizations(); drop < all; ++drop) {
    EmulatedKernels kernels(functions, drop);
    if (!isNoticed(kernels, data))
      unneeded.push_back(drop);
  }
  return unneeded;
}

bool GroupKernel::isNoticed(EmulatedKernels &kernels,
                            const GroupData &data) const {
  if (!kernels.getError().empty())
    return false; // nothing that would be run
  for (const emulator::Options &options : allSchedules())
    if (!check(kernels, data, options).empty())
      return true;
  return false;
}
