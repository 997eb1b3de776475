// Rounding of weights: to nearest even, scales per channel, errors in parts of
// the greatest magnitude, and what has no narrower form.

#include "../../../lib/Codegen/WeightFormat.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace lig;
using namespace lig::codegen;

namespace {
struct WeightFormatTest : testing::Test {
  mlir::MLIRContext context;

  TensorBytes tensor(llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<float> values) {
    auto type = mlir::RankedTensorType::get(
        shape, mlir::Float32Type::get(&context));
    TensorBytes bytes = TensorBytes::allocate(type);
    std::memcpy(bytes.mutableData(), values.data(),
                values.size() * sizeof(float));
    return bytes;
  }
  template <typename T> static T at(const TensorBytes &bytes, size_t i) {
    T value;
    std::memcpy(&value, bytes.data.data() + i * sizeof(T), sizeof(T));
    return value;
  }
};
} // namespace

TEST_F(WeightFormatTest, NamesAreKnown) {
  for (llvm::StringRef name : {"bf16", "f16", "int8", "codebook4"})
    EXPECT_EQ(stringifyWeightFormat(*parseWeightFormat(name)), name);
  EXPECT_FALSE(parseWeightFormat("int9"));
}

TEST_F(WeightFormatTest, RoundsToNearestEven) {
  // Between 1 and the next bf16, 1 + 2^-7: the middle goes to the even one.
  float step = std::ldexp(1.0f, -7);
  auto narrow = narrowWeights(
      tensor({4}, {1, 1 + step / 2, 1 + 3 * step / 2, -1 - 0.51f * step}),
      WeightFormat::BF16, {});
  ASSERT_TRUE(narrow);
  EXPECT_EQ(at<uint16_t>(narrow->values, 0), 0x3f80);
  EXPECT_EQ(at<uint16_t>(narrow->values, 1), 0x3f80);
  EXPECT_EQ(at<uint16_t>(narrow->values, 2), 0x3f82);
  EXPECT_EQ(at<uint16_t>(narrow->values, 3), 0xbf81);
  EXPECT_NEAR(narrow->error, step / 2 / (1 + 3 * step / 2), 1e-7);
  EXPECT_EQ(narrow->scales.type.getNumElements(), 0);
}

TEST_F(WeightFormatTest, RefusesWhatHasNoForm) {
  // 70000 is beyond f16, but not beyond bf16.
  TensorBytes large = tensor({2}, {1, 70000});
  EXPECT_FALSE(narrowWeights(large, WeightFormat::F16, {}));
  EXPECT_TRUE(narrowWeights(large, WeightFormat::BF16, {}));
  TensorBytes nan = tensor({2}, {1, NAN});
  TensorBytes infinite = tensor({2}, {1, INFINITY});
  for (WeightFormat format :
       {WeightFormat::BF16, WeightFormat::F16, WeightFormat::Int8}) {
    EXPECT_FALSE(narrowWeights(nan, format, {}));
    EXPECT_FALSE(narrowWeights(infinite, format, {}));
  }
}

TEST_F(WeightFormatTest, ScalesEachChannel) {
  // Two rows of two; channels are columns, or rows.
  TensorBytes weights = tensor({2, 2}, {127, 1, -63, -0.5f});
  auto columns = narrowWeights(weights, WeightFormat::Int8, {2, 1});
  ASSERT_TRUE(columns);
  EXPECT_FLOAT_EQ(at<float>(columns->scales, 0), 1);
  EXPECT_FLOAT_EQ(at<float>(columns->scales, 1), 1 / 127.0f);
  EXPECT_EQ(at<int8_t>(columns->values, 0), 127);
  EXPECT_EQ(at<int8_t>(columns->values, 1), 127);
  EXPECT_EQ(at<int8_t>(columns->values, 2), -63);
  EXPECT_EQ(at<int8_t>(columns->values, 3), -64); // -63.5 to even
  auto rows = narrowWeights(weights, WeightFormat::Int8, {2, 2});
  ASSERT_TRUE(rows);
  EXPECT_EQ(at<int8_t>(rows->values, 1), 1);
  EXPECT_EQ(at<int8_t>(rows->values, 2), -127);
  EXPECT_EQ(at<int8_t>(rows->values, 3), -1);
}

TEST_F(WeightFormatTest, ChannelsOfZerosStayZero) {
  auto narrow =
      narrowWeights(tensor({2, 2}, {0, 1, 0, 2}), WeightFormat::Int8, {2, 1});
  ASSERT_TRUE(narrow);
  EXPECT_EQ(at<float>(narrow->scales, 0), 0);
  EXPECT_EQ(at<int8_t>(narrow->values, 0), 0);
  EXPECT_LE(narrow->error, 0.5 / 127 + 1e-6);
}

TEST_F(WeightFormatTest, FewValuesAreEncodedExactly) {
  // Not even the sign of zero is lost, and nothing needs to be finite.
  uint32_t bits = ~0u;
  float nan;
  std::memcpy(&nan, &bits, sizeof(nan));
  float values[] = {2, -0.0f, 0, INFINITY, 2, nan};
  auto narrow = narrowWeights(tensor({6}, values), WeightFormat::Codebook4, {});
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->scales.type.getNumElements(), 0);
  EXPECT_EQ(narrow->table.type.getNumElements(), 16);
  EXPECT_EQ(narrow->error, 0);
  for (size_t i = 0; i < 6; ++i) {
    float read = at<float>(narrow->table, at<uint8_t>(narrow->values, i));
    EXPECT_EQ(std::memcmp(&read, &values[i], sizeof(float)), 0) << i;
  }
}

TEST_F(WeightFormatTest, ClustersEachChannelByItsScale) {
  // The second column is the first, 128 times as large, which rounds nothing.
  std::vector<float> values;
  for (int i = 0; i < 40; ++i) {
    values.push_back(i - 20.25f);
    values.push_back((i - 20.25f) * 128);
  }
  auto narrow =
      narrowWeights(tensor({40, 2}, values), WeightFormat::Codebook4, {2, 1});
  ASSERT_TRUE(narrow);
  EXPECT_NEAR(at<float>(narrow->scales, 1) / at<float>(narrow->scales, 0), 128,
              1e-3);
  for (int i = 0; i < 40; ++i)
    EXPECT_EQ(at<uint8_t>(narrow->values, 2 * i),
              at<uint8_t>(narrow->values, 2 * i + 1));
  // 40 even steps in 16 clusters: none is wider than four.
  EXPECT_LE(narrow->error, 1.51 / 20.25);
  EXPECT_GT(narrow->error, 0);
}

TEST_F(WeightFormatTest, ManyValuesNeedCodesOfAByte) {
  std::vector<float> values(300);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i % 17;
  auto narrow =
      narrowWeights(tensor({300}, values), WeightFormat::Codebook8, {});
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->table.type.getNumElements(), 17);
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(at<float>(narrow->table, at<uint8_t>(narrow->values, i)),
              values[i]);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i;
  EXPECT_FALSE(narrowWeights(tensor({300}, values), WeightFormat::Codebook8, {}));
}
