// Kernels of mma.sync with one detail of a layout wrong at a time: where the
// elements of fragments lie in registers, which rows ldmatrix reads, which
// copies a wait is for. Each has to be noticed, or the tests of these kernels
// would not tell a right layout from a wrong one.

#include "StrategyKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;
using namespace lig::test;

namespace {

//===-- Fragments --------------------------------------------------------===//

using Order = std::array<unsigned, 4>;

/// Hands the registers of an input over in another order.
bool reorder(MutableOperandRange registers, Order order) {
  SmallVector<Value> values(registers.getAsOperandRange());
  SmallVector<Value> next;
  for (unsigned i = 0; i < values.size(); ++i)
    next.push_back(values[order[i]]);
  registers.assign(next);
  return true;
}

EmulatedKernels::Mutation reorderRows(Order order) {
  return [=](Operation *op) {
    auto mma = dyn_cast<NVVM::MmaOp>(op);
    return mma && reorder(mma.getOperandAMutable(), order);
  };
}

bool exchangeHalvesOfColumns(Operation *op) {
  auto mma = dyn_cast<NVVM::MmaOp>(op);
  return mma && reorder(mma.getOperandBMutable(), {1, 0});
}

/// Takes sums for those of other rows or columns, on both sides of the product,
/// so that it shows where they begin and end.
EmulatedKernels::Mutation reorderSums(Order order) {
  return [=](Operation *op) {
    auto mma = dyn_cast<NVVM::MmaOp>(op);
    if (!mma)
      return false;
    for (Operation *user : mma->getUsers()) {
      auto extract = cast<LLVM::ExtractValueOp>(user);
      extract.setPosition({int64_t(order[extract.getPosition()[0]])});
    }
    return reorder(mma.getOperandCMutable(), order);
  };
}

//===-- Rows of ldmatrix -------------------------------------------------===//

bool turnPieces(Operation *op) {
  auto load = dyn_cast<nvgpu::LdMatrixOp>(op);
  if (load)
    load.setTranspose(!load.getTranspose());
  return bool(load);
}

/// The two pieces of one half of a fragment for each other.
bool exchangePieces(Operation *op) {
  auto load = dyn_cast<nvgpu::LdMatrixOp>(op);
  if (!load)
    return false;
  for (Operation *user : load->getUsers()) {
    auto extract = cast<vector::ExtractOp>(user);
    extract.setStaticPosition({extract.getStaticPosition()[0] ^ 1});
  }
  return true;
}

/// Changes where lanes say that their rows are: by a function of the last index
/// but one, which counts rows, or of the last.
template <typename Op>
EmulatedKernels::Mutation moveRows(unsigned fromEnd, int64_t by) {
  return [=](Operation *op) {
    auto load = dyn_cast<nvgpu::LdMatrixOp>(op);
    if (!load)
      return false;
    OpBuilder b(op);
    OpOperand &index = *std::prev(load.getIndicesMutable().end(), fromEnd);
    Value constant = arith::ConstantIndexOp::create(b, op->getLoc(), by);
    index.set(Op::create(b, op->getLoc(), index.get(), constant));
    return true;
  };
}

//===-- Copies -----------------------------------------------------------===//

/// Waits for all groups of copies but the last.
bool waitForLess(Operation *op) {
  auto wait = dyn_cast<nvgpu::DeviceAsyncWaitOp>(op);
  if (wait)
    wait.setNumGroups(wait.getNumGroups().value_or(0) + 1);
  return bool(wait);
}

struct Mutant {
  const char *name;
  EmulatedKernels::Mutation mutate;
};

const Mutant mutants[] = {
    {"rows of the left fragment exchanged", reorderRows({1, 0, 3, 2})},
    {"steps of the left fragment exchanged", reorderRows({2, 3, 0, 1})},
    {"left fragment turned", reorderRows({0, 2, 1, 3})},
    {"steps of the right fragment exchanged", exchangeHalvesOfColumns},
    {"rows of sums exchanged", reorderSums({2, 3, 0, 1})},
    {"columns of sums exchanged", reorderSums({1, 0, 3, 2})},
    {"sums turned", reorderSums({0, 2, 1, 3})},
    {"pieces turned", turnPieces},
    {"pieces exchanged", exchangePieces},
    {"lanes read the next row", moveRows<arith::AddIOp>(2, 1)},
    {"neighbouring lanes read each other's rows",
     moveRows<arith::XOrIOp>(2, 1)},
    {"lanes read the next piece", moveRows<arith::AddIOp>(1, 8)},
    {"waits for less than all copies", waitForLess},
};

//===-- Products ---------------------------------------------------------===//

struct FragmentCase {
  StrategyCase strategy;
  /// Whether fragments come by ldmatrix, and slices by cp.async.
  bool loadsMatrices, copies;
};

/// (40 x 72) by (72 x 40), or by (40 x 72) turned.
template <bool Turned> void multiply(Buffers &x) {
  for (int i = 0; i < 40; ++i)
    for (int j = 0; j < 40; ++j)
      for (int k = 0; k < 72; ++k)
        x[2][i * 40 + j] +=
            x[0][i * 72 + k] * x[1][Turned ? j * 72 + k : k * 40 + j];
}

const char plain[] = R"(
func.func @f(%a0: memref<40x72xf32>, %b0: memref<72x40xf32>, %c: memref<40x40xf32>) {
  %a = memref.assume_alignment %a0, 16 : memref<40x72xf32>
  %b = memref.assume_alignment %b0, 16 : memref<72x40xf32>
  linalg.matmul ins(%a, %b : memref<40x72xf32>, memref<72x40xf32>) outs(%c : memref<40x40xf32>)
  return
})";

