// What calls cost beside each other, against measured ratios.

#include "Ligature/Analysis/CallCost.h"
#include "Ligature/Analysis/WinogradCost.h"
#include "Ligature/Dialect/Net/IR/Net.h"
#include "Ligature/Dialect/Share/IR/Share.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace lig;

static constexpr int64_t kThirdCache = 8 << 20;

static CallWork product(double rows, double inner, double columns) {
  return {2 * rows * inner * columns, 4 * inner * columns};
}

TEST(CallCost, FollowsMeasuredProductsOfFewRows) {
  CallCost cost(512, kThirdCache);
  double one = cost.timeOf(product(1, 1024, 1024));
  EXPECT_NEAR(cost.timeOf(product(4, 1024, 1024)) / one, 1.35, 0.1);
  EXPECT_NEAR(cost.timeOf(product(8, 1024, 1024)) / one, 2.1, 0.2);
}

TEST(CallCost, OneCallNeverCostsMoreThanItsParts) {
  for (int64_t between : {int64_t(1) << 10, kThirdCache, int64_t(1) << 30})
    for (double rows : {1., 7., 100.}) {
      CallCost cost(256, between);
      EXPECT_LT(cost.timeOf(product(2 * rows, 300, 200)),
                2 * cost.timeOf(product(rows, 300, 200)));
    }
}

TEST(CallCost, ManyRowsGainNothing) {
  CallCost cost(512, kThirdCache);
  double apart = 2 * cost.timeOf(product(3136, 576, 64));
  EXPECT_LT(apart - cost.timeOf(product(6272, 576, 64)), 0.01 * apart);
}

TEST(CallCost, SlowerMemoryAndNarrowerVectorsCostMore) {
  CallWork call = product(2, 1024, 1024);
  EXPECT_LT(CallCost(512, kThirdCache).timeOf(call),
            CallCost(512, int64_t(1) << 30).timeOf(call));
  EXPECT_LT(CallCost(512, kThirdCache).timeOf(call),
            CallCost(128, kThirdCache).timeOf(call));
  EXPECT_GT(CallCost(512, 0).timeOfCopy(1000), 0);
}

TEST(CallCost, CountsTheWorkOfOperations) {
  mlir::MLIRContext context;
  context.loadDialect<net::NetDialect, share::ShareDialect,
                      mlir::func::FuncDialect, mlir::linalg::LinalgDialect,
                      mlir::tensor::TensorDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"(
    share.param @f : tensor<8x2x3x3xf32>
    share.param @w : tensor<16x32xf32>
    func.func @main(%x: tensor<1x4x5x5xf32>, %y: tensor<3x16xf32>, %o: tensor<3x32xf32>, %d: tensor<?x16xf32>, %p: tensor<?x32xf32>) {
      %f = share.get @f : tensor<8x2x3x3xf32>
      %w = share.get @w : tensor<16x32xf32>
      %again = share.get @w : tensor<16x32xf32>
      %0 = net.conv %x, %f strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 2 : tensor<1x4x5x5xf32>, tensor<8x2x3x3xf32> -> tensor<1x8x5x5xf32>
      %1 = net.conv_transpose %0, %f strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 2 : tensor<1x8x5x5xf32>, tensor<8x2x3x3xf32> -> tensor<1x4x5x5xf32>
      %2 = linalg.matmul ins(%y, %w : tensor<3x16xf32>, tensor<16x32xf32>) outs(%o : tensor<3x32xf32>) -> tensor<3x32xf32>
      %3 = linalg.matmul ins(%d, %again : tensor<?x16xf32>, tensor<16x32xf32>) outs(%p : tensor<?x32xf32>) -> tensor<?x32xf32>
      return
    })",
                                                        &context);
  ASSERT_TRUE(module);
  std::vector<std::optional<CallWork>> works;
  module->walk([&](mlir::Operation *op) {
    if (mlir::isa<net::ConvOp, net::ConvTransposeOp, mlir::linalg::MatmulOp>(
            op))
      works.push_back(getCallWork(op));
  });
  ASSERT_EQ(works.size(), 4u);
  EXPECT_EQ(works[0]->flops, 2 * 8 * 25 * 2 * 9);
  EXPECT_EQ(works[0]->weightBytes, 8 * 2 * 9 * 4);
  EXPECT_EQ(works[1]->flops, 2 * 8 * 25 * 2 * 9);
  EXPECT_EQ(works[2]->flops, 2 * 3 * 16 * 32);
  EXPECT_EQ(works[2]->weightBytes, 16 * 32 * 4);
  EXPECT_FALSE(works[3]);
  EXPECT_EQ(countParameterBytes(*module), (8 * 2 * 9 + 16 * 32) * 4);
}

