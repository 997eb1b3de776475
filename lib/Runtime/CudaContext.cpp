// Everything a run needs is made with the context: a block of device memory
// (arena, dims, buffers for host data), a page-locked block that the status and
// the dims of a run are copied to, a stream. A run only fills the stream, so it
// can be captured; a graph that was recorded is kept for each entry point with
// the pointers it was recorded for.

#include "CudaContext.h"
#include "CudaResources.h"
#include "Error.h"
#include "Handles.h"

#include <cstdlib>
#include <cstring>

namespace lig::runtime {

using namespace cuda;

namespace {

/// Parts of a block begin at multiples of this.
constexpr uint64_t kAlignment = 256;

uint64_t alignUp(uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

uint64_t countDims(const lig_entry_desc &entry) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < entry.output_count; ++i)
    count += static_cast<uint64_t>(entry.outputs[i].rank);
  return count;
}

/// What a run leaves for the host, in page-locked memory.
struct Report {
  int32_t status;
  int32_t reserved;
  int64_t dims[1]; // as many as the entry point has
};

/// A run as a graph, and the pointers it was recorded for.
struct Recording {
  Executable graph;
  const void **pointers; // inputs, then outputs
};

} // namespace

struct CudaContext {
  lig_device queue; // first: what compiled code calls
  const lig_model_desc *model;
  OpenDevice *device;
  LoadedCode *code;
  UploadedParameters *parameters;
  Stream stream;
  bool ownsStream;
  uint32_t flags;
  Pointer memory, arena, bounds, dims, staging;
  uint64_t memoryBytes, arenaBytes, dimCount, graphRuns;
  const uint64_t *dimStarts; // the lig_context's
  Report *report;
  bool ran, saidWhy;
  uint32_t lastEntry;
  Recording *recordings;  // one an entry point
  const void **inputs;    // of the run in hand, where they lie in `staging`
  void **outputs;

  const Driver &driver() const { return *device->driver; }
  bool takesDevicePointers() const {
    return flags & LIG_CONTEXT_DEVICE_POINTERS;
  }
};

