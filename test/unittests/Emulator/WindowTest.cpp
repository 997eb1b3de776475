// Convolutions by warpgroups against plain loops, under every schedule: taps,
// strides and dilations, in one dimension and two, edges of boxes. Then with a
// box of the input wrong, which has to be noticed.

#include "GroupKernel.h"

#include <gtest/gtest.h>

using namespace lig::test;

namespace {

/// Extents of (samples, height, width) of the output, and of the window.
struct Case {
  const char *name, *compute;
  int samples, height, width, channels, filters, tapsHigh, tapsWide, stride,
      dilation;

  std::string element() const {
    return std::string(compute) == "tf32" ? "f32" : compute;
  }
  int inputHeight() const {
    return (height - 1) * stride + (tapsHigh - 1) * dilation + 1 + more();
  }
  int inputWidth() const {
    return (width - 1) * stride + (tapsWide - 1) * dilation + 1 + more();
  }
  /// As pads leave it where a stride passes over the last.
  int more() const { return stride - 1; }
};

const Case cases[] = {
    {"bf16", "bf16", 1, 11, 19, 64, 240, 3, 3, 1, 1},
    {"f16_samples", "f16", 3, 8, 6, 128, 128, 3, 2, 1, 1},
    {"tf32", "tf32", 1, 9, 16, 32, 128, 3, 3, 1, 2},
    {"bf16_stride", "bf16", 2, 8, 9, 64, 128, 3, 3, 2, 1},
    {"f16_stride_1x1", "f16", 2, 8, 9, 128, 128, 1, 1, 2, 1},
    {"bf16_stride_3", "bf16", 1, 8, 16, 64, 128, 2, 5, 3, 1},
};

std::string codeOf(const Case &test) {
  std::string element = test.element();
  std::string x = bufferType(
      {test.samples, test.inputHeight(), test.inputWidth(), test.channels},
      element);
  std::string w = bufferType(
      {test.tapsHigh, test.tapsWide, test.channels, test.filters}, element);
  std::string y =
      bufferType({test.samples, test.height, test.width, test.filters}, "f32");
  std::string stride = std::to_string(test.stride),
              dilation = std::to_string(test.dilation);
  std::string widen = element == "f32"
                          ? "    %p = arith.mulf %v, %t : f32\n"
                          : "    %a = arith.extf %v : " + element +
                                " to f32\n    %b = arith.extf %t : " + element +
                                " to f32\n    %p = arith.mulf %a, %b : f32\n";
  return "#x = affine_map<(n, h, w, f, i, j, c) -> (n, h * " + stride +
         " + i * " + dilation + ", w * " + stride + " + j * " + dilation +
         ", c)>\n#w = affine_map<(n, h, w, f, i, j, c) -> (i, j, c, f)>\n"
         "#y = affine_map<(n, h, w, f, i, j, c) -> (n, h, w, f)>\n"
         "func.func @f(%x: " +
         x + ", %w: " + w + ", %y: " + y +
         ") {\n"
         "  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = "
         "[\"parallel\", \"parallel\", \"parallel\", \"parallel\", "
         "\"reduction\", \"reduction\", \"reduction\"]}\n"
         "      ins(%x, %w : " +
         x + ", " + w + ") outs(%y : " + y +
         ") {\n"
         "  ^bb0(%v: " +
         element + ", %t: " + element + ", %z: f32):\n" + widen +
         "    %s = arith.addf %z, %p : f32\n"
         "    linalg.yield %s : f32\n  }\n  return\n}\n";
}

GroupData dataOf(const Case &test) {
  int high = test.inputHeight(), wide = test.inputWidth();
  std::vector<float> x =
      makeExactValues(size_t(test.samples) * high * wide * test.channels, 1);
  std::vector<float> w = makeExactValues(
      size_t(test.tapsHigh) * test.tapsWide * test.channels * test.filters, 2);
  GroupData data;
  data.left = encode(test.element(), x);
  data.right = encode(test.element(), w);
  data.output = makeExactValues(
      size_t(test.samples) * test.height * test.width * test.filters, 3);
  data.expected = data.output;
  float *sums = data.expected.data();
  for (int n = 0; n < test.samples; ++n)
    for (int h = 0; h < test.height; ++h)
      for (int v = 0; v < test.width; ++v, sums += test.filters)
        for (int i = 0; i < test.tapsHigh; ++i)
          for (int j = 0; j < test.tapsWide; ++j)
            for (int c = 0; c < test.channels; ++c) {
              int row = h * test.stride + i * test.dilation;
              int column = v * test.stride + j * test.dilation;
              float from =
                  x[((n * high + row) * wide + column) * test.channels + c];
              const float *to =
                  &w[((i * test.tapsWide + j) * test.channels + c) *
                     test.filters];
              for (int f = 0; f < test.filters; ++f)
                sums[f] += from * to[f];
            }
  return data;
}

GroupKernel compile(const Case &test) {
  return GroupKernel(codeOf(test), test.compute, 110 << 10);
}

/// A case in the names of tests: not its bytes, which hold addresses.
void PrintTo(const Case &test, std::ostream *out) { *out << test.name; }

class WindowTest : public testing::TestWithParam<Case> {};
} // namespace

TEST_P(WindowTest, ComputesWhatLoopsDo) {
  EXPECT_EQ(compile(GetParam()).checkAll(dataOf(GetParam())), "");
}

INSTANTIATE_TEST_SUITE_P(All, WindowTest, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) {
                           return info.param.name;
                         });

TEST(WindowMutants, NeedEachSynchronization) {
  GroupKernel kernel = compile(cases[0]);
  EXPECT_GE(kernel.countSynchronizations(), 9u);
  EXPECT_EQ(kernel.findUnneeded(dataOf(cases[0])), std::vector<unsigned>());
}

TEST(WindowMutants, NeedEachDetailOfABox) {
  GroupKernel kernel = compile(cases[0]);
  EmulatedKernels kernels(kernel.functions);
  GroupData data = dataOf(cases[0]);
  ASSERT_FALSE(kernel.isNoticed(kernels, data));
  // From the innermost: channels, width, height, samples.
  const std::pair<const char *, void (*)(lig_tensor_map &)> mutations[] = {
      {"box turned", [](lig_tensor_map &m) { std::swap(m.box[1], m.box[2]); }},
      {"rows swapped",
       [](lig_tensor_map &m) { std::swap(m.strides[1], m.strides[2]); }},
      {"last column is zero", [](lig_tensor_map &m) { --m.extents[1]; }},
      {"last row is zero", [](lig_tensor_map &m) { --m.extents[2]; }},
      {"rows not swizzled", [](lig_tensor_map &m) { m.swizzle = 0; }},
  };
  for (auto [name, mutate] : mutations) {
    GroupKernel mutant = kernel;
    mutate(mutant.maps[0].first);
    EXPECT_TRUE(mutant.isNoticed(kernels, data)) << name;
  }
}
