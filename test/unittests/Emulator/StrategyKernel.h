// A function on buffers as the one kernel that `lig-gpu-emit-strategies` makes
// of it, beside loops that compute the same.
#ifndef LIGATURE_TEST_UNITTESTS_EMULATOR_STRATEGYKERNEL_H
#define LIGATURE_TEST_UNITTESTS_EMULATOR_STRATEGYKERNEL_H

#include "OutlinedKernel.h"

#include <ostream>

namespace lig::test {

/// One function on buffers, of which the last is the output.
struct StrategyCase {
  const char *name;
  const char *code;
  unsigned multiprocessors;
  std::vector<size_t> sizes;
  /// The output, from the inputs and what the output held.
  void (*expect)(Buffers &);
  /// What inputs are rounded to.
  std::string compute = "f32";
  float tolerance = 1e-5f;
};

/// A case in the names of tests: not its bytes, which hold addresses.
inline void PrintTo(const StrategyCase &test, std::ostream *out) {
  *out << test.name;
}

class StrategyKernel {
public:
  explicit StrategyKernel(const StrategyCase &test);

  /// Of the kernel, and what it calls.
  const std::string &getFunctions() const { return outlined.functions; }
  /// Kernels that the function became.
  unsigned getCount() const { return outlined.launches; }

  /// What goes wrong with it under a schedule, empty if nothing does.
  std::string check(EmulatedKernels &kernels,
                    const emulator::Options &options) const;
  /// Whether something goes wrong under any schedule.
  bool isNoticed(EmulatedKernels &kernels) const;

private:
  const StrategyCase &test;
  OutlinedKernel outlined;
};

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_EMULATOR_STRATEGYKERNEL_H
