/* A package whose second entry point has no code. */
#include "Ligature/ABI/Model.h"

static int32_t run(const void *const *inputs, void *const *outputs,
                   const uint8_t *params, uint8_t *arena, int64_t *dims,
                   const lig_parallel *parallel) {
  (void)inputs;
  (void)outputs;
  (void)params;
  (void)arena;
  (void)dims;
  (void)parallel;
  return LIG_OK;
}

static const lig_entry_desc entries[] = {
    {"first", NULL, NULL, 0, 0, 0, 0, run, NULL},
    {"second", NULL, NULL, 0, 0, 0, 0, NULL, NULL}};
static const lig_model_desc model = {LIG_ABI_VERSION, 2,       "broken", "hand",
                                     NULL,            entries, NULL};

const lig_model_desc *lig_model(void);
const lig_model_desc *lig_model(void) { return &model; }
