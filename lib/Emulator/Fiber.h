// A stack of its own that runs until it hands back: what a thread of a GPU is
// here. Switching takes a few nanoseconds on x86-64 and goes by ucontext
// elsewhere.
#ifndef LIGATURE_LIB_EMULATOR_FIBER_H
#define LIGATURE_LIB_EMULATOR_FIBER_H

#include <cstddef>
#include <vector>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace lig::emulator {

/// Memory for stacks, kept from launch to launch.
class Stacks {
public:
  Stacks() = default;
  Stacks(const Stacks &) = delete;
  Stacks &operator=(const Stacks &) = delete;
  ~Stacks();
  /// The stack of this number; null without memory.
  char *get(size_t index);
  static constexpr size_t bytes = 128 << 10;

private:
  static constexpr size_t perBlock = 64;
  std::vector<char *> blocks;
};

/// Where a fiber, or the one that resumes it, stands.
struct Fiber {
#if defined(__x86_64__)
  void *stackPointer;
#else
  ucontext_t context;
#endif
  /// Makes a fiber that will call `entry`, which must not return.
  void start(char *stack, void (*entry)());
};

/// Leaves `from`, to be continued there later, and continues `to`.
void switchFiber(Fiber &from, Fiber &to);

} // namespace lig::emulator

#endif // LIGATURE_LIB_EMULATOR_FIBER_H
