// Register tiles of products, chosen for machines of several kinds.
#include "../../../lib/Codegen/CPU/TileChoice.h"

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
struct TileChoiceTest : testing::Test {
  TileChoiceTest() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect,
                        linalg::LinalgDialect, memref::MemRefDialect>();
  }

  /// A product of m by k and k by n, its loops in that order: m, n, k without
  /// those of one step.
  Nest product(int64_t m, int64_t n, int64_t k) {
    std::string text;
    llvm::raw_string_ostream(text)
        << "func.func @f(%a: memref<" << m << "x" << k << "xf32>, %b: memref<"
        << k << "x" << n << "xf32>, %c: memref<" << m << "x" << n
        << "xf32>) {\n linalg.matmul ins(%a, %b : memref<" << m << "x" << k
        << "xf32>, memref<" << k << "x" << n << "xf32>) outs(%c : memref<" << m
        << "x" << n << "xf32>)\n return\n}\n";
    module = parseSourceString<ModuleOp>(text, &context);
    IRRewriter rewriter(&context);
    linalg::MatmulOp matmul;
    module->walk([&](linalg::MatmulOp op) { matmul = op; });
    rewriter.setInsertionPoint(matmul);
    return *describe(*linalg::generalizeNamedOp(rewriter, matmul));
  }

  TileChoice choose(int64_t m, int64_t n, int64_t k, const Machine &machine) {
    Nest nest = product(m, n, k);
    return chooseTile(nest, /*laneLoop=*/m > 1, machine.vectorBits / 32,
                      nest.accesses[1], machine);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

Machine machineOf(int64_t vectorBits, int64_t registers) {
  Machine machine;
  machine.vectorBits = vectorBits;
  machine.registers = registers;
  return machine;
}
} // namespace

/// Accumulators, a row of the panel and one broadcast stay in registers.
TEST_F(TileChoiceTest, NeverSpills) {
  for (Machine machine : {machineOf(512, 32), machineOf(256, 16),
                          machineOf(128, 16), machineOf(128, 32)})
    for (int64_t m : {2, 7, 96, 384}) {
      Tile tile = choose(m, 1024, 256, machine).tile;
      EXPECT_LE(tile.size() + tile.columns + 1, machine.registers);
      EXPECT_LE(tile.rows, m);
    }
}

/// Large products keep both multipliers busy: eight chains of four cycles, and
/// no more loads than they can wait for.
TEST_F(TileChoiceTest, FillsTheMultipliers) {
  for (Machine machine : {machineOf(512, 32), machineOf(256, 16)}) {
    TileChoice choice = choose(384, 1024, 1024, machine);
    EXPECT_GE(choice.tile.size(), 8);
    EXPECT_LE(choice.tile.rows + choice.tile.columns, choice.tile.size());
    // Cycles of one step of the reduction, within a tenth of two
    // multiplications each.
    double best = 384.0 * 1024 / (machine.vectorBits / 32) / 2;
    EXPECT_LT(choice.cycles, 1.1 * best);
    EXPECT_GE(choice.cycles, best);
  }
}

/// A single row has nothing but columns to hide the latency with.
TEST_F(TileChoiceTest, MakesOneRowWide) {
  Tile tile = choose(1, 4096, 256, machineOf(512, 32)).tile;
  EXPECT_EQ(tile.rows, 1);
  EXPECT_GE(tile.columns, 4);
}

/// Rows that fill no tile cost a tile of their own.
TEST_F(TileChoiceTest, DividesRowsEvenly) {
  Tile tile = choose(12, 1024, 256, machineOf(512, 32)).tile;
  EXPECT_EQ(12 % tile.rows, 0);
}

/// The width of a packed panel is given, and must fit.
TEST_F(TileChoiceTest, KeepsTheWidthOfAPanel) {
  Machine machine = machineOf(512, 32);
  Nest nest = product(384, 1024, 256);
  for (int64_t columns = 1; columns <= kMaxColumns; ++columns) {
    TileChoice choice =
        chooseTile(nest, 1, 16, nest.accesses[1], machine, columns);
    EXPECT_EQ(choice.tile.columns, columns);
    EXPECT_GT(choice.cycles, 0);
  }
}

/// What arrives slowly costs more, and a smaller cache delivers less.
TEST_F(TileChoiceTest, CountsTheCache) {
  Machine large = machineOf(512, 32), small = large;
  large.cacheBytes = 4 << 20;
  small.cacheBytes = 128 << 10;
  Nest nest = product(1, 1024, 256);
  nest.packed = PackedInput{1, 0, 16, 4};
  double near =
      chooseTile(nest, 0, 16, nest.accesses[1], large, 4).cycles;
  double far = chooseTile(nest, 0, 16, nest.accesses[1], small, 4).cycles;
  EXPECT_GT(far, near);
}

/// Rows of 4 KiB share a set of the first cache, which has eight lines.
TEST_F(TileChoiceTest, KeepsRowsOutOfOneSet) {
  Machine machine = machineOf(512, 32);
  EXPECT_GT(choose(384, 1024, 1040, machine).tile.rows, 4);
  EXPECT_LE(choose(384, 1024, 1024, machine).tile.rows, 4);
  EXPECT_LE(choose(384, 1024, 3072, machine).tile.rows, 4);
  EXPECT_LE(choose(384, 1024, 512, machine).tile.rows, 8);
}
