/* What the code of an entry point for a GPU calls, and what it calls it with.
 *
 * Such an entry point is host code that launches kernels. It is given pointers
 * to device memory and reads none of it, waits for nothing and allocates
 * nothing: all it does is put launches and copies into a queue, in the order in
 * which they depend on each other. So a run can be captured in a CUDA graph.
 * Included by Model.h.
 */
#ifndef LIGATURE_ABI_DEVICE_H
#define LIGATURE_ABI_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The arena of a device entry point begins with this many bytes that are zero
 * when it is called. The first 32 bits are the status of the run: a kernel that
 * meets data without a result stores a lig_status there. The rest belongs to
 * the kernels, for the counters of grid barriers. */
#define LIG_DEVICE_HEADER_BYTES 64

/* Inputs and outputs in device memory begin at multiples of this, so that the
 * machine may copy them by itself. */
#define LIG_DEVICE_ALIGNMENT 16

/* lig_launch.flags: all blocks are resident at once, so that a kernel may wait
 * for other blocks. The grid is at most lig_device.cooperative_blocks blocks. */
#define LIG_LAUNCH_COOPERATIVE 1u

/* lig_kernel_desc.flags: some parameters are tensor maps. */
#define LIG_KERNEL_TENSOR_MAPS 2u

/* One launch of a kernel. */
typedef struct lig_launch {
  uint32_t kernel; /* index into lig_device_code.kernels */
  uint32_t grid[3];
  uint32_t block[3];
  uint32_t shared_bytes; /* dynamic shared memory of each block */
  uint32_t flags;        /* LIG_LAUNCH_* */
  uint32_t reserved;
  /* One pointer per parameter of the kernel, to param_bytes bytes each, as
   * cuLaunchKernel takes them; read before the call returns. */
  void *const *args;
} lig_launch;

/* How the machine's own copies see a tensor in device memory: they bring boxes
 * of it to shared memory, with zeros for what lies beyond its edges. Dimensions
 * begin with the innermost. */
typedef struct lig_tensor_map {
  int32_t dtype;       /* enum lig_dtype */
  uint32_t rank;       /* 1 to 5 */
  uint64_t extents[5]; /* elements */
  uint64_t strides[5]; /* bytes, multiples of 16; the first is an element's */
  uint32_t box[5];     /* elements, at most 256 */
  /* Bytes of a row of the box whose pieces of 16 bytes change places with the
   * row's number, so that columns lie in different banks: 0, 32, 64 or 128. */
  uint32_t swizzle;
} lig_tensor_map;

/* What a kernel takes for one. */
#define LIG_TENSOR_MAP_BYTES 128
#define LIG_TENSOR_MAP_ALIGNMENT 64

/* A queue of device work. All functions return a lig_status; after one that is
 * not LIG_OK the entry point returns it. */
typedef struct lig_device {
  int32_t (*launch)(const struct lig_device *self, const lig_launch *launch);
  /* Between places in device memory that do not overlap. */
  int32_t (*copy)(const struct lig_device *self, void *to, const void *from,
                  uint64_t bytes);
  uint32_t multiprocessors; /* at least 1 */
  /* Most blocks of a cooperative launch, at least 1: one block waits for
   * nobody, so that a device without such launches takes this too. */
  uint32_t cooperative_blocks;
  /* Fills LIG_TENSOR_MAP_BYTES bytes on the host at `map`, for a launch. `data`
   * is in device memory, at a multiple of 16 bytes. */
  int32_t (*map)(const struct lig_device *self, const lig_tensor_map *tensor,
                 const void *data, void *map);
} lig_device;

/* The code of an entry point for a GPU. All pointers that inputs, outputs,
 * params, arena and dims hold are to device memory; the arrays `inputs` and
 * `outputs` themselves are the host's.
 * params, arena: aligned to LIG_ALIGNMENT.
 * dims: the dims of all outputs behind each other, filled with their upper
 *   bounds; kernels overwrite those that are dynamic. Null when none is.
 * Returns a lig_status. */
typedef int32_t (*lig_device_entry_fn)(const void *const *inputs,
                                       void *const *outputs,
                                       const uint8_t *params, uint8_t *arena,
                                       int64_t *dims, const lig_device *device);

typedef struct lig_kernel_desc {
  const char *name;
  const uint32_t *param_bytes; /* null only when there are none */
  uint32_t param_count;
  uint32_t max_block;  /* most threads of a block in any launch */
  uint32_t max_shared; /* most dynamic shared memory of any launch */
  uint32_t flags; /* LIG_LAUNCH_* of its launches, LIG_KERNEL_* */
} lig_kernel_desc;

/* The kernels of a model, compiled for one chip. */
typedef struct lig_device_code {
  const char *chip;     /* "sm_90a" */
  /* Either may be null, both where the kernels are only emulated. */
  const uint8_t *cubin;
  uint64_t cubin_bytes;
  const char *ptx; /* ends with a zero, which ptx_bytes counts */
  uint64_t ptx_bytes;
  const lig_kernel_desc *kernels;
  uint32_t kernel_count;
  uint32_t reserved;
} lig_device_code;

#ifdef __cplusplus
} /* extern "C" */

/* The emitter counts on these sizes. */
static_assert(sizeof(lig_launch) == 48, "");
static_assert(offsetof(lig_launch, args) == 40, "");
static_assert(sizeof(lig_tensor_map) == 112, "");
static_assert(sizeof(lig_device) == 32, "");
static_assert(sizeof(lig_kernel_desc) == 32, "");
static_assert(sizeof(lig_device_code) == 56, "");
static_assert(offsetof(lig_device_code, kernels) == 40, "");
#endif

#endif /* LIGATURE_ABI_DEVICE_H */
