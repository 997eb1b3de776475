/* The runtime from C89, linked by the C compiler: no C++ library is needed. */
#include "Ligature/ABI/Runtime.h"

#include <stdio.h>

const lig_model_desc *increment_model(void);

int main(void) {
  lig_library *library = NULL;
  lig_weights *weights = NULL;
  lig_context *context = NULL;
  int32_t x = 41, y = 0;
  const void *inputs[1];
  void *outputs[1];
  inputs[0] = &x;
  outputs[0] = &y;
  if (lig_library_from_model(increment_model(), NULL, &library) ||
      lig_weights_open(library, NULL, &weights) ||
      lig_context_create(weights, NULL, &context) ||
      lig_run(context, 0, inputs, outputs)) {
    puts(lig_last_error());
    return 1;
  }
  lig_context_close(context);
  lig_weights_close(weights);
  lig_library_close(library);
  return y == 42 ? 0 : 1;
}
