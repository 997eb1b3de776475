/* Running compiled models from C.
 *
 *   lig_library *library;  the code, from a file or linked in
 *   lig_weights *weights;  its parameters, opened once for any number of
 *   lig_context *context;  contexts: an arena and the dims of outputs
 *
 *   if (lig_library_open("model.so", &library) ||
 *       lig_weights_open(library, NULL, &weights) ||
 *       lig_context_create(weights, NULL, &context) ||
 *       lig_run(context, 0, inputs, outputs))
 *     puts(lig_last_error());
 *
 * Libraries and weights may be used by many threads at once, a context by one
 * at a time. lig_run neither allocates nor locks. Handles count references, so
 * they may be closed in any order; closing null does nothing. Two openings of
 * one parameter file share one mapping.
 *
 * Functions that can fail return a lig_status and leave their result null; the
 * text behind the status is in lig_last_error. Files are not trusted: a broken
 * one gives a status. A parameter file must not be written while it is open;
 * to change one, put a new one in its place by rename.
 */
#ifndef LIGATURE_ABI_RUNTIME_H
#define LIGATURE_ABI_RUNTIME_H

#include "Ligature/ABI/Model.h"

#if defined(__GNUC__)
#define LIG_API __attribute__((visibility("default")))
#else
#define LIG_API
#endif