namespace {

//===-- What compiled code calls -----------------------------------------===//

CudaContext &contextOf(const lig_device *self) {
  // The queue is the context's first member.
  return *reinterpret_cast<CudaContext *>(const_cast<lig_device *>(self));
}

int32_t keep(CudaContext &context, lig_status status) {
  context.saidWhy |= status != LIG_OK;
  return status;
}

int32_t launch(const lig_device *self, const lig_launch *launch) {
  CudaContext &context = contextOf(self);
  const lig_device_code &code = *context.code->code;
  if (launch->kernel >= code.kernel_count)
    return keep(context, fail(LIG_INTERNAL_ERROR, "no kernel %u of %u",
                              launch->kernel, code.kernel_count));
  const lig_kernel_desc &kernel = code.kernels[launch->kernel];
  uint64_t threads = uint64_t(launch->block[0]) * launch->block[1] *
                     launch->block[2];
  if (threads > kernel.max_block || launch->shared_bytes > kernel.max_shared)
    return keep(context,
                fail(LIG_INTERNAL_ERROR,
                     "kernel '%s' is launched with more than it was described "
                     "with",
                     kernel.name));
  const Driver &driver = context.driver();
  Function function = context.code->functions[launch->kernel];
  auto **args = const_cast<void **>(launch->args);
  const uint32_t *grid = launch->grid, *block = launch->block;
  // A block that is alone waits for nobody.
  bool isCooperative = (launch->flags & LIG_LAUNCH_COOPERATIVE) &&
                       uint64_t(grid[0]) * grid[1] * grid[2] > 1;
  Result result =
      isCooperative
          ? driver.launchCooperative(function, grid[0], grid[1], grid[2],
                                     block[0], block[1], block[2],
                                     launch->shared_bytes, context.stream, args)
          : driver.launch(function, grid[0], grid[1], grid[2], block[0],
                          block[1], block[2], launch->shared_bytes,
                          context.stream, args, nullptr);
  return keep(context, check(driver, result, kernel.name));
}

int32_t copy(const lig_device *self, void *to, const void *from,
             uint64_t bytes) {
  CudaContext &context = contextOf(self);
  if (!bytes)
    return LIG_OK;
  return keep(context,
              check(context.driver(),
                    context.driver().copyAsync(
                        reinterpret_cast<Pointer>(to),
                        reinterpret_cast<Pointer>(from), bytes, context.stream),
                    "copying on the device"));
}

/// The driver's number of a lig_dtype; -1 for what has no maps here.
int tensorType(int32_t dtype) {
  switch (dtype) {
  case LIG_F16:
    return TensorFloat16;
  case LIG_F32:
    return TensorFloat32;
  case LIG_BF16:
    return TensorBFloat16;
  default:
    return -1;
  }
}

int32_t encodeMap(const lig_device *self, const lig_tensor_map *tensor,
                  const void *data, void *map) {
  CudaContext &context = contextOf(self);
  const Driver &driver = context.driver();
  // A kernel that takes maps is not loaded without this.
  if (!driver.encodeTiledMap)
    return keep(context, fail(LIG_NO_DEVICE, "the driver makes no tensor maps"));
  static const uint32_t everyElement[5] = {1, 1, 1, 1, 1};
  int swizzle = 0; // none, 32, 64, 128
  while (swizzle < 3 && (16u << swizzle) < tensor->swizzle)
    ++swizzle;
  Result result = driver.encodeTiledMap(
      map, tensorType(tensor->dtype), tensor->rank, const_cast<void *>(data),
      tensor->extents, tensor->strides + 1, tensor->box, everyElement,
      /*interleave=*/0, swizzle, TensorPromote256, /*beyond edges, zeros=*/0);
  return keep(context, check(driver, result, "describing a tensor"));
}

//===-- Making a context -------------------------------------------------===//

/// Where the parts of the device memory begin, and how much it is.
struct Layout {
  uint64_t arena = 0, bounds = 0, dims = 0, staging = 0, bytes = 0;
};

Layout plan(const lig_model_desc &model, const lig_context_options &options,
            uint64_t arenaBytes, uint64_t dimCount) {
  Layout layout;
  layout.bounds = options.arena ? 0 : alignUp(arenaBytes);
  layout.dims = layout.bounds + alignUp(dimCount * sizeof(int64_t));
  layout.staging = layout.dims + alignUp(dimCount * sizeof(int64_t));
  uint64_t most = 0;
  for (uint32_t e = 0;
       !(options.flags & LIG_CONTEXT_DEVICE_POINTERS) && e < model.entry_count;
       ++e) {
    const lig_entry_desc &entry = model.entries[e];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < entry.input_count; ++i)
      bytes += alignUp(entry.inputs[i].bytes);
    for (uint32_t i = 0; i < entry.output_count; ++i)
      bytes += alignUp(entry.outputs[i].bytes);
    if (bytes > most)
      most = bytes;
  }
  layout.bytes = layout.staging + most;
  return layout;
}

lig_status allocate(CudaContext &context, const lig_context_options &options,
                    const int64_t *boundDims) {
  const Driver &driver = context.driver();
  Layout layout =
      plan(*context.model, options, context.arenaBytes, context.dimCount);
  if (layout.bytes)
    if (lig_status status = check(
            driver, driver.allocate(&context.memory, layout.bytes),
            "allocating the context's memory"))
      return status;
  context.memoryBytes = layout.bytes;
  context.arena = options.arena ? reinterpret_cast<Pointer>(options.arena)
                                : context.memory;
  context.bounds = context.memory + layout.bounds;
  context.dims = context.memory + layout.dims;
  context.staging = context.memory + layout.staging;
  if (context.dimCount)
    if (lig_status status =
            check(driver,
                  driver.upload(context.bounds, boundDims,
                                context.dimCount * sizeof(int64_t)),
                  "uploading the bounds of shapes"))
      return status;
  void *report = nullptr;
  lig_status status = check(
      driver,
      driver.allocateHost(
          &report, sizeof(Report) + context.dimCount * sizeof(int64_t), 0),
      "allocating page-locked memory");
  context.report = static_cast<Report *>(report);
  return status;
}

