// A whole model for a GPU, from the LLVM dialect to a run: the description that
// the compiler emits, the runtime that reads it, and the emulator in between.

#include "Ligature/ABI/Runtime.h"
#include "Ligature/Emulator/Emulator.h"
#include "Ligature/InitAll.h"
#include "Ligature/Target/CPU/NativeCode.h"
#include "Ligature/Target/GPU/DeviceCode.h"
#include "Ligature/Target/Passes.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/TargetSelect.h"
#include "gtest/gtest.h"

using namespace lig::target;

// Launches `negate` on 4 blocks of 64 threads, once from the input to the arena
// and once from there to the output, as lig_launch has its fields.
static const char source[] = R"(
gpu.module @kernels {
  llvm.func @negate(%in: !llvm.ptr, %out: !llvm.ptr) attributes {nvvm.kernel, nvvm.maxntid = array<i32: 64>} {
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %b = nvvm.read.ptx.sreg.ctaid.x : i32
    %n = nvvm.read.ptx.sreg.ntid.x : i32
    %base = llvm.mul %b, %n : i32
    %i = llvm.add %base, %t : i32
    %from = llvm.getelementptr %in[%i] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    %to = llvm.getelementptr %out[%i] : (!llvm.ptr, i32) -> !llvm.ptr, f32
    %x = llvm.load %from : !llvm.ptr -> f32
    %y = llvm.fneg %x : f32
    llvm.store %y, %to : f32, !llvm.ptr
    llvm.return
  }
}
llvm.mlir.global internal constant @shape(dense<[0, 4, 1, 1, 64, 1, 1, 0, 0, 0]> : tensor<10xi32>) : !llvm.array<10 x i32>
llvm.func @launch(%from: !llvm.ptr, %to: !llvm.ptr, %device: !llvm.ptr) -> i32 {
  %one = llvm.mlir.constant(1 : i32) : i32
  %two = llvm.mlir.constant(2 : i32) : i32
  %twelve = llvm.mlir.constant(12 : i32) : i32
  %forty = llvm.mlir.constant(40 : i64) : i64
  %values = llvm.alloca %two x !llvm.ptr : (i32) -> !llvm.ptr
  %args = llvm.alloca %two x !llvm.ptr : (i32) -> !llvm.ptr
  %launch = llvm.alloca %twelve x i32 {alignment = 8 : i64} : (i32) -> !llvm.ptr
  %v1 = llvm.getelementptr %values[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %a1 = llvm.getelementptr %args[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  llvm.store %from, %values : !llvm.ptr, !llvm.ptr
  llvm.store %to, %v1 : !llvm.ptr, !llvm.ptr
  llvm.store %values, %args : !llvm.ptr, !llvm.ptr
  llvm.store %v1, %a1 : !llvm.ptr, !llvm.ptr
  %shape = llvm.mlir.addressof @shape : !llvm.ptr
  "llvm.intr.memcpy"(%launch, %shape, %forty) <{isVolatile = false}> : (!llvm.ptr, !llvm.ptr, i64) -> ()
  %l = llvm.getelementptr %launch[40] : (!llvm.ptr) -> !llvm.ptr, i8
  llvm.store %args, %l : !llvm.ptr, !llvm.ptr
  %f = llvm.load %device : !llvm.ptr -> !llvm.ptr
  %status = llvm.call %f(%device, %launch) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> i32
  llvm.return %status : i32
}
llvm.func @main_run(%inputs: !llvm.ptr, %outputs: !llvm.ptr, %params: !llvm.ptr, %arena: !llvm.ptr, %dims: !llvm.ptr, %device: !llvm.ptr) -> i32 {
  %in = llvm.load %inputs : !llvm.ptr -> !llvm.ptr
  %out = llvm.load %outputs : !llvm.ptr -> !llvm.ptr
  %middle = llvm.getelementptr %arena[64] : (!llvm.ptr) -> !llvm.ptr, i8
  %first = llvm.call @launch(%in, %middle, %device) : (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
  %second = llvm.call @launch(%middle, %out, %device) : (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
  %status = llvm.or %first, %second : i32
  llvm.return %status : i32
})";

TEST(EmulatedModel, RunsByTheRuntime) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  mlir::DialectRegistry registry;
  lig::registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
  ASSERT_TRUE(module);

  ModelInfo model;
  model.name = "twice";
  model.compiler = "test";
  TensorInfo tensor = {"x", LIG_F32, {256}, {}};
  model.entries.push_back({"main", {tensor}, {tensor}, 64 + 1024, 64});
  model.device = lig::target::gpu::describeKernels(*module, "sm_80");
  mlir::PassManager pm(&context);
  pm.addPass(createGpuEmulatePass());
  ASSERT_TRUE(succeeded(pm.run(*module)));

  auto machine = cpu::Machine::create({});
  auto parameters = ParameterFile::create({}, 0);
  ASSERT_TRUE(machine && parameters);
  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto code = cpu::translateModel(*module, model, *parameters, *machine,
                                  *llvmContext);
  ASSERT_TRUE(bool(code)) << llvm::toString(code.takeError());
  cpu::optimize(**code, *machine);
  auto jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
  llvm::orc::SymbolMap symbols;
  for (auto [name, address] : lig::emulator::getSymbols())
    symbols[jit->mangleAndIntern(name)] = {
        llvm::orc::ExecutorAddr::fromPtr(address),
        llvm::JITSymbolFlags::Exported};
  llvm::cantFail(
      jit->getMainJITDylib().define(llvm::orc::absoluteSymbols(symbols)));
  llvm::cantFail(jit->addIRModule(
      llvm::orc::ThreadSafeModule(std::move(*code), std::move(llvmContext))));

  auto *description =
      llvm::cantFail(jit->lookup(LIG_MODEL_SYMBOL)).toPtr<lig_model_fn>()();
  ASSERT_TRUE(description->device_code);
  EXPECT_STREQ(description->device_code->chip, "sm_80");
  EXPECT_EQ(description->entries[0].run, nullptr);
  lig::emulator::Emulator emulator(
      llvm::cantFail(jit->lookup(lig::emulator::kTableSymbol))
          .toPtr<const lig::emulator::Kernel *>(),
      *description->device_code, {});

  lig_library *library;
  lig_weights *weights;
  lig_context *context_;
  lig_context_options options = {};
  options.size = sizeof(options);
  options.device = emulator.getDevice();
  ASSERT_EQ(lig_library_from_model(description, nullptr, &library), LIG_OK)
      << lig_last_error();
  ASSERT_EQ(lig_weights_open(library, nullptr, &weights), LIG_OK);
  ASSERT_EQ(lig_context_create(weights, &options, &context_), LIG_OK);
  std::vector<float> x(256), y(256);
  for (int i = 0; i < 256; ++i)
    x[i] = float(i);
  const void *inputs[] = {x.data()};
  void *outputs[] = {y.data()};
  EXPECT_EQ(lig_run(context_, 0, inputs, outputs), LIG_OK)
      << emulator.getError();
  EXPECT_EQ(x, y);
  lig_context_close(context_);
  lig_weights_close(weights);
  lig_library_close(library);
}
