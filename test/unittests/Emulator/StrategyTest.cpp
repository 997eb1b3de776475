// Kernels of `lig-gpu-emit-strategies` against plain loops, under every
// schedule; and each of their barriers left out, which must be noticed.

#include "EmulatedKernels.h"

#include "Ligature/Codegen/Passes.h"
#include "Ligature/InitAll.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace mlir;
using namespace lig::test;

namespace {
using Buffers = std::vector<std::vector<float>>;

/// One function on buffers, of which the last is the output.
struct Case {
  const char *name;
  const char *code;
  unsigned multiprocessors;
  std::vector<size_t> sizes;
  /// The output, from the inputs and what the output held.
  void (*expect)(Buffers &);
  /// What inputs are rounded to.
  std::string compute = "f32";
};

/// What a launch of the function's one kernel needs.
struct Launch {
  std::string functions, name;
  EmulatedKernels::Shape shape;
  std::vector<unsigned> arguments;
};

Launch compile(const Case &test) {
  lig::registerAllPasses();
  DialectRegistry registry;
  lig::registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto module = parseSourceString<ModuleOp>(test.code, &context);
  PassManager passes(&context);
  lig::codegen::GpuEmitStrategiesPassOptions options;
  options.multiprocessors = test.multiprocessors;
  options.compute = test.compute;
  passes.addNestedPass<func::FuncOp>(
      lig::codegen::createGpuEmitStrategiesPass(options));
  passes.addPass(createGpuKernelOutliningPass());
  Launch result;
  if (!module || failed(passes.run(*module)))
    return result;
  module->walk([&](gpu::LaunchFuncOp op) {
    result.name = op.getKernelName().str();
    result.shape.grid = *getConstantIntValue(op.getGridSizeX());
    result.shape.block = *getConstantIntValue(op.getBlockSizeX());
    for (Value operand : op.getKernelOperands()) {
      if (auto view = operand.getDefiningOp<memref::AssumeAlignmentOp>())
        operand = view.getMemref();
      result.arguments.push_back(cast<BlockArgument>(operand).getArgNumber());
    }
  });
  llvm::raw_string_ostream text(result.functions);
  module->walk([&](gpu::GPUFuncOp op) {
    op.print(text, OpPrintingFlags().useLocalScope());
    text << "\n";
  });
  return result;
}

Buffers makeBuffers(const Case &test) {
  Buffers buffers;
  unsigned number = 1;
  for (size_t size : test.sizes) {
    buffers.emplace_back(size);
    for (float &x : buffers.back()) {
      number = number * 1664525 + 1013904223;
      x = float(number >> 8) / (1 << 24) - 0.5f;
    }
  }
  return buffers;
}

/// Nearest float of fewer bits: of bf16 and f16 the even one of two, of tf32
/// the one farther from zero.
float roundTo(const std::string &compute, float value) {
  if (compute == "f16")
    return float(_Float16(value));
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if (compute == "bf16")
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  else if (compute == "tf32")
    bits = (bits + 0x1000) & 0xffffe000u;
  memcpy(&value, &bits, 4);
  return value;
}

Buffers expect(const Case &test, const Buffers &buffers) {
  Buffers expected = buffers;
  for (size_t i = 0; i + 1 < expected.size(); ++i)
    for (float &x : expected[i])
      x = roundTo(test.compute, x);
  test.expect(expected);
  std::copy(buffers.begin(), buffers.end() - 1, expected.begin());
  return expected;
}

/// What goes wrong with the kernel under a schedule, empty if nothing does.
std::string check(const Case &test, const Launch &launch,
                  EmulatedKernels &kernels,
                  const lig::emulator::Options &options) {
  Buffers buffers = makeBuffers(test), expected = expect(test, buffers);
  std::vector<void *> pointers;
  for (unsigned i : launch.arguments)
    pointers.push_back(buffers[i].data());
  std::string error =
      kernels.launch(launch.name.c_str(), launch.shape, pointers, options);
  if (!error.empty())
    return error;
  for (size_t i = 0; i < buffers.size(); ++i)
    for (size_t j = 0; j < buffers[i].size(); ++j) {
      float is = buffers[i][j], wanted = expected[i][j];
      if (!(std::abs(is - wanted) <= 1e-5f + 1e-5f * std::abs(wanted)))
        return "buffer " + std::to_string(i) + ", element " +
               std::to_string(j) + ": " + std::to_string(is) + " for " +
               std::to_string(wanted);
    }
  return "";
}

template <int M, int N, int K> void multiply(Buffers &x) {
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < N; ++j)
      for (int k = 0; k < K; ++k)
        x[2][i * N + j] += x[0][i * K + k] * x[1][k * N + j];
}

