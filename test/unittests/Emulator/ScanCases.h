// Loops that become kernels of scans, and what they compute.
#ifndef LIGATURE_TEST_UNITTESTS_EMULATOR_SCANCASES_H
#define LIGATURE_TEST_UNITTESTS_EMULATOR_SCANCASES_H

#include "OutlinedKernel.h"

#include <functional>
#include <ostream>

namespace lig::test {

/// Of the state of each layer.
constexpr int scanUnits = 20;

struct ScanCase {
  std::string name;
  /// A function `f` of buffers, as many as there are sizes.
  std::string code;
  unsigned sharedBytes;
  std::vector<size_t> sizes; ///< in f32
  std::function<void(Buffers &)> expect;
  /// Barriers of all blocks; each has a fence, which is not seen here.
  unsigned gridBarriers;
};

/// In the names of tests: not the bytes, which hold addresses.
void PrintTo(const ScanCase &test, std::ostream *out);

std::vector<ScanCase> getScanCases();

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_EMULATOR_SCANCASES_H
