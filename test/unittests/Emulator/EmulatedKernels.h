// Kernels in the gpu and nvvm dialects, lowered as a GPU's are, then made host
// code by `lig-gpu-emulate` and compiled into this process.
#ifndef LIGATURE_TEST_UNITTESTS_EMULATOR_EMULATEDKERNELS_H
#define LIGATURE_TEST_UNITTESTS_EMULATOR_EMULATEDKERNELS_H

#include "Ligature/ABI/Model.h"
#include "Ligature/Emulator/Emulator.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mlir {
class Operation;
}

namespace lig::test {

/// All schedules, the random one with some seeds.
std::vector<emulator::Options> allSchedules();

class EmulatedKernels {
public:
  /// Changes one operation, or leaves it; says whether it did.
  using Mutation = std::function<bool(mlir::Operation *)>;

  /// Compiles functions of a gpu.module. Synchronization number `drop` is left
  /// out, and `mutate` sees each operation before it is lowered. Without a
  /// kernel there is an error.
  explicit EmulatedKernels(const std::string &functions, int drop = -1,
                           const Mutation &mutate = nullptr);
  ~EmulatedKernels();

  /// What the compiler said, empty if all went well.
  const std::string &getError() const { return error; }
  /// How many barriers, fences and waits there are to leave out.
  unsigned countSynchronizations() const { return synchronizations; }
  /// How many operations were changed.
  unsigned countMutations() const { return mutations; }

  struct Shape {
    uint32_t grid = 1, block = 32, shared = 0, flags = 0;
  };
  /// Launches a kernel on pointers; empty, or what went wrong.
  std::string launch(const char *kernel, Shape shape,
                     std::vector<void *> pointers,
                     const emulator::Options &options = {});
  /// Switches of the last launch.
  uint64_t getSwitches() const { return switches; }

private:
  struct Engine;
  std::unique_ptr<Engine> engine;
  const emulator::Kernel *table = nullptr;
  std::string error;
  unsigned synchronizations = 0, mutations = 0;
  uint64_t switches = 0;
};

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_EMULATOR_EMULATEDKERNELS_H
