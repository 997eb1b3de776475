// Kernels of `lig-gpu-emit-strategies` against plain loops, under every
// schedule; and each of their barriers left out, which must be noticed.

#include "StrategyKernel.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace lig::test;

namespace {
using Case = StrategyCase;

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

/// A bias that sums start from, an activation, a residual; the output in
/// another order of dimensions.
const char finished[] = R"(
#id = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
#turned = affine_map<(h, i, j) -> (i, h, j)>
#all = affine_map<(h, i, j) -> (h, i, j)>
func.func @f(%a: memref<45x40xf32>, %b: memref<40x50xf32>, %bias: memref<50xf32>, %more: memref<45x50xf32>, %c: memref<5x45x10xf32>) {
  %s = memref.alloc() : memref<45x50xf32>
  %t = memref.alloc() : memref<45x50xf32>
  linalg.generic {indexing_maps = [#column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%bias : memref<50xf32>) outs(%s : memref<45x50xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  }
  linalg.matmul ins(%a, %b : memref<45x40xf32>, memref<40x50xf32>) outs(%s : memref<45x50xf32>)
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s, %more : memref<45x50xf32>, memref<45x50xf32>) outs(%t : memref<45x50xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %h = math.tanh %x : f32
    %z = arith.addf %h, %y : f32
    linalg.yield %z : f32
  }
  %u = memref.expand_shape %t [[0], [1, 2]] output_shape [45, 5, 10] : memref<45x50xf32> into memref<45x5x10xf32>
  linalg.generic {indexing_maps = [#turned, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%u : memref<45x5x10xf32>) outs(%c : memref<5x45x10xf32>) {
  ^bb0(%x: f32, %o: f32):
    linalg.yield %x : f32
  }
  return
})";

void finish(Buffers &x) {
  for (int i = 0; i < 45; ++i)
    for (int j = 0; j < 50; ++j) {
      float sum = x[2][j];
      for (int k = 0; k < 40; ++k)
        sum += x[0][i * 40 + k] * x[1][k * 50 + j];
      x[4][(j / 10 * 45 + i) * 10 + j % 10] = std::tanh(sum) + x[3][i * 50 + j];
    }
}

/// Softmax of 9 rows of N elements; where they are strided, 9 elements apart.
std::string softmaxCode(int length, bool strided) {
  std::string n = std::to_string(length);
  std::string full =
      strided ? "memref<" + n + "x9xf32>" : "memref<9x" + n + "xf32>";
  std::string all =
      strided ? "affine_map<(i, j) -> (j, i)>" : "affine_map<(i, j) -> (i, j)>";
  std::string loops = "], iterator_types = [\"parallel\", \"parallel\"]} ";
  std::string reduction = "], iterator_types = [\"parallel\", \"reduction\"]} ";
  std::string row = "affine_map<(i, j) -> (i)>";
  return "func.func @f(%x: " + full + ", %y: " + full + R"() {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %m = memref.alloc() : memref<9xf32>
  %s = memref.alloc() : memref<9xf32>
  linalg.fill ins(%low : f32) outs(%m : memref<9xf32>)
  linalg.generic {indexing_maps = [)" +
         all + ", " + row + reduction + "ins(%x : " + full +
         R"() outs(%m : memref<9xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %o : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [)" +
         all + ", " + row + ", " + all + loops + "ins(%x, %m : " + full +
         ", memref<9xf32>) outs(%y : " + full + R"() {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %r = math.exp %d : f32
    linalg.yield %r : f32
  }
  linalg.fill ins(%zero : f32) outs(%s : memref<9xf32>)
  linalg.generic {indexing_maps = [)" +
         all + ", " + row + reduction + "ins(%y : " + full +
         R"() outs(%s : memref<9xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.addf %a, %o : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [)" +
         row + ", " + all + loops +
         "ins(%s : memref<9xf32>) outs(%y : " + full + R"() {
  ^bb0(%b: f32, %o: f32):
    %r = arith.divf %o, %b : f32
    linalg.yield %r : f32
  }
  return
})";
}