template <int M, int N, int K> void multiplyTransposed(Buffers &x) {
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < N; ++j)
      for (int k = 0; k < K; ++k)
        x[2][i * N + j] += x[0][i * K + k] * x[1][j * K + k];
}

void convolve(Buffers &x) {
  for (int n = 0; n < 2; ++n)
    for (int h = 0; h < 5; ++h)
      for (int w = 0; w < 4; ++w)
        for (int f = 0; f < 12; ++f)
          for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j)
              for (int c = 0; c < 5; ++c)
                x[2][((n * 5 + h) * 4 + w) * 12 + f] +=
                    x[0][((n * 11 + 2 * h + i) * 9 + 2 * w + j) * 5 + c] *
                    x[1][((i * 3 + j) * 5 + c) * 12 + f];
}

const char convolution[] = R"(
func.func @f(%x: memref<2x11x9x5xf32>, %w: memref<3x3x5x12xf32>, %y: memref<2x5x4x12xf32>) {
  linalg.conv_2d_nhwc_hwcf {strides = dense<2> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
    ins(%x, %w : memref<2x11x9x5xf32>, memref<3x3x5x12xf32>) outs(%y : memref<2x5x4x12xf32>)
  return
})";

/// Buffers that allow whole pieces; both products of one function's kind.
const char aligned[] = R"(
func.func @f(%a0: memref<70x72xf32>, %b0: memref<72x40xf32>, %c: memref<70x40xf32>) {
  %a = memref.assume_alignment %a0, 16 : memref<70x72xf32>
  %b = memref.assume_alignment %b0, 16 : memref<72x40xf32>
  linalg.matmul ins(%a, %b : memref<70x72xf32>, memref<72x40xf32>) outs(%c : memref<70x40xf32>)
  return
})";

const char alignedTransposed[] = R"(
#a = affine_map<(i, j, k) -> (i, k)>
#t = affine_map<(i, j, k) -> (j, k)>
#c = affine_map<(i, j, k) -> (i, j)>
func.func @f(%a0: memref<130x40xf32>, %b0: memref<66x40xf32>, %c: memref<130x66xf32>) {
  %a = memref.assume_alignment %a0, 16 : memref<130x40xf32>
  %b = memref.assume_alignment %b0, 16 : memref<66x40xf32>
  linalg.generic {indexing_maps = [#a, #t, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<130x40xf32>, memref<66x40xf32>) outs(%c : memref<130x66xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %p, %z : f32
    linalg.yield %s : f32
  }
  return
})";

