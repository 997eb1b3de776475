// From a gpu.module to PTX and, where ptxas is at hand, a cubin.

#include "Ligature/InitAll.h"
#include "Ligature/Target/GPU/DeviceCode.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace lig::target;
using lig::target::gpu::DeviceOptions;

namespace {

struct DeviceCode : testing::Test {
  mlir::DialectRegistry registry;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  void parse(const std::string &functions) {
    lig::registerAllDialects(registry);
    context = std::make_unique<mlir::MLIRContext>(
        registry, mlir::MLIRContext::Threading::DISABLED);
    module = mlir::parseSourceString<mlir::ModuleOp>(
        "gpu.module @kernels {" + functions + "}", context.get());
    ASSERT_TRUE(module);
  }
};

const char two[] = R"(
  llvm.func @helper(%x: f32) -> f32 {
    llvm.return %x : f32
  }
  llvm.func @first(%out: !llvm.ptr, %n: i32, %x: f32) attributes {
      nvvm.kernel, nvvm.maxntid = array<i32: 64, 2, 1>, lig.max_shared = 4096 : i32} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %place = llvm.getelementptr %out[%t] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    llvm.store %x, %place : f32, !llvm.ptr
    llvm.return
  }
  llvm.func @second(%n: i64) attributes {gpu.kernel, nvvm.kernel} {
    nvvm.barrier0
    llvm.return
  })";

} // namespace

TEST_F(DeviceCode, DescribesKernelsInOrder) {
  parse(two);
  DeviceInfo info = lig::target::gpu::describeKernels(*module, "sm_80");
  EXPECT_EQ(info.chip, "sm_80");
  ASSERT_EQ(info.kernels.size(), 2u);
  EXPECT_EQ(info.kernels[0].name, "first");
  EXPECT_EQ(info.kernels[0].paramBytes, (std::vector<uint32_t>{8, 4, 4}));
  EXPECT_EQ(info.kernels[0].maxBlock, 128u);
  EXPECT_EQ(info.kernels[0].maxShared, 4096u);
  EXPECT_EQ(info.kernels[1].name, "second");
  EXPECT_EQ(info.kernels[1].maxBlock, 1024u);
  EXPECT_EQ(info.kernels[1].maxShared, 0u);
  EXPECT_TRUE(info.ptx.empty() && info.cubin.empty());
}

TEST_F(DeviceCode, MakesPtx) {
  parse(two);
  DeviceOptions options;
  options.ptxas = "none";
  for (std::string chip : {"sm_80", "sm_90a"}) {
    options.chip = chip;
    auto info = lig::target::gpu::makeDeviceCode(*module, options);
    ASSERT_TRUE(bool(info)) << llvm::toString(info.takeError());
    EXPECT_NE(info->ptx.find(".target " + chip), std::string::npos);
    EXPECT_NE(info->ptx.find(".entry first("), std::string::npos);
    EXPECT_NE(info->ptx.find("bar.sync"), std::string::npos);
    EXPECT_NE(info->ptx.back(), '\0');
    EXPECT_TRUE(info->cubin.empty());
  }
}

TEST_F(DeviceCode, RefusesFunctionsThatNoOneDefines) {
  parse(R"(
  llvm.func @nowhere(f32) -> f32
  llvm.func @k(%out: !llvm.ptr, %x: f32) attributes {nvvm.kernel} {
    %y = llvm.call @nowhere(%x) : (f32) -> f32
    llvm.store %y, %out : f32, !llvm.ptr
    llvm.return
  })");
  DeviceOptions options;
  options.ptxas = "none";
  auto info = lig::target::gpu::makeDeviceCode(*module, options);
  ASSERT_FALSE(bool(info));
  EXPECT_NE(llvm::toString(info.takeError()).find("nowhere"),
            std::string::npos);
}

TEST_F(DeviceCode, AssemblesWherePtxasIsFound) {
  parse(two);
  DeviceOptions options;
  if (lig::target::gpu::findPtxas(options).empty())
    GTEST_SKIP() << "no ptxas on PATH or under CUDA_HOME";
  auto info = lig::target::gpu::makeDeviceCode(*module, options);
  ASSERT_TRUE(bool(info)) << llvm::toString(info.takeError());
  EXPECT_EQ(info->cubin.substr(1, 3), "ELF");
}

TEST_F(DeviceCode, SaysWhatPtxasSaid) {
  parse(two);
  DeviceOptions options;
  options.ptxas = "/bin/false";
  auto failed = lig::target::gpu::makeDeviceCode(*module, options);
  ASSERT_FALSE(bool(failed));
  EXPECT_NE(llvm::toString(failed.takeError()).find("/bin/false"),
            std::string::npos);
}

TEST_F(DeviceCode, KnowsHowMuchSharedMemoryThereIs) {
  EXPECT_EQ(lig::target::gpu::getSharedBytes("sm_80"), 163u << 10);
  EXPECT_EQ(lig::target::gpu::getSharedBytes("sm_86"), 99u << 10);
  EXPECT_EQ(lig::target::gpu::getMultiprocessors("sm_80"), 108u);
  EXPECT_EQ(lig::target::gpu::getMultiprocessors("sm_90a"), 132u);
  EXPECT_EQ(lig::target::gpu::getSharedBytes("sm_90a"), 227u << 10);
  EXPECT_EQ(lig::target::gpu::getSharedBytes("sm_120"), 99u << 10);
}
