/* What this machine can do, measured where the program runs.
 *
 *   peaks THREADS BYTES...
 *
 * prints one JSON object: the FLOP/s of independent fused multiply-adds on
 * vectors of the widest kind, and for each number of bytes the bytes/s with
 * which that many are read again and again by each thread (its own part, so
 * caches that threads share must hold THREADS times as much). Each figure is
 * the best of some repetitions: a limit, not an average. Compile for the
 * machine with -O3 -march=native -ffp-contract=fast -pthread. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX__)
#define WIDTH 32
#else
#define WIDTH 16
#endif
#define REPETITIONS 9

typedef float vec __attribute__((vector_size(WIDTH)));

enum { LANES = WIDTH / sizeof(float), MOST_THREADS = 64 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* Keeps a value in a register and the loop around it. */
#define KEEP(value) __asm__ volatile("" : "+x"(value))
#if defined(__aarch64__)
#undef KEEP
#define KEEP(value) __asm__ volatile("" : "+w"(value))
#elif defined(__AVX512F__)
#undef KEEP
#define KEEP(value) __asm__ volatile("" : "+v"(value))
#endif

typedef struct {
  pthread_barrier_t *barrier;
  float *data; /* null: measure arithmetic */
  size_t bytes;
  double seconds[REPETITIONS];
  long passes;
} Job;

/* Twelve independent chains hide the latency of an operation and stay in the
 * registers of every machine; as separate variables, because compilers keep an
 * array in memory. */
#define EACH_CHAIN(do)                                                         \
  do(0) do(1) do(2) do(3) do(4) do(5) do(6) do(7) do(8) do(9) do(10) do(11)
enum { CHAINS = 12 };

static void multiply_add(long passes) {
  vec a, b;
  memset(&a, 0, sizeof a);
  memset(&b, 0, sizeof b);
  KEEP(a);
  KEEP(b);
#define DECLARE(i) vec sum##i = b;
#define STEP(i) sum##i = sum##i * a + b;
#define USE(i) KEEP(sum##i);
  EACH_CHAIN(DECLARE)
  for (long n = 0; n < passes; ++n) {
    EACH_CHAIN(STEP)
    EACH_CHAIN(USE)
  }
}

static void read_all(const float *data, size_t bytes, long passes) {
  enum { STREAMS = 8 };
  vec sum[STREAMS];
  memset(sum, 0, sizeof sum);
  for (long n = 0; n < passes; ++n)
    for (size_t at = 0; at < bytes / sizeof(float); at += STREAMS * LANES)
#pragma GCC unroll 8
      for (int i = 0; i < STREAMS; ++i) {
        vec value = *(const vec *)(data + at + i * LANES);
        KEEP(value);
        sum[i] += value;
      }
#pragma GCC unroll 8
  for (int i = 0; i < STREAMS; ++i)
    KEEP(sum[i]);
}

static void *work(void *argument) {
  Job *job = argument;
  for (int r = 0; r < REPETITIONS; ++r) {
    pthread_barrier_wait(job->barrier);
    double start = now();
    if (job->data)
      read_all(job->data, job->bytes, job->passes);
    else
      multiply_add(job->passes);
    pthread_barrier_wait(job->barrier);
    job->seconds[r] = now() - start;
  }
  return NULL;
}

/* The least seconds of a repetition on `threads` threads. */
static double measure(int threads, size_t bytes, long passes) {
  pthread_t handles[MOST_THREADS];
  Job jobs[MOST_THREADS];
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, threads);
  for (int t = 0; t < threads; ++t) {
    jobs[t] = (Job){.barrier = &barrier, .bytes = bytes, .passes = passes};
    if (bytes) {
      jobs[t].data = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
      if (!jobs[t].data)
        exit(1);
      memset(jobs[t].data, 0, bytes);
    }
    pthread_create(&handles[t], NULL, work, &jobs[t]);
  }
  double best = 1e30;
  for (int t = 0; t < threads; ++t) {
    pthread_join(handles[t], NULL);
    free(jobs[t].data);
  }
  for (int r = 0; r < REPETITIONS; ++r)
    best = jobs[0].seconds[r] < best ? jobs[0].seconds[r] : best;
  return best;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  if (threads < 1 || threads > MOST_THREADS) {
    fprintf(stderr, "peaks: 1 to %d threads\n", MOST_THREADS);
    return 1;
  }
  const long passes = 2000000;
  double flops = 2.0 * LANES * CHAINS * passes * threads;
  printf("{\"flops\": %.4g, \"read\": [", flops / measure(threads, 0, passes));
  for (int i = 2; i < argc; ++i) {
    size_t bytes = strtoull(argv[i], NULL, 10) / 4096 * 4096;
    long repeat = bytes < (256u << 20) ? (256u << 20) / bytes : 1;
    double total = (double)bytes * repeat * threads;
    printf("%s%.4g", i > 2 ? ", " : "", total / measure(threads, bytes, repeat));
  }
  puts("]}");
  return 0;
}
