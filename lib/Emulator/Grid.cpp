// A warp keeps its runnable lanes as bits, so that picking one is a bit scan.
// Threads that spin on memory yield; if nothing but yielding happens for long,
// that is reported as well as a deadlock.

#include "Grid.h"

#include <algorithm>
#include <cstring>

using namespace lig::emulator;

/// Yields in a row that nothing but a kernel that hangs comes to.
static constexpr uint64_t mostIdle = 20'000'000;
/// Behind the shared memory of a block, to notice writes beyond it.
static constexpr size_t guardBytes = 1024;
static constexpr uint8_t poison = 0xff, guard = 0xa5;

/// The grid whose threads run, for the first call in a fiber.
static thread_local Grid *current = nullptr;

//===-- Starting ---------------------------------------------------------===//

void Grid::enterThread() {
  Grid &grid = *current;
  GridThread &thread = *grid.running;
  grid.kernel->run(grid.args, &thread);
  thread.state = GridThread::Done;
  thread.ofWarp->done |= 1u << thread.lane;
  ++thread.ofBlock->done;
  --grid.alive;
  grid.idle = 0;
  // Who waits for this thread waits for ever.
  for (const Meeting &meeting : thread.ofWarp->meetings)
    if (meeting.mask & (1u << thread.lane))
      grid.fail(thread, "ended, but lanes of its warp wait for it");
  for (Block::Barrier &barrier : thread.ofBlock->barriers)
    if (barrier.arrived &&
        barrier.expected > thread.ofBlock->count - thread.ofBlock->done)
      grid.fail(thread, "ended, but threads of its block wait at a barrier");
  for (;;)
    grid.suspend(thread);
}

bool Grid::prepare(const Kernel &kernel, const lig_launch &launch,
                   uint32_t first, uint32_t count) {
  uint32_t perBlock = launch.block[0] * launch.block[1] * launch.block[2];
  uint32_t warpsPerBlock = (perBlock + 31) / 32;
  sharedBytes = kernel.sharedBytes + launch.shared_bytes;
  size_t stride = (sharedBytes + 1023) / 1024 * 1024 + guardBytes;
  shared.assign(count * stride + 1024, poison);
  auto base = (reinterpret_cast<uintptr_t>(shared.data()) + 1023) / 1024 * 1024;
  threads.resize(size_t(count) * perBlock);
  warps.assign(size_t(count) * warpsPerBlock, {});
  blocks.assign(count, {});
  for (uint32_t b = 0; b < count; ++b) {
    auto *memory = reinterpret_cast<uint8_t *>(base) + b * stride;
    memset(memory + sharedBytes, guard, stride - sharedBytes);
    blocks[b].threads = &threads[size_t(b) * perBlock];
    blocks[b].count = perBlock;
    uint32_t index = first + b;
    for (uint32_t t = 0; t < perBlock; ++t) {
      GridThread &thread = blocks[b].threads[t];
      Warp &warp = warps[size_t(b) * warpsPerBlock + t / 32];
      thread.thread[0] = t % launch.block[0];
      thread.thread[1] = t / launch.block[0] % launch.block[1];
      thread.thread[2] = t / launch.block[0] / launch.block[1];
      thread.block[0] = index % launch.grid[0];
      thread.block[1] = index / launch.grid[0] % launch.grid[1];
      thread.block[2] = index / launch.grid[0] / launch.grid[1];
      memcpy(thread.blockSize, launch.block, sizeof(launch.block));
      memcpy(thread.gridSize, launch.grid, sizeof(launch.grid));
      thread.lane = t % 32;
      thread.warp = t / 32;
      thread.shared = memory;
      thread.dynamicShared = launch.shared_bytes;
      thread.grid = this;
      thread.ofWarp = &warp;
      thread.ofBlock = &blocks[b];
      thread.state = GridThread::Ready;
      thread.copies.clear();
      thread.copyGroups.clear();
      thread.products.clear();
      thread.productGroups.clear();
      thread.results.clear();
      thread.fenced = false;
      char *stack = stacks.get(size_t(b) * perBlock + t);
      if (!stack) {
        error = "no memory for the stacks of threads";
        return false;
      }
      thread.fiber.start(stack, enterThread);
      if (thread.lane == 0)
        warp.threads = &thread;
      warp.lanes |= 1u << thread.lane;
      warp.ready = warp.lanes;
    }
  }
  // Round robin goes on behind the last lane of the last warp, with the first.
  bool backward = options.schedule == Schedule::Backward;
  warpCursor = options.schedule == Schedule::Forward ? 0 : warps.size() - 1;
  for (Warp &warp : warps)
    warp.cursor = backward ? 0 : 31;
  alive = threads.size();
  hasYielded = false;
  idle = 0;
  return true;
}

