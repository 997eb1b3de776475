// The threads of a context: every index once, whatever the number of threads;
// sleep and wake; concurrent pools; what a run with threads computes.

#include "Pool.h"
#include "TestModel.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <numeric>
#include <thread>
#include <vector>

using namespace lig::runtime;

namespace {

struct Marks {
  std::vector<std::atomic<int>> seen;
  explicit Marks(size_t count) : seen(count) {}
  static void mark(void *args, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      static_cast<Marks *>(args)->seen[i]++;
  }
  bool allOnce() const {
    for (const std::atomic<int> &count : seen)
      if (count != 1)
        return false;
    return true;
  }
};

void runOnce(Pool *pool, int64_t count) {
  Marks marks(count);
  const lig_parallel *parallel = getParallel(pool);
  parallel->run(parallel, Marks::mark, &marks, count);
  EXPECT_TRUE(marks.allOnce()) << count;
}

} // namespace

TEST(Pool, CoversEveryIndexOnce) {
  for (uint32_t threads : {1u, 2u, 3u, 7u}) {
    Pool *pool = createPool(threads);
    ASSERT_NE(pool, nullptr);
    EXPECT_EQ(getParallel(pool)->threads, threads);
    for (int64_t count : {0, 1, 2, 3, 5, 8, 100, 1001})
      for (int times = 0; times < 3; ++times)
        runOnce(pool, count);
    closePool(pool);
  }
}

// Weights that the last run has left in a cache are the first to be read again.
TEST(Pool, BeginsWithWhatWasDoneLast) {
  Pool *pool = createPool(1);
  const lig_parallel *parallel = getParallel(pool);
  std::vector<int64_t> begins;
  auto note = [](void *args, int64_t begin, int64_t end) {
    static_cast<std::vector<int64_t> *>(args)->push_back(begin);
  };
  for (int times = 0; times < 3; ++times)
    parallel->run(parallel, note, &begins, 4);
  EXPECT_EQ(begins,
            (std::vector<int64_t>{0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3}));
  // Another task begins anew.
  begins.clear();
  parallel->run(parallel, note, &begins, 3);
  EXPECT_EQ(begins, (std::vector<int64_t>{0, 1, 2}));
  closePool(pool);
}

TEST(Pool, TasksFollowEachOtherQuickly) {
  Pool *pool = createPool(3);
  for (int i = 0; i < 20000; ++i)
    runOnce(pool, 1 + i % 17);
  closePool(pool);
}

TEST(Pool, WakesSleepers) {
  Pool *pool = createPool(2);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    runOnce(pool, 64);
  }
  closePool(pool);
}

TEST(Pool, LetsThreadsWorkAtTheSameTime) {
  // Each of two parts waits for the other: one thread alone never ends it.
  struct Meeting {
    std::atomic<int> arrived{0};
    static void wait(void *args, int64_t, int64_t) {
      auto &meeting = *static_cast<Meeting *>(args);
      ++meeting.arrived;
      while (meeting.arrived < 2)
        std::this_thread::yield();
    }
  } meeting;
  Pool *pool = createPool(2);
  const lig_parallel *parallel = getParallel(pool);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  parallel->run(parallel, Meeting::wait, &meeting, 2);
  EXPECT_EQ(meeting.arrived, 2);
  closePool(pool);
}

TEST(Pool, GivesEachThreadTheSameShareEveryTime) {
  // No part ends before both threads have one, so neither does the other's.
  struct Meeting {
    std::atomic<int> arrived{0};
    std::thread::id seen[2];
    static void note(void *args, int64_t begin, int64_t) {
      auto &meeting = *static_cast<Meeting *>(args);
      meeting.seen[begin] = std::this_thread::get_id();
      ++meeting.arrived;
      while (meeting.arrived < 2)
        std::this_thread::yield();
    }
  };
  Pool *pool = createPool(2);
  const lig_parallel *parallel = getParallel(pool);
  for (int i = 0; i < 1000; ++i) {
    Meeting meeting;
    parallel->run(parallel, Meeting::note, &meeting, 2);
    ASSERT_EQ(meeting.seen[0], std::this_thread::get_id());
    ASSERT_NE(meeting.seen[1], meeting.seen[0]);
  }
  closePool(pool);
}

TEST(Pool, PoolsAreIndependent) {
  auto use = [] {
    Pool *pool = createPool(2);
    for (int i = 0; i < 500; ++i)
      runOnce(pool, 9);
    closePool(pool);
  };
  std::thread other(use);
  use();
  other.join();
}
