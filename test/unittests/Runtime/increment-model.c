/* A model as a library exports it, in C: increment(x: i32) -> y: i32. */
#include "Ligature/ABI/Model.h"

static int32_t increment(const void *const *inputs, void *const *outputs,
                         const uint8_t *params, uint8_t *arena, int64_t *dims,
                         const lig_parallel *parallel) {
  (void)parallel;
  (void)params;
  (void)arena;
  (void)dims;
  *(int32_t *)outputs[0] = *(const int32_t *)inputs[0] + 1;
  return LIG_OK;
}

static const lig_tensor_desc input = {"x", NULL, NULL, 4, LIG_I32, 0};
static const lig_tensor_desc output = {"y", NULL, NULL, 4, LIG_I32, 0};
static const lig_entry_desc entry = {"increment", &input, &output, 1,
                                     1,           0,      0,       increment,
                                     NULL};
static const lig_model_desc model = {LIG_ABI_VERSION, 1,    "increment",
                                     "hand",          NULL, &entry, NULL};

const lig_model_desc *increment_model(void);
const lig_model_desc *lig_model(void);
const lig_model_desc *increment_model(void) { return &model; }
const lig_model_desc *lig_model(void) { return &model; }