template <int N, bool Strided> void softmax(Buffers &x) {
  for (int i = 0; i < 9; ++i) {
    auto at = [&](int j) { return Strided ? j * 9 + i : i * N + j; };
    double sum = 0;
    for (int j = 0; j < N; ++j)
      sum += std::exp(double(x[0][at(j)]));
    for (int j = 0; j < N; ++j)
      x[1][at(j)] = float(std::exp(double(x[0][at(j)])) / sum);
  }
}

template <int N, bool Strided>
Case softmaxCase(const char *name, unsigned multiprocessors = 132) {
  static const std::string code = softmaxCode(N, Strided);
  return {name, code.c_str(), multiprocessors, {9 * N, 9 * N},
          softmax<N, Strided>};
}

/// Elements in pieces across the rows of planes of 7 by 7, a number of each
/// channel, and three elements that fill no piece; the sum is read no more.
const char planes[] = R"(
#all = affine_map<(c, h, w) -> (c, h, w)>
#channel = affine_map<(c, h, w) -> (c)>
func.func @f(%x: memref<163x7x7xf32>, %b: memref<163xf32>, %z: memref<163x7x7xf32>, %y: memref<163x7x7xf32>) {
  %s = memref.alloc() : memref<163x7x7xf32>
  linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %b : memref<163x7x7xf32>, memref<163xf32>) outs(%s : memref<163x7x7xf32>) {
  ^bb0(%u: f32, %v: f32, %o: f32):
    %r = arith.addf %u, %v : f32
    linalg.yield %r : f32
  }
  linalg.mul ins(%s, %z : memref<163x7x7xf32>, memref<163x7x7xf32>) outs(%y : memref<163x7x7xf32>)
  return
})";

/// Means of whole planes of 6 by 9, two times five of them: a window as large as
/// the plane, of channels that come last after a transposition.
const char means[] = R"(
#window = affine_map<(n, h, w, c, i, j) -> (n, h + i, w + j, c)>
#size = affine_map<(n, h, w, c, i, j) -> (i, j)>
#out = affine_map<(n, h, w, c, i, j) -> (n, h, w, c)>
#all = affine_map<(n, h, w, c) -> (n, h, w, c)>
func.func @f(%x: memref<2x5x6x9xf32>, %y: memref<2x1x1x5xf32>) {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 54.0 : f32
  %t = memref.alloc() : memref<2x6x9x5xf32>
  %s = memref.alloc() : memref<2x1x1x5xf32>
  %none = memref.alloc() : memref<6x9xf32>
  linalg.transpose ins(%x : memref<2x5x6x9xf32>) outs(%t : memref<2x6x9x5xf32>) permutation = [0, 2, 3, 1]
  linalg.fill ins(%zero : f32) outs(%s : memref<2x1x1x5xf32>)
  linalg.generic {indexing_maps = [#window, #size, #out],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%t, %none : memref<2x6x9x5xf32>, memref<6x9xf32>) outs(%s : memref<2x1x1x5xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %o, %a : f32
    linalg.yield %r : f32
  }
  linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s : memref<2x1x1x5xf32>) outs(%y : memref<2x1x1x5xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.divf %a, %count : f32
    linalg.yield %r : f32
  }
  return
})";

void average(Buffers &x) {
  for (int i = 0; i < 10; ++i) {
    float sum = 0;
    for (int j = 0; j < 54; ++j)
      sum += x[0][i * 54 + j];
    x[1][i] = sum / 54;
  }
}

/// Sums over the rows of a matrix, of several columns at once.
template <int Rows, int Columns> std::string columnsCode() {
  std::string shape =
      std::to_string(Rows) + "x" + std::to_string(Columns) + "xf32>";
  std::string sums = "memref<" + std::to_string(Columns) + "xf32>";
  return "func.func @f(%x: memref<" + shape + ", %y: " + sums + R"() {
  linalg.reduce { arith.addf } ins(%x : memref<)" +
         shape + ") outs(%y : " + sums + R"() dimensions = [0]
  return
})";
}

template <int Rows, int Columns> Case columnsCase(const char *name) {
  static const std::string code = columnsCode<Rows, Columns>();
  return {name, code.c_str(), 1, {Rows * Columns, Columns}, [](Buffers &x) {
            for (int i = 0; i < Rows * Columns; ++i)
              x[1][i % Columns] += x[0][i];
          }};
}

