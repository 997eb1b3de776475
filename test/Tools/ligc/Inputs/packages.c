/* Two packages over one parameter file in one program: its argument is that
 * file. Prints what went wrong. */
#include "one.h"
#include "two.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CONTEXTS 4

static const char *file;

/* How many mappings of the file this process has. */
static int count_mappings(void) {
  char line[4096];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof(line), maps))
    count += strstr(line, file) != NULL;
  if (maps)
    fclose(maps);
  return count;
}

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      printf("line %d: %s: %s\n", __LINE__, #condition, lig_last_error());     \
      return 1;                                                                \
    }                                                                          \
  } while (0)

static int run_both(lig_context *one, lig_context *two) {
  const float x[2] = {10, 20};
  float y[2];
  CHECK(one_run_a(one, x, y) == LIG_OK && y[0] == 60 && y[1] == 130);
  CHECK(one_run_b(one, x, y) == LIG_OK && y[0] == 80 && y[1] == 120);
  CHECK(two_run_a(two, x, y) == LIG_OK && y[0] == 60 && y[1] == 130);
  CHECK(two_run_b(two, x, y) == LIG_OK && y[0] == 80 && y[1] == 120);
  return 0;
}

static int use_contexts(void) {
  lig_context *one[CONTEXTS], *two[CONTEXTS];
  int i, wrong = 0;
  for (i = 0; i < CONTEXTS; ++i) {
    CHECK(one_open(&one[i]) == LIG_OK);
    CHECK(two_open(&two[i]) == LIG_OK);
  }
  CHECK(count_mappings() == 1);
  for (i = 0; i < CONTEXTS; ++i)
    wrong |= run_both(one[i], two[i]);
  for (i = 0; i < CONTEXTS; ++i) {
    CHECK(count_mappings() == 1);
    lig_context_close(one[i]);
    lig_context_close(two[i]);
  }
  CHECK(count_mappings() == 0);
  return wrong;
}

static int find_entries(void) {
  lig_library *library;
  lig_weights *weights;
  lig_context *context;
  uint32_t a, b, none;
  const float x[2] = {10, 20};
  float y[2];
  const void *inputs[1];
  void *outputs[1];
  inputs[0] = x;
  outputs[0] = y;
  CHECK(lig_library_from_model(one_model(), NULL, &library) == LIG_OK);
  CHECK(lig_entry_count(library) == 2);
  CHECK(lig_entry_find(library, "a", &a) == LIG_OK && a == 0);
  CHECK(lig_entry_find(library, "b", &b) == LIG_OK && b == 1);
  CHECK(lig_entry_find(library, "main", &none) == LIG_NO_SUCH_ENTRY);
  CHECK(lig_weights_open(library, NULL, &weights) == LIG_OK);
  CHECK(lig_context_create(weights, NULL, &context) == LIG_OK);
  CHECK(lig_run(context, b, inputs, outputs) == LIG_OK && y[1] == 120);
  CHECK(lig_run(context, 2, inputs, outputs) == LIG_NO_SUCH_ENTRY);
  lig_context_close(context);
  lig_weights_close(weights);
  lig_library_close(library);
  return 0;
}

static void *open_often(void *result) {
  int i;
  for (i = 0; i < 200 && !*(int *)result; ++i) {
    lig_context *one = NULL, *two = NULL;
    *(int *)result = one_open(&one) || two_open(&two) || run_both(one, two) ||
                     count_mappings() != 1;
    lig_context_close(one);
    lig_context_close(two);
  }
  return NULL;
}

static int use_threads(void) {
  pthread_t threads[2];
  int results[2] = {0, 0}, i;
  for (i = 0; i < 2; ++i)
    CHECK(pthread_create(&threads[i], NULL, open_often, &results[i]) == 0);
  for (i = 0; i < 2; ++i)
    pthread_join(threads[i], NULL);
  CHECK(results[0] == 0 && results[1] == 0);
  CHECK(count_mappings() == 0);
  return 0;
}

/* The other package's parameters are not there any more: nothing stays open. */
static int fail_to_open(void) {
  lig_context *context = (lig_context *)&context;
  CHECK(rename(file, "away") == 0);
  CHECK(two_open(&context) == LIG_FILE_MISSING && context == NULL);
  CHECK(rename("other.params", file) == 0);
  CHECK(two_open(&context) == LIG_PARAMS_MISMATCH && context == NULL);
  CHECK(count_mappings() == 0);
  return 0;
}

int main(int argc, char **argv) {
  file = argv[argc - 1];
  return find_entries() || use_contexts() || use_threads() || fail_to_open();
}