/* For the typed functions of generated headers. */
#if defined(__cplusplus) ||                                                    \
    (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
#define LIG_INLINE static inline
#elif defined(__GNUC__)
#define LIG_INLINE static __inline__
#else
#define LIG_INLINE static
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lig_library lig_library;
typedef struct lig_weights lig_weights;
typedef struct lig_context lig_context;

/* --- Errors ------------------------------------------------------------- */

/* A few words for a status; never null. */
LIG_API const char *lig_status_string(lig_status status);

/* What the last failed call of this thread said; "" before the first. Valid
 * until the thread's next failure. */
LIG_API const char *lig_last_error(void);

/* --- Libraries ---------------------------------------------------------- */

/* Loads a compiled shared library. A path without a slash is looked up in the
 * current directory. */
LIG_API lig_status lig_library_open(const char *path, lig_library **library);

/* Takes a model that is part of the program: lig_library_from_model(
 * NAME_model(), NULL, &library). `directory` is where its parameter file lies;
 * null means beside the program or library that holds `model`. */
LIG_API lig_status lig_library_from_model(const lig_model_desc *model,
                                          const char *directory,
                                          lig_library **library);

LIG_API void lig_library_close(lig_library *library);

/* The description, valid while the library is open. */
LIG_API const lig_model_desc *lig_library_model(const lig_library *library);

/* --- Names and shapes --------------------------------------------------- */

/* Entry points are numbered from 0, as are the inputs and outputs of each. */
LIG_API uint32_t lig_entry_count(const lig_library *library);
LIG_API lig_status lig_entry_find(const lig_library *library, const char *name,
                                  uint32_t *entry);

/* Null where there is no such entry point, input or output. */
LIG_API const char *lig_entry_name(const lig_library *library, uint32_t entry);
LIG_API const lig_tensor_desc *lig_entry_input(const lig_library *library,
                                               uint32_t entry, uint32_t index);
LIG_API const lig_tensor_desc *lig_entry_output(const lig_library *library,
                                                uint32_t entry, uint32_t index);

/* How many; 0 where there is no such entry point. */
LIG_API uint32_t lig_input_count(const lig_library *library, uint32_t entry);
LIG_API uint32_t lig_output_count(const lig_library *library, uint32_t entry);

/* Bytes of one element; 0 for a number that is no lig_dtype. */
LIG_API uint32_t lig_dtype_bytes(int32_t dtype);

/* "f32", "bf16", "bool", ...; "?" for a number that is no lig_dtype. */
LIG_API const char *lig_dtype_name(int32_t dtype);

/* --- Weights ------------------------------------------------------------ */

/* Opens the parameters of a model. `path` names the parameter file; null means
 * the one beside the library. It is ignored where the parameters are embedded
 * in the library. The file's header is checked against the model, its data is
 * mapped and read when first used. */
LIG_API lig_status lig_weights_open(lig_library *library, const char *path,
                                    lig_weights **weights);

LIG_API void lig_weights_close(lig_weights *weights);

/* The parameters' data, aligned to LIG_ALIGNMENT; null if there are none. */
LIG_API const uint8_t *lig_weights_data(const lig_weights *weights);

/* Its size in bytes. */
LIG_API uint64_t lig_weights_bytes(const lig_weights *weights);

/* --- Contexts ----------------------------------------------------------- */

/* Bytes of arena that an entry point works in. `input_dims` are the dims of
 * all its inputs behind each other; null means their upper bounds. */
LIG_API lig_status lig_arena_bytes(const lig_library *library, uint32_t entry,
                                   const int64_t *input_dims, uint64_t *bytes);

/* lig_context_options.flags, for models that were compiled for a GPU. Inputs and
 * outputs of lig_run are device memory, at multiples of 16 bytes; a run is put
 * into the stream and returns at once, lig_synchronize waits for it and tells its
 * status. */
#define LIG_CONTEXT_DEVICE_POINTERS 1u
/* Record the launches of a run as a CUDA graph and replay it in later runs of
 * the entry point on the same buffers; other buffers record it again. Has no
 * effect while the caller captures the stream, which may be done with
 * LIG_CONTEXT_DEVICE_POINTERS after one run. */
#define LIG_CONTEXT_GRAPH 2u

/* Zero it, set `size`, set what you care for. */
typedef struct lig_context_options {
  size_t size; /* sizeof(lig_context_options) */
  /* Most threads a run may work on, the caller's among them; 0 means 1. No
   * result depends on it. */
  uint32_t threads;
  uint32_t flags; /* LIG_CONTEXT_* */
  /* Memory to work in, aligned to LIG_ALIGNMENT, at least as large as the
   * largest lig_arena_bytes of the entry points; it stays the caller's and must
   * outlive the context. Null makes the context allocate its own. Device memory
   * where the model is for a GPU. */
  void *arena;
  uint64_t arena_bytes;
  /* What follows is for models that were compiled for a GPU. A device that works
   * in host memory, to be used in place of a GPU: an emulator. */
  const lig_device *device;
  /* A CUstream of the GPU's primary context; null makes one. */
  void *stream;
  uint32_t ordinal; /* the GPU's number, as CUDA counts */
  uint32_t reserved;
} lig_context_options;

/* Makes a context, the only place that allocates. `options` may be null. */
LIG_API lig_status lig_context_create(lig_weights *weights,
                                      const lig_context_options *options,
                                      lig_context **context);

LIG_API void lig_context_close(lig_context *context);

/* What a context and its like hold on a GPU. */
typedef struct lig_device_usage {
  uint64_t uploads;       /* of parameters, by this process, to any GPU */
  uint64_t param_bytes;   /* of all parameters on this context's GPU */
  uint64_t context_bytes; /* of this context: arena, buffers for host data */
  uint64_t graph_runs;    /* runs of this context that replayed a graph */
  /* Most blocks that share the steps of a scan; 1 where the GPU lets no blocks
   * wait for each other, so that one has to do alone. */
  uint64_t cooperative_blocks;
} lig_device_usage;

/* Fills in zeros where the context is not on a GPU. */
LIG_API lig_status lig_context_usage(const lig_context *context,
                                     lig_device_usage *usage);

/* Bytes of the arena this context works in. */
LIG_API uint64_t lig_context_arena_bytes(const lig_context *context);

/* Runs an entry point. `inputs` and `outputs` hold one pointer per descriptor
 * to a dense row-major buffer of its `bytes`, aligned to its element type. An
 * output overlaps no input and no other output. Outputs hold nothing of use
 * after a failure. */
LIG_API lig_status lig_run(lig_context *context, uint32_t entry,
                           const void *const *inputs, void *const *outputs);

/* Waits for the runs of a context with LIG_CONTEXT_DEVICE_POINTERS and returns
 * the status of the last one; elsewhere there is nothing to wait for. */
LIG_API lig_status lig_synchronize(lig_context *context);

/* The dims of an output, as many as its descriptor's rank: those of the last
 * run of this entry point, upper bounds before it and after a failure. Null
 * where there is no such output. Valid until the next run. With
 * LIG_CONTEXT_DEVICE_POINTERS the run counts from lig_synchronize on. */
LIG_API const int64_t *lig_output_dims(const lig_context *context,
                                       uint32_t entry, uint32_t output);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* LIGATURE_ABI_RUNTIME_H */
