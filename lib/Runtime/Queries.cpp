// Questions about a model that only read its description.

#include "Error.h"
#include "Handles.h"

#include <cstring>

using namespace lig::runtime;

const lig_model_desc *lig_library_model(const lig_library *library) {
  return library ? library->model : nullptr;
}

uint32_t lig_entry_count(const lig_library *library) {
  return library ? library->model->entry_count : 0;
}

lig_status lig_entry_find(const lig_library *library, const char *name,
                          uint32_t *entry) {
  if (!library || !name || !entry)
    return fail(LIG_INVALID_ARGUMENT, "lig_entry_find: a pointer is null");
  for (uint32_t i = 0; i < library->model->entry_count; ++i)
    if (strcmp(library->model->entries[i].name, name) == 0) {
      *entry = i;
      return LIG_OK;
    }
  return fail(LIG_NO_SUCH_ENTRY, "the model has no entry point '%s'", name);
}

const char *lig_entry_name(const lig_library *library, uint32_t entry) {
  const lig_entry_desc *found = findEntry(library, entry);
  return found ? found->name : nullptr;
}

uint32_t lig_input_count(const lig_library *library, uint32_t entry) {
  const lig_entry_desc *found = findEntry(library, entry);
  return found ? found->input_count : 0;
}

uint32_t lig_output_count(const lig_library *library, uint32_t entry) {
  const lig_entry_desc *found = findEntry(library, entry);
  return found ? found->output_count : 0;
}

const lig_tensor_desc *lig_entry_input(const lig_library *library,
                                       uint32_t entry, uint32_t index) {
  return index < lig_input_count(library, entry)
             ? &findEntry(library, entry)->inputs[index]
             : nullptr;
}

const lig_tensor_desc *lig_entry_output(const lig_library *library,
                                        uint32_t entry, uint32_t index) {
  return index < lig_output_count(library, entry)
             ? &findEntry(library, entry)->outputs[index]
             : nullptr;
}

lig_status lig_arena_bytes(const lig_library *library, uint32_t entry,
                           const int64_t *inputDims, uint64_t *bytes) {
  if (!library || !bytes)
    return fail(LIG_INVALID_ARGUMENT, "lig_arena_bytes: a pointer is null");
  *bytes = 0;
  const lig_entry_desc *found = findEntry(library, entry);
  if (!found)
    return fail(LIG_NO_SUCH_ENTRY, "the model has no entry point %u", entry);
  for (uint32_t i = 0; inputDims && i < found->input_count; ++i)
    for (int32_t d = 0; d < found->inputs[i].rank; ++d, ++inputDims)
      if (*inputDims < 0 || *inputDims > found->inputs[i].dims[d])
        return fail(LIG_INVALID_ARGUMENT,
                    "input %u: dimension %d is outside its bound", i, d);
  // The plan of an entry point holds for every size within the bounds.
  *bytes = found->arena_bytes;
  return LIG_OK;
}
