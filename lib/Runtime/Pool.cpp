// Kernels of a few microseconds are worth splitting only if that costs far
// less, so workers wait for the next task by spinning, and go to sleep only
// when none has come for a while.
//
// A task is open while `state` says so. A worker joins an open task by counting
// itself in `state`, takes parts of it until none is left, and leaves. The
// caller does the same, then closes the task, so that nobody joins any more,
// and waits for those who are inside. A worker that wakes up late finds the
// task closed: no one ever waits for a thread that has not begun.
//
// Every thread has a share of the indices, the same in every task of as many,
// and helps others only after it: the weights that a step of a recurrence reads
// stay in the cache of the core that reads them in the next. What does not fit
// there would be driven out by itself just before it is read again; so every
// second time that the same task is run, a share is done from its last index to
// its first, and begins with what was read last.
//
// A team's members join like workers, but once for many tasks; the caller waits
// a moment for them, closes the door and says how many they are. Their tasks
// have numbers, too, and each member has two lines of cache of its own, in
// which it is counted for the last of them what of its share was taken and what
// it has finished; nothing is reset, and what is counted for another task
// stands for 0. So in the usual case one line goes from core to core for a
// task. A member that has nothing left first waits a moment, then helps the
// others. One that comes late finds later numbers there, hence nothing to do;
// nobody waits for it.
//
// Whether a worker may sleep is the usual bargain of two flags: it announces
// itself in `sleepers` before it looks at `state` a last time, and the caller
// opens a task before it looks at `sleepers`.

#include "Pool.h"

#include <cstdlib>
#include <cstring>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace lig::runtime {

/// Parts per thread: more balance better, and more of them are still in a cache
/// when they are the first to be read again; fewer cost less.
static constexpr int64_t kPartsPerThread = 8;
/// Looks at `state` before a worker sleeps; some hundred microseconds.
static constexpr unsigned kSpins = 20000;
/// Looks before one that waits for another thread lets others run: that thread
/// may be one of them.
static constexpr unsigned kSpinsForOne = 2000;
/// Looks while a caller waits for its team to come: as long as it takes to wake
/// them.
static constexpr unsigned kSpinsForTeam = 4000;
/// Looks without a pause at what others in a team do, before one helps them.
static constexpr unsigned kSpinsToHelp = 200;

/// `state` in parts: the number of the task, whether it is open, who is inside.
static constexpr uint64_t kTask = uint64_t(1) << 32;
static constexpr uint64_t kOpen = uint64_t(1) << 31;
static constexpr uint64_t kInside = kOpen - 1;

/// The number of a team's task, and parts of it that are counted.
static constexpr uint64_t kCounted = 256;

/// What is left of a thread's share of the open task, and where it begins.
struct alignas(64) Share {
  int64_t next, end, first;
};

/// A member's share of a team's task, and what the member has finished of any.
struct alignas(64) TeamShare {
  uint64_t taken; // number * kCounted + parts
  alignas(64) uint64_t finished;
};

/// Number 0 is the caller; it has no thread of its own.
struct Worker {
  Pool *pool;
  uint32_t number;
  pthread_t thread;
};

struct Pool {
  lig_parallel parallel; // first: the code's pointer is the pool's
  Worker *workers;       // number 1 first
  Share *shares;         // one a thread
  TeamShare *teamShares; // one a thread
  uint32_t count;

  lig_task_fn task; // null for a team
  lig_team_fn team;
  void *args;
  int64_t size, part;
  bool backwards;

  uint64_t teamTasks; // tasks of all teams before

  alignas(64) uint64_t state;
  uint64_t members; // number of the team in parts of kTask, and its size
  alignas(64) uint32_t sleepers;
  uint32_t wake; // what sleepers sleep on
  bool quit;
};

/// What a member of a team is given, and what it knows.
struct Member {
  lig_parallel parallel; // first: the code's pointer is the member's
  Pool *pool;
  int64_t number;
  uint64_t tasks; // of all teams up to now
  lig_task_fn lastTask;
  int64_t lastCount;
  bool backwards;
  bool isInside; // counted in the pool's state
};

static void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

