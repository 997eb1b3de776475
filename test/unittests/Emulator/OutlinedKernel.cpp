// What launches say of their kernels is all constants here.

#include "OutlinedKernel.h"

#include "Ligature/InitAll.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>

using namespace mlir;
using namespace lig::test;

static DialectRegistry makeRegistry() {
  lig::registerAllPasses();
  DialectRegistry registry;
  lig::registerAllDialects(registry);
  return registry;
}

KernelContext::KernelContext()
    : registry(makeRegistry()),
      context(registry, MLIRContext::Threading::DISABLED) {}

unsigned lig::test::getArgumentNumber(Value buffer) {
  if (auto view = buffer.getDefiningOp<memref::AssumeAlignmentOp>())
    buffer = view.getMemref();
  return cast<BlockArgument>(buffer).getArgNumber();
}

OutlinedKernel
lig::test::readOutlinedKernel(ModuleOp module,
                              function_ref<unsigned(Value)> numberOf) {
  OutlinedKernel result;
  module.walk([&](gpu::LaunchFuncOp op) {
    ++result.launches;
    result.name = op.getKernelName().str();
    result.shape.grid = *getConstantIntValue(op.getGridSizeX());
    result.shape.block = *getConstantIntValue(op.getBlockSizeX());
    if (Value shared = op.getDynamicSharedMemorySize())
      result.shape.shared = *getConstantIntValue(shared);
    result.arguments.clear();
    for (Value operand : op.getKernelOperands())
      result.arguments.push_back(numberOf(operand));
  });
  llvm::raw_string_ostream text(result.functions);
  module.walk([&](gpu::GPUFuncOp op) {
    op.print(text, OpPrintingFlags().useLocalScope());
    text << "\n";
  });
  return result;
}

Buffers lig::test::makeBuffers(const std::vector<size_t> &sizes) {
  Buffers buffers;
  unsigned number = 1;
  for (size_t size : sizes) {
    buffers.emplace_back(size);
    for (float &x : buffers.back()) {
      number = number * 1664525 + 1013904223;
      x = float(number >> 8) / (1 << 24) - 0.5f;
    }
  }
  return buffers;
}

std::string lig::test::compare(const Buffers &buffers, const Buffers &expected,
                               float tolerance) {
  for (size_t i = 0; i < expected.size(); ++i)
    for (size_t j = 0; j < expected[i].size(); ++j) {
      float is = buffers[i][j], wanted = expected[i][j];
      if (!(std::abs(is - wanted) <= tolerance * (1 + std::abs(wanted))))
        return "buffer " + std::to_string(i) + ", element " +
               std::to_string(j) + ": " + std::to_string(is) + " for " +
               std::to_string(wanted);
    }
  return "";
}
