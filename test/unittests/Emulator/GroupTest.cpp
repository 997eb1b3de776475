// Products by warpgroups against plain loops, under every schedule: each way
// that matrices may lie, edges, batches. Then with one synchronization or one
// detail of a layout wrong at a time, which some schedule has to notice.

#include "OutlinedKernel.h"

#include "TensorMaps.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace mlir;
using namespace lig::test;

namespace {

struct Case {
  const char *name, *element;
  int batch, rows, columns, sums;
  /// Whether the sums are innermost in an input.
  bool leftAlongSums, rightAlongSums;
  unsigned sharedBytes;
};

/// Two tiles in each direction that are not full, and slices that go round
/// through two places more than once.
const Case cases[] = {
    {"bf16", "bf16", 1, 168, 232, 200, true, false, 110 << 10},
    {"f16_both_along_sums", "f16", 1, 168, 232, 200, true, true, 110 << 10},
    {"bf16_left_across", "bf16", 1, 168, 232, 200, false, false, 110 << 10},
    {"f16_batch", "f16", 2, 128, 128, 136, true, false, 70 << 10},
};

/// The kernel, and its maps with the buffers below them. An argument is a
/// buffer's number, or behind those the number of a map.
struct Launch : OutlinedKernel {
  std::vector<std::pair<lig_tensor_map, unsigned>> maps;
};

std::string codeOf(const Case &test) {
  auto type = [](std::vector<int> shape, std::string element) {
    std::string text = "memref<";
    for (int extent : shape)
      text += std::to_string(extent) + "x";
    return text + element + ">";
  };
  auto order = [&](int lines, bool alongSums) {
    return alongSums ? std::vector<int>{test.batch, lines, test.sums}
                     : std::vector<int>{test.batch, test.sums, lines};
  };
  std::string a = type(order(test.rows, test.leftAlongSums), test.element);
  std::string b = type(order(test.columns, test.rightAlongSums), test.element);
  std::string c = type({test.batch, test.rows, test.columns}, "f32");
  std::string element = test.element;
  return "#a = affine_map<(n, i, j, k) -> (n, " +
         std::string(test.leftAlongSums ? "i, k" : "k, i") +
         ")>\n#b = affine_map<(n, i, j, k) -> (n, " +
         std::string(test.rightAlongSums ? "j, k" : "k, j") +
         ")>\n#c = affine_map<(n, i, j, k) -> (n, i, j)>\n"
         "func.func @f(%a: " + a + ", %b: " + b + ", %c: " + c + ") {\n"
         "  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = "
         "[\"parallel\", \"parallel\", \"parallel\", \"reduction\"]}\n"
         "      ins(%a, %b : " + a + ", " + b + ") outs(%c : " + c + ") {\n"
         "  ^bb0(%x: " + element + ", %y: " + element + ", %z: f32):\n"
         "    %v = arith.extf %x : " + element + " to f32\n"
         "    %w = arith.extf %y : " + element + " to f32\n"
         "    %p = arith.mulf %v, %w : f32\n"
         "    %s = arith.addf %z, %p : f32\n"
         "    linalg.yield %s : f32\n  }\n  return\n}\n";
}

/// Kernels take maps as pointers: what stands for one here is a cast of the
/// buffer, which tells them apart.
std::vector<Operation *> takeMapsOut(ModuleOp module, Launch &launch) {
  std::vector<Operation *> taken;
  SmallVector<gpu::LaunchOp> launches;
  module.walk([&](gpu::LaunchOp op) { launches.push_back(op); });
  for (gpu::LaunchOp op : launches)
    if (failed(lig::target::gpu::hoistMaps(op)))
      return {};
  SmallVector<nvgpu::TmaCreateDescriptorOp> maps;
  module.walk([&](nvgpu::TmaCreateDescriptorOp map) { maps.push_back(map); });
  for (nvgpu::TmaCreateDescriptorOp map : maps) {
    Value buffer = lig::target::gpu::getMapped(map);
    if (auto view = buffer.getDefiningOp<memref::CollapseShapeOp>())
      buffer = view.getSrc();
    launch.maps.emplace_back(lig::target::gpu::describe(map),
                             cast<BlockArgument>(buffer).getArgNumber());
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

Launch compile(const Case &test) {
  KernelContext kernels;
  MLIRContext &context = kernels.context;
  auto module = parseSourceString<ModuleOp>(codeOf(test), &context);
  PassManager emit(&context), outline(&context);
  lig::codegen::GpuEmitStrategiesPassOptions options;
  options.multiprocessors = 1;
  options.compute = test.element;
  options.warpgroups = true;
  options.groupWork = 1;
  options.sharedBytes = test.sharedBytes;
  emit.addNestedPass<func::FuncOp>(
      lig::codegen::createGpuEmitStrategiesPass(options));
  emit.addPass(createCanonicalizerPass());
  outline.addPass(createGpuLaunchSinkIndexComputationsPass());
  outline.addPass(createGpuKernelOutliningPass());
  Launch result;
  if (!module || failed(emit.run(*module)))
    return result;
  std::vector<Operation *> maps = takeMapsOut(*module, result);
  if (failed(outline.run(*module)))
    return result;
  auto numberOf = [&](Value operand) {
    auto map = llvm::find(maps, operand.getDefiningOp());
    return operand.getDefiningOp() && map != maps.end()
               ? 3 + unsigned(map - maps.begin())
               : getArgumentNumber(operand);
  };
  static_cast<OutlinedKernel &>(result) = readOutlinedKernel(*module, numberOf);
  return result;
}

uint16_t toHalf(const std::string &element, float value) {
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

/// Small multiples of a power of two: products and sums of them are exact.
std::vector<float> makeValues(size_t count, unsigned number) {
  std::vector<float> values(count);
  for (float &value : values) {
    number = number * 1664525 + 1013904223;
    value = float(int(number >> 28) - 8) / 8;
  }
  return values;
}

struct Data {
  explicit Data(const Case &test);
  std::vector<float> left, right, output, expected;
  std::vector<uint16_t> leftBits, rightBits;
};

Data::Data(const Case &test)
    : left(makeValues(size_t(test.batch) * test.rows * test.sums, 1)),
      right(makeValues(size_t(test.batch) * test.columns * test.sums, 2)),
      output(makeValues(size_t(test.batch) * test.rows * test.columns, 3)),
      expected(output) {
  for (float value : left)
    leftBits.push_back(toHalf(test.element, value));
  for (float value : right)
    rightBits.push_back(toHalf(test.element, value));
  auto at = [&](const std::vector<float> &values, int lines, bool alongSums,
                int n, int line, int k) {
    size_t first = size_t(n) * lines * test.sums;
    return values[first + (alongSums ? line * test.sums + k
                                     : k * lines + line)];
  };
  for (int n = 0; n < test.batch; ++n)
    for (int i = 0; i < test.rows; ++i)
      for (int j = 0; j < test.columns; ++j)
        for (int k = 0; k < test.sums; ++k)
          expected[(size_t(n) * test.rows + i) * test.columns + j] +=
              at(left, test.rows, test.leftAlongSums, n, i, k) *
              at(right, test.columns, test.rightAlongSums, n, j, k);
}

/// What goes wrong with the kernel under a schedule, empty if nothing does.
std::string check(const Launch &launch, EmulatedKernels &kernels, Data data,
                  const lig::emulator::Options &options) {
  void *buffers[] = {data.leftBits.data(), data.rightBits.data(),
                     data.output.data()};
  struct alignas(LIG_TENSOR_MAP_ALIGNMENT) Map {
    char bytes[LIG_TENSOR_MAP_BYTES];
  };
  std::vector<Map> maps(launch.maps.size());
  lig_device_code nothing = {};
  lig::emulator::Kernel none = {};
  lig::emulator::Emulator emulator(&none, nothing, options);
  const lig_device *device = emulator.getDevice();
  for (size_t i = 0; i < maps.size(); ++i)
    if (device->map(device, &launch.maps[i].first,
                    buffers[launch.maps[i].second], &maps[i]) != 0)
      return emulator.getError();
  std::vector<void *> pointers;
  for (unsigned i : launch.arguments)
    pointers.push_back(i < 3 ? buffers[i] : &maps[i - 3]);
  std::string error =
      kernels.launch(launch.name.c_str(), launch.shape, pointers, options);
  for (size_t i = 0; error.empty() && i < data.output.size(); ++i)
    if (!(data.output[i] == data.expected[i]))
      return "element " + std::to_string(i) + ": " +
             std::to_string(data.output[i]) + " for " +
             std::to_string(data.expected[i]);
  return error;
}

bool isNoticed(const Launch &launch, const Data &data,
               EmulatedKernels &kernels) {
  if (!kernels.getError().empty())
    return false; // nothing that would be run
  for (const lig::emulator::Options &options : allSchedules())
    if (!check(launch, kernels, data, options).empty())
      return true;
  return false;
}

/// A case in the names of tests: not its bytes, which hold addresses.
void PrintTo(const Case &test, std::ostream *out) { *out << test.name; }

class GroupTest : public testing::TestWithParam<Case> {};
} // namespace

TEST_P(GroupTest, ComputesWhatLoopsDo) {
  Launch launch = compile(GetParam());
  ASSERT_NE(launch.functions.find("wgmma.mma_async"), std::string::npos);
  EmulatedKernels kernels(launch.functions);
  ASSERT_EQ(kernels.getError(), "");
  Data data(GetParam());
  for (const lig::emulator::Options &options : allSchedules())
    ASSERT_EQ(check(launch, kernels, data, options), "");
}

INSTANTIATE_TEST_SUITE_P(All, GroupTest, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) {
                           return info.param.name;
                         });

/// Sums of 8 slices in 2 places, of one tile: what is wrong shows at once.
static const Case small = {"", "bf16", 1, 128, 128, 512, true, false,
                           70 << 10};

TEST(GroupMutants, NeedEachSynchronization) {
  Launch launch = compile(small);
  Data data(small);
  unsigned count = EmulatedKernels(launch.functions).countSynchronizations();
  ASSERT_GE(count, 9u);
  for (unsigned drop = 0; drop < count; ++drop) {
    EmulatedKernels kernels(launch.functions, drop);
    EXPECT_TRUE(isNoticed(launch, data, kernels))
        << "without synchronization " << drop;
  }
}

TEST(GroupMutants, NeedEachDetailOfALayout) {
  Launch launch = compile(small);
  Data data(small);
  const std::pair<const char *, const char *> mutations[] = {
      // Rows and columns of fragments, and of what is in shared memory.
      {"A[<bf16>, <one>, <row>]", "A[<bf16>, <one>, <col>]"},
      {"B[<bf16>, <one>, <row>]", "B[<bf16>, <one>, <col>]"},
      {"swizzle = swizzle_128b", "swizzle = none"},
      // 1024 bytes from one eight of rows to the next, 8192 to the next box.
      {"constant 4611686293305360384", "constant 4611686155866406912"},
      {"constant 4611686293338849280", "constant 4611686293305360384"},
  };
  for (auto [from, to] : mutations) {
    Launch mutant = launch;
    size_t place = mutant.functions.find(from);
    if (std::string(from).find("swizzle") == 0) {
      mutant.maps[0].first.swizzle = 0;
    } else {
      ASSERT_NE(place, std::string::npos) << from;
      for (; place != std::string::npos;
           place = mutant.functions.find(from, place + strlen(to)))
        mutant.functions.replace(place, strlen(from), to);
    }
    EmulatedKernels kernels(mutant.functions);
    ASSERT_EQ(kernels.getError(), "");
    EXPECT_TRUE(isNoticed(mutant, data, kernels)) << from << " as " << to;
  }
}
