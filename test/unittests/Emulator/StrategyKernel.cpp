// Buffers are f32; products take what they are rounded to.

#include "StrategyKernel.h"

#include "Ligature/Codegen/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <cstring>

using namespace mlir;

namespace lig::test {

StrategyKernel::StrategyKernel(const StrategyCase &test) : test(test) {
  KernelContext kernels;
  MLIRContext &context = kernels.context;
  auto module = parseSourceString<ModuleOp>(test.code, &context);
  PassManager passes(&context);
  lig::codegen::GpuEmitStrategiesPassOptions options;
  options.multiprocessors = test.multiprocessors;
  options.compute = test.compute;
  passes.addNestedPass<func::FuncOp>(
      lig::codegen::createGpuEmitStrategiesPass(options));
  passes.addNestedPass<func::FuncOp>(lig::codegen::createCpuExpandMathPass());
  // What kernels keep in registers has no buffer.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createGpuLaunchSinkIndexComputationsPass());
  passes.addPass(createGpuKernelOutliningPass());
  if (module && succeeded(passes.run(*module)))
    outlined = readOutlinedKernel(*module);
}

/// Nearest float of fewer bits: of bf16 and f16 the even one of two, of tf32
/// the one farther from zero.
static float roundTo(const std::string &compute, float value) {
  if (compute == "f16")
    return float(_Float16(value));
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if (compute == "bf16")
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  else if (compute == "tf32")
    bits = (bits + 0x1000) & 0xffffe000u;
  memcpy(&value, &bits, 4);
  return value;
}

static Buffers expect(const StrategyCase &test, const Buffers &buffers) {
  Buffers expected = buffers;
  for (size_t i = 0; i + 1 < expected.size(); ++i)
    for (float &x : expected[i])
      x = roundTo(test.compute, x);
  test.expect(expected);
  std::copy(buffers.begin(), buffers.end() - 1, expected.begin());
  return expected;
}

std::string StrategyKernel::check(EmulatedKernels &kernels,
                                  const emulator::Options &options) const {
  Buffers buffers = makeBuffers(test.sizes), expected = expect(test, buffers);
  std::vector<void *> pointers;
  for (unsigned i : outlined.arguments)
    pointers.push_back(buffers[i].data());
  std::string error =
      kernels.launch(outlined.name.c_str(), outlined.shape, pointers, options);
  return error.empty() ? compare(buffers, expected, test.tolerance) : error;
}

bool StrategyKernel::isNoticed(EmulatedKernels &kernels) const {
  for (const emulator::Options &options : allSchedules())
    if (!check(kernels, options).empty())
      return true;
  return false;
}

} // namespace lig::test
