// Where threads wait for each other. What lanes of a warp exchange lies on
// their own stacks; the last lane to come computes for all.

#include "Functions.h"

#include <cmath>
#include <cstring>

using namespace lig::emulator;

template <typename T> static T &slot(Warp &warp, uint32_t lane) {
  return *static_cast<T *>(warp.slots[lane]);
}

/// Calls `visit` with each lane of a mask, from the lowest.
template <typename F> static void forEachLane(uint32_t mask, F visit) {
  for (; mask; mask &= mask - 1)
    visit(uint32_t(__builtin_ctz(mask)));
}

//===-- Barriers ---------------------------------------------------------===//

static void barrier(Thread *thread, uint32_t number, uint32_t count) {
  gridThread(thread).grid->waitAtBarrier(gridThread(thread), number, count);
}

static void barrierArrive(Thread *thread, uint32_t number, uint32_t count) {
  gridThread(thread).grid->arriveAtBarrier(gridThread(thread), number, count);
}

static void syncWarp(Thread *thread, uint32_t mask) {
  gridThread(thread).grid->meet(gridThread(thread), mask, nullptr,
                                [](Warp &, uint32_t) {});
}

static void yield(Thread *thread) {
  gridThread(thread).grid->yield(gridThread(thread));
}

static void trap(Thread *thread) {
  gridThread(thread).grid->fail(gridThread(thread), "reached a trap");
}

//===-- Shuffles ---------------------------------------------------------===//

namespace {
struct Shuffle {
  uint32_t value, offset, clamp, kind; // kind: mlir::NVVM::ShflKind
  uint32_t result, valid;
};
} // namespace

/// The lane that `lane` reads, and whether it is in range, as PTX defines it.
static uint32_t sourceOf(const Shuffle &shuffle, uint32_t lane, bool &valid) {
  uint32_t clamp = shuffle.clamp & 31, segment = shuffle.clamp >> 8 & 31;
  uint32_t most = (lane & segment) | (clamp & ~segment);
  uint32_t offset = shuffle.offset & 31, source;
  switch (shuffle.kind) {
  case 0: // bfly
    source = lane ^ offset;
    valid = source <= most;
    break;
  case 1: // up
    source = lane - offset;
    valid = int32_t(source) >= int32_t(most);
    break;
  case 2: // down
    source = lane + offset;
    valid = source <= most;
    break;
  default: // idx
    source = (lane & segment) | (offset & ~segment);
    valid = source <= most;
  }
  return valid ? source : lane;
}

static void shuffleLanes(Warp &warp, uint32_t mask) {
  forEachLane(mask, [&](uint32_t lane) {
    auto &own = slot<Shuffle>(warp, lane);
    bool valid;
    uint32_t source = sourceOf(own, lane, valid);
    own.valid = valid;
    // What a lane that does not take part has is undefined.
    own.result =
        mask >> source & 1 ? slot<Shuffle>(warp, source).value : 0xffffffffu;
  });
}

static uint32_t shuffle(Thread *thread, uint32_t mask, uint32_t value,
                        uint32_t offset, uint32_t clamp, uint32_t kind,
                        uint32_t *valid) {
  Shuffle own = {value, offset, clamp, kind, 0, 0};
  gridThread(thread).grid->meet(gridThread(thread), mask, &own, shuffleLanes);
  *valid = own.valid;
  return own.result;
}

//===-- Votes and matches ------------------------------------------------===//

namespace {
struct Vote {
  uint64_t value;
  uint32_t kind;
  uint32_t result, all;
};
} // namespace

static void countVotes(Warp &warp, uint32_t mask) {
  uint32_t ballot = 0;
  forEachLane(mask, [&](uint32_t lane) {
    ballot |= uint32_t(slot<Vote>(warp, lane).value & 1) << lane;
  });
  forEachLane(mask, [&](uint32_t lane) {
    auto &own = slot<Vote>(warp, lane);
    const uint32_t results[] = {ballot != 0, ballot == mask, ballot,
                                ballot == 0 || ballot == mask};
    own.result = results[own.kind & 3]; // any, all, ballot, uni
  });
}

