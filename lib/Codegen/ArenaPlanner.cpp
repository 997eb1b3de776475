// Interval colouring with sizes. Finding the least peak is hard, but placing
// buffers one after another, each in the lowest gap that is free for its whole
// life, is near the bound on networks once the order is good. The largest first
// and the earliest first are good orders; where both leave the bound behind,
// what stands at the peak is placed earlier and earlier.

#include "Ligature/Codegen/ArenaPlanner.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>

namespace lig::codegen {
namespace {

int64_t alignUp(int64_t value, int64_t align) {
  return (value + align - 1) & ~(align - 1);
}

bool meet(const ArenaBuffer &a, const ArenaBuffer &b) {
  return a.first <= b.last && b.first <= a.last;
}

/// Places the buffers in the given order; returns the peak.
int64_t place(const std::vector<ArenaBuffer> &buffers,
              const std::vector<size_t> &order, std::vector<int64_t> &offsets) {
  // What is placed, by rising offset, so that gaps are found in one sweep.
  std::vector<size_t> placed;
  offsets.assign(buffers.size(), 0);
  int64_t peak = 0;
  for (size_t index : order) {
    const ArenaBuffer &buffer = buffers[index];
    int64_t offset = 0;
    for (size_t other : placed) {
      if (!meet(buffer, buffers[other]))
        continue;
      if (offset + buffer.size <= offsets[other])
        break;
      offset = std::max(
          offset, alignUp(offsets[other] + buffers[other].size, buffer.align));
    }
    offsets[index] = offset;
    peak = std::max(peak, offset + buffer.size);
    auto at = std::upper_bound(
        placed.begin(), placed.end(), offset,
        [&](int64_t value, size_t other) { return value < offsets[other]; });
    placed.insert(at, index);
  }
  return peak;
}

int64_t maxLiveBytes(const std::vector<ArenaBuffer> &buffers) {
  std::map<int64_t, int64_t> change;
  for (const ArenaBuffer &buffer : buffers) {
    change[buffer.first] += buffer.size;
    change[buffer.last + 1] -= buffer.size;
  }
  int64_t live = 0, most = 0;
  for (auto [step, bytes] : change) {
    live += bytes;
    most = std::max(most, live);
  }
  return most;
}

/// Keeps the best plan of those that it has seen.
class Search {
public:
  explicit Search(const std::vector<ArenaBuffer> &buffers)
      : buffers(buffers), order(buffers.size()) {
    plan.lowerBound = maxLiveBytes(buffers);
    std::iota(order.begin(), order.end(), 0);
  }

  /// Tries the buffers in the order of `key`, then with those at the peak
  /// moved to the front, as long as that may help.
  template <typename Key> void tryOrder(Key key) {
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      auto x = key(buffers[a]), y = key(buffers[b]);
      return x != y ? x < y : a < b;
    });
    improve(countRounds());
  }

  ArenaPlan plan;

private:
  /// A placement takes the square of the buffers' number.
  size_t countRounds() const {
    size_t work = buffers.size() * buffers.size() + 1;
    return std::clamp<size_t>(20'000'000 / work, 1, 64);
  }

  void improve(size_t rounds) {
    std::vector<int64_t> offsets;
    for (size_t round = 0; round < rounds && !isBest(); ++round) {
      int64_t peak = place(buffers, order, offsets);
      if (!hasPlan || peak < plan.peak) {
        plan.peak = peak;
        plan.offsets = offsets;
        hasPlan = true;
      }
      auto isAtPeak = [&](size_t i) {
        return offsets[i] + buffers[i].size == peak;
      };
      std::vector<size_t> next;
      std::copy_if(order.begin(), order.end(), std::back_inserter(next),
                   isAtPeak);
      std::remove_copy_if(order.begin(), order.end(), std::back_inserter(next),
                          isAtPeak);
      order = std::move(next);
    }
  }

  bool isBest() const { return hasPlan && plan.peak == plan.lowerBound; }

  const std::vector<ArenaBuffer> &buffers;
  std::vector<size_t> order;
  bool hasPlan = false;
};

} // namespace

ArenaPlan planArena(const std::vector<ArenaBuffer> &buffers) {
  Search search(buffers);
  search.tryOrder([](const ArenaBuffer &buffer) { return -buffer.size; });
  search.tryOrder([](const ArenaBuffer &buffer) { return buffer.first; });
  return search.plan;
}

} // namespace lig::codegen
