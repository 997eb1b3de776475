// What tests of kernels need before they can launch one: the launch that stands
// in the module after kernels were outlined, and buffers to compare.
#ifndef LIGATURE_TEST_UNITTESTS_EMULATOR_OUTLINEDKERNEL_H
#define LIGATURE_TEST_UNITTESTS_EMULATOR_OUTLINEDKERNEL_H

#include "EmulatedKernels.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"

#include <string>
#include <vector>

namespace lig::test {

/// A context in which every dialect may be parsed and every pass be run.
struct KernelContext {
  KernelContext();
  mlir::DialectRegistry registry;
  mlir::MLIRContext context;
};

struct OutlinedKernel {
  /// Text of all kernels of the module.
  std::string functions;
  /// The last launch: its kernel, shape, and buffer of each argument.
  std::string name;
  EmulatedKernels::Shape shape;
  std::vector<unsigned> arguments;
  unsigned launches = 0;
};

/// The number of a function's argument, which may be said to be aligned.
unsigned getArgumentNumber(mlir::Value buffer);

/// Reads the launches of a module after `gpu-kernel-outlining`; `numberOf` says
/// which buffer an operand is.
OutlinedKernel readOutlinedKernel(
    mlir::ModuleOp module,
    llvm::function_ref<unsigned(mlir::Value)> numberOf = getArgumentNumber);

using Buffers = std::vector<std::vector<float>>;

/// Numbers between -0.5 and 0.5, the same for the same sizes.
Buffers makeBuffers(const std::vector<size_t> &sizes);

/// The first element that differs by more than `tolerance` of one and of the
/// expected magnitude; empty if none does. Buffers beyond the expected ones do
/// not count.
std::string compare(const Buffers &buffers, const Buffers &expected,
                    float tolerance);

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_EMULATOR_OUTLINEDKERNEL_H
