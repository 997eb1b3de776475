// Which convolutions of three by three taps are transformed, on machines of
// several kinds.
#include "../../../lib/Codegen/CPU/Winograd.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace lig::codegen::cpu;

namespace {
struct WinogradChoiceTest : testing::Test {
  WinogradChoiceTest() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        linalg::LinalgDialect, memref::MemRefDialect>();
  }

  /// The tiles by which a convolution to `filters` images of `size` by `size`
  /// gains most; 0 if by none.
  int64_t gains(int64_t channels, int64_t filters, int64_t size,
             const Machine &machine, int64_t taps = 3) {
    std::string x, w, y, text;
    llvm::raw_string_ostream(x)
        << "memref<1x" << size + taps - 1 << "x" << size + taps - 1 << "x"
        << channels << "xf32>";
    llvm::raw_string_ostream(w) << "memref<" << taps << "x" << taps << "x"
                                << channels << "x" << filters << "xf32>";
    llvm::raw_string_ostream(y)
        << "memref<1x" << size << "x" << size << "x" << filters << "xf32>";
    llvm::raw_string_ostream(text)
        << "func.func @f(%x: " << x << ", %w: " << w << ", %y: " << y
        << ") {\n linalg.conv_2d_nhwc_hwcf ins(%x, %w : " << x << ", " << w
        << ") outs(%y : " << y << ")\n return\n}\n";
    module = parseSourceString<ModuleOp>(text, &context);
    IRRewriter rewriter(&context);
    linalg::Conv2DNhwcHwcfOp conv;
    module->walk([&](linalg::Conv2DNhwcHwcfOp op) { conv = op; });
    rewriter.setInsertionPoint(conv);
    Nest nest = *describe(*linalg::generalizeNamedOp(rewriter, conv));
    std::optional<WinogradConv> found = matchWinograd(nest, machine);
    return found ? lig::chooseWinogradTile(found->shape, {4, 2}, found->lanes,
                                           machine.cacheBytes)
                 : 0;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

Machine machineOf(int64_t vectorBits) {
  Machine machine;
  machine.vectorBits = vectorBits;
  machine.registers = vectorBits == 512 ? 32 : 16;
  return machine;
}
} // namespace

TEST_F(WinogradChoiceTest, GainsOnImagesOfManyTiles) {
  for (int64_t bits : {128, 256, 512}) {
    EXPECT_EQ(gains(64, 64, 56, machineOf(bits)), 4) << bits;
    EXPECT_EQ(gains(128, 128, 28, machineOf(bits)), 4) << bits;
    EXPECT_EQ(gains(256, 256, 14, machineOf(bits)), 4) << bits;
  }
}

/// Large tiles reach over the edge of small images, and four times the weights
/// arrive for a few of them only.
TEST_F(WinogradChoiceTest, SmallImagesTakeSmallTiles) {
  EXPECT_EQ(gains(64, 64, 6, machineOf(256)), 2);
  EXPECT_EQ(gains(512, 512, 7, machineOf(256)), 2);
  EXPECT_EQ(gains(512, 512, 7, machineOf(512)), 2);
  EXPECT_EQ(gains(512, 512, 28, machineOf(256)), 4);
}

TEST_F(WinogradChoiceTest, LosesWhereWeightsOutgrowTheCaches) {
  EXPECT_EQ(gains(1024, 1024, 7, machineOf(512)), 0);
  EXPECT_EQ(gains(512, 512, 3, machineOf(256)), 0);
}

/// The same weights gain where the caches are larger.
TEST_F(WinogradChoiceTest, FollowsTheCache) {
  Machine machine = machineOf(256);
  machine.cacheBytes = 4 << 20;
  EXPECT_EQ(gains(512, 512, 7, machine), 4);
  machine.cacheBytes = 256 << 10;
  EXPECT_EQ(gains(512, 512, 5, machine), 0);
}

TEST_F(WinogradChoiceTest, LeavesWhatIsNoSuchConvolution) {
  EXPECT_EQ(gains(64, 64, 56, machineOf(256), /*taps=*/5), 0);
  EXPECT_EQ(gains(3, 64, 56, machineOf(256)), 0);
  EXPECT_EQ(gains(64, 20, 56, machineOf(256)), 0);
  Machine machine = machineOf(256);
  machine.fma = false;
  EXPECT_EQ(gains(64, 64, 56, machine), 0);
}
