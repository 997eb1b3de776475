// What is behind the opaque handles of the C API. A context holds its weights
// and weights hold their library, so handles may be closed in any order.
#ifndef LIGATURE_LIB_RUNTIME_HANDLES_H
#define LIGATURE_LIB_RUNTIME_HANDLES_H

#include "CudaContext.h"
#include "MappedFile.h"
#include "Pool.h"

struct lig_library {
  uint32_t references;
  const lig_model_desc *model;
  /// From dlopen, or null.
  void *handle;
  /// Where the parameter file is looked for, or null when unknown.
  char *directory;
};

struct lig_weights {
  uint32_t references;
  lig_library *library;
  /// Null when the parameters are embedded.
  const lig::runtime::MappedFile *file;
  const uint8_t *data;
};

struct lig_context {
  lig_weights *weights;
  uint8_t *arena;
  uint64_t arenaBytes;
  bool ownsArena;
  /// Null for one thread.
  lig::runtime::Pool *pool;
  /// Of models for a GPU one of the two is not null: the GPU, which then has
  /// the arena, or what the caller runs them on instead.
  lig::runtime::CudaContext *cuda;
  const lig_device *device;
  /// Output dims of all entry points behind each other, in one block with
  /// the struct; entry e begins at dimStarts[e].
  uint64_t *dimStarts;
  int64_t *dims;
};

namespace lig::runtime {

inline void retain(uint32_t &references) {
  __atomic_add_fetch(&references, 1, __ATOMIC_RELAXED);
}
/// True if that was the last reference.
inline bool release(uint32_t &references) {
  return __atomic_sub_fetch(&references, 1, __ATOMIC_ACQ_REL) == 0;
}

/// Fails unless the description is of this ABI and free of contradictions.
lig_status checkModel(const lig_model_desc *model);

/// The entry point, or null.
inline const lig_entry_desc *findEntry(const lig_library *library,
                                       uint32_t entry) {
  return library && entry < library->model->entry_count
             ? &library->model->entries[entry]
             : nullptr;
}

/// Whether the shape of an output is known only after a run.
inline bool hasDynamicDims(const lig_entry_desc &entry) {
  for (uint32_t i = 0; i < entry.output_count; ++i)
    for (int32_t d = 0; entry.outputs[i].dynamic && d < entry.outputs[i].rank;
         ++d)
      if (entry.outputs[i].dynamic[d])
        return true;
  return false;
}

} // namespace lig::runtime

#endif // LIGATURE_LIB_RUNTIME_HANDLES_H
