// Kernels of `lig-gpu-persist-scans` against plain loops, under every schedule
// and with any number of blocks; and each of their barriers left out, or one
// detail got wrong, which must be noticed. A missing fence cannot be: memory is
// always in order here.

#include "OutlinedKernel.h"
#include "ScanCases.h"

#include "Ligature/ABI/Device.h"
#include "Ligature/Codegen/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace lig::test;

namespace {
/// The kernel, and the elements of the buffers that the pass has made.
struct Launch : OutlinedKernel {
  std::vector<size_t> extra;
};

/// Makes arguments of allocations, so that the test can hand them in.
std::vector<size_t> passAllocations(func::FuncOp function) {
  std::vector<size_t> sizes;
  function.walk([&](memref::AllocOp alloc) {
    unsigned position = function.getNumArguments();
    (void)function.insertArgument(position, alloc.getType(), DictionaryAttr(),
                                  alloc.getLoc());
    alloc.replaceAllUsesWith(Value(function.getArgument(position)));
    sizes.push_back(alloc.getType().getNumElements());
    alloc.erase();
  });
  return sizes;
}

Launch compile(const ScanCase &test) {
  KernelContext kernels;
  MLIRContext &context = kernels.context;
  auto module = parseSourceString<ModuleOp>(test.code, &context);
  PassManager persist(&context), outline(&context);
  lig::codegen::GpuPersistScansPassOptions options;
  options.sharedBytes = test.sharedBytes;
  persist.addNestedPass<func::FuncOp>(
      lig::codegen::createGpuPersistScansPass(options));
  Launch result;
  if (!module || failed(persist.run(*module)))
    return result;
  for (auto function : module->getOps<func::FuncOp>())
    result.extra = passAllocations(function);
  outline.addPass(createGpuLaunchSinkIndexComputationsPass());
  outline.addPass(createGpuKernelOutliningPass());
  outline.addPass(memref::createExpandStridedMetadataPass());
  outline.addPass(createLowerAffinePass());
  if (failed(outline.run(*module)))
    return result;
  // How many blocks there are is the launch's.
  module->walk([](gpu::GPUFuncOp op) { op.setKnownGridSizeAttr(nullptr); });
  static_cast<OutlinedKernel &>(result) = readOutlinedKernel(*module);
  result.shape.flags = LIG_LAUNCH_COOPERATIVE;
  return result;
}

/// What goes wrong with the kernel under a schedule, empty if nothing does.
std::string check(const ScanCase &test, const Launch &launch,
                  EmulatedKernels &kernels,
                  const lig::emulator::Options &options, uint32_t blocks) {
  Buffers buffers = makeBuffers(test.sizes), expected = buffers;
  test.expect(expected);
  for (size_t size : launch.extra)
    buffers.emplace_back(size, 0.0f);
  std::vector<void *> pointers;
  for (unsigned i : launch.arguments)
    pointers.push_back(buffers[i].data());
  EmulatedKernels::Shape shape = launch.shape;
  shape.grid = blocks;
  // Twice: the counter of the barriers serves the next launch, too.
  for (int run = 0; run < 2; ++run) {
    Buffers fresh = makeBuffers(test.sizes);
    for (size_t i = 0; i < fresh.size(); ++i)
      std::copy(fresh[i].begin(), fresh[i].end(), buffers[i].begin());
    std::string error =
        kernels.launch(launch.name.c_str(), shape, pointers, options);
    if (error.empty())
      error = compare(buffers, expected, 1e-5f);
    if (!error.empty())
      return error;
  }
  return "";
}

struct Scan : testing::TestWithParam<ScanCase> {};

TEST_P(Scan, ComputesWhatLoopsDo) {
  const ScanCase &test = GetParam();
  Launch launch = compile(test);
  ASSERT_EQ(launch.shape.grid, 3u) << launch.functions;
  EmulatedKernels kernels(launch.functions);
  ASSERT_EQ(kernels.getError(), "") << launch.functions;
  for (const lig::emulator::Options &options : allSchedules())
    for (uint32_t blocks : {1u, 2u, 3u, 4u})
      EXPECT_EQ(check(test, launch, kernels, options, blocks), "")
          << blocks << " blocks";
}

TEST_P(Scan, NeedsEachOfItsBarriers) {
  const ScanCase &test = GetParam();
  Launch launch = compile(test);
  unsigned count = EmulatedKernels(launch.functions).countSynchronizations();
  unsigned unnoticed = 0;
  for (unsigned drop = 0; drop < count; ++drop) {
    EmulatedKernels kernels(launch.functions, drop);
    bool isNoticed = false;
    for (const lig::emulator::Options &options : allSchedules())
      isNoticed =
          isNoticed || !check(test, launch, kernels, options, 3).empty();
    unnoticed += !isNoticed;
  }
  EXPECT_EQ(unnoticed, test.gridBarriers) << "of " << count;
}

//===-- Details ----------------------------------------------------------===//

/// A detail to get wrong: which operations have it, and how.
struct Detail {
  const char *name;
  bool (*isIn)(Operation *op);
  void (*spoil)(Operation *op);
};

void useConstant(Operation *op, unsigned operand, int64_t value) {
  OpBuilder b(op);
  op->setOperand(operand,
                 arith::ConstantIndexOp::create(b, op->getLoc(), value));
}

bool isShared(Value buffer, int64_t rank) {
  auto type = cast<MemRefType>(buffer.getType());
  return type.getRank() == rank && isa_and_nonnull<gpu::AddressSpaceAttr>(
                                       type.getMemorySpace());
}

bool comparesIndices(Operation *op, arith::CmpIPredicate predicate) {
  auto compare = dyn_cast<arith::CmpIOp>(op);
  return compare && compare.getPredicate() == predicate &&
         compare.getLhs().getType().isIndex();
}

const Detail details[] = {
    {"bytes have a sign",
     [](Operation *op) { return isa<arith::SIToFPOp>(op); },
     [](Operation *op) {
       OpBuilder b(op);
       auto wrong = arith::UIToFPOp::create(
           b, op->getLoc(), op->getResult(0).getType(), op->getOperand(0));
       op->getResult(0).replaceAllUsesWith(wrong);
     }},
    {"a code has an entry",
     [](Operation *op) { return isa<arith::IndexCastUIOp>(op); },
     [](Operation *op) {
       OpBuilder b(op);
       auto wrong = arith::ConstantIndexOp::create(b, op->getLoc(), 128);
       op->getResult(0).replaceAllUsesWith(wrong);
     }},
    {"a unit has a scale",
     [](Operation *op) {
       auto load = dyn_cast<memref::LoadOp>(op);
       return load && load.getMemRefType() ==
                          MemRefType::get({scanUnits},
                                          Float32Type::get(op->getContext()));
     },
     [](Operation *op) { useConstant(op, 1, 0); }},
    {"a unit has weights",
     [](Operation *op) {
       auto load = dyn_cast<vector::LoadOp>(op);
       return load && isShared(load.getBase(), 3);
     },
     [](Operation *op) { useConstant(op, 1, 0); }},
    {"a row has a vector",
     [](Operation *op) {
       auto load = dyn_cast<vector::LoadOp>(op);
       return load && isShared(load.getBase(), 2) &&
              !isConstantIntValue(load.getIndices()[0], 0);
     },
     [](Operation *op) { useConstant(op, 1, 0); }},
    {"late stages have a first step",
     [](Operation *op) {
       return comparesIndices(op, arith::CmpIPredicate::sge);
     },
     [](Operation *op) {
       cast<arith::CmpIOp>(op).setPredicate(arith::CmpIPredicate::sgt);
     }},
    {"early stages have a last step",
     [](Operation *op) {
       return comparesIndices(op, arith::CmpIPredicate::slt);
     },
     [](Operation *op) {
       OpBuilder b(op);
       Value one = arith::ConstantIndexOp::create(b, op->getLoc(), 1);
       op->setOperand(0, arith::AddIOp::create(b, op->getLoc(),
                                               op->getOperand(0), one));
     }},
    {"places change roles",
     [](Operation *op) {
       return comparesIndices(op, arith::CmpIPredicate::ne);
     },
     [](Operation *op) {
       cast<arith::CmpIOp>(op).setPredicate(arith::CmpIPredicate::eq);
     }}};

/// How often a kernel has a detail.
unsigned count(const Detail &detail, const Launch &launch) {
  return EmulatedKernels(launch.functions, -1, detail.isIn).countMutations();
}

TEST_P(Scan, NoticesEachWrongDetail) {
  const ScanCase &test = GetParam();
  Launch launch = compile(test);
  for (const Detail &detail : details)
    for (unsigned number = 0, all = count(detail, launch); number < all;
         ++number) {
      unsigned seen = 0;
      EmulatedKernels kernels(launch.functions, -1, [&](Operation *op) {
        bool isIt = detail.isIn(op) && seen++ == number;
        if (isIt)
          detail.spoil(op);
        return isIt;
      });
      ASSERT_EQ(kernels.getError(), "");
      ASSERT_EQ(kernels.countMutations(), 1u);
      EXPECT_NE(check(test, launch, kernels, {}, 3), "")
          << detail.name << ", " << number << " of " << all;
    }
}

/// So that none of the details is looked for in vain.
TEST(ScanDetails, AreAllThere) {
  for (const Detail &detail : details) {
    unsigned all = 0;
    for (const ScanCase &test : getScanCases())
      all += count(detail, compile(test));
    EXPECT_GT(all, 0u) << detail.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Scan, testing::ValuesIn(getScanCases()),
                         [](const testing::TestParamInfo<ScanCase> &info) {
                           return info.param.name;
                         });
} // namespace
