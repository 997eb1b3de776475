// A CUDA driver without a GPU, for tests: device memory is host memory, kernels
// are C functions. It refuses what a driver refuses (calls without a context,
// memory it did not give out, allocation and waiting while a stream is being
// captured, blocks that are too large, cooperative grids that do not fit) and
// runs what is in a stream only when someone waits for it. Without any kernels
// to know it takes every module, whose kernels then do nothing.
#ifndef LIGATURE_TEST_UNITTESTS_RUNTIME_FAKECUDA_H
#define LIGATURE_TEST_UNITTESTS_RUNTIME_FAKECUDA_H

#include <cstddef>
#include <cstdint>

namespace lig::test {

/// A kernel of the next module that is loaded; `run` is called once a launch.
struct FakeKernel {
  const char *name;
  void (*run)(void **args);
  const uint32_t *paramBytes;
  uint32_t paramCount;
  uint32_t maxThreads;
};

/// What the driver counted, and what is alive now.
struct FakeCounts {
  int contexts, modules, streams, graphs, executables;    // alive
  int memory, hostMemory;                                 // blocks alive
  int allocations, uploads, synchronizations, launches;   // since the start
  int cooperative, graphLaunches, captures;               // since the start
  int errors;              ///< calls that were refused
  size_t uploadedBytes;    ///< by the call that waits
  int mostDynamicShared;   ///< what the last kernel was allowed

  /// Blocks, handles and references that are alive.
  int alive() const {
    return contexts + modules + streams + graphs + executables + memory +
           hostMemory;
  }
};

/// The library's own interface, found by dlsym under "fakeCuda".
struct FakeCuda {
  FakeCounts counts;
  const FakeKernel *kernels;
  size_t kernelCount;
  int devices = 1;
  int multiprocessors = 4;
  /// Whether blocks may wait for each other, and how many of a kernel a
  /// multiprocessor holds.
  int cooperative = 1, residentBlocks = 1;
  int sharedBytes = 227 << 10; ///< of a block
  /// The call of this number from now fails with `failWith`; -1 for none.
  int failAfter = -1;
  int failWith = 700;
};

} // namespace lig::test

#endif // LIGATURE_TEST_UNITTESTS_RUNTIME_FAKECUDA_H
