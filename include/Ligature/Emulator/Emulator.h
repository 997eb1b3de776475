/// Kernels of a GPU on the CPU, for tests: one fiber for each thread, one block
/// after the other (all at once in a cooperative launch).
///
/// The emulator is stricter than a GPU where that finds mistakes: shared memory
/// is poisoned when a block starts, asynchronous copies land only when someone
/// waits for them, and the order in which threads run is a choice. A kernel
/// that computes the same in every order has the barriers that it needs.
///
/// Kernels are host code that the pass `lig-gpu-emulate` has made: it replaces
/// what only a GPU has by the functions of getSymbols().
#ifndef LIGATURE_EMULATOR_EMULATOR_H
#define LIGATURE_EMULATOR_EMULATOR_H

#include "Ligature/ABI/Device.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lig::emulator {

/// What the code of a kernel knows about its thread. The pass counts on the
/// offsets.
struct Thread {
  uint32_t thread[3];     ///< in the block
  uint32_t blockSize[3];  ///< threads
  uint32_t block[3];      ///< in the grid
  uint32_t gridSize[3];   ///< blocks
  uint32_t lane;          ///< in the warp
  uint32_t warp;          ///< in the block
  uint8_t *shared;        ///< of the block: static, then dynamic
  uint32_t dynamicShared; ///< bytes of the second
};

/// One element of the table that the pass emits under the name kTableSymbol; an
/// element with a null name ends it.
struct Kernel {
  const char *name;
  /// Loads the parameters and calls the kernel.
  void (*run)(void *const *args, Thread *thread);
  uint32_t sharedBytes; ///< of static shared memory, a multiple of 1024
  /// Whether threads meet or wait. Others run as a plain loop.
  uint32_t meets;
};
inline constexpr char kTableSymbol[] = "lig_emulated_kernels";

/// The order in which threads run. All are fair.
enum class Schedule {
  RoundRobin, ///< thread by thread
  Forward,    ///< a warp as long as it can, then the next one
  Backward,   ///< the same from the last thread to the first
  Random,     ///< any thread that can, by the seed
};

struct Options {
  Schedule schedule = Schedule::RoundRobin;
  uint64_t seed = 0;
  uint32_t multiprocessors = 4;
};

/// Stands in for a GPU: lig_context_options.device. Used by one thread at a
/// time.
class Emulator {
public:
  /// `kernels` is the table, `code` what the launches count by; both outlive
  /// this.
  Emulator(const Kernel *kernels, const lig_device_code &code,
           const Options &options);
  ~Emulator();

  const lig_device *getDevice() const;
  /// What the last failed launch did wrong; empty if none failed.
  const std::string &getError() const;
  /// How often threads were switched.
  uint64_t getSwitches() const;

private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation;
};

/// The functions that emulated kernels call.
std::vector<std::pair<const char *, void *>> getSymbols();

static_assert(offsetof(Thread, blockSize) == 12, "");
static_assert(offsetof(Thread, block) == 24, "");
static_assert(offsetof(Thread, gridSize) == 36, "");
static_assert(offsetof(Thread, lane) == 48, "");
static_assert(offsetof(Thread, warp) == 52, "");
static_assert(offsetof(Thread, shared) == 56, "");
static_assert(offsetof(Thread, dynamicShared) == 64, "");

} // namespace lig::emulator

#endif // LIGATURE_EMULATOR_EMULATOR_H
