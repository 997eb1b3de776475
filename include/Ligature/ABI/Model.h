/* What a compiled model says about itself: the compiler emits these structs as
 * constants, the runtime and any C program read them. Everything here is plain
 * C for 64-bit little-endian machines, holds no pointer that anyone may write
 * through, and lives as long as the library that exports it.
 *
 * A library exports `const lig_model_desc *NAME_model(void)`, NAME being the
 * model's, and the same function once more under the fixed name `lig_model`,
 * for programs that find it by dlsym.
 *
 * Shapes are in elements, sizes and offsets in bytes. A dimension that is known
 * only at run time is given as its upper bound and flagged in `dynamic`.
 */
#ifndef LIGATURE_ABI_MODEL_H
#define LIGATURE_ABI_MODEL_H

#include "Ligature/ABI/Device.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when a struct below changes. The runtime refuses any other number. */
#define LIG_ABI_VERSION 5

/* Arenas, parameters and the data of a parameter file begin at multiples of
 * this many bytes. */
#define LIG_ALIGNMENT 64

/* Element types. The numbers are those of ONNX's TensorProto.DataType. A bool
 * takes one byte, 0 or 1. */
enum lig_dtype {
  LIG_F32 = 1,
  LIG_U8 = 2,
  LIG_I8 = 3,
  LIG_U16 = 4,
  LIG_I16 = 5,
  LIG_I32 = 6,
  LIG_I64 = 7,
  LIG_BOOL = 9,
  LIG_F16 = 10,
  LIG_F64 = 11,
  LIG_U32 = 12,
  LIG_U64 = 13,
  LIG_BF16 = 16
};

/* What a runtime function or a compiled entry point returns. */
typedef enum lig_status {
  LIG_OK = 0,
  /* A null or misaligned pointer, or an options struct of an unknown size. */
  LIG_INVALID_ARGUMENT = 1,
  /* No entry point, input or output has this number or name. */
  LIG_NO_SUCH_ENTRY = 2,
  /* An index in the data (Gather, Scatter, ...) lies outside its tensor. */
  LIG_INDEX_OUT_OF_RANGE = 3,
  /* A library or parameter file cannot be opened or read. */
  LIG_FILE_MISSING = 4,
  /* The file is no parameter file: cut short, or its header is broken. */
  LIG_FILE_BROKEN = 5,
  /* A sound parameter file, but of other parameters than the model's. */
  LIG_PARAMS_MISMATCH = 6,
  LIG_OUT_OF_MEMORY = 7,
  /* The library was compiled for another LIG_ABI_VERSION. */
  LIG_UNSUPPORTED_VERSION = 8,
  /* The library exports no model, or its description contradicts itself. */
  LIG_NOT_A_MODEL = 9,
  /* The data asks for what has no result: a division by zero in an integer
   * type, a dimension beyond its upper bound, an iteration count below 0. */
  LIG_INVALID_DATA = 10,
  LIG_INTERNAL_ERROR = 11,
  /* The model is for a GPU, and there is none, no driver, or not one that can
   * run its code. */
  LIG_NO_DEVICE = 12,
  /* The GPU's driver refused a call, or a kernel crashed. */
  LIG_DEVICE_ERROR = 13
} lig_status;

/* One input or output, dense and in row-major order. */
typedef struct lig_tensor_desc {
  const char *name;
  /* `rank` numbers, upper bounds where dynamic; null only at rank 0. */
  const int64_t *dims;
  /* One byte per dimension, 1 where it is known only after the run; null when
   * the whole shape is fixed. */
  const uint8_t *dynamic;
  /* Of the buffer the caller provides: the upper bound of the contents. */
  uint64_t bytes;
  int32_t dtype; /* enum lig_dtype */
  int32_t rank;
} lig_tensor_desc;

/* A part [begin, end) of a task; where begin > end, the same indices from
 * begin - 1 down to end. */
typedef void (*lig_task_fn)(void *args, int64_t begin, int64_t end);

struct lig_parallel;
/* What threads do together; `member` is each one's own. */
typedef void (*lig_team_fn)(void *args, const struct lig_parallel *member);

/* Threads that compiled code may share its work with. */
typedef struct lig_parallel {
  /* Calls task(args, begin, end) for parts that cover [0, count), each index
   * once, on any of the threads at the same time, and returns when all are
   * done. A task must not run tasks itself. */
  void (*run)(const struct lig_parallel *self, lig_task_fn task, void *args,
              int64_t count);
  int64_t threads; /* the caller's among them; at least 1 */
  /* Calls team(args, member) on the calling thread and, at the same time, on the
   * others that are at hand. All make the same calls of member->run, with equal
   * counts: each call is one task, of which they take parts, and returns when all
   * parts are done, whoever has done them. So what happens between these calls
   * must not depend on what tasks write; and `args` must not be read after the
   * first of them, because the caller does not wait for a thread that is late.
   * Much cheaper than a task for each. Null for a member, which forms no team. */
  void (*run_team)(const struct lig_parallel *self, lig_team_fn team,
                   void *args);
} lig_parallel;

