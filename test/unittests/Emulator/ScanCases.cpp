// Loops over five steps of three rows and twenty units, and the same in plain
// C++: layers that have gates, that reset before they multiply, and that lie on
// each other with weights of floats, bytes and codes.

#include "ScanCases.h"

using namespace lig::test;

void lig::test::PrintTo(const ScanCase &test, std::ostream *out) {
  *out << test.name;
}

namespace {
constexpr int T = 5, B = 3, H = scanUnits;

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

//===-- Layers on each other ---------------------------------------------===//

enum class Weights { Floats, Bytes, Codes };

/// Layers that read what the one below has just computed:
/// h = factor * scale * (V h + W below) + base, where base is an input of the
/// first layer, and otherwise h / 2.
struct Stack {
  int layers;
  Weights weights;

  float factor() const { return weights == Weights::Bytes ? 0.01f : 1; }
  /// Of H x H weights, in floats.
  size_t weightSize() const {
    return weights == Weights::Floats ? H * H : H * H / 4;
  }
  /// Buffers: inputs and outputs, T x B x H; of each layer h, V, scales, and W
  /// of all but the first; the table of codes.
  std::vector<size_t> sizes() const;
  std::string code() const;
  void expect(Buffers &x) const;

private:
  std::string product(const std::string &vector, const std::string &weights,
                      const std::string &sums) const;
  std::string layer(int number) const;
  float weightAt(const Buffers &x, size_t buffer, int row, int column) const;
};

std::vector<size_t> Stack::sizes() const {
  std::vector<size_t> result = {T * B * H, T * B * H};
  for (int l = 0; l < layers; ++l) {
    result.insert(result.end(), {B * H, weightSize(), H});
    if (l)
      result.push_back(weightSize());
  }
  if (weights == Weights::Codes)
    result.push_back(256);
  return result;
}

std::string Stack::product(const std::string &vector, const std::string &name,
                           const std::string &sums) const {
  std::string type = weights == Weights::Floats ? "f32" : "i8";
  std::string decode =
      weights == Weights::Bytes ? "%d = arith.sitofp %b : i8 to f32"
      : weights == Weights::Codes
          ? "%at = arith.index_castui %b : i8 to index\n"
            "%d = memref.load %table[%at] : memref<256xf32>"
          : "";
  std::string factor = weights == Weights::Floats ? "%b" : "%d";
  return "linalg.generic {indexing_maps = [#xk, #wk, #ok], iterator_types = "
         "[\"parallel\", \"parallel\", \"reduction\"]} ins(%" +
         vector + ", %" + name + " : memref<3x20xf32>, memref<20x20x" + type +
         ">) outs(%" + sums + " : memref<3x20xf32>) {\n^bb0(%a: f32, %b: " +
         type + ", %o: f32):\n" + decode + "\n%p = arith.mulf %a, " + factor +
         " : f32\n%s = arith.addf %o, %p : f32\nlinalg.yield %s : f32\n}\n";
}

std::string Stack::layer(int number) const {
  std::string l = std::to_string(number), below = std::to_string(number - 1);
  bool isLast = number + 1 == layers;
  std::string result = "%n" + l + " = memref.alloc() : memref<3x20xf32>\n" +
                       "linalg.fill ins(%zero : f32) outs(%n" + l +
                       " : memref<3x20xf32>)\n";
  if (number)
    result += product("h" + below, "w" + l, "n" + l);
  result += product("h" + l, "v" + l, "n" + l);
  std::string stepType = "memref<3x20xf32, strided<[20, 1], offset: ?>>";
  std::string base = number ? "%h" + l + " : memref<3x20xf32>"
                            : "%in : " + stepType;
  std::string into = isLast ? "%out : " + stepType
                            : "%m" + l + " : memref<3x20xf32>";
  if (!isLast)
    result += "%m" + l + " = memref.alloc() : memref<3x20xf32>\n";
  size_t colon = base.find(" : ");
  result += "linalg.generic {indexing_maps = [#id, #unit, #id, #id], "
            "iterator_types = [\"parallel\", \"parallel\"]} ins(%n" +
            l + ", %s" + l + ", " + base.substr(0, colon) +
            " : memref<3x20xf32>, memref<20xf32>, " + base.substr(colon + 3) +
            ") outs(" + into + ") {\n^bb0(%a: f32, %b: f32, %c: f32, %o: f32):\n"
            "%p = arith.mulf %a, %b : f32\n%q = arith.mulf %p, %factor : f32\n";
  result += number ? "%e = arith.mulf %c, %half : f32\n"
                     "%r = arith.addf %q, %e : f32\n"
                   : "%r = arith.addf %q, %c : f32\n";
  result += "linalg.yield %r : f32\n}\nmemref.copy " +
            into.substr(0, into.find(" : ")) + ", %h" + l + " : " +
            into.substr(into.find(" : ") + 3) + " to memref<3x20xf32>\n";
  return result;
}

std::string Stack::code() const {
  std::string type =
      weights == Weights::Floats ? "memref<20x20xf32>" : "memref<20x20xi8>";
  std::string arguments = "%x: memref<5x3x20xf32>, %y: memref<5x3x20xf32>",
              steps;
  for (int number = 0; number < layers; ++number) {
    std::string l = std::to_string(number);
    arguments += ", %h" + l + ": memref<3x20xf32>, %v" + l + ": " + type +
                 ", %s" + l + ": memref<20xf32>";
    if (number)
      arguments += ", %w" + l + ": " + type;
    steps += layer(number);
  }
  if (weights == Weights::Codes)
    arguments += ", %table: memref<256xf32>";
  return R"(
#xk = affine_map<(i, j, k) -> (i, k)>
#wk = affine_map<(i, j, k) -> (j, k)>
#ok = affine_map<(i, j, k) -> (i, j)>
#id = affine_map<(i, j) -> (i, j)>
#unit = affine_map<(i, j) -> (j)>
func.func @f()" +
         arguments + R"() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %factor = arith.constant )" +
         std::to_string(factor()) + R"( : f32
  scf.for %t = %c0 to %c5 step %c1 {
    %in = memref.subview %x[%t, 0, 0] [1, 3, 20] [1, 1, 1] : memref<5x3x20xf32> to memref<3x20xf32, strided<[20, 1], offset: ?>>
    %out = memref.subview %y[%t, 0, 0] [1, 3, 20] [1, 1, 1] : memref<5x3x20xf32> to memref<3x20xf32, strided<[20, 1], offset: ?>>
)" + steps + "}\nreturn\n}";
}

