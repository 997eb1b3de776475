// mbarriers, and the copies of boxes that they count.
//
// A barrier is one word of shared memory, as on a GPU: its phase, the arrivals
// that the phase still waits for, those that a phase begins with, and the bytes
// of copies that were announced and have not landed. A phase ends when none are
// left of either.
//
// When a copy lands is a choice of the schedule: at once under Backward and
// Random, which shows who overwrites what others still read, and not before
// someone waits for it under the others, which shows who reads too early.

#include "Functions.h"

#include "Ligature/ABI/Model.h"

#include <cstring>

using namespace lig::emulator;

namespace {

/// What the kernel has in the 128 bytes of a map.
struct Map {
  const uint8_t *data;
  uint32_t elementBytes, rank, swizzle;
  uint32_t extents[5], box[5];
  uint64_t strides[5];
};
static_assert(sizeof(Map) <= LIG_TENSOR_MAP_BYTES, "");

/// The word, taken apart.
struct State {
  uint64_t phase : 1;
  uint64_t pending : 20;
  uint64_t count : 20;
  int64_t bytes : 23;
};
static_assert(sizeof(State) == 8, "");

constexpr uint64_t poisoned = ~uint64_t(0);
constexpr int64_t mostBytes = (1 << 20) - 1;

} // namespace

//===-- Barriers ---------------------------------------------------------===//

static State load(GridThread &thread, const void *barrier) {
  uint64_t word;
  if (reinterpret_cast<uintptr_t>(barrier) % 8)
    thread.grid->fail(thread, "uses an mbarrier that is not aligned");
  memcpy(&word, barrier, sizeof(word));
  if (word == poisoned)
    thread.grid->fail(thread, "uses an mbarrier before it is initialised");
  State state;
  memcpy(&state, &word, sizeof(word));
  return state;
}

/// Ends the phase if nothing is left of it.
static void store(GridThread &thread, void *barrier, State state) {
  if (state.pending == 0 && state.bytes == 0) {
    state.phase ^= 1;
    state.pending = state.count;
    thread.grid->progress();
  }
  memcpy(barrier, &state, sizeof(state));
}

static void initBarrier(Thread *thread, void *barrier, uint32_t count) {
  GridThread &own = gridThread(thread);
  if (count == 0 || count >= 1 << 20)
    own.grid->fail(own, "initialises an mbarrier for " + std::to_string(count) +
                            " arrivals");
  State state = {};
  state.count = state.pending = count;
  memcpy(barrier, &state, sizeof(state));
}

/// Announces `bytes` of copies, then arrives `count` times.
static void arrive(Thread *thread, void *barrier, uint32_t count,
                   uint32_t bytes) {
  GridThread &own = gridThread(thread);
  State state = load(own, barrier);
  if (count > state.pending)
    own.grid->fail(own, "arrives at an mbarrier that expects nobody else");
  if (state.bytes + int64_t(bytes) > mostBytes)
    own.grid->fail(own, "announces more bytes than an mbarrier can count");
  state.bytes += bytes;
  state.pending -= count;
  store(own, barrier, state);
}

//===-- Copies -----------------------------------------------------------===//

std::string lig::emulator::encodeMap(const lig_tensor_map &tensor,
                                     const void *data, void *map) {
  uint32_t bytes = tensor.dtype == LIG_F32                               ? 4
                   : tensor.dtype == LIG_F16 || tensor.dtype == LIG_BF16 ? 2
                                                                         : 0;
  auto refuse = [](const char *what) {
    return std::string("a tensor map ") + what;
  };
  if (!bytes)
    return refuse("has elements of an unknown type");
  if (tensor.rank < 1 || tensor.rank > 5)
    return refuse("has less than one dimension, or more than five");
  if (reinterpret_cast<uintptr_t>(data) % 16)
    return refuse("is of data that is not aligned to 16 bytes");
  if (reinterpret_cast<uintptr_t>(map) % LIG_TENSOR_MAP_ALIGNMENT)
    return refuse("is not aligned itself");
  if (tensor.swizzle && uint64_t(tensor.box[0]) * bytes > tensor.swizzle)
    return refuse("has a box that is wider than its swizzle");
  if (uint64_t(tensor.box[0]) * bytes % 16)
    return refuse("has rows in its box of no multiple of 16 bytes");
  Map made = {};
  made.data = static_cast<const uint8_t *>(data);
  made.elementBytes = bytes;
  made.rank = tensor.rank;
  made.swizzle = tensor.swizzle;
  for (uint32_t d = 0; d < tensor.rank; ++d) {
    if (!tensor.extents[d] || tensor.extents[d] > uint64_t(1) << 32)
      return refuse("has a dimension that is empty or too large");
    if (!tensor.box[d] || tensor.box[d] > 256)
      return refuse("has a box that is empty or too large");
    if (d && (tensor.strides[d] % 16 || tensor.strides[d] >> 40))
      return refuse("has a stride of no multiple of 16 bytes");
    made.extents[d] = uint32_t(tensor.extents[d]);
    made.box[d] = tensor.box[d];
    made.strides[d] = d ? tensor.strides[d] : bytes;
  }
  memcpy(map, &made, sizeof(made));
  return "";
}