static void doParts(Pool &pool, uint32_t number) {
  int64_t threads = pool.parallel.threads;
  for (int64_t i = 0; i < threads; ++i) {
    Share &share = pool.shares[(number + i) % threads];
    for (;;) {
      int64_t begin =
          __atomic_fetch_add(&share.next, pool.part, __ATOMIC_RELAXED);
      if (begin >= share.end)
        break;
      bool isLast = share.end - begin <= pool.part;
      int64_t end = isLast ? share.end : begin + pool.part;
      int64_t mirror = share.first + share.end;
      pool.backwards ? pool.task(pool.args, mirror - begin, mirror - end)
                     : pool.task(pool.args, begin, end);
    }
  }
}

static uint64_t look(const uint64_t &place) {
  return __atomic_load_n(&place, __ATOMIC_ACQUIRE);
}

static void leave(Pool &pool) {
  __atomic_sub_fetch(&pool.state, 1, __ATOMIC_RELEASE);
}

namespace {
/// A task of a team, as each of its members cuts it.
struct TeamTask {
  lig_task_fn run;
  void *args;
  int64_t count, threads, part;
  uint64_t number;
  bool backwards;

  /// Where the share of member `i` begins.
  int64_t begin(int64_t i) const {
    int64_t each = count / threads, more = count % threads;
    return i * each + (i < more ? i : more);
  }
  uint64_t parts(int64_t i) const {
    return (begin(i + 1) - begin(i) + part - 1) / part;
  }
};
} // namespace