const char turned[] = R"(
#a = affine_map<(i, j, k) -> (i, k)>
#t = affine_map<(i, j, k) -> (j, k)>
#c = affine_map<(i, j, k) -> (i, j)>
func.func @f(%a0: memref<40x72xf32>, %b0: memref<40x72xf32>, %c: memref<40x40xf32>) {
  %a = memref.assume_alignment %a0, 16 : memref<40x72xf32>
  %b = memref.assume_alignment %b0, 16 : memref<40x72xf32>
  linalg.matmul indexing_maps = [#a, #t, #c]
      ins(%a, %b : memref<40x72xf32>, memref<40x72xf32>) outs(%c : memref<40x40xf32>)
  return
})";

/// Of one head, 20 queries and keys, 24 columns.
const char attention[] = R"(
func.func @f(%q0: memref<1x20x24xf32>, %k0: memref<1x20x24xf32>, %v0: memref<1x20x24xf32>, %o: memref<1x20x24xf32>) {
  %q = memref.assume_alignment %q0, 16 : memref<1x20x24xf32>
  %k = memref.assume_alignment %k0, 16 : memref<1x20x24xf32>
  %v = memref.assume_alignment %v0, 16 : memref<1x20x24xf32>
  %scale = arith.constant 8.0 : f32
  net.attention %q, %k, %v into %o
      maps [affine_map<(b, m, n, d, e) -> (b, m, d)>, affine_map<(b, m, n, d, e) -> (b, n, d)>,
            affine_map<(b, m, n, d, e) -> (b, n, e)>, affine_map<(b, m, n, d, e) -> (b, m, e)>] {
  ^bb0(%score: f32, %m: index, %n: index):
    %scaled = arith.mulf %score, %scale : f32
    net.yield %scaled : f32
  } : memref<1x20x24xf32>, memref<1x20x24xf32>, memref<1x20x24xf32> into memref<1x20x24xf32>
  return
})";

void attend(Buffers &x) {
  for (int m = 0; m < 20; ++m) {
    double total = 0, sums[24] = {};
    for (int n = 0; n < 20; ++n) {
      double score = 0;
      for (int d = 0; d < 24; ++d)
        score += double(x[0][m * 24 + d]) * double(x[1][n * 24 + d]);
      double weight = std::exp(8 * score);
      total += weight;
      for (int e = 0; e < 24; ++e)
        sums[e] += weight * double(x[2][n * 24 + e]);
    }
    for (int e = 0; e < 24; ++e)
      x[3][m * 24 + e] = float(sums[e] / total);
  }
}

const std::vector<size_t> matrices = {40 * 72, 72 * 40, 40 * 40};
const std::vector<size_t> heads(4, 20 * 24);

const FragmentCase cases[] = {
    {{"plain_bf16", plain, 132, matrices, multiply<false>, "bf16"},
     true,
     false},
    {{"turned_f16", turned, 132, matrices, multiply<true>, "f16"}, true, false},
    {{"plain_tf32", plain, 132, matrices, multiply<false>, "tf32"},
     false,
     true},
    {{"attention_bf16", attention, 132, heads, attend, "bf16", 1e-2f},
     false,
     false},
    {{"attention_tf32", attention, 132, heads, attend, "tf32", 2e-3f},
     false,
     false},
};

/// A case in the names of tests: not its bytes, which hold addresses.
void PrintTo(const FragmentCase &test, std::ostream *out) {
  *out << test.strategy.name;
}

class FragmentTest : public testing::TestWithParam<FragmentCase> {};
} // namespace

TEST_P(FragmentTest, NeedsEachDetailOfALayout) {
  StrategyKernel kernel(GetParam().strategy);
  ASSERT_EQ(kernel.getCount(), 1u);
  EmulatedKernels right(kernel.getFunctions());
  ASSERT_EQ(right.getError(), "");
  ASSERT_FALSE(kernel.isNoticed(right));
  unsigned used = 0;
  for (const Mutant &mutant : mutants) {
    EmulatedKernels kernels(kernel.getFunctions(), -1, mutant.mutate);
    ASSERT_EQ(kernels.getError(), "") << mutant.name;
    if (!kernels.countMutations())
      continue;
    ++used;
    EXPECT_TRUE(kernel.isNoticed(kernels)) << mutant.name;
  }
  EXPECT_EQ(used, 7u + 5 * GetParam().loadsMatrices + GetParam().copies);
}

INSTANTIATE_TEST_SUITE_P(All, FragmentTest, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<FragmentCase> &info) {
                           return info.param.strategy.name;
                         });
