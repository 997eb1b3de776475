// Kernels of a few microseconds are worth splitting only if that costs far less,
// so workers wait for the next task by spinning, and go to sleep only when none
// has come for a while.
//
// A task is open while `state` says so. A worker joins an open task by counting
// itself in `state`, takes parts of it until none is left, and leaves. The caller
// does the same, then closes the task, so that nobody joins any more, and waits
// for those who are inside. A worker that wakes up late finds the task closed:
// no one ever waits for a thread that has not begun.
//
// Every thread has a share of the indices, the same in every task of as many,
// and helps others only after it: the weights that a step of a recurrence reads
// stay in the cache of the core that reads them in the next. What does not fit
// there would be driven out by itself just before it is read again; so every
// second time that the same task is run, a share is done from its last part to
// its first, and begins with what was read last.
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

namespace lig::runtime {

/// Parts per thread: more balance better, and more of them are still in a cache
/// when they are the first to be read again; fewer cost less.
static constexpr int64_t kPartsPerThread = 8;
/// Looks at `state` before a worker sleeps, and before a caller that waits for
/// a worker lets others run; some hundred microseconds.
static constexpr unsigned kSpins = 20000;

/// `state` in parts: the number of the task, whether it is open, who is inside.
static constexpr uint64_t kTask = uint64_t(1) << 32;
static constexpr uint64_t kOpen = uint64_t(1) << 31;
static constexpr uint64_t kInside = kOpen - 1;

/// What is left of a thread's share of the open task, and where it begins.
struct alignas(64) Share {
  int64_t next, end, first;
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
  uint32_t count;

  lig_task_fn task;
  void *args;
  int64_t size, part;
  bool backwards;

  alignas(64) uint64_t state;
  alignas(64) uint32_t sleepers;
  uint32_t wake; // what sleepers sleep on
  bool quit;
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
      pool.backwards ? pool.task(pool.args, mirror - end, mirror - begin)
                     : pool.task(pool.args, begin, end);
    }
  }
}

/// Joins the open task after number `last`, if there is one, and updates `last`.
static bool join(Pool &pool, uint32_t number, uint64_t &last) {
  uint64_t state = __atomic_load_n(&pool.state, __ATOMIC_SEQ_CST);
  do {
    if (!(state & kOpen) || state / kTask == last)
      return false;
  } while (!__atomic_compare_exchange_n(&pool.state, &state, state + 1,
                                        /*weak=*/true, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED));
  last = state / kTask;
  doParts(pool, number);
  __atomic_sub_fetch(&pool.state, 1, __ATOMIC_RELEASE);
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
  // No one is inside: the last caller waited for that.
  uint64_t number = __atomic_load_n(&pool.state, __ATOMIC_RELAXED) / kTask + 1;
  if (number == UINT32_MAX)
    number = 1;
  __atomic_store_n(&pool.state, number * kTask | kOpen, __ATOMIC_SEQ_CST);
  wakeSleepers(pool);
  doParts(pool, 0);
  uint64_t state =
      __atomic_and_fetch(&pool.state, ~kOpen, __ATOMIC_ACQUIRE);
  for (unsigned spins = 0; state & kInside; ++spins) {
    spins < kSpins ? pause() : static_cast<void>(sched_yield());
    state = __atomic_load_n(&pool.state, __ATOMIC_ACQUIRE);
  }
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
  if (!pool->workers || !pool->shares) {
    freePool(pool);
    return nullptr;
  }
  pool->parallel.run = runTask;
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