/// Memory of the host for the pointers of runs.
lig_status allocatePointers(CudaContext &context) {
  const lig_model_desc &model = *context.model;
  uint64_t inputs = 0, outputs = 0, all = 0;
  for (uint32_t e = 0; e < model.entry_count; ++e) {
    const lig_entry_desc &entry = model.entries[e];
    inputs = entry.input_count > inputs ? entry.input_count : inputs;
    outputs = entry.output_count > outputs ? entry.output_count : outputs;
    all += uint64_t(entry.input_count) + entry.output_count;
  }
  void *block = calloc(1, model.entry_count * sizeof(Recording) +
                              (inputs + outputs + all + 1) * sizeof(void *));
  if (!block)
    return fail(LIG_OUT_OF_MEMORY, "no memory for a context");
  context.recordings = static_cast<Recording *>(block);
  auto *next =
      reinterpret_cast<const void **>(context.recordings + model.entry_count);
  for (uint32_t e = 0; e < model.entry_count; ++e) {
    context.recordings[e].pointers = next;
    next += uint64_t(model.entries[e].input_count) +
            model.entries[e].output_count;
  }
  context.inputs = next;
  context.outputs = const_cast<void **>(next + inputs);
  return LIG_OK;
}

lig_status initialize(CudaContext &context, const lig_weights &weights,
                      const lig_context_options &options,
                      const int64_t *boundDims) {
  const lig_model_desc &model = *context.model;
  if (lig_status status = openDevice(options.ordinal, &context.device))
    return status;
  if (lig_status status =
          loadCode(*context.device, *model.device_code, &context.code))
    return status;
  if (model.params)
    if (lig_status status = uploadParameters(
            *context.device, *model.params, weights.data, &context.parameters))
      return status;
  context.queue.multiprocessors =
      static_cast<uint32_t>(context.device->multiprocessors);
  context.queue.cooperative_blocks = context.code->cooperativeBlocks;
  Scope scope(context.driver(), context.device->context);
  if (lig_status status = scope.enter())
    return status;
  if (lig_status status = allocate(context, options, boundDims))
    return status;
  if (lig_status status = allocatePointers(context))
    return status;
  context.stream = static_cast<Stream>(options.stream);
  if (context.stream)
    return LIG_OK;
  lig_status status = check(
      context.driver(),
      context.driver().createStream(&context.stream, StreamNonBlocking),
      "making a stream");
  context.ownsStream = status == LIG_OK;
  return status;
}

//===-- Running ----------------------------------------------------------===//

/// The run itself: all that a graph holds.
lig_status enqueue(CudaContext &context, uint32_t index,
                   const void *const *inputs, void *const *outputs) {
  const Driver &driver = context.driver();
  const lig_entry_desc &entry = context.model->entries[index];
  Stream stream = context.stream;
  if (lig_status status = check(
          driver,
          driver.fillAsync(context.arena, 0, LIG_DEVICE_HEADER_BYTES, stream),
          "clearing the status"))
    return status;
  uint64_t offset = context.dimStarts[index] * sizeof(int64_t);
  uint64_t bytes =
      hasDynamicDims(entry) ? countDims(entry) * sizeof(int64_t) : 0;
  if (bytes)
    if (lig_status status =
            check(driver,
                  driver.copyAsync(context.dims + offset,
                                   context.bounds + offset, bytes, stream),
                  "setting the bounds of shapes"))
      return status;
  context.saidWhy = false;
  auto *params = reinterpret_cast<const uint8_t *>(
      context.parameters ? context.parameters->data : 0);
  int32_t result = entry.run_device(
      inputs, outputs, params, reinterpret_cast<uint8_t *>(context.arena),
      bytes ? reinterpret_cast<int64_t *>(context.dims + offset) : nullptr,
      &context.queue);
  if (result != LIG_OK)
    return context.saidWhy
               ? static_cast<lig_status>(result)
               : fail(LIG_INTERNAL_ERROR, "%s: the launches ended with %d",
                      entry.name, static_cast<int>(result));
  if (lig_status status =
          check(driver,
                driver.downloadAsync(&context.report->status, context.arena,
                                     sizeof(int32_t), stream),
                "fetching the status"))
    return status;
  if (!bytes)
    return LIG_OK;
  return check(driver,
               driver.downloadAsync(context.report->dims,
                                    context.dims + offset, bytes, stream),
               "fetching shapes");
}

