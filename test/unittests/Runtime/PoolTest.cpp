// The threads of a context: every index once, whatever the number of threads;
// sleep and wake; teams; concurrent pools.

#include "Pool.h"
#include "TestModel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <numeric>
#include <thread>
#include <vector>

using namespace lig::runtime;

namespace {

/// A part as [first, second), whichever way it is to be done.
std::pair<int64_t, int64_t> ascending(int64_t begin, int64_t end) {
  return std::minmax(begin, end);
}

struct Marks {
  std::vector<std::atomic<int>> seen;
  explicit Marks(size_t count) : seen(count) {}
  static void mark(void *args, int64_t begin, int64_t end) {
    auto [first, last] = ascending(begin, end);
    for (int64_t i = first; i < last; ++i)
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
    static_cast<std::vector<int64_t> *>(args)->push_back(
        begin < end ? begin : begin - 1);
  };
  for (int times = 0; times < 3; ++times)
    parallel->run(parallel, note, &begins, 4);
  EXPECT_EQ(begins, (std::vector<int64_t>{0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 2, 3}));
  // Another task begins anew.
  begins.clear();
  parallel->run(parallel, note, &begins, 3);
  EXPECT_EQ(begins, (std::vector<int64_t>{0, 1, 2}));
  // In a larger part, too, the last is the first.
  begins.clear();
  for (int times = 0; times < 2; ++times)
    parallel->run(parallel, note, &begins, 16);
  EXPECT_EQ(begins, (std::vector<int64_t>{0, 2, 4, 6, 8, 10, 12, 14, 15, 13, 11,
                                          9, 7, 5, 3, 1}));
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
    static void note(void *args, int64_t begin, int64_t end) {
      auto &meeting = *static_cast<Meeting *>(args);
      meeting.seen[ascending(begin, end).first] = std::this_thread::get_id();
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

namespace {

/// A vector that is summed anew in each step from what the step before has
/// left, and a number of steps that one thread counts.
struct Steps {
  static constexpr int64_t kSize = 24;
  uint64_t values[2][kSize];
  int steps, counted = 0;

  explicit Steps(int steps) : steps(steps) {
    for (int64_t i = 0; i < kSize; ++i)
      values[0][i] = i;
  }
  struct Step {
    Steps *self;
    int number;
  };
  static void sum(void *args, int64_t begin, int64_t end) {
    auto [self, number] = *static_cast<Step *>(args);
    const uint64_t *from = self->values[number % 2];
    auto [first, last] = ascending(begin, end);
    for (int64_t i = first; i < last; ++i)
      self->values[(number + 1) % 2][i] =
          std::accumulate(from, from + kSize, uint64_t(i));
  }
  static void count(void *args, int64_t, int64_t) {
    ++static_cast<Step *>(args)->self->counted;
  }
  static void run(void *args, const lig_parallel *member) {
    auto *self = static_cast<Steps *>(args);
    int steps = self->steps;
    for (int i = 0; i < steps; ++i) {
      Step step{self, i};
      member->run(member, sum, &step, kSize);
      member->run(member, count, &step, 1);
      member->run(member, count, &step, 0);
    }
  }
};

std::vector<uint64_t> runSteps(Pool *pool, int steps) {
  Steps work(steps);
  const lig_parallel *parallel = getParallel(pool);
  parallel->run_team(parallel, Steps::run, &work);
  EXPECT_EQ(work.counted, steps);
  const uint64_t *last = work.values[steps % 2];
  return {last, last + Steps::kSize};
}

} // namespace

TEST(Pool, MembersOfATeamSeeWhatTasksBeforeHaveWritten) {
  Pool *alone = createPool(1);
  std::vector<uint64_t> expected = runSteps(alone, 100);
  closePool(alone);
  for (uint32_t threads : {2u, 3u, 5u, 8u}) {
    Pool *pool = createPool(threads);
    for (int times = 0; times < 20; ++times)
      ASSERT_EQ(runSteps(pool, 100), expected) << threads;
    closePool(pool);
  }
}

TEST(Pool, TeamsAndTasksFollowEachOther) {
  Pool *pool = createPool(3);
  std::vector<uint64_t> expected = runSteps(pool, 1);
  for (int i = 0; i < 2000; ++i) {
    runOnce(pool, 1 + i % 17);
    ASSERT_EQ(runSteps(pool, 1), expected);
  }
  closePool(pool);
}

TEST(Pool, TeamsMayHaveNoTasks) {
  Pool *pool = createPool(2);
  std::atomic<int> members{0};
  const lig_parallel *parallel = getParallel(pool);
  auto count = [](void *args, const lig_parallel *member) {
    ++*static_cast<std::atomic<int> *>(args);
    EXPECT_GE(member->threads, 1);
    EXPECT_EQ(member->run_team, nullptr);
  };
  for (int i = 0; i < 100; ++i)
    parallel->run_team(parallel, count, &members);
  EXPECT_GE(members, 100);
  EXPECT_LE(members, 200);
  closePool(pool);
}

TEST(Pool, WakesSleepersForATeam) {
  Pool *pool = createPool(2);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    runSteps(pool, 3);
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