bool Grid::run(const Kernel &runKernel, const lig_launch &launch,
               uint32_t first, uint32_t count) {
  error.clear();
  kernel = &runKernel;
  args = launch.args;
  if (!prepare(runKernel, launch, first, count))
    return false;
  Grid *outer = current;
  current = this;
  while (alive && error.empty()) {
    running = pick();
    if (!running) {
      describeDeadlock();
      break;
    }
    ++switches;
    switchFiber(scheduler, running->fiber);
  }
  current = outer;
  for (const Block &block : blocks)
    for (size_t i = 0; error.empty() && i < guardBytes; ++i)
      if (block.threads->shared[sharedBytes + i] != guard)
        error = describe(*block.threads) +
                ": its block wrote beyond its shared memory";
  return error.empty();
}

//===-- Scheduling -------------------------------------------------------===//

/// The next lane behind the cursor that can run, around the end of the warp
/// unless only further ones are wanted.
GridThread *Grid::pickIn(Warp &warp, bool onlyFurther) {
  if (!warp.ready)
    return nullptr;
  uint32_t lane;
  if (options.schedule == Schedule::Random) {
    uint32_t turn = random() % 32;
    uint32_t turned =
        turn ? warp.ready >> turn | warp.ready << (32 - turn) : warp.ready;
    lane = (__builtin_ctz(turned) + turn) % 32;
  } else if (options.schedule == Schedule::Backward) {
    uint32_t further = warp.ready & ((1u << warp.cursor) - 1);
    lane = 31 - __builtin_clz(further ? further : warp.ready);
  } else {
    uint32_t further =
        warp.cursor == 31 ? 0 : warp.ready & (~0u << (warp.cursor + 1));
    if (!further && onlyFurther)
      return nullptr;
    lane = __builtin_ctz(further ? further : warp.ready);
  }
  warp.cursor = lane;
  return &warp.threads[lane];
}

GridThread *Grid::pick() {
  size_t count = warps.size();
  if (options.schedule == Schedule::Random)
    warpCursor = random() % count;
  else if (!hasYielded)
    if (GridThread *thread =
            pickIn(warps[warpCursor], options.schedule == Schedule::RoundRobin))
      return thread;
  hasYielded = false;
  size_t step = options.schedule == Schedule::Backward ? count - 1 : 1;
  size_t start = options.schedule == Schedule::Random ? 0 : 1;
  for (size_t i = start; i < start + count; ++i) {
    size_t index = (warpCursor + i * step) % count;
    if (options.schedule == Schedule::RoundRobin)
      warps[index].cursor = 31;
    if (GridThread *thread = pickIn(warps[index], false)) {
      warpCursor = index;
      return thread;
    }
  }
  return nullptr;
}

void Grid::suspend(GridThread &thread) {
  if (thread.state != GridThread::Ready)
    thread.ofWarp->ready &= ~(1u << thread.lane);
  switchFiber(thread.fiber, scheduler);
}

void Grid::setReady(GridThread &thread) {
  thread.state = GridThread::Ready;
  thread.ofWarp->ready |= 1u << thread.lane;
}

void Grid::yield(GridThread &thread) {
  if (++idle > mostIdle)
    fail(thread, "waits for memory that no thread changes");
  hasYielded = true;
  suspend(thread);
}

//===-- Meeting ----------------------------------------------------------===//