lig_status record(CudaContext &context, uint32_t index,
                  const void *const *inputs, void *const *outputs) {
  const Driver &driver = context.driver();
  Recording &recording = context.recordings[index];
  if (recording.graph)
    driver.destroyExecutable(recording.graph);
  recording.graph = nullptr;
  if (lig_status status =
          check(driver, driver.beginCapture(context.stream, CaptureThreadLocal),
                "recording a graph"))
    return status;
  lig_status status = enqueue(context, index, inputs, outputs);
  Graph graph = nullptr;
  Result ended = driver.endCapture(context.stream, &graph);
  if (status == LIG_OK)
    status = check(driver, ended, "recording a graph");
  if (status == LIG_OK)
    status = check(driver, driver.instantiate(&recording.graph, graph, 0),
                   "making a graph executable");
  if (graph)
    driver.destroyGraph(graph);
  return status;
}

bool isCaptured(const CudaContext &context) {
  int state = CaptureNone;
  return context.driver().isCapturing(context.stream, &state) == 0 &&
         state != CaptureNone;
}

lig_status replay(CudaContext &context, uint32_t index,
                  const void *const *inputs, void *const *outputs) {
  const lig_entry_desc &entry = context.model->entries[index];
  Recording &recording = context.recordings[index];
  size_t inputBytes = entry.input_count * sizeof(void *);
  size_t outputBytes = entry.output_count * sizeof(void *);
  const void **known = recording.pointers;
  bool isSame =
      recording.graph &&
      (!inputBytes || memcmp(known, inputs, inputBytes) == 0) &&
      (!outputBytes ||
       memcmp(known + entry.input_count, outputs, outputBytes) == 0);
  if (!isSame) {
    if (lig_status status = record(context, index, inputs, outputs))
      return status;
    if (inputBytes)
      memcpy(known, inputs, inputBytes);
    if (outputBytes)
      memcpy(known + entry.input_count, outputs, outputBytes);
  }
  lig_status status = check(
      context.driver(),
      context.driver().launchGraph(recording.graph, context.stream),
      "replaying a graph");
  context.graphRuns += isSame && status == LIG_OK;
  return status;
}

lig_status runInStream(CudaContext &context, uint32_t index,
                       const void *const *inputs, void *const *outputs) {
  context.ran = true;
  context.lastEntry = index;
  if ((context.flags & LIG_CONTEXT_GRAPH) && !isCaptured(context))
    return replay(context, index, inputs, outputs);
  return enqueue(context, index, inputs, outputs);
}

/// Brings the inputs to the device, runs there and brings the outputs back.
lig_status runFromHost(CudaContext &context, uint32_t index,
                       const void *const *inputs, void *const *outputs) {
  const Driver &driver = context.driver();
  const lig_entry_desc &entry = context.model->entries[index];
  Pointer next = context.staging;
  for (uint32_t i = 0; i < entry.input_count; ++i) {
    uint64_t bytes = entry.inputs[i].bytes;
    context.inputs[i] = reinterpret_cast<const void *>(next);
    if (bytes)
      if (lig_status status = check(
              driver,
              driver.uploadAsync(next, inputs[i], bytes, context.stream),
              entry.inputs[i].name))
        return status;
    next += alignUp(bytes);
  }
  for (uint32_t i = 0; i < entry.output_count; ++i) {
    context.outputs[i] = reinterpret_cast<void *>(next);
    next += alignUp(entry.outputs[i].bytes);
  }
  if (lig_status status =
          runInStream(context, index, context.inputs, context.outputs))
    return status;
  for (uint32_t i = 0; i < entry.output_count; ++i)
    if (uint64_t bytes = entry.outputs[i].bytes)
      if (lig_status status =
              check(driver,
                    driver.downloadAsync(
                        outputs[i],
                        reinterpret_cast<Pointer>(context.outputs[i]), bytes,
                        context.stream),
                    entry.outputs[i].name))
        return status;
  return check(driver, driver.synchronize(context.stream),
               "waiting for the GPU");
}

} // namespace

