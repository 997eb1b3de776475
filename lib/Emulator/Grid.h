// The threads that are resident at once: their state, who runs next, where they
// meet. A thread runs until it has to wait; the scheduler, on the caller's
// stack, then picks another.
#ifndef LIGATURE_LIB_EMULATOR_GRID_H
#define LIGATURE_LIB_EMULATOR_GRID_H

#include "Fiber.h"

#include "Ligature/Emulator/Emulator.h"

#include <random>
#include <string>
#include <vector>

namespace lig::emulator {

class Grid;
struct Warp;
struct Block;

/// An asynchronous copy that has not landed.
struct AsyncCopy {
  void *to;
  const void *from;
  uint32_t bytes;     ///< written
  uint32_t readBytes; ///< of them read; the rest becomes zero
};

/// A box on its way to shared memory; `map` as encodeMap() fills it.
struct BulkCopy {
  void *to;
  const void *map;
  void *barrier;
  int32_t start[5];
};

/// This thread's part of a warpgroup's product that has not been computed, and
/// the result that it adds to.
struct GroupProduct {
  uint64_t a, b;
  uint32_t n, type, layouts, result;
};
struct GroupResult {
  std::vector<float> sums;
  uint32_t pending; ///< products that are still to be added
};

struct GridThread : Thread {
  Grid *grid;
  Warp *ofWarp;
  Block *ofBlock;
  Fiber fiber;
  enum { Ready, AtBarrier, InMeeting, Done } state;
  uint32_t barrier; ///< the one it waits at
  /// Copies since the last commit, and the groups before.
  std::vector<AsyncCopy> copies;
  std::vector<std::vector<AsyncCopy>> copyGroups;
  /// The same for products of the warpgroup, and what they add to.
  std::vector<GroupProduct> products;
  std::vector<std::vector<GroupProduct>> productGroups;
  std::vector<GroupResult> results;
  bool fenced; ///< registers, for products
};

/// Lanes of a warp that wait for each other.
struct Meeting {
  uint32_t mask, arrived;
  const void *purpose;
};

struct Warp {
  uint32_t lanes;  ///< that exist
  uint32_t ready;  ///< that can run
  uint32_t done;   ///< that have returned
  uint32_t cursor; ///< the lane that ran last
  GridThread *threads;
  void *slots[32]; ///< what lanes brought to a meeting
  std::vector<Meeting> meetings;
};

struct Block {
  struct Barrier {
    uint32_t arrived, expected;
  };
  Barrier barriers[16];
  GridThread *threads;
  uint32_t count, done;
  std::vector<BulkCopy> bulkCopies; ///< that have not landed
};

class Grid {
public:
  Grid(Stacks &stacks, const Options &options, std::mt19937_64 &random)
      : stacks(stacks), options(options), random(random) {}

  /// Runs blocks [first, first + count) of a launch together. False after an
  /// error, which getError() tells.
  bool run(const Kernel &kernel, const lig_launch &launch, uint32_t first,
           uint32_t count);

  const std::string &getError() const { return error; }
  uint64_t getSwitches() const { return switches; }

  //===-- For the functions that kernels call; `thread` is the running one
  //-===//

  /// Waits until `count` threads of the block have come; all if it is 0.
  void waitAtBarrier(GridThread &thread, uint32_t barrier, uint32_t count);
  /// Counts for a barrier without waiting.
  void arriveAtBarrier(GridThread &thread, uint32_t barrier, uint32_t count);
  /// Brings `slot` to the lanes in `mask`; the last one to come calls `act`
  /// with the slots of all, then all go on. Only who comes to do the same may
  /// meet.
  using Act = void (*)(Warp &warp, uint32_t mask);
  void meet(GridThread &thread, uint32_t mask, void *slot, Act act);
  /// Lets others run.
  void yield(GridThread &thread);
  /// Something happened that threads may wait for in memory.
  void progress() { idle = 0; }
  /// Whether copies land when they are issued, not when they are waited for.
  bool landsEarly() const {
    return options.schedule == Schedule::Backward ||
           options.schedule == Schedule::Random;
  }
  size_t getSharedBytes() const { return sharedBytes; }
  /// Ends the launch with an error. Does not return.
  [[noreturn]] void fail(GridThread &thread, const std::string &what);

private:
  bool prepare(const Kernel &kernel, const lig_launch &launch, uint32_t first,
               uint32_t count);
  static void enterThread();
  GridThread *pick();
  GridThread *pickIn(Warp &warp, bool onlyFurther);
  void describeDeadlock();
  void suspend(GridThread &thread);
  void setReady(GridThread &thread);
  void passBarrier(Block &block, uint32_t barrier);
  std::string describe(const GridThread &thread) const;

  Stacks &stacks;
  const Options &options;
  std::mt19937_64 &random;
  const Kernel *kernel = nullptr;
  void *const *args = nullptr;
  std::vector<GridThread> threads;
  std::vector<Warp> warps;
  std::vector<Block> blocks;
  std::vector<uint8_t> shared;
  size_t sharedBytes = 0; ///< of each block
  Fiber scheduler;
  GridThread *running = nullptr;
  size_t warpCursor = 0, alive = 0;
  uint64_t switches = 0, idle = 0;
  bool hasYielded = false;
  std::string error;
};

inline GridThread &gridThread(Thread *thread) {
  return *static_cast<GridThread *>(thread);
}

} // namespace lig::emulator

#endif // LIGATURE_LIB_EMULATOR_GRID_H