/// Takes a part of a share of which `parts` are to be had; `parts` if none is
/// left.
static uint64_t takePart(uint64_t &taken, uint64_t number, uint64_t parts) {
  uint64_t before = __atomic_load_n(&taken, __ATOMIC_RELAXED), count;
  do {
    count = before / kCounted == number ? before % kCounted : 0;
    if (before / kCounted > number || count >= parts)
      return parts;
  } while (!__atomic_compare_exchange_n(
      &taken, &before, number * kCounted + count + 1, /*weak=*/true,
      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
  return count;
}

/// Does what is left of the share of member `i`; returns how many parts.
static uint64_t doShare(Pool &pool, const TeamTask &task, int64_t i) {
  int64_t first = task.begin(i), last = task.begin(i + 1);
  uint64_t parts = task.parts(i), finished = 0;
  for (;; ++finished) {
    uint64_t taken = takePart(pool.teamShares[i].taken, task.number, parts);
    if (taken == parts)
      return finished;
    int64_t begin = first + int64_t(taken) * task.part;
    int64_t end = taken + 1 == parts ? last : begin + task.part;
    int64_t mirror = first + last;
    task.backwards ? task.run(task.args, mirror - begin, mirror - end)
                   : task.run(task.args, begin, end);
  }
}

/// Whether all parts are finished: no one begins the next task before.
static bool isFinished(const Pool &pool, const TeamTask &task) {
  uint64_t left = 0;
  for (int64_t i = 0; i < task.threads; ++i) {
    uint64_t finished = look(pool.teamShares[i].finished);
    if (finished / kCounted > task.number)
      return true;
    left += task.parts(i);
    if (finished / kCounted == task.number)
      left -= finished % kCounted;
  }
  return left == 0;
}

static void doTeamTask(Pool &pool, const TeamTask &task, int64_t self) {
  uint64_t finished = 0;
  auto help = [&](int64_t i) {
    uint64_t more = doShare(pool, task, i);
    finished += more;
    if (more)
      __atomic_store_n(&pool.teamShares[self].finished,
                       task.number * kCounted + finished, __ATOMIC_RELEASE);
  };
  help(self);
  for (unsigned spins = 0; !isFinished(pool, task); ++spins) {
    if (spins == kSpinsToHelp)
      for (int64_t i = 1; i < task.threads; ++i)
        help((self + i) % task.threads);
    else if (spins > kSpinsForOne)
      sched_yield();
    else if (spins > kSpinsToHelp)
      pause();
  }
}

static void runInTeam(const lig_parallel *parallel, lig_task_fn run, void *args,
                      int64_t count) {
  Member &member =
      *reinterpret_cast<Member *>(const_cast<lig_parallel *>(parallel));
  // From here on it needs nothing of the caller's but in parts that it takes.
  if (std::exchange(member.isInside, false))
    leave(*member.pool);
  ++member.tasks;
  if (count > 1) {
    bool isAgain = run == member.lastTask && count == member.lastCount;
    member.backwards = isAgain && !member.backwards;
    member.lastTask = run;
    member.lastCount = count;
  }
  int64_t parts = kPartsPerThread * parallel->threads;
  int64_t part = count > parts ? count / parts : 1;
  doTeamTask(*member.pool,
             {run, args, count, parallel->threads, part, member.tasks,
              count > 1 && member.backwards},
             member.number);
}

/// What the member `number` does; returns how many tasks of teams there were.
static uint64_t doMember(Pool &pool, lig_team_fn team, void *args,
                         int64_t number, int64_t size) {
  Member member{{runInTeam, size, nullptr},
                &pool,
                number,
                pool.teamTasks,
                nullptr,
                0,
                false,
                number != 0};
  team(args, &member.parallel);
  if (member.isInside)
    leave(pool);
  return member.tasks;
}

/// The worker is inside, and leaves.
static void doTeam(Pool &pool, uint64_t team, int64_t number) {
  uint64_t members;
  for (unsigned spins = 0; (members = look(pool.members)) / kTask != team;
       ++spins)
    spins < kSpinsForOne ? pause() : static_cast<void>(sched_yield());
  doMember(pool, pool.team, pool.args, number, members % kTask);
}

/// Joins the open task after number `last`, if there is one, and updates
/// `last`.
static bool join(Pool &pool, uint32_t number, uint64_t &last) {
  uint64_t state = __atomic_load_n(&pool.state, __ATOMIC_SEQ_CST);
  do {
    if (!(state & kOpen) || state / kTask == last)
      return false;
  } while (!__atomic_compare_exchange_n(&pool.state, &state, state + 1,
                                        /*weak=*/true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED));
  last = state / kTask;
  if (!pool.task) {
    doTeam(pool, last, (state & kInside) + 1);
    return true;
  }
  doParts(pool, number);
  leave(pool);
  return true;
}

static void sleepUnlessJoined(Pool &pool, uint32_t number, uint64_t &last) {
  __atomic_add_fetch(&pool.sleepers, 1, __ATOMIC_SEQ_CST);
  uint32_t wake = __atomic_load_n(&pool.wake, __ATOMIC_SEQ_CST);
  if (!__atomic_load_n(&pool.quit, __ATOMIC_SEQ_CST) &&
      !join(pool, number, last))
    syscall(SYS_futex, &pool.wake, FUTEX_WAIT_PRIVATE, wake, nullptr, nullptr,
            0);
  __atomic_sub_fetch(&pool.sleepers, 1, __ATOMIC_SEQ_CST);
}

static void wakeSleepers(Pool &pool) {
  if (__atomic_load_n(&pool.sleepers, __ATOMIC_SEQ_CST) == 0)
    return;
  __atomic_add_fetch(&pool.wake, 1, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, &pool.wake, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr,
          nullptr, 0);
}

static void *work(void *argument) {
  auto &worker = *static_cast<Worker *>(argument);
  Pool &pool = *worker.pool;
  uint64_t last = 0;
  unsigned spins = 0;
  while (!__atomic_load_n(&pool.quit, __ATOMIC_RELAXED)) {
    if (join(pool, worker.number, last)) {
      spins = 0;
    } else if (++spins < kSpins) {
      pause();
    } else {
      sleepUnlessJoined(pool, worker.number, last);
      spins = 0;
    }
  }
  return nullptr;
}

/// Cuts the task into shares.
static void deal(Pool &pool, lig_task_fn task, void *args, int64_t count) {
  bool isAgain = task == pool.task && count == pool.size;
  pool.backwards = isAgain && !pool.backwards;
  pool.task = task;
  pool.args = args;
  pool.size = count;
  int64_t threads = pool.parallel.threads;
  int64_t parts = kPartsPerThread * threads;
  pool.part = count > parts ? count / parts : 1;
  int64_t each = count / threads, more = count % threads, begin = 0;
  for (int64_t i = 0; i < threads; ++i) {
    int64_t end = begin + each + (i < more);
    pool.shares[i] = {begin, end, begin};
    begin = end;
  }
}

/// Lets workers join what the pool holds. No one is inside: the last caller
/// waited for that.
static void open(Pool &pool) {
  uint64_t number = __atomic_load_n(&pool.state, __ATOMIC_RELAXED) / kTask + 1;
  if (number == UINT32_MAX)
    number = 1;
  __atomic_store_n(&pool.state, number * kTask | kOpen, __ATOMIC_SEQ_CST);
  wakeSleepers(pool);
}

/// Lets nobody join any more; returns the state.
static uint64_t close(Pool &pool) {
  return __atomic_and_fetch(&pool.state, ~kOpen, __ATOMIC_ACQUIRE);
}

static void awaitWorkers(Pool &pool) {
  for (unsigned spins = 0; look(pool.state) & kInside; ++spins)
    spins < kSpinsForOne ? pause() : static_cast<void>(sched_yield());
}

static void runTask(const lig_parallel *parallel, lig_task_fn task, void *args,
                    int64_t count) {
  Pool &pool = *reinterpret_cast<Pool *>(const_cast<lig_parallel *>(parallel));
  if (count <= 1) {
    if (count > 0)
      task(args, 0, count);
    return;
  }
  deal(pool, task, args, count);
  if (pool.count == 0)
    return doParts(pool, 0);
  open(pool);
  doParts(pool, 0);
  close(pool);
  awaitWorkers(pool);
}

/// Waits a moment for all to come; returns how many they are then. Nobody
/// leaves before that has been said.
static int64_t closeTeam(Pool &pool) {
  for (unsigned spins = 0; spins < kSpinsForTeam; ++spins) {
    if ((look(pool.state) & kInside) == pool.count)
      break;
    pause();
  }
  uint64_t state = close(pool);
  uint64_t size = (state & kInside) + 1;
  __atomic_store_n(&pool.members, state / kTask * kTask + size,
                   __ATOMIC_RELEASE);
  return size;
}

static void runTeam(const lig_parallel *parallel, lig_team_fn team,
                    void *args) {
  Pool &pool = *reinterpret_cast<Pool *>(const_cast<lig_parallel *>(parallel));
  pool.task = nullptr;
  pool.team = team;
  pool.args = args;
  int64_t size = 1;
  if (pool.count > 0) {
    open(pool);
    size = closeTeam(pool);
  }
  uint64_t tasks = doMember(pool, team, args, 0, size);
  awaitWorkers(pool);
  pool.teamTasks = tasks;
}

/// Workers take no signals: those are the program's.
static uint32_t startWorkers(Pool &pool, uint32_t wanted) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  uint32_t started = 0;
  for (; started < wanted; ++started) {
    Worker &worker = pool.workers[started];
    worker.pool = &pool;
    worker.number = started + 1;
    if (pthread_create(&worker.thread, nullptr, work, &worker) != 0)
      break;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

static void *allocateAligned(size_t alignment, size_t bytes) {
  void *memory = nullptr;
  if (posix_memalign(&memory, alignment, bytes) != 0)
    return nullptr;
  return memset(memory, 0, bytes);
}

static void freePool(Pool *pool) {
  free(pool->workers);
  free(pool->shares);
  free(pool->teamShares);
  free(pool);
}

Pool *createPool(uint32_t threads) {
  auto *pool =
      static_cast<Pool *>(allocateAligned(alignof(Pool), sizeof(Pool)));
  if (!pool)
    return nullptr;
  pool->workers = static_cast<Worker *>(calloc(threads, sizeof(Worker)));
  pool->shares = static_cast<Share *>(
      allocateAligned(alignof(Share), threads * sizeof(Share)));
  pool->teamShares = static_cast<TeamShare *>(
      allocateAligned(alignof(TeamShare), threads * sizeof(TeamShare)));
  if (!pool->workers || !pool->shares || !pool->teamShares) {
    freePool(pool);
    return nullptr;
  }
  pool->parallel.run = runTask;
  pool->parallel.run_team = runTeam;
  pool->count = startWorkers(*pool, threads - 1);
  pool->parallel.threads = pool->count + 1;
  return pool;
}

void closePool(Pool *pool) {
  if (!pool)
    return;
  __atomic_store_n(&pool->quit, true, __ATOMIC_SEQ_CST);
  wakeSleepers(*pool);
  for (uint32_t i = 0; i < pool->count; ++i)
    pthread_join(pool->workers[i].thread, nullptr);
  freePool(pool);
}

const lig_parallel *getParallel(const Pool *pool) { return &pool->parallel; }

} // namespace lig::runtime