lig_status createCudaContext(const lig_weights &weights,
                             const lig_context_options &options,
                             const int64_t *boundDims, uint64_t dimCount,
                             const uint64_t *dimStarts, CudaContext **context) {
  auto *made = static_cast<CudaContext *>(calloc(1, sizeof(CudaContext)));
  if (!made)
    return fail(LIG_OUT_OF_MEMORY, "no memory for a context");
  made->queue = {launch, copy, 1, 1, encodeMap};
  made->model = weights.library->model;
  made->flags = options.flags;
  made->dimCount = dimCount;
  made->dimStarts = dimStarts;
  for (uint32_t e = 0; e < made->model->entry_count; ++e)
    if (made->model->entries[e].arena_bytes > made->arenaBytes)
      made->arenaBytes = made->model->entries[e].arena_bytes;
  lig_status status = LIG_OK;
  if (options.arena && options.arena_bytes < made->arenaBytes)
    status = fail(LIG_INVALID_ARGUMENT, "the arena has %llu of %llu bytes",
                  static_cast<unsigned long long>(options.arena_bytes),
                  static_cast<unsigned long long>(made->arenaBytes));
  if (status == LIG_OK)
    status = initialize(*made, weights, options, boundDims);
  if (status != LIG_OK) {
    closeCudaContext(made);
    return status;
  }
  *context = made;
  return LIG_OK;
}

void closeCudaContext(CudaContext *context) {
  if (!context)
    return;
  if (context->device) {
    const Driver &driver = context->driver();
    Scope scope(driver, context->device->context);
    // What is in the stream still uses the memory.
    if (context->stream)
      driver.synchronize(context->stream);
    for (uint32_t e = 0;
         context->recordings && e < context->model->entry_count; ++e)
      if (context->recordings[e].graph)
        driver.destroyExecutable(context->recordings[e].graph);
    if (context->ownsStream)
      driver.destroyStream(context->stream);
    if (context->report)
      driver.freeHost(context->report);
    if (context->memory)
      driver.free(context->memory);
  }
  free(context->recordings);
  dropParameters(context->parameters);
  unloadCode(context->code);
  closeDevice(context->device);
  free(context);
}

static lig_status checkAlignment(const lig_tensor_desc *tensors, uint32_t count,
                                 const void *const *pointers) {
  for (uint32_t i = 0; i < count; ++i)
    if (tensors[i].bytes &&
        reinterpret_cast<uintptr_t>(pointers[i]) % LIG_DEVICE_ALIGNMENT)
      return fail(LIG_INVALID_ARGUMENT,
                  "'%s' is not at a multiple of %d bytes of device memory",
                  tensors[i].name, LIG_DEVICE_ALIGNMENT);
  return LIG_OK;
}

lig_status runOnCuda(CudaContext &context, uint32_t entry,
                     const void *const *inputs, void *const *outputs) {
  const lig_entry_desc &described = context.model->entries[entry];
  if (context.takesDevicePointers()) {
    if (lig_status status = checkAlignment(described.inputs,
                                           described.input_count, inputs))
      return status;
    if (lig_status status = checkAlignment(described.outputs,
                                           described.output_count, outputs))
      return status;
  }
  Scope scope(context.driver(), context.device->context);
  if (lig_status status = scope.enter())
    return status;
  return context.takesDevicePointers()
             ? runInStream(context, entry, inputs, outputs)
             : runFromHost(context, entry, inputs, outputs);
}

bool isSynchronous(const CudaContext &context) {
  return !context.takesDevicePointers();
}

lig_status synchronizeCuda(CudaContext &context, CudaResult &result) {
  result = {};
  Scope scope(context.driver(), context.device->context);
  if (lig_status status = scope.enter())
    return status;
  if (lig_status status =
          check(context.driver(), context.driver().synchronize(context.stream),
                "waiting for the GPU"))
    return status;
  if (!context.ran)
    return LIG_OK;
  const lig_entry_desc &entry = context.model->entries[context.lastEntry];
  result = {context.report->status, context.lastEntry,
            hasDynamicDims(entry) ? context.report->dims : nullptr, true};
  return LIG_OK;
}

uint64_t getArenaBytes(const CudaContext &context) {
  return context.arenaBytes;
}

void describeUsage(const CudaContext &context, lig_device_usage &usage) {
  countParameters(*context.device, usage.uploads, usage.param_bytes);
  usage.context_bytes = context.memoryBytes;
  usage.graph_runs = context.graphRuns;
  usage.cooperative_blocks = context.queue.cooperative_blocks;
}

} // namespace lig::runtime
