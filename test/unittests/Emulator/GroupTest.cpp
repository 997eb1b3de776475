// Products by warpgroups against plain loops, under every schedule: each way
// that matrices may lie, edges, batches. Then with one synchronization or one
// detail of a layout wrong at a time, which some schedule has to notice.

#include "GroupKernel.h"

#include <cstring>
#include <gtest/gtest.h>

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

std::string codeOf(const Case &test) {
  auto order = [&](int lines, bool alongSums) {
    return alongSums ? std::vector<int>{test.batch, lines, test.sums}
                     : std::vector<int>{test.batch, test.sums, lines};
  };
  std::string a =
      bufferType(order(test.rows, test.leftAlongSums), test.element);
  std::string b =
      bufferType(order(test.columns, test.rightAlongSums), test.element);
  std::string c = bufferType({test.batch, test.rows, test.columns}, "f32");
  std::string element = test.element;
  return "#a = affine_map<(n, i, j, k) -> (n, " +
         std::string(test.leftAlongSums ? "i, k" : "k, i") +
         ")>\n#b = affine_map<(n, i, j, k) -> (n, " +
         std::string(test.rightAlongSums ? "j, k" : "k, j") +
         ")>\n#c = affine_map<(n, i, j, k) -> (n, i, j)>\n"
         "func.func @f(%a: " +
         a + ", %b: " + b + ", %c: " + c +
         ") {\n"
         "  linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = "
         "[\"parallel\", \"parallel\", \"parallel\", \"reduction\"]}\n"
         "      ins(%a, %b : " +
         a + ", " + b + ") outs(%c : " + c +
         ") {\n"
         "  ^bb0(%x: " +
         element + ", %y: " + element +
         ", %z: f32):\n"
         "    %v = arith.extf %x : " +
         element +
         " to f32\n"
         "    %w = arith.extf %y : " +
         element +
         " to f32\n"
         "    %p = arith.mulf %v, %w : f32\n"
         "    %s = arith.addf %z, %p : f32\n"
         "    linalg.yield %s : f32\n  }\n  return\n}\n";
}

GroupData dataOf(const Case &test) {
  std::vector<float> left =
      makeExactValues(size_t(test.batch) * test.rows * test.sums, 1);
  std::vector<float> right =
      makeExactValues(size_t(test.batch) * test.columns * test.sums, 2);
  GroupData data;
  data.left = encode(test.element, left);
  data.right = encode(test.element, right);
  data.output =
      makeExactValues(size_t(test.batch) * test.rows * test.columns, 3);
  data.expected = data.output;
  auto at = [&](const std::vector<float> &values, int lines, bool alongSums,
                int n, int line, int k) {
    size_t first = size_t(n) * lines * test.sums;
    return values[first +
                  (alongSums ? line * test.sums + k : k * lines + line)];
  };
  for (int n = 0; n < test.batch; ++n)
    for (int i = 0; i < test.rows; ++i)
      for (int j = 0; j < test.columns; ++j)
        for (int k = 0; k < test.sums; ++k)
          data.expected[(size_t(n) * test.rows + i) * test.columns + j] +=
              at(left, test.rows, test.leftAlongSums, n, i, k) *
              at(right, test.columns, test.rightAlongSums, n, j, k);
  return data;
}

GroupKernel compile(const Case &test) {
  return GroupKernel(codeOf(test), test.element, test.sharedBytes);
}

/// A case in the names of tests: not its bytes, which hold addresses.
void PrintTo(const Case &test, std::ostream *out) { *out << test.name; }

class GroupTest : public testing::TestWithParam<Case> {};
} // namespace

TEST_P(GroupTest, ComputesWhatLoopsDo) {
  EXPECT_EQ(compile(GetParam()).checkAll(dataOf(GetParam())), "");
}

INSTANTIATE_TEST_SUITE_P(All, GroupTest, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) {
                           return info.param.name;
                         });

/// Sums of 8 slices in 2 places, of one tile: what is wrong shows at once.
static const Case small = {"", "bf16", 1, 128, 128, 512, true, false, 70 << 10};

TEST(GroupMutants, NeedEachSynchronization) {
  GroupKernel kernel = compile(small);
  EXPECT_GE(kernel.countSynchronizations(), 9u);
  EXPECT_EQ(kernel.findUnneeded(dataOf(small)), std::vector<unsigned>());
}

TEST(GroupMutants, NeedEachDetailOfALayout) {
  GroupKernel kernel = compile(small);
  GroupData data = dataOf(small);
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
    GroupKernel mutant = kernel;
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
    EXPECT_TRUE(mutant.isNoticed(kernels, data)) << from << " as " << to;
  }
}
