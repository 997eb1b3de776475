// Contexts and runs. All memory that a run needs is made with the context: the
// arena, as large as the most demanding entry point wants it, and the dims of
// every output. A run checks pointers, fills in dims and calls the code.

#include "DataType.h"
#include "Error.h"
#include "Handles.h"

#include <cstdlib>
#include <cstring>

using namespace lig::runtime;

namespace {

/// More are a mistake of the caller's.
constexpr uint32_t kMaxThreads = 1024;
constexpr uint32_t kKnownFlags =
    LIG_CONTEXT_DEVICE_POINTERS | LIG_CONTEXT_GRAPH;

lig_status readOptions(const lig_context_options *given,
                       lig_context_options &options) {
  memset(&options, 0, sizeof(options));
  if (!given)
    return LIG_OK;
  // A program built against an older header has a smaller struct; what it
  // lacks is zero. A newer one may ask for what is not known here.
  if (given->size < sizeof(size_t) || given->size > sizeof(options))
    return fail(LIG_INVALID_ARGUMENT,
                "lig_context_options has size %zu, "
                "expected %zu",
                given->size, sizeof(options));
  memcpy(&options, given, given->size);
  if (reinterpret_cast<uintptr_t>(options.arena) % LIG_ALIGNMENT)
    return fail(LIG_INVALID_ARGUMENT, "the arena is not aligned to %d bytes",
                LIG_ALIGNMENT);
  if (options.threads > kMaxThreads)
    return fail(LIG_INVALID_ARGUMENT, "%u threads are more than %u",
                options.threads, kMaxThreads);
  if (options.flags & ~kKnownFlags)
    return fail(LIG_INVALID_ARGUMENT, "flags 0x%x are not known",
                options.flags & ~kKnownFlags);
  return LIG_OK;
}

lig_status placeArena(lig_context &context, const lig_context_options &options,
                      uint64_t needed) {
  if (options.arena) {
    if (options.arena_bytes < needed)
      return fail(LIG_INVALID_ARGUMENT, "the arena has %llu of %llu bytes",
                  static_cast<unsigned long long>(options.arena_bytes),
                  static_cast<unsigned long long>(needed));
    context.arena = static_cast<uint8_t *>(options.arena);
    context.arenaBytes = options.arena_bytes;
    return LIG_OK;
  }
  void *arena = nullptr;
  if (needed > static_cast<uint64_t>(PTRDIFF_MAX) ||
      (needed && posix_memalign(&arena, LIG_ALIGNMENT, needed) != 0))
    return fail(LIG_OUT_OF_MEMORY, "no memory for an arena of %llu bytes",
                static_cast<unsigned long long>(needed));
  context.arena = static_cast<uint8_t *>(arena);
  context.arenaBytes = needed;
  context.ownsArena = true;
  return LIG_OK;
}

lig_status startThreads(lig_context &context, uint32_t threads) {
  if (threads <= 1)
    return LIG_OK;
  context.pool = createPool(threads);
  return context.pool ? LIG_OK
                      : fail(LIG_OUT_OF_MEMORY, "no memory for %u threads",
                             threads);
}

void freeMemory(lig_context *context) {
  if (context->ownsArena)
    free(context->arena);
  free(context);
}

/// Writes the upper bounds of the outputs' dims; returns where they end.
int64_t *fillDims(const lig_entry_desc &entry, int64_t *dims) {
  for (uint32_t i = 0; i < entry.output_count; ++i)
    for (int32_t d = 0; d < entry.outputs[i].rank; ++d)
      *dims++ = entry.outputs[i].dims[d];
  return dims;
}

lig_status checkBuffers(const lig_entry_desc &entry, const char *kind,
                        const lig_tensor_desc *tensors, uint32_t count,
                        const void *const *buffers) {
  if (count && !buffers)
    return fail(LIG_INVALID_ARGUMENT, "%s: the %ss are null", entry.name, kind);
  for (uint32_t i = 0; i < count; ++i) {
    if (!buffers[i] && tensors[i].bytes)
      return fail(LIG_INVALID_ARGUMENT, "%s: %s %u ('%s') is null", entry.name,
                  kind, i, tensors[i].name);
    if (reinterpret_cast<uintptr_t>(buffers[i]) %
        lig_dtype_bytes(tensors[i].dtype))
      return fail(LIG_INVALID_ARGUMENT,
                  "%s: %s %u ('%s') is not aligned to its element type",
                  entry.name, kind, i, tensors[i].name);
  }
  return LIG_OK;
}

/// Compiled code that reports a shape beyond its bound has written beyond the
/// buffer or will make the caller read there.
lig_status checkDims(const lig_entry_desc &entry, const int64_t *dims) {
  for (uint32_t i = 0; i < entry.output_count; ++i)
    for (int32_t d = 0; d < entry.outputs[i].rank; ++d, ++dims)
      if (*dims < 0 || *dims > entry.outputs[i].dims[d])
        return fail(LIG_INTERNAL_ERROR,
                    "%s: output %u reports dimension %d as %lld, bound %lld",
                    entry.name, i, d, static_cast<long long>(*dims),
                    static_cast<long long>(entry.outputs[i].dims[d]));
  return LIG_OK;
}

/// What a run that left `result` and `dims` comes to; sets the dims back after
/// a failure.
lig_status conclude(const lig_entry_desc &entry, int32_t result,
                    int64_t *dims) {
  lig_status status;
  if (result == LIG_OK)
    status = checkDims(entry, dims);
  else if (result < 0 || result > LIG_DEVICE_ERROR)
    status = fail(LIG_INTERNAL_ERROR, "%s: unknown status %d", entry.name,
                  static_cast<int>(result));
  else
    status = fail(static_cast<lig_status>(result), "%s: %s", entry.name,
                  lig_status_string(static_cast<lig_status>(result)));
  if (status != LIG_OK)
    fillDims(entry, dims);
  return status;
}

/// Runs the code of a GPU on a device in host memory.
int32_t runOnHostDevice(const lig_context &context, const lig_entry_desc &entry,
                        const void *const *inputs, void *const *outputs,
                        int64_t *dims) {
  memset(context.arena, 0, LIG_DEVICE_HEADER_BYTES);
  int32_t result = entry.run_device(
      inputs, outputs, context.weights->data, context.arena,
      hasDynamicDims(entry) ? dims : nullptr, context.device);
  if (result != LIG_OK)
    return result;
  memcpy(&result, context.arena, sizeof(result));
  return result;
}

} // namespace