/* The compiled code of an entry point.
 * inputs, outputs: one buffer per descriptor, in its order, aligned to the
 *   element type; an output overlaps no other buffer.
 * params: the parameters' data, aligned to LIG_ALIGNMENT.
 * arena: arena_bytes of scratch, aligned to LIG_ALIGNMENT; contents do not
 *   matter before and mean nothing after.
 * dims: the dims of all outputs behind each other. The caller fills in the
 *   upper bounds, the code overwrites those that are dynamic.
 * parallel: null to run on the calling thread alone. Results do not depend on
 *   it.
 * Returns a lig_status. */
typedef int32_t (*lig_entry_fn)(const void *const *inputs, void *const *outputs,
                                const uint8_t *params, uint8_t *arena,
                                int64_t *dims, const lig_parallel *parallel);

typedef struct lig_entry_desc {
  const char *name;
  const lig_tensor_desc *inputs;
  const lig_tensor_desc *outputs;
  uint32_t input_count;
  uint32_t output_count;
  uint64_t arena_bytes;
  /* The most bytes that are alive at once: no plan can do with less. */
  uint64_t arena_lower_bound;
  /* Exactly one of the two is not null. */
  lig_entry_fn run;
  lig_device_entry_fn run_device;
} lig_entry_desc;

/* One stored parameter. */
typedef struct lig_param_desc {
  const char *name;
  const int64_t *dims;
  uint64_t offset; /* from the start of the parameters' data */
  uint64_t bytes;
  int32_t dtype; /* enum lig_dtype */
  int32_t rank;
  /* In how many places of all the entry points it is read. */
  uint32_t uses;
  uint32_t reserved;
} lig_param_desc;

/* All parameters of a model. They lie in the library (`embedded`) or in a
 * safetensors file beside it (`file`, a name without a directory); exactly one
 * of the two is not null. */
typedef struct lig_params_desc {
  const uint8_t *embedded; /* data_bytes, aligned to LIG_ALIGNMENT */
  const char *file;
  uint64_t data_offset; /* of the data in the file, 0 when embedded */
  uint64_t data_bytes;
  /* SHA-256 of the data. The file repeats it in hexadecimal in its header, as
   * `ligature.digest` of `__metadata__`. */
  uint8_t digest[32];
  const lig_param_desc *params; /* by rising offset */
  uint32_t count;
  uint32_t reserved;
} lig_params_desc;

typedef struct lig_model_desc {
  uint32_t abi_version; /* LIG_ABI_VERSION; first in every version */
  uint32_t entry_count;
  const char *name;
  const char *compiler; /* name and version of what emitted this */
  const lig_params_desc *params; /* null when the model has no parameters */
  const lig_entry_desc *entries;
  /* What the entry points launch; null when they run on the CPU. */
  const lig_device_code *device_code;
} lig_model_desc;

typedef const lig_model_desc *(*lig_model_fn)(void);

/* The name under which every model library exports its description. */
#define LIG_MODEL_SYMBOL "lig_model"

#ifdef __cplusplus
} /* extern "C" */

/* The emitter counts on these sizes; it may be built for another machine. */
static_assert(sizeof(void *) == 8, "64-bit machines only");
static_assert(sizeof(lig_tensor_desc) == 40, "");
static_assert(offsetof(lig_tensor_desc, bytes) == 24, "");
static_assert(offsetof(lig_tensor_desc, dtype) == 32, "");
static_assert(sizeof(lig_entry_desc) == 64, "");
static_assert(offsetof(lig_entry_desc, arena_bytes) == 32, "");
static_assert(offsetof(lig_entry_desc, run) == 48, "");
static_assert(offsetof(lig_entry_desc, run_device) == 56, "");
static_assert(sizeof(lig_param_desc) == 48, "");
static_assert(offsetof(lig_param_desc, dtype) == 32, "");
static_assert(sizeof(lig_params_desc) == 80, "");
static_assert(offsetof(lig_params_desc, digest) == 32, "");
static_assert(offsetof(lig_params_desc, params) == 64, "");
static_assert(sizeof(lig_model_desc) == 48, "");
static_assert(offsetof(lig_model_desc, entries) == 32, "");
static_assert(offsetof(lig_model_desc, device_code) == 40, "");
#endif

#endif /* LIGATURE_ABI_MODEL_H */
