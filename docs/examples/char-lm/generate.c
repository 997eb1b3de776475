/* Continues a text with the compiled step model: each step takes a character
 * and the state, and gives scores for the next one; the likeliest is taken.
 *
 *   generate PROMPT COUNT
 */
#include "step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The characters are the printable ones, from the blank on. */
enum { FIRST = ' ', CHARACTERS = 95, HIDDEN = 96 };

int main(int argc, char **argv) {
  /* The state before a step and after it, by turns. */
  float h[2][HIDDEN] = {{0}}, c[2][HIDDEN] = {{0}}, logits[CHARACTERS];
  size_t i, length = argc == 3 ? strlen(argv[1]) : 0;
  long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
  int next = 0;
  lig_context *context;
  if (!length || count < 1) {
    fprintf(stderr, "usage: generate PROMPT COUNT\n");
    return 1;
  }
  if (step_open(&context) != LIG_OK) {
    fprintf(stderr, "generate: %s\n", lig_last_error());
    return 1;
  }
  for (i = 0; i < length + (size_t)count; ++i) {
    int64_t token = i < length ? argv[1][i] - FIRST : next;
    const void *inputs[3];
    void *outputs[3];
    int k;
    inputs[0] = &token;
    inputs[1] = h[i % 2];
    inputs[2] = c[i % 2];
    outputs[0] = logits;
    outputs[1] = h[(i + 1) % 2];
    outputs[2] = c[(i + 1) % 2];
    if (token < 0 || token >= CHARACTERS) {
      fprintf(stderr, "generate: only printable ASCII characters\n");
      return 1;
    }
    putchar(FIRST + (int)token);
    if (lig_run(context, 0, inputs, outputs) != LIG_OK) {
      fprintf(stderr, "generate: %s\n", lig_last_error());
      return 1;
    }
    for (next = 0, k = 1; k < CHARACTERS; ++k)
      if (logits[k] > logits[next])
        next = k;
  }
  putchar('\n');
  lig_context_close(context);
  return 0;
}
