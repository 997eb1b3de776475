// Interval colouring with sizes. Finding the least peak is hard, but placing
// buffers one after another, each in the lowest gap that is free for its whole
// life, is within a few per cent on networks. Two orders are tried, the largest
// first and the earliest first, and the smaller peak wins.

#include "Ligature/Codegen/ArenaPlanner.h"

#include <algorithm>
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

} // namespace

ArenaPlan planArena(const std::vector<ArenaBuffer> &buffers) {
  ArenaPlan plan;
  plan.lowerBound = maxLiveBytes(buffers);

  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return buffers[a].size != buffers[b].size
               ? buffers[a].size > buffers[b].size
               : a < b;
  });
  plan.peak = place(buffers, order, plan.offsets);

  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return buffers[a].first != buffers[b].first
               ? buffers[a].first < buffers[b].first
               : a < b;
  });
  std::vector<int64_t> offsets;
  int64_t peak = place(buffers, order, offsets);
  if (peak < plan.peak) {
    plan.peak = peak;
    plan.offsets = std::move(offsets);
  }
  return plan;
}

} // namespace lig::codegen