/// Attention of 2 x 3 heads, of which three share keys and values; no key after
/// the query is looked at.
const char attention[] = R"(
func.func @f(%q: memref<2x37x3x20xf32>, %k: memref<2x37x20xf32>, %v: memref<2x37x20xf32>, %o: memref<2x37x3x20xf32>) {
  %scale = arith.constant 8.0 : f32
  %low = arith.constant 0xFF800000 : f32
  net.attention %q, %k, %v into %o
      maps [affine_map<(b, h, m, n, d, e) -> (b, m, h, d)>, affine_map<(b, h, m, n, d, e) -> (b, n, d)>,
            affine_map<(b, h, m, n, d, e) -> (b, n, e)>, affine_map<(b, h, m, n, d, e) -> (b, m, h, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    %scaled = arith.mulf %score, %scale : f32
    %seen = arith.cmpi ule, %n, %m : index
    %x = arith.select %seen, %scaled, %low : f32
    net.yield %x : f32
  } : memref<2x37x3x20xf32>, memref<2x37x20xf32>, memref<2x37x20xf32> into memref<2x37x3x20xf32>
  return
})";

void attend(Buffers &x) {
  for (int b = 0; b < 2; ++b)
    for (int h = 0; h < 3; ++h)
      for (int m = 0; m < 37; ++m) {
        double total = 0, sums[20] = {};
        for (int n = 0; n <= m; ++n) {
          double score = 0;
          for (int d = 0; d < 20; ++d)
            score += double(x[0][((b * 37 + m) * 3 + h) * 20 + d]) *
                     double(x[1][(b * 37 + n) * 20 + d]);
          double weight = std::exp(8 * score);
          total += weight;
          for (int e = 0; e < 20; ++e)
            sums[e] += weight * double(x[2][(b * 37 + n) * 20 + e]);
        }
        for (int e = 0; e < 20; ++e)
          x[3][((b * 37 + m) * 3 + h) * 20 + e] = float(sums[e] / total);
      }
}

/// Attention whose lines fill more memory than a launch has without asking.
const char wide[] = R"(
func.func @f(%q: memref<20x248xf32>, %k: memref<40x248xf32>, %v: memref<40x250xf32>, %o: memref<20x250xf32>) {
  net.attention %q, %k, %v into %o
      maps [affine_map<(m, n, d, e) -> (m, d)>, affine_map<(m, n, d, e) -> (n, d)>,
            affine_map<(m, n, d, e) -> (n, e)>, affine_map<(m, n, d, e) -> (m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    net.yield %score : f32
  } : memref<20x248xf32>, memref<40x248xf32>, memref<40x250xf32> into memref<20x250xf32>
  return
})";

void attendWidely(Buffers &x) {
  for (int m = 0; m < 20; ++m) {
    double total = 0, sums[250] = {};
    for (int n = 0; n < 40; ++n) {
      double score = 0;
      for (int d = 0; d < 248; ++d)
        score += double(x[0][m * 248 + d]) * double(x[1][n * 248 + d]);
      double weight = std::exp(score);
      total += weight;
      for (int e = 0; e < 250; ++e)
        sums[e] += weight * double(x[2][n * 250 + e]);
    }
    for (int e = 0; e < 250; ++e)
      x[3][m * 250 + e] = float(sums[e] / total);
  }
}

Case wideCase(const char *name, const char *compute, float tolerance) {
  return {name,         wide,    132,      {20 * 248, 40 * 248, 40 * 250, 5000},
          attendWidely, compute, tolerance};
}

Case attentionCase(const char *name, unsigned multiprocessors,
                   const char *compute, float tolerance) {
  return {name,   attention, multiprocessors, {4440, 1480, 1480, 4440},
          attend, compute,   tolerance};
}

Case finishedCase(const char *name, unsigned multiprocessors) {
  return {name,
          finished,
          multiprocessors,
          {45 * 40, 40 * 50, 50, 45 * 50, 45 * 50},
          finish};
}