const Case cases[] = {
    {"aligned",
     aligned,
     132,
     {70 * 72, 72 * 40, 70 * 40},
     multiply<70, 40, 72>},
    {"aligned_bf16",
     aligned,
     1,
     {70 * 72, 72 * 40, 70 * 40},
     multiply<70, 40, 72>,
     "bf16"},
    {"aligned_f16",
     aligned,
     1,
     {70 * 72, 72 * 40, 70 * 40},
     multiply<70, 40, 72>,
     "f16"},
    {"aligned_tf32",
     aligned,
     1,
     {70 * 72, 72 * 40, 70 * 40},
     multiply<70, 40, 72>,
     "tf32"},
    {"transposed",
     alignedTransposed,
     1,
     {130 * 40, 66 * 40, 130 * 66},
     multiplyTransposed<130, 66, 40>},
    {"transposed_bf16",
     alignedTransposed,
     1,
     {130 * 40, 66 * 40, 130 * 66},
     multiplyTransposed<130, 66, 40>,
     "bf16"},
    {"transposed_tf32",
     alignedTransposed,
     1,
     {130 * 40, 66 * 40, 130 * 66},
     multiplyTransposed<130, 66, 40>,
     "tf32"},
    {"convolution_bf16",
     convolution,
     1,
     {2 * 11 * 9 * 5, 3 * 3 * 5 * 12, 2 * 5 * 4 * 12},
     convolve,
     "bf16"},
    {"convolution_tf32",
     convolution,
     132,
     {2 * 11 * 9 * 5, 3 * 3 * 5 * 12, 2 * 5 * 4 * 12},
     convolve,
     "tf32"},
    {"ragged",
     R"(
func.func @f(%a: memref<45x37xf32>, %b: memref<37x50xf32>, %c: memref<45x50xf32>) {
  linalg.matmul ins(%a, %b : memref<45x37xf32>, memref<37x50xf32>) outs(%c : memref<45x50xf32>)
  return
})",
     132,
     {45 * 37, 37 * 50, 45 * 50},
     multiply<45, 50, 37>},
    {"large_tiles",
     R"(
func.func @f(%a: memref<128x32xf32>, %b: memref<32x250xf32>, %c: memref<128x250xf32>) {
  linalg.matmul ins(%a, %b : memref<128x32xf32>, memref<32x250xf32>) outs(%c : memref<128x250xf32>)
  return
})",
     1,
     {128 * 32, 32 * 250, 128 * 250},
     multiply<128, 250, 32>},
    {"transposed_batch",
     R"(
#a = affine_map<(b, i, j, k) -> (b, i, k)>
#t = affine_map<(b, i, j, k) -> (b, j, k)>
#c = affine_map<(b, i, j, k) -> (b, i, j)>
func.func @f(%a: memref<3x20x24xf32>, %b: memref<3x17x24xf32>, %c: memref<3x20x17xf32>) {
  linalg.generic {indexing_maps = [#a, #t, #c],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<3x20x24xf32>, memref<3x17x24xf32>) outs(%c : memref<3x20x17xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %p, %z : f32
    linalg.yield %s : f32
  }
  return
})",
     132,
     {3 * 20 * 24, 3 * 17 * 24, 3 * 20 * 17},
     [](Buffers &x) {
       for (int b = 0; b < 3; ++b)
         for (int i = 0; i < 20; ++i)
           for (int j = 0; j < 17; ++j)
             for (int k = 0; k < 24; ++k)
               x[2][(b * 20 + i) * 17 + j] +=
                   x[0][(b * 20 + i) * 24 + k] * x[1][(b * 17 + j) * 24 + k];
     }},
    {"strided_convolution",
     convolution,
     132,
     {2 * 11 * 9 * 5, 3 * 3 * 5 * 12, 2 * 5 * 4 * 12},
     convolve},
    {"short_rows",
     R"(
func.func @f(%x: memref<7x3x41xf32>, %y: memref<7xf32>) {
  linalg.reduce { arith.maximumf } ins(%x : memref<7x3x41xf32>) outs(%y : memref<7xf32>) dimensions = [1, 2]
  return
})",
     132,
     {7 * 3 * 41, 7},
     [](Buffers &x) {
       for (int i = 0; i < 7 * 123; ++i)
         x[1][i / 123] = std::max(x[1][i / 123], x[0][i]);
     }},
    {"long_rows",
     R"(
func.func @f(%x: memref<2x1500xf32>, %y: memref<2xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<2x1500xf32>) outs(%y : memref<2xf32>) dimensions = [1]
  return
})",
     132,
     {2 * 1500, 2},
     [](Buffers &x) {
       for (int i = 0; i < 3000; ++i)
         x[1][i / 1500] += x[0][i];
     }},
    {"matrix_vector",
     R"(
func.func @f(%w: memref<10x70xf32>, %x: memref<70xf32>, %y: memref<10xf32>) {
  linalg.matvec ins(%w, %x : memref<10x70xf32>, memref<70xf32>) outs(%y : memref<10xf32>)
  return
})",
     132,
     {10 * 70, 70, 10},
     [](Buffers &x) {
       for (int i = 0; i < 700; ++i)
         x[2][i / 70] += x[0][i] * x[1][i % 70];
     }},
};

class StrategyTest : public testing::TestWithParam<Case> {};
} // namespace

TEST_P(StrategyTest, ComputesWhatLoopsDo) {
  Launch launch = compile(GetParam());
  ASSERT_FALSE(launch.functions.empty());
  EmulatedKernels kernels(launch.functions);
  ASSERT_EQ(kernels.getError(), "");
  for (const lig::emulator::Options &options : allSchedules())
    ASSERT_EQ(check(GetParam(), launch, kernels, options), "");
}

TEST_P(StrategyTest, NeedsEachBarrier) {
  Launch launch = compile(GetParam());
  unsigned count = EmulatedKernels(launch.functions).countSynchronizations();
  if (!count)
    GTEST_SKIP() << "has none";
  for (unsigned drop = 0; drop < count; ++drop) {
    EmulatedKernels kernels(launch.functions, drop);
    bool noticed = false;
    for (const lig::emulator::Options &options : allSchedules())
      noticed |= !check(GetParam(), launch, kernels, options).empty();
    EXPECT_TRUE(noticed) << "without synchronization " << drop;
  }
}

INSTANTIATE_TEST_SUITE_P(All, StrategyTest, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) {
                           return info.param.name;
                         });