lig_status lig_context_create(lig_weights *weights,
                              const lig_context_options *given,
                              lig_context **context) {
  if (!weights || !context)
    return fail(LIG_INVALID_ARGUMENT, "lig_context_create: a pointer is null");
  *context = nullptr;
  lig_context_options options;
  if (lig_status status = readOptions(given, options))
    return status;

  const lig_model_desc &model = *weights->library->model;
  uint64_t arenaBytes = 0, dimCount = 0;
  for (uint32_t e = 0; e < model.entry_count; ++e) {
    const lig_entry_desc &entry = model.entries[e];
    if (entry.arena_bytes > arenaBytes)
      arenaBytes = entry.arena_bytes;
    for (uint32_t i = 0; i < entry.output_count; ++i)
      dimCount += static_cast<uint64_t>(entry.outputs[i].rank);
  }
  auto *made = static_cast<lig_context *>(malloc(
      sizeof(lig_context) + (model.entry_count + dimCount) * sizeof(int64_t)));
  if (!made)
    return fail(LIG_OUT_OF_MEMORY, "no memory for a context");
  memset(made, 0, sizeof(*made));
  made->dimStarts = reinterpret_cast<uint64_t *>(made + 1);
  made->dims = reinterpret_cast<int64_t *>(made->dimStarts + model.entry_count);
  int64_t *next = made->dims;
  for (uint32_t e = 0; e < model.entry_count; ++e) {
    made->dimStarts[e] = static_cast<uint64_t>(next - made->dims);
    next = fillDims(model.entries[e], next);
  }
  lig_status status;
  if (model.device_code && !options.device) {
    status = createCudaContext(*weights, options, made->dims, dimCount,
                               made->dimStarts, &made->cuda);
  } else {
    made->device = model.device_code ? options.device : nullptr;
    status = placeArena(*made, options, arenaBytes);
    if (status == LIG_OK && !model.device_code)
      status = startThreads(*made, options.threads);
  }
  if (status != LIG_OK) {
    freeMemory(made);
    return status;
  }
  retain(weights->references);
  made->weights = weights;
  *context = made;
  return LIG_OK;
}