void Grid::passBarrier(Block &block, uint32_t barrier) {
  block.barriers[barrier] = {};
  idle = 0;
  for (uint32_t t = 0; t < block.count; ++t)
    if (block.threads[t].state == GridThread::AtBarrier &&
        block.threads[t].barrier == barrier)
      setReady(block.threads[t]);
}

void Grid::arriveAtBarrier(GridThread &thread, uint32_t number,
                           uint32_t count) {
  Block &block = *thread.ofBlock;
  if (number >= 16)
    fail(thread, "uses barrier " + std::to_string(number) + " of 16");
  if (count == 0)
    count = block.count;
  if (block.done && count > block.count - block.done)
    fail(thread, "comes to a barrier that threads which ended will not reach");
  Block::Barrier &barrier = block.barriers[number];
  if (barrier.arrived && barrier.expected != count)
    fail(thread, "comes to a barrier of " + std::to_string(count) +
                     " threads where others wait for " +
                     std::to_string(barrier.expected));
  barrier.expected = count;
  ++barrier.arrived;
}

void Grid::waitAtBarrier(GridThread &thread, uint32_t number, uint32_t count) {
  arriveAtBarrier(thread, number, count);
  Block::Barrier &barrier = thread.ofBlock->barriers[number];
  if (barrier.arrived == barrier.expected) {
    passBarrier(*thread.ofBlock, number);
    // The last to come runs on only if it is its turn.
    suspend(thread);
    return;
  }
  thread.state = GridThread::AtBarrier;
  thread.barrier = number;
  suspend(thread);
}

void Grid::meet(GridThread &thread, uint32_t mask, void *slot, Act act) {
  Warp &warp = *thread.ofWarp;
  uint32_t self = 1u << thread.lane;
  mask &= warp.lanes;
  if (!(mask & self))
    fail(thread, "is not among the lanes it wants to meet");
  if (mask & warp.done)
    fail(thread, "wants to meet lanes that have ended");
  auto meeting =
      std::find_if(warp.meetings.begin(), warp.meetings.end(),
                   [&](const Meeting &other) { return other.mask & mask; });
  auto purpose = reinterpret_cast<const void *>(act);
  if (meeting == warp.meetings.end())
    meeting = warp.meetings.insert(meeting, {mask, 0, purpose});
  if (meeting->mask != mask || meeting->purpose != purpose)
    fail(thread, "meets lanes that came for something else");
  warp.slots[thread.lane] = slot;
  meeting->arrived |= self;
  if (meeting->arrived != mask) {
    thread.state = GridThread::InMeeting;
    suspend(thread);
    return;
  }
  warp.meetings.erase(meeting);
  act(warp, mask);
  idle = 0;
  for (uint32_t lanes = mask & ~self; lanes; lanes &= lanes - 1)
    setReady(warp.threads[__builtin_ctz(lanes)]);
  suspend(thread);
}

//===-- Errors -----------------------------------------------------------===//

std::string Grid::describe(const GridThread &thread) const {
  auto triple = [](const uint32_t *values) {
    return "(" + std::to_string(values[0]) + ", " + std::to_string(values[1]) +
           ", " + std::to_string(values[2]) + ")";
  };
  return "kernel '" + std::string(kernel->name) + "': thread " +
         triple(thread.thread) + " of block " + triple(thread.block);
}

void Grid::fail(GridThread &thread, const std::string &what) {
  error = describe(thread) + " " + what;
  thread.state = GridThread::Done;
  for (;;)
    suspend(thread);
}

void Grid::describeDeadlock() {
  const GridThread *first = nullptr;
  size_t atBarriers = 0, inMeetings = 0;
  for (const GridThread &thread : threads) {
    atBarriers += thread.state == GridThread::AtBarrier;
    inMeetings += thread.state == GridThread::InMeeting;
    if (!first && thread.state != GridThread::Done)
      first = &thread;
  }
  error = (first ? describe(*first) : "kernel") +
          " cannot go on: " + std::to_string(atBarriers) +
          " threads wait at barriers, " + std::to_string(inMeetings) +
          " for lanes of their warp";
}