Case alignedCase(const char *name, unsigned multiprocessors,
                 const char *compute) {
  return {name,
          aligned,
          multiprocessors,
          {70 * 72, 72 * 40, 70 * 40},
          multiply<70, 40, 72>,
          compute};
}

Case transposedCase(const char *name, const char *compute) {
  return {name,
          alignedTransposed,
          1,
          {130 * 40, 66 * 40, 130 * 66},
          multiplyTransposed<130, 66, 40>,
          compute};
}

Case convolutionCase(const char *name, unsigned multiprocessors,
                     const char *compute) {
  return {name,
          convolution,
          multiprocessors,
          {2 * 11 * 9 * 5, 3 * 3 * 5 * 12, 2 * 5 * 4 * 12},
          convolve,
          compute};
}

const Case cases[] = {
    finishedCase("finished", 132),
    finishedCase("finished_large", 1),
    softmaxCase<7, false>("softmax_tiny"),
    softmaxCase<41, false>("softmax_warp"),
    softmaxCase<700, false>("softmax_block"),
    softmaxCase<8200, false>("softmax_long"),
    softmaxCase<11, true>("softmax_strided"),
    softmaxCase<75, true>("softmax_strided_warps"),
    softmaxCase<32, false>("softmax_pieces_tiny"),
    softmaxCase<772, false>("softmax_pieces_warp", 1),
    softmaxCase<772, false>("softmax_pieces_block"),
    softmaxCase<16500, false>("softmax_pieces_long"),
    {"planes",
     planes,
     1,
     {163 * 49, 163, 163 * 49, 163 * 49},
     [](Buffers &x) {
       for (int i = 0; i < 163 * 49; ++i)
         x[3][i] = (x[0][i] + x[1][i / 49]) * x[2][i];
     }},
    {"means", means, 132, {10 * 54, 10}, average},
    columnsCase<9, 300>("columns"),
    columnsCase<9, 303>("columns_rest"),
    columnsCase<50, 300>("columns_warps"),
    columnsCase<700, 300>("columns_long"),
    attentionCase("attention", 1, "f32", 1e-5f),
    attentionCase("attention_small_blocks", 132, "f32", 1e-5f),
    attentionCase("attention_bf16", 1, "bf16", 1e-2f),
    attentionCase("attention_f16", 1, "f16", 2e-3f),
    attentionCase("attention_tf32", 1, "tf32", 2e-3f),
    wideCase("attention_wide", "f32", 1e-5f),
    wideCase("attention_wide_bf16", "bf16", 1e-2f),
    wideCase("attention_wide_tf32", "tf32", 2e-3f),
    alignedCase("aligned", 132, "f32"),
    alignedCase("aligned_bf16", 1, "bf16"),
    alignedCase("aligned_f16", 1, "f16"),
    alignedCase("aligned_tf32", 1, "tf32"),
    transposedCase("transposed", "f32"),
    transposedCase("transposed_bf16", "bf16"),
    transposedCase("transposed_tf32", "tf32"),
    convolutionCase("convolution_bf16", 1, "bf16"),
    convolutionCase("convolution_tf32", 132, "tf32"),
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
    convolutionCase("strided_convolution", 132, "f32"),
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
  StrategyKernel kernel(GetParam());
  ASSERT_EQ(kernel.getCount(), 1u);
  EmulatedKernels kernels(kernel.getFunctions());
  ASSERT_EQ(kernels.getError(), "");
  for (const lig::emulator::Options &options : allSchedules())
    ASSERT_EQ(kernel.check(kernels, options), "");
}

TEST_P(StrategyTest, NeedsEachBarrier) {
  StrategyKernel kernel(GetParam());
  unsigned count =
      EmulatedKernels(kernel.getFunctions()).countSynchronizations();
  if (!count)
    GTEST_SKIP() << "has none";
  for (unsigned drop = 0; drop < count; ++drop) {
    EmulatedKernels kernels(kernel.getFunctions(), drop);
    EXPECT_TRUE(kernel.isNoticed(kernels))
        << "without synchronization " << drop;
  }
}

INSTANTIATE_TEST_SUITE_P(All, StrategyTest, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) {
                           return info.param.name;
                         });