void lig_context_close(lig_context *context) {
  if (!context)
    return;
  lig_weights *weights = context->weights;
  closePool(context->pool);
  closeCudaContext(context->cuda);
  freeMemory(context);
  lig_weights_close(weights);
}

uint64_t lig_context_arena_bytes(const lig_context *context) {
  if (!context)
    return 0;
  return context->cuda ? getArenaBytes(*context->cuda) : context->arenaBytes;
}

lig_status lig_context_usage(const lig_context *context,
                             lig_device_usage *usage) {
  if (!context || !usage)
    return fail(LIG_INVALID_ARGUMENT, "lig_context_usage: a pointer is null");
  *usage = {};
  if (context->cuda)
    describeUsage(*context->cuda, *usage);
  return LIG_OK;
}

lig_status lig_run(lig_context *context, uint32_t index,
                   const void *const *inputs, void *const *outputs) {
  if (!context)
    return fail(LIG_INVALID_ARGUMENT, "lig_run: the context is null");
  const lig_entry_desc *entry = findEntry(context->weights->library, index);
  if (!entry)
    return fail(LIG_NO_SUCH_ENTRY, "the model has no entry point %u", index);
  lig_status status =
      checkBuffers(*entry, "input", entry->inputs, entry->input_count, inputs);
  if (status == LIG_OK)
    status = checkBuffers(*entry, "output", entry->outputs, entry->output_count,
                          outputs);
  if (status != LIG_OK)
    return status;

  int64_t *dims = context->dims + context->dimStarts[index];
  fillDims(*entry, dims);
  if (context->cuda) {
    status = runOnCuda(*context->cuda, index, inputs, outputs);
    return status == LIG_OK && isSynchronous(*context->cuda)
               ? lig_synchronize(context)
               : status;
  }
  int32_t result =
      context->device
          ? runOnHostDevice(*context, *entry, inputs, outputs, dims)
          : entry->run(inputs, outputs, context->weights->data, context->arena,
                       dims,
                       context->pool ? getParallel(context->pool) : nullptr);
  return conclude(*entry, result, dims);
}

lig_status lig_synchronize(lig_context *context) {
  if (!context)
    return fail(LIG_INVALID_ARGUMENT, "lig_synchronize: the context is null");
  if (!context->cuda)
    return LIG_OK;
  CudaResult result;
  if (lig_status status = synchronizeCuda(*context->cuda, result))
    return status;
  if (!result.ran)
    return LIG_OK;
  const lig_entry_desc &entry =
      *findEntry(context->weights->library, result.entry);
  int64_t *dims = context->dims + context->dimStarts[result.entry];
  int64_t *end = fillDims(entry, dims);
  if (result.dims)
    memcpy(dims, result.dims, static_cast<size_t>(end - dims) * sizeof(*dims));
  return conclude(entry, result.result, dims);
}

const int64_t *lig_output_dims(const lig_context *context, uint32_t index,
                               uint32_t output) {
  if (!context)
    return nullptr;
  const lig_entry_desc *entry = findEntry(context->weights->library, index);
  if (!entry || output >= entry->output_count)
    return nullptr;
  uint64_t at = context->dimStarts[index];
  for (uint32_t i = 0; i < output; ++i)
    at += static_cast<uint64_t>(entry->outputs[i].rank);
  return context->dims + at;
}
