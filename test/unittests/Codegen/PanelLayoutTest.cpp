// The packed order of weights, against indices counted by hand.
#include "../../../lib/Codegen/CPU/PanelLayout.h"

#include "gtest/gtest.h"

#include <numeric>
#include <vector>

using lig::codegen::cpu::PanelLayout;

static std::vector<float> pack(const PanelLayout &layout, int64_t elements) {
  std::vector<float> weight(elements), packed(layout.packedElements());
  std::iota(weight.begin(), weight.end(), 1.0f);
  layout.pack(reinterpret_cast<const char *>(weight.data()),
              reinterpret_cast<char *>(packed.data()), sizeof(float));
  return packed;
}

/// Two steps of seven neighbours: a panel of four, then three and a zero.
TEST(PanelLayout, PadsTheRest) {
  PanelLayout layout;
  layout.steps = {{2, 7}};
  layout.lane = {7, 1};
  layout.lanes = 2;
  layout.width = 4;
  EXPECT_EQ(layout.packedElements(), 16);
  EXPECT_EQ(layout.restOffset(), 8);
  EXPECT_EQ(pack(layout, 14),
            (std::vector<float>{1, 2, 3, 4, 8, 9, 10, 11, //
                                5, 6, 7, 0, 12, 13, 14, 0}));
}

/// A matrix of [neighbours][steps] comes out as panels of columns.
TEST(PanelLayout, TurnsWhatIsTransposed) {
  PanelLayout layout;
  layout.steps = {{3, 1}};
  layout.lane = {4, 3};
  layout.lanes = layout.width = 2;
  EXPECT_EQ(pack(layout, 12),
            (std::vector<float>{1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12}));
}

/// Panels of one index of `outer` stand together; rests stand behind them all.
TEST(PanelLayout, KeepsGroupsApart) {
  PanelLayout layout;
  layout.outer = {{2, 6}};
  layout.steps = {{2, 3}};
  layout.lane = {3, 1};
  layout.lanes = 1;
  layout.width = 2;
  EXPECT_EQ(pack(layout, 12), (std::vector<float>{1, 2, 4, 5, 7, 8, 10, 11, //
                                                  3, 6, 9, 12}));
}

/// A part of a weight, turned around.
TEST(PanelLayout, ReadsPartsBackwards) {
  PanelLayout layout;
  layout.offset = 5;
  layout.steps = {{2, -1}};
  layout.lane = {2, -3};
  layout.lanes = layout.width = 2;
  EXPECT_TRUE(layout.isInside(6));
  EXPECT_EQ(pack(layout, 6), (std::vector<float>{6, 3, 5, 2}));
}

TEST(PanelLayout, KnowsWhatLiesOutside) {
  PanelLayout layout;
  layout.steps = {{4, 8}};
  layout.lane = {8, 1};
  EXPECT_TRUE(layout.isInside(32));
  EXPECT_FALSE(layout.isInside(31));
  layout.lane.stride = -1;
  EXPECT_FALSE(layout.isInside(32));
}

/// Three steps of five codes, two vectors of two and one left: the vectors of a
/// panel share bytes, and each panel has a fourth step of zeros.
TEST(PanelLayout, PairsCodes) {
  PanelLayout layout;
  layout.steps = {{3, 5}};
  layout.lane = {5, 1};
  layout.lanes = 2;
  layout.width = 4;
  layout.paired = true;
  EXPECT_EQ(layout.stepElements(4), 2);
  EXPECT_EQ(layout.restOffset(), 8);
  EXPECT_EQ(layout.packedElements(), 16);
  std::vector<char> weight(15);
  std::iota(weight.begin(), weight.end(), 0);
  std::vector<char> packed(layout.packedElements());
  layout.pack(weight.data(), packed.data(), 1);
  std::vector<int> bytes;
  for (char byte : packed)
    bytes.push_back(static_cast<unsigned char>(byte));
  EXPECT_EQ(bytes, (std::vector<int>{0x20, 0x31, 0x75, 0x86, 0xca, 0xdb, 0, 0,
                                     4, 0, 9, 0, 14, 0, 0, 0}));
}
