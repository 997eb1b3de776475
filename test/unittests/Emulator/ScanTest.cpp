// Kernels of `lig-gpu-persist-scans` against plain loops, under every schedule
// and with any number of blocks; and each of their barriers left out, which
// must be noticed. A missing fence cannot be: memory is always in order here.

#include "OutlinedKernel.h"

#include "Ligature/ABI/Device.h"
#include "Ligature/Codegen/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace lig::test;

namespace {
struct Case {
  const char *name;
  std::string code;
  unsigned sharedBytes;
  std::vector<size_t> sizes;
  void (*expect)(Buffers &);
  /// Barriers of all blocks, each with its fence.
  unsigned gridBarriers;
};

/// The kernel, and the elements of the buffers that the pass has made.
struct Launch : OutlinedKernel {
  std::vector<size_t> extra;
};

/// Makes arguments of allocations, so that the test can hand them in.
std::vector<size_t> passAllocations(func::FuncOp function) {
  std::vector<size_t> sizes;
  function.walk([&](memref::AllocOp alloc) {
    unsigned position = function.getNumArguments();
    (void)function.insertArgument(position, alloc.getType(), DictionaryAttr(),
                                  alloc.getLoc());
    alloc.replaceAllUsesWith(Value(function.getArgument(position)));
    sizes.push_back(alloc.getType().getNumElements());
    alloc.erase();
  });
  return sizes;
}

Launch compile(const Case &test) {
  KernelContext kernels;
  MLIRContext &context = kernels.context;
  auto module = parseSourceString<ModuleOp>(test.code, &context);
  PassManager persist(&context), outline(&context);
  lig::codegen::GpuPersistScansPassOptions options;
  options.sharedBytes = test.sharedBytes;
  persist.addNestedPass<func::FuncOp>(
      lig::codegen::createGpuPersistScansPass(options));
  Launch result;
  if (!module || failed(persist.run(*module)))
    return result;
  for (auto function : module->getOps<func::FuncOp>())
    result.extra = passAllocations(function);
  outline.addPass(createGpuLaunchSinkIndexComputationsPass());
  outline.addPass(createGpuKernelOutliningPass());
  outline.addPass(memref::createExpandStridedMetadataPass());
  outline.addPass(createLowerAffinePass());
  if (failed(outline.run(*module)))
    return result;
  // How many blocks there are is the launch's.
  module->walk([](gpu::GPUFuncOp op) { op.setKnownGridSizeAttr(nullptr); });
  static_cast<OutlinedKernel &>(result) = readOutlinedKernel(*module);
  result.shape.flags = LIG_LAUNCH_COOPERATIVE;
  return result;
}

/// What goes wrong with the kernel under a schedule, empty if nothing does.
std::string check(const Case &test, const Launch &launch,
                  EmulatedKernels &kernels,
                  const lig::emulator::Options &options, uint32_t blocks) {
  Buffers buffers = makeBuffers(test.sizes), expected = buffers;
  test.expect(expected);
  for (size_t size : launch.extra)
    buffers.emplace_back(size, 0.0f);
  std::vector<void *> pointers;
  for (unsigned i : launch.arguments)
    pointers.push_back(buffers[i].data());
  EmulatedKernels::Shape shape = launch.shape;
  shape.grid = blocks;
  // Twice: the counter of the barriers serves the next launch, too.
  for (int run = 0; run < 2; ++run) {
    Buffers fresh = makeBuffers(test.sizes);
    for (size_t i = 0; i < fresh.size(); ++i)
      std::copy(fresh[i].begin(), fresh[i].end(), buffers[i].begin());
    std::string error =
        kernels.launch(launch.name.c_str(), shape, pointers, options);
    if (error.empty())
      error = compare(buffers, expected, 1e-5f);
    if (!error.empty())
      return error;
  }
  return "";
}

constexpr int T = 5, B = 3, H = 20;

// h of B x H, inputs of T x B x 2H, weights of 2H x H, outputs of T x B x H:
// h = a * b + h / 2, where a and b are rows of weights times h, plus inputs.
const char gated[] = R"(
#xk = affine_map<(i, j, k) -> (i, k)>
#wk = affine_map<(i, j, k) -> (j, k)>
#ok = affine_map<(i, j, k) -> (i, j)>
#id = affine_map<(i, j) -> (i, j)>
func.func @f(%h: memref<3x20xf32>, %x: memref<5x3x40xf32>, %w: memref<40x20xf32>, %y: memref<5x3x20xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %half = arith.constant 0.5 : f32
  scf.for %t = %c0 to %c5 step %c1 {
    %in = memref.subview %x[%t, 0, 0] [1, 3, 40] [1, 1, 1] : memref<5x3x40xf32> to memref<3x40xf32, strided<[40, 1], offset: ?>>
    %g = memref.alloc() : memref<3x40xf32>
    memref.copy %in, %g : memref<3x40xf32, strided<[40, 1], offset: ?>> to memref<3x40xf32>
    linalg.generic {indexing_maps = [#xk, #wk, #ok], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%h, %w : memref<3x20xf32>, memref<40x20xf32>) outs(%g : memref<3x40xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    %g0 = memref.subview %g[0, 0] [3, 20] [1, 1] : memref<3x40xf32> to memref<3x20xf32, strided<[40, 1]>>
    %g1 = memref.subview %g[0, 20] [3, 20] [1, 1] : memref<3x40xf32> to memref<3x20xf32, strided<[40, 1], offset: 20>>
    %out = memref.subview %y[%t, 0, 0] [1, 3, 20] [1, 1, 1] : memref<5x3x20xf32> to memref<3x20xf32, strided<[20, 1], offset: ?>>
    linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%g0, %g1, %h : memref<3x20xf32, strided<[40, 1]>>, memref<3x20xf32, strided<[40, 1], offset: 20>>, memref<3x20xf32>)
        outs(%out : memref<3x20xf32, strided<[20, 1], offset: ?>>) {
    ^bb0(%a: f32, %b: f32, %s: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.mulf %s, %half : f32
      %r = arith.addf %p, %q : f32
      linalg.yield %r : f32
    }
    memref.copy %out, %h : memref<3x20xf32, strided<[20, 1], offset: ?>> to memref<3x20xf32>
  }
  return
})";

void expectGated(Buffers &x) {
  for (int t = 0; t < T; ++t) {
    std::vector<float> h = x[0];
    for (int b = 0; b < B; ++b)
      for (int u = 0; u < H; ++u) {
        float sums[2];
        for (int g = 0; g < 2; ++g) {
          sums[g] = x[1][(t * B + b) * 2 * H + g * H + u];
          for (int k = 0; k < H; ++k)
            sums[g] += x[2][(g * H + u) * H + k] * h[b * H + k];
        }
        float next = sums[0] * sums[1] + h[b * H + u] / 2;
        x[0][b * H + u] = x[3][(t * B + b) * H + u] = next;
      }
  }
}

// Like a GRU that resets before it multiplies: r = V h, h = x + W (r * h).
const char reset[] = R"(
#xk = affine_map<(i, j, k) -> (i, k)>
#wk = affine_map<(i, j, k) -> (j, k)>
#ok = affine_map<(i, j, k) -> (i, j)>
#id = affine_map<(i, j) -> (i, j)>
func.func @f(%h: memref<3x20xf32>, %x: memref<5x3x20xf32>, %v: memref<20x20xf32>, %w: memref<20x20xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %zero = arith.constant 0.0 : f32
  scf.for %t = %c0 to %c5 step %c1 {
    %r = memref.alloc() : memref<3x20xf32>
    linalg.fill ins(%zero : f32) outs(%r : memref<3x20xf32>)
    linalg.generic {indexing_maps = [#xk, #wk, #ok], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%h, %v : memref<3x20xf32>, memref<20x20xf32>) outs(%r : memref<3x20xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    %rh = memref.alloc() : memref<3x20xf32>
    linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%r, %h : memref<3x20xf32>, memref<3x20xf32>) outs(%rh : memref<3x20xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      linalg.yield %p : f32
    }
    %in = memref.subview %x[%t, 0, 0] [1, 3, 20] [1, 1, 1] : memref<5x3x20xf32> to memref<3x20xf32, strided<[20, 1], offset: ?>>
    %n = memref.alloc() : memref<3x20xf32>
    memref.copy %in, %n : memref<3x20xf32, strided<[20, 1], offset: ?>> to memref<3x20xf32>
    linalg.generic {indexing_maps = [#xk, #wk, #ok], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%rh, %w : memref<3x20xf32>, memref<20x20xf32>) outs(%n : memref<3x20xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %p = arith.mulf %a, %b : f32
      %s = arith.addf %o, %p : f32
      linalg.yield %s : f32
    }
    memref.copy %n, %h : memref<3x20xf32> to memref<3x20xf32>
  }
  return
})";

void expectReset(Buffers &x) {
  for (int t = 0; t < T; ++t)
    for (int b = 0; b < B; ++b) {
      float *h = &x[0][b * H], scaled[H];
      for (int u = 0; u < H; ++u) {
        float sum = 0;
        for (int k = 0; k < H; ++k)
          sum += x[2][u * H + k] * h[k];
        scaled[u] = sum * h[u];
      }
      for (int u = 0; u < H; ++u) {
        h[u] = x[1][(t * B + b) * H + u];
        for (int k = 0; k < H; ++k)
          h[u] += x[3][u * H + k] * scaled[k];
      }
    }
}

std::vector<Case> getCases() {
  std::vector<size_t> gatedSizes = {B * H, T * B * 2 * H, 2 * H * H, T * B * H};
  std::vector<size_t> resetSizes = {B * H, T * B * H, H * H, H * H};
  return {{"gated", gated, 64 << 10, gatedSizes, expectGated, 1},
          // Room for the vectors and three units.
          {"gated_streamed", gated, 256 + 3 * 160, gatedSizes, expectGated, 1},
          {"gated_nothing_resident", gated, 256, gatedSizes, expectGated, 1},
          {"reset", reset, 64 << 10, resetSizes, expectReset, 2}};
}

/// A case in the names of tests: not its bytes, which hold addresses.
void PrintTo(const Case &test, std::ostream *out) { *out << test.name; }

struct Scan : testing::TestWithParam<Case> {};

TEST_P(Scan, ComputesWhatLoopsDo) {
  const Case &test = GetParam();
  Launch launch = compile(test);
  ASSERT_EQ(launch.shape.grid, 3u) << launch.functions;
  EmulatedKernels kernels(launch.functions);
  ASSERT_EQ(kernels.getError(), "") << launch.functions;
  for (const lig::emulator::Options &options : allSchedules())
    for (uint32_t blocks : {1u, 2u, 3u, 4u})
      EXPECT_EQ(check(test, launch, kernels, options, blocks), "")
          << blocks << " blocks";
}

TEST_P(Scan, NeedsEachOfItsBarriers) {
  const Case &test = GetParam();
  Launch launch = compile(test);
  unsigned count = EmulatedKernels(launch.functions).countSynchronizations();
  unsigned unnoticed = 0;
  for (unsigned drop = 0; drop < count; ++drop) {
    EmulatedKernels kernels(launch.functions, drop);
    bool isNoticed = false;
    for (const lig::emulator::Options &options : allSchedules())
      isNoticed =
          isNoticed || !check(test, launch, kernels, options, 3).empty();
    unnoticed += !isNoticed;
  }
  EXPECT_EQ(unnoticed, test.gridBarriers) << "of " << count;
}

INSTANTIATE_TEST_SUITE_P(All, Scan, testing::ValuesIn(getCases()),
                         [](const testing::TestParamInfo<Case> &info) {
                           return std::string(info.param.name);
                         });
} // namespace