static uint32_t vote(Thread *thread, uint32_t mask, uint32_t value,
                     uint32_t kind) {
  Vote own = {value, kind, 0, 0};
  gridThread(thread).grid->meet(gridThread(thread), mask, &own, countVotes);
  return own.result;
}

static void matchLanes(Warp &warp, uint32_t mask) {
  forEachLane(mask, [&](uint32_t lane) {
    auto &own = slot<Vote>(warp, lane);
    uint32_t same = 0;
    forEachLane(mask, [&](uint32_t other) {
      same |= uint32_t(slot<Vote>(warp, other).value == own.value) << other;
    });
    own.all = same == mask;
    own.result = own.kind == 0 ? same : own.all ? mask : 0; // any, all
  });
}

static uint32_t match(Thread *thread, uint32_t mask, uint64_t value,
                      uint32_t kind, uint32_t *all) {
  Vote own = {value, kind, 0, 0};
  gridThread(thread).grid->meet(gridThread(thread), mask, &own, matchLanes);
  *all = own.all;
  return own.result;
}

static uint32_t elect(Thread *thread, uint32_t mask) {
  struct Elected {
    bool isLeader = false;
  } own;
  gridThread(thread).grid->meet(
      gridThread(thread), mask, &own, [](Warp &warp, uint32_t mask) {
        slot<Elected>(warp, uint32_t(__builtin_ctz(mask))).isLeader = true;
      });
  return own.isLeader;
}

//===-- Reductions -------------------------------------------------------===//

namespace {
// In the order of mlir::NVVM::ReduxKind.
enum class Reduction {
  None,
  Add,
  And,
  Max,
  Min,
  Or,
  UMax,
  UMin,
  Xor,
  FMin,
  FMax
};
struct Reduce {
  uint32_t value;
  Reduction kind;
  uint32_t result;
};
} // namespace

static float asFloat(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

static uint32_t combine(Reduction kind, uint32_t a, uint32_t b) {
  switch (kind) {
  case Reduction::None:
    break;
  case Reduction::Add:
    return a + b;
  case Reduction::And:
    return a & b;
  case Reduction::Or:
    return a | b;
  case Reduction::Xor:
    return a ^ b;
  case Reduction::Max:
    return int32_t(a) > int32_t(b) ? a : b;
  case Reduction::Min:
    return int32_t(a) < int32_t(b) ? a : b;
  case Reduction::UMax:
    return a > b ? a : b;
  case Reduction::UMin:
    return a < b ? a : b;
  case Reduction::FMax:
    return asFloat(a) > asFloat(b) || std::isnan(asFloat(b)) ? a : b;
  case Reduction::FMin:
    return asFloat(a) < asFloat(b) || std::isnan(asFloat(b)) ? a : b;
  }
  return 0;
}

static void reduceLanes(Warp &warp, uint32_t mask) {
  uint32_t first = uint32_t(__builtin_ctz(mask));
  uint32_t result = slot<Reduce>(warp, first).value;
  forEachLane(mask & (mask - 1), [&](uint32_t lane) {
    const auto &own = slot<Reduce>(warp, lane);
    result = combine(own.kind, result, own.value);
  });
  forEachLane(mask,
              [&](uint32_t lane) { slot<Reduce>(warp, lane).result = result; });
}

static uint32_t reduce(Thread *thread, uint32_t mask, uint32_t value,
                       uint32_t kind) {
  Reduce own = {value, static_cast<Reduction>(kind), 0};
  gridThread(thread).grid->meet(gridThread(thread), mask, &own, reduceLanes);
  return own.result;
}

void lig::emulator::addMeetings(Symbols &symbols) {
  symbols.insert(symbols.end(),
                 {{"lig_emu_barrier", (void *)barrier},
                  {"lig_emu_barrier_arrive", (void *)barrierArrive},
                  {"lig_emu_sync_warp", (void *)syncWarp},
                  {"lig_emu_yield", (void *)yield},
                  {"lig_emu_trap", (void *)trap},
                  {"lig_emu_shuffle", (void *)shuffle},
                  {"lig_emu_vote", (void *)vote},
                  {"lig_emu_match", (void *)match},
                  {"lig_emu_elect", (void *)elect},
                  {"lig_emu_reduce", (void *)reduce}});
}
