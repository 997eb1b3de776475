// Differences of elements: bits decide whether, numbers how far.

#include "Ligature/Analysis/ElementComparison.h"

#include "mlir/IR/Builders.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace lig;

namespace {

struct ElementComparison : testing::Test {
  template <typename T>
  TensorBytes make(mlir::Type element, std::vector<T> values) {
    TensorBytes bytes = TensorBytes::allocate(mlir::RankedTensorType::get(
        {static_cast<int64_t>(values.size())}, element));
    std::memcpy(bytes.mutableData(), values.data(), values.size() * sizeof(T));
    return bytes;
  }
  TensorBytes floats(std::vector<float> values) {
    return make(b.getF32Type(), values);
  }

  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::Builder b{&context};
};

} // namespace

TEST_F(ElementComparison, FindsTheFirstBeyondTheTolerance) {
  TensorBytes a = floats({1, 2, 3}), near = floats({1, 2.5f, 4});
  EXPECT_EQ(findDifference(a, a, 0), std::nullopt);
  EXPECT_EQ(findDifference(a, near, 0), 1);
  EXPECT_EQ(findDifference(a, near, 0.5), 2);
  EXPECT_EQ(findDifference(a, near, 1), std::nullopt);
}

TEST_F(ElementComparison, NaNsAreWithinNoTolerance) {
  float nan = std::nanf("1"), other = std::nanf("2");
  EXPECT_EQ(findDifference(floats({nan}), floats({nan}), 0), std::nullopt);
  EXPECT_EQ(findDifference(floats({nan}), floats({other}), 1e9), 0);
  EXPECT_EQ(findDifference(floats({nan}), floats({0}), 1e9), 0);
  Differences found = compareElements(floats({nan, 1}), floats({0, 3}));
  EXPECT_EQ(found.count, 2);
  EXPECT_EQ(found.withoutDistance, 1);
  EXPECT_EQ(found.largest, 2);
}

TEST_F(ElementComparison, ZerosDifferAtNoDistance) {
  Differences found = compareElements(floats({1, 0.f}), floats({1, -0.f}));
  EXPECT_EQ(found.count, 1);
  EXPECT_EQ(found.first, 1);
  EXPECT_EQ(found.largest, 0);
  EXPECT_EQ(findDifference(floats({0.f}), floats({-0.f}), 1e-9), std::nullopt);
}

TEST_F(ElementComparison, IntegersHaveTheSignOfTheirType) {
  std::vector<uint8_t> low = {0}, high = {255};
  mlir::Type isSigned = b.getIntegerType(8);
  mlir::Type isUnsigned = b.getIntegerType(8, /*isSigned=*/false);
  EXPECT_EQ(compareElements(make(isSigned, low), make(isSigned, high)).largest, 1);
  EXPECT_EQ(compareElements(make(isUnsigned, low), make(isUnsigned, high)).largest,
            255);
  EXPECT_EQ(printElement(make(isSigned, high), 0), "-1");
  EXPECT_EQ(printElement(make(isUnsigned, high), 0), "255");
}

TEST_F(ElementComparison, LargeIntegersAreExact) {
  mlir::Type wide = b.getI64Type(), plain = b.getIntegerType(64, false);
  std::vector<int64_t> most = {INT64_MAX}, next = {INT64_MAX - 1},
                       least = {INT64_MIN};
  EXPECT_EQ(compareElements(make(wide, most), make(wide, next)).largest, 1);
  EXPECT_EQ(findDifference(make(wide, most), make(wide, next), 1), std::nullopt);
  EXPECT_EQ(compareElements(make(wide, most), make(wide, least)).largest,
            std::ldexp(1, 64));
  EXPECT_EQ(printElement(make(plain, least), 0), "9223372036854775808");
}

TEST_F(ElementComparison, TypesWithoutNumbersHaveNoDistance) {
  mlir::Type tiny = mlir::Float8E4M3FNType::get(&context);
  Differences found = compareElements(make<uint8_t>(tiny, {1, 2}),
                                      make<uint8_t>(tiny, {1, 3}));
  EXPECT_EQ(found.count, 1);
  EXPECT_EQ(found.withoutDistance, 1);
  EXPECT_EQ(printElement(make<uint8_t>(tiny, {0x1f}), 0), "0x1F");
}
