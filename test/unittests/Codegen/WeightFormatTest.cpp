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
  for (llvm::StringRef name : {"bf16", "f16", "int8"})
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