/// Where a byte of a box goes: pieces of 16 bytes change places by the number of
/// their row, of which an address has three bits.
static uintptr_t swizzled(uintptr_t address, uint32_t swizzle) {
  uintptr_t pieces = swizzle / 16;
  return pieces ? address ^ ((address >> 7 & (pieces - 1)) << 4) : address;
}

static void land(GridThread &thread, const BulkCopy &copy) {
  Map map;
  memcpy(&map, copy.map, sizeof(map));
  uint32_t count = 1, place = 0;
  for (uint32_t d = 0; d < map.rank; ++d)
    count *= map.box[d];
  for (uint32_t i = 0; i < count; ++i, place += map.elementBytes) {
    const uint8_t *from = map.data;
    bool isInside = true;
    for (uint32_t d = 0, left = i; d < map.rank; left /= map.box[d], ++d) {
      int64_t at = int64_t(copy.start[d]) + left % map.box[d];
      isInside &= at >= 0 && at < int64_t(map.extents[d]);
      from += at * int64_t(map.strides[d]);
    }
    auto *to = reinterpret_cast<void *>(
        swizzled(reinterpret_cast<uintptr_t>(copy.to) + place, map.swizzle));
    if (isInside)
      memcpy(to, from, map.elementBytes);
    else
      memset(to, 0, map.elementBytes);
  }
  State state = load(thread, copy.barrier);
  state.bytes -= place;
  store(thread, copy.barrier, state);
}

static void copyBox(Thread *thread, uint8_t *to, const void *map,
                    const int32_t *start, uint32_t rank, void *barrier) {
  GridThread &own = gridThread(thread);
  Map known;
  memcpy(&known, map, sizeof(known));
  if (rank != known.rank)
    own.grid->fail(own, "copies a box by a map of another rank");
  // Rows of 128 bytes that change places repeat after eight.
  uint32_t alignment = known.swizzle == 128 ? 1024 : 128;
  if (reinterpret_cast<uintptr_t>(to) % alignment)
    own.grid->fail(own, "copies a box to where it is not aligned");
  load(own, barrier);
  BulkCopy copy = {to, map, barrier, {}};
  memcpy(copy.start, start, rank * sizeof(*start));
  if (own.grid->landsEarly())
    land(own, copy);
  else
    own.ofBlock->bulkCopies.push_back(copy);
}

/// Lands what a barrier waits for.
static void landAll(GridThread &thread, const void *barrier) {
  auto &copies = thread.ofBlock->bulkCopies;
  for (size_t i = 0; i < copies.size();) {
    if (copies[i].barrier != barrier) {
      ++i;
      continue;
    }
    BulkCopy copy = copies[i];
    copies.erase(copies.begin() + long(i));
    land(thread, copy);
  }
}

static void waitForPhase(Thread *thread, void *barrier, uint32_t parity) {
  GridThread &own = gridThread(thread);
  while (load(own, barrier).phase == (parity & 1)) {
    landAll(own, barrier);
    if (load(own, barrier).phase == (parity & 1))
      own.grid->yield(own);
  }
}

void lig::emulator::addBulkCopies(Symbols &symbols) {
  symbols.insert(symbols.end(),
                 {{"lig_emu_init_barrier", (void *)initBarrier},
                  {"lig_emu_arrive", (void *)arrive},
                  {"lig_emu_wait_phase", (void *)waitForPhase},
                  {"lig_emu_copy_box", (void *)copyBox}});
}
