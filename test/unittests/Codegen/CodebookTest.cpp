// Clusters of values, against the best of all partitions.
#include "../../../lib/Codegen/Codebook.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace lig::codegen;

static double distance(const std::vector<float> &values,
                       const std::vector<float> &table) {
  double sum = 0;
  for (float value : values)
    sum += std::pow(value - table[findNearest(table, value)], 2);
  return sum;
}

/// The least sum of squares for ascending `values`, by dynamic programming.
static double leastDistance(const std::vector<float> &values, size_t count) {
  size_t n = values.size();
  std::vector<double> best(n + 1, std::numeric_limits<double>::infinity());
  best[0] = 0;
  for (size_t k = 0; k < count; ++k) {
    std::vector<double> next = best;
    for (size_t to = 1; to <= n; ++to)
      for (size_t from = 0; from < to; ++from) {
        double mean = 0, cost = 0;
        for (size_t i = from; i < to; ++i)
          mean += values[i] / (to - from);
        for (size_t i = from; i < to; ++i)
          cost += std::pow(values[i] - mean, 2);
        next[to] = std::min(next[to], best[from] + cost);
      }
    best = next;
  }
  return best[n];
}

TEST(Codebook, FindsSeparateClusters) {
  std::vector<float> values = {-5.1f, -5, -4.9f, 0, 0.1f, 7, 7.1f, 7.2f};
  std::vector<float> table = findClusters(values, 3);
  EXPECT_NEAR(distance(values, table), leastDistance(values, 3), 1e-5);
  EXPECT_NEAR(table[0], -5, 1e-5);
  EXPECT_NEAR(table[1], 0.05, 1e-5);
  EXPECT_NEAR(table[2], 7.1, 1e-5);
}

TEST(Codebook, IsCloseToTheBestOfAllTables) {
  std::vector<float> values;
  for (int i = 1; i < 64; ++i)
    values.push_back(std::tan((i / 64.0f - 0.5f) * 2.5f));
  std::vector<float> table = findClusters(values, 8);
  EXPECT_TRUE(std::is_sorted(table.begin(), table.end()));
  EXPECT_LT(distance(values, table), 2 * leastDistance(values, 8));
}

TEST(Codebook, ChoosesTheNearest) {
  std::vector<float> table = {-1, 0, 4};
  EXPECT_EQ(findNearest(table, -9), 0u);
  EXPECT_EQ(findNearest(table, -0.4f), 1u);
  EXPECT_EQ(findNearest(table, 1.9f), 1u);
  EXPECT_EQ(findNearest(table, 2.1f), 2u);
  EXPECT_EQ(findNearest(table, 9), 2u);
}
