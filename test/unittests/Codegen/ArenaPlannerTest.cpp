// The arena planner: never two live buffers on one byte, close to the bound.

#include "Ligature/Codegen/ArenaPlanner.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <random>

using namespace lig::codegen;

static void expectValid(const std::vector<ArenaBuffer> &buffers,
                        const ArenaPlan &plan) {
  ASSERT_EQ(plan.offsets.size(), buffers.size());
  EXPECT_GE(plan.peak, plan.lowerBound);
  for (size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(plan.offsets[i] % buffers[i].align, 0);
    EXPECT_LE(plan.offsets[i] + buffers[i].size, plan.peak);
    for (size_t j = 0; j < i; ++j) {
      bool together = buffers[i].first <= buffers[j].last &&
                      buffers[j].first <= buffers[i].last;
      bool apart = plan.offsets[i] + buffers[i].size <= plan.offsets[j] ||
                   plan.offsets[j] + buffers[j].size <= plan.offsets[i];
      EXPECT_TRUE(!together || apart) << i << " and " << j;
    }
  }
}

TEST(ArenaPlanner, PlacesNothing) {
  ArenaPlan plan = planArena({});
  EXPECT_EQ(plan.peak, 0);
  EXPECT_EQ(plan.lowerBound, 0);
}

TEST(ArenaPlanner, ReusesDeadBytes) {
  ArenaPlan plan = planArena({{64, 64, 0, 1}, {64, 64, 1, 2}, {64, 64, 2, 3}});
  EXPECT_EQ(plan.peak, 128);
  EXPECT_EQ(plan.offsets[0], plan.offsets[2]);
}

TEST(ArenaPlanner, AlignsOddSizes) {
  std::vector<ArenaBuffer> buffers = {
      {1, 64, 0, 5}, {3, 64, 0, 5}, {70, 64, 0, 5}};
  ArenaPlan plan = planArena(buffers);
  expectValid(buffers, plan);
}

TEST(ArenaPlanner, StaysNearTheBoundOnRandomLives) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<ArenaBuffer> buffers;
    for (int i = 0; i < 200; ++i) {
      int64_t first = random() % 300;
      buffers.push_back({static_cast<int64_t>(random() % 64 + 1) * 64, 64,
                         first, first + static_cast<int64_t>(random() % 10)});
    }
    ArenaPlan plan = planArena(buffers);
    expectValid(buffers, plan);
    EXPECT_LE(plan.peak, 11 * plan.lowerBound / 10);
  }
}