float Stack::weightAt(const Buffers &x, size_t buffer, int row,
                      int column) const {
  const void *data = x[buffer].data();
  int at = row * H + column;
  switch (weights) {
  case Weights::Floats:
    return x[buffer][at];
  case Weights::Bytes:
    return static_cast<const int8_t *>(data)[at];
  case Weights::Codes:
    return x.back()[static_cast<const uint8_t *>(data)[at]];
  }
  return 0;
}

void Stack::expect(Buffers &x) const {
  for (int t = 0; t < T; ++t)
    for (int l = 0; l < layers; ++l) {
      // h, V, scales and W; there is none in the first layer.
      size_t own = l ? 5 + 4 * (l - 1) : 2, below = l > 1 ? own - 4 : 2;
      std::vector<float> before = x[own];
      for (int b = 0; b < B; ++b)
        for (int u = 0; u < H; ++u) {
          float sum = 0;
          for (int k = 0; k < H; ++k) {
            sum += weightAt(x, own + 1, u, k) * before[b * H + k];
            if (l)
              sum += weightAt(x, own + 3, u, k) * x[below][b * H + k];
          }
          float base = l ? before[b * H + u] / 2 : x[0][(t * B + b) * H + u];
          x[own][b * H + u] = sum * x[own + 2][u] * factor() + base;
        }
      if (l + 1 == layers)
        std::copy(x[own].begin(), x[own].end(), &x[1][t * B * H]);
    }
}

ScanCase makeStack(const char *name, Stack stack, unsigned sharedBytes,
                   unsigned unseen) {
  return {name,
          stack.code(),
          sharedBytes,
          stack.sizes(),
          [stack](Buffers &x) { stack.expect(x); },
          unseen};
}
} // namespace

std::vector<ScanCase> lig::test::getScanCases() {
  std::vector<size_t> gatedSizes = {B * H, T * B * 2 * H, 2 * H * H, T * B * H};
  std::vector<size_t> resetSizes = {B * H, T * B * H, H * H, H * H};
  constexpr unsigned all = 64 << 10;
  return {{"gated", gated, all, gatedSizes, expectGated, 1},
          // Room for the vectors and three units.
          {"gated_streamed", gated, 256 + 3 * 160, gatedSizes, expectGated, 1},
          {"gated_nothing_resident", gated, 256, gatedSizes, expectGated, 1},
          {"reset", reset, all, resetSizes, expectReset, 2},
          makeStack("one_layer_of_bytes", {1, Weights::Bytes}, all, 1),
          makeStack("two_layers", {2, Weights::Floats}, all, 1),
          makeStack("three_layers", {3, Weights::Floats}, all, 1),
          makeStack("layers_of_bytes", {2, Weights::Bytes}, all, 1),
          // Room for the vectors and two units of each product.
          makeStack("bytes_streamed", {2, Weights::Bytes}, 3 * (240 + 2 * 32),
                    1),
          makeStack("layers_of_codes", {2, Weights::Codes}, all, 1)};
}
