/* Classifies the held-out digits with the compiled model, one image a run, and
 * prints the accuracy, the time of a run and what the model stores.
 *
 *   main x.npy y.npy
 */
#define _POSIX_C_SOURCE 199309L
#include "digits.h"

#include "../npy.h"
#include <time.h>

enum { PIXELS = 64, CLASSES = 10 };

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int64_t likeliest(const float *logits) {
  int64_t i, best = 0;
  for (i = 1; i < CLASSES; ++i)
    if (logits[i] > logits[best])
      best = i;
  return best;
}

static void print_sharing(const lig_params_desc *params) {
  uint32_t i, uses = 0;
  for (i = 0; i < params->count; ++i)
    uses += params->params[i].uses;
  printf("parameters: %u stored, %u uses, %llu bytes\n", params->count, uses,
         (unsigned long long)params->data_bytes);
}

int main(int argc, char **argv) {
  size_t x_bytes = 0, y_bytes = 0, count, i, right = 0;
  float *x = argc == 3 ? npy_read(argv[1], "<f4", &x_bytes) : NULL;
  int64_t *y = argc == 3 ? npy_read(argv[2], "<i8", &y_bytes) : NULL;
  double *times;
  lig_context *context;
  if (DIGITS_ENTRY0_INPUT0_BYTES != PIXELS * sizeof(float)) {
    fprintf(stderr, "main: compile the model for one image (--dim N=1)\n");
    return 1;
  }
  count = y_bytes / sizeof(int64_t);
  if (!x || !y || !count || x_bytes != count * PIXELS * sizeof(float)) {
    fprintf(stderr, "main: give x.npy and y.npy of the same images\n");
    return 1;
  }
  if (digits_open(&context) != LIG_OK) {
    fprintf(stderr, "main: %s\n", lig_last_error());
    return 1;
  }
  times = malloc(count * sizeof *times);
  if (!times)
    return 1;
  for (i = 0; i < count; ++i) {
    float logits[CLASSES];
    const void *inputs[1];
    void *outputs[1];
    double start = now_us();
    inputs[0] = x + i * PIXELS;
    outputs[0] = logits;
    if (lig_run(context, 0, inputs, outputs) != LIG_OK) {
      fprintf(stderr, "main: %s\n", lig_last_error());
      return 1;
    }
    times[i] = now_us() - start;
    right += likeliest(logits) == y[i];
  }
  qsort(times, count, sizeof *times, by_size);
  printf("accuracy %.4f (%zu images)\n", (double)right / (double)count, count);
  printf("time per inference: %.2f us (median)\n", times[count / 2]);
  if (digits_model()->params)
    print_sharing(digits_model()->params);
  lig_context_close(context);
  free(times);
  free(x);
  free(y);
  return 0;
}