static WinogradShape levelOf(double size) {
  return {1, size, size, 256, 256, 1};
}

TEST(WinogradCost, CountsTilesOverTheEdge) {
  EXPECT_EQ(levelOf(40).countTiles(), 100);
  EXPECT_EQ(levelOf(10).countTiles(), 9);
  EXPECT_EQ(levelOf(3).countTiles(), 1);
  EXPECT_EQ(levelOf(3).getWork().weightBytes, 36 * 256 * 256 * 4);
}

TEST(WinogradCost, SmallTilesHaveSmallFilters) {
  WinogradShape level = levelOf(7);
  level.tile = 2;
  EXPECT_EQ(level.countTiles(), 16);
  EXPECT_EQ(level.getWork().weightBytes, 16 * 256 * 256 * 4);
}

TEST(WinogradCost, ReadsTheNamesOfTransforms) {
  mlir::MLIRContext context;
  std::string error;
  context.getDiagEngine().registerHandler(
      [&](mlir::Diagnostic &diagnostic) { error = diagnostic.str(); });
  EXPECT_EQ(parseWinogradTiles("auto", &context)->size(), 2u);
  EXPECT_EQ(parseWinogradTiles("f2", &context)->front(), 2);
  EXPECT_EQ(parseWinogradTiles("f4", &context)->front(), 4);
  EXPECT_TRUE(parseWinogradTiles("none", &context)->empty());
  EXPECT_EQ(error, "");
  EXPECT_TRUE(mlir::failed(parseWinogradTiles("f3", &context)));
  EXPECT_EQ(error, "winograd is 'f3', not auto, f4, f2 or none");
}

TEST(WinogradCost, LargeImagesSaveAndTinyOnesLose) {
  EXPECT_GT(levelOf(40).countSavedCycles(8, 1 << 20), 0);
  EXPECT_LT(levelOf(3).countSavedCycles(8, 1 << 20), 0);
}

TEST(WinogradCost, SmallLevelsGainByBeingOneImage) {
  CallCost cost(256, int64_t(64) << 20);
  double apart = 0;
  for (double size : {10, 5, 3})
    apart += cost.timeOf(levelOf(size).getWork());
  // 10 x 10 above 5 x 5 and 3 x 3: twelve tiles instead of fourteen.
  WinogradShape joint{1, 16, 10, 256, 256, 1};
  EXPECT_LT(cost.timeOf(joint.getWork()), 0.8 * apart);
}

TEST(WinogradCost, TakesConvolutionsThatFillVectors) {
  mlir::MLIRContext context;
  context.loadDialect<net::NetDialect, share::ShareDialect,
                      mlir::func::FuncDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"(
    func.func @main(%x: tensor<2x32x5x7xf32>, %f: tensor<16x16x3x3xf32>, %g: tensor<6x32x3x3xf32>) {
      %0 = net.conv %x, %f strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 2 : tensor<2x32x5x7xf32>, tensor<16x16x3x3xf32> -> tensor<2x16x5x7xf32>
      %1 = net.conv %x, %g strides [1, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 1 : tensor<2x32x5x7xf32>, tensor<6x32x3x3xf32> -> tensor<2x6x5x7xf32>
      %2 = net.conv %x, %f strides [2, 1] dilations [1, 1] pads [1, 1, 1, 1] groups 2 : tensor<2x32x5x7xf32>, tensor<16x16x3x3xf32> -> tensor<2x16x3x7xf32>
      return
    })",
                                                        &context);
  ASSERT_TRUE(module);
  std::vector<std::optional<WinogradShape>> shapes;
  module->walk([&](net::ConvOp conv) {
    shapes.push_back(matchWinogradShape(conv, 8));
  });
  ASSERT_EQ(shapes.size(), 3u);
  ASSERT_TRUE(shapes[0]);
  EXPECT_EQ(shapes[0]->countTiles(), 2 * 2 * 2);
  EXPECT_EQ(shapes[0]->filters, 8);
  EXPECT_EQ(shapes[0]->channels, 16);
  EXPECT_FALSE(shapes[1]); // six filters
  EXPECT_FALSE(shapes[2]); // steps of two
}
