// See FakeCuda.h. Handles are pointers to the structs below; one thread at a
// time may call.

#include "FakeCuda.h"

#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace lig::test;

extern "C" {
FakeCuda fakeCuda;
}

namespace {

enum : int {
  Ok = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  InvalidDevice = 101,
  InvalidContext = 201,
  NoBinary = 209,
  InvalidImage = 218,
  InvalidHandle = 400,
  NotFound = 500,
  CooperativeTooLarge = 720,
  CaptureUnsupported = 900,
};

using Work = std::function<void()>;
struct Context {
  int references = 0;
};
struct Function {
  const FakeKernel *kernel;
  int dynamicShared = 48 << 10;
};
struct Module {
  std::vector<std::unique_ptr<Function>> functions;
};
struct Graph {
  std::vector<Work> work;
};
struct Stream {
  std::deque<Work> work;
  std::unique_ptr<Graph> capture;
};

Context primary;
std::vector<Context *> current;
std::map<uintptr_t, std::pair<std::unique_ptr<char[]>, size_t>> memory;
std::map<void *, std::unique_ptr<char[]>> hostMemory;
std::set<void *> streams, modules, graphs, executables;
bool isCapturing = false;

int refuse(int error) {
  ++fakeCuda.counts.errors;
  return error;
}

/// Whether a call goes on: a context is current and no failure is due.
int enter() {
  if (current.empty())
    return refuse(InvalidContext);
  if (fakeCuda.failAfter >= 0 && fakeCuda.failAfter-- == 0)
    return fakeCuda.failWith;
  return Ok;
}
#define ENTER()                                                                \
  if (int error = enter())                                                     \
  return error
#define REFUSE_IF(condition, error)                                            \
  if (condition)                                                               \
  return refuse(error)

bool holds(uintptr_t begin, size_t bytes) {
  auto it = memory.upper_bound(begin);
  if (it == memory.begin())
    return false;
  --it;
  return begin + bytes <= it->first + it->second.second;
}

int submit(Stream *stream, Work work) {
  if (!streams.count(stream))
    return refuse(InvalidHandle);
  if (stream->capture)
    stream->capture->work.push_back(std::move(work));
  else
    stream->work.push_back(std::move(work));
  return Ok;
}

void drain(Stream *stream) {
  while (!stream->work.empty()) {
    stream->work.front()();
    stream->work.pop_front();
  }
}

int launch(Function *function, unsigned gx, unsigned gy, unsigned gz,
           unsigned bx, unsigned by, unsigned bz, unsigned shared,
           Stream *stream, void **args) {
  ENTER();
  const FakeKernel &kernel = *function->kernel;
  size_t threads = size_t(bx) * by * bz;
  REFUSE_IF(!gx || !gy || !gz || !threads || threads > kernel.maxThreads,
            InvalidValue);
  REFUSE_IF(int(shared) > function->dynamicShared, InvalidValue);
  // The driver copies the arguments before it returns.
  auto values = std::make_shared<std::vector<std::string>>();
  for (uint32_t i = 0; i < kernel.paramCount; ++i)
    values->emplace_back(static_cast<char *>(args[i]), kernel.paramBytes[i]);
  return submit(stream, [&kernel, values] {
    std::vector<void *> pointers;
    for (std::string &value : *values)
      pointers.push_back(value.data());
    ++fakeCuda.counts.launches;
    kernel.run(pointers.data());
  });
}

} // namespace

extern "C" {

int cuInit(unsigned) { return fakeCuda.devices ? Ok : 100; }
int cuGetErrorString(int, const char **text) {
  *text = "fake failure";
  return Ok;
}
int cuDeviceGetCount(int *count) {
  *count = fakeCuda.devices;
  return Ok;
}
int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return Ok;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  *value = attribute == 16 ? fakeCuda.multiprocessors
           : attribute == 75 ? 9
           : attribute == 95 ? fakeCuda.cooperative
           : attribute == 97 ? fakeCuda.sharedBytes
                             : 0;
  return Ok;
}
int cuDevicePrimaryCtxRetain(Context **context, int) {
  *context = &primary;
  fakeCuda.counts.contexts = ++primary.references;
  return Ok;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  REFUSE_IF(!primary.references, InvalidContext);
  fakeCuda.counts.contexts = --primary.references;
  return Ok;
}
int cuCtxPushCurrent_v2(Context *context) {
  REFUSE_IF(!primary.references, InvalidContext);
  current.push_back(context);
  return Ok;
}
int cuCtxPopCurrent_v2(Context **context) {
  REFUSE_IF(current.empty(), InvalidContext);
  *context = current.back();
  current.pop_back();
  return Ok;
}

int cuModuleLoadData(Module **module, const void *image) {
  ENTER();
  if (strcmp(static_cast<const char *>(image), "OLD") == 0)
    return NoBinary;
  if (fakeCuda.kernels && strcmp(static_cast<const char *>(image), "FAKE") != 0)
    return InvalidImage;
  *module = new Module;
  modules.insert(*module);
  fakeCuda.counts.modules = int(modules.size());
  return Ok;
}
int cuModuleUnload(Module *module) {
  REFUSE_IF(current.empty(), InvalidContext);
  REFUSE_IF(!modules.erase(module), InvalidHandle);
  delete module;
  fakeCuda.counts.modules = int(modules.size());
  return Ok;
}
int cuModuleGetFunction(Function **function, Module *module, const char *name) {
  ENTER();
  for (size_t i = 0; i < fakeCuda.kernelCount; ++i)
    if (strcmp(fakeCuda.kernels[i].name, name) == 0) {
      module->functions.emplace_back(new Function{&fakeCuda.kernels[i]});
      *function = module->functions.back().get();
      return Ok;
    }
  if (!fakeCuda.kernels) {
    static const FakeKernel nothing = {"", [](void **) {}, nullptr, 0, 1024};
    module->functions.emplace_back(new Function{&nothing});
    *function = module->functions.back().get();
    return Ok;
  }
  return NotFound;
}
int cuFuncGetAttribute(int *value, int, Function *function) {
  ENTER();
  *value = int(function->kernel->maxThreads);
  return Ok;
}
int cuFuncSetAttribute(Function *function, int attribute, int value) {
  ENTER();
  REFUSE_IF(attribute != 8 || value > fakeCuda.sharedBytes, InvalidValue);
  function->dynamicShared = fakeCuda.counts.mostDynamicShared = value;
  return Ok;
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, Function *function,
                                                int threads, size_t shared) {
  ENTER();
  REFUSE_IF(!threads || int(shared) > function->dynamicShared, InvalidValue);
  *blocks = fakeCuda.residentBlocks;
  return Ok;
}

int cuMemAlloc_v2(unsigned long long *pointer, size_t bytes) {
  ENTER();
  REFUSE_IF(isCapturing, CaptureUnsupported);
  REFUSE_IF(!bytes, InvalidValue);
  if (bytes > (size_t(1) << 40))
    return OutOfMemory;
  std::unique_ptr<char[]> block(new char[bytes + 256]);
  memset(block.get(), 0xcb, bytes + 256);
  auto begin = (reinterpret_cast<uintptr_t>(block.get()) + 255) / 256 * 256;
  *pointer = begin;
  memory[begin] = {std::move(block), bytes};
  ++fakeCuda.counts.allocations;
  fakeCuda.counts.memory = int(memory.size());
  return Ok;
}
int cuMemFree_v2(unsigned long long pointer) {
  REFUSE_IF(current.empty(), InvalidContext);
  REFUSE_IF(isCapturing, CaptureUnsupported);
  REFUSE_IF(!memory.erase(pointer), InvalidValue);
  fakeCuda.counts.memory = int(memory.size());
  return Ok;
}
int cuMemHostAlloc(void **pointer, size_t bytes, unsigned) {
  ENTER();
  REFUSE_IF(isCapturing, CaptureUnsupported);
  std::unique_ptr<char[]> block(new char[bytes]);
  memset(block.get(), 0xcb, bytes);
  *pointer = block.get();
  hostMemory[*pointer] = std::move(block);
  ++fakeCuda.counts.allocations;
  fakeCuda.counts.hostMemory = int(hostMemory.size());
  return Ok;
}
int cuMemFreeHost(void *pointer) {
  REFUSE_IF(!hostMemory.erase(pointer), InvalidValue);
  fakeCuda.counts.hostMemory = int(hostMemory.size());
  return Ok;
}

int cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t bytes) {
  ENTER();
  REFUSE_IF(isCapturing, CaptureUnsupported);
  REFUSE_IF(!holds(to, bytes), InvalidValue);
  memcpy(reinterpret_cast<void *>(to), from, bytes);
  ++fakeCuda.counts.uploads;
  fakeCuda.counts.uploadedBytes += bytes;
  return Ok;
}
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t bytes,
                         Stream *stream) {
  ENTER();
  REFUSE_IF(!holds(to, bytes), InvalidValue);
  // Pageable memory is read before the call returns.
  REFUSE_IF(stream->capture, CaptureUnsupported);
  std::string data(static_cast<const char *>(from), bytes);
  return submit(stream, [=] {
    memcpy(reinterpret_cast<void *>(to), data.data(), bytes);
  });
}
int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t bytes,
                         Stream *stream) {
  ENTER();
  REFUSE_IF(!holds(from, bytes), InvalidValue);
  return submit(stream, [=] {
    memcpy(to, reinterpret_cast<void *>(from), bytes);
  });
}
int cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from,
                         size_t bytes, Stream *stream) {
  ENTER();
  REFUSE_IF(!holds(to, bytes) || !holds(from, bytes), InvalidValue);
  return submit(stream, [=] {
    memcpy(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes);
  });
}
int cuMemsetD8Async(unsigned long long to, unsigned char value, size_t bytes,
                    Stream *stream) {
  ENTER();
  REFUSE_IF(!holds(to, bytes), InvalidValue);
  return submit(stream,
                [=] { memset(reinterpret_cast<void *>(to), value, bytes); });
}

#ifndef LIGATURE_TEST_OLD_DRIVER
/// A map holds its address, rank, type, swizzle and second stride.
int cuTensorMapEncodeTiled(void *map, int type, uint32_t rank, void *address,
                           const uint64_t *extents, const uint64_t *strides,
                           const uint32_t *box, const uint32_t *steps,
                           int interleave, int swizzle, int promotion,
                           int fill) {
  REFUSE_IF(reinterpret_cast<uintptr_t>(map) % 64 ||
                reinterpret_cast<uintptr_t>(address) % 16,
            InvalidValue);
  REFUSE_IF(type < 0 || type > 12 || !rank || rank > 5 || interleave ||
                swizzle < 0 || swizzle > 3 || promotion < 0 || promotion > 3 ||
                fill < 0 || fill > 1,
            InvalidValue);
  uint64_t bytes = type == 7 ? 4 : 2;
  REFUSE_IF(box[0] * bytes % 16 || (swizzle && box[0] * bytes > 16u << swizzle),
            InvalidValue);
  for (uint32_t d = 0; d < rank; ++d)
    REFUSE_IF(!extents[d] || extents[d] > uint64_t(1) << 32 || !box[d] ||
                  box[d] > 256 || steps[d] != 1 ||
                  (d && (strides[d - 1] % 16 || strides[d - 1] >> 40)),
              InvalidValue);
  uint64_t words[16] = {reinterpret_cast<uint64_t>(address), rank,
                        uint64_t(type), uint64_t(swizzle),
                        rank > 1 ? strides[0] : 0};
  memcpy(map, words, sizeof(words));
  return Ok;
}
#endif

int cuStreamCreate(Stream **stream, unsigned) {
  ENTER();
  *stream = new Stream;
  streams.insert(*stream);
  fakeCuda.counts.streams = int(streams.size());
  return Ok;
}
int cuStreamDestroy_v2(Stream *stream) {
  REFUSE_IF(!streams.erase(stream), InvalidHandle);
  drain(stream);
  delete stream;
  fakeCuda.counts.streams = int(streams.size());
  return Ok;
}
int cuStreamSynchronize(Stream *stream) {
  ENTER();
  REFUSE_IF(!streams.count(stream), InvalidHandle);
  REFUSE_IF(stream->capture, CaptureUnsupported);
  ++fakeCuda.counts.synchronizations;
  drain(stream);
  return Ok;
}
int cuStreamIsCapturing(Stream *stream, int *status) {
  *status = stream->capture != nullptr;
  return Ok;
}
int cuStreamBeginCapture_v2(Stream *stream, int) {
  ENTER();
  REFUSE_IF(stream->capture, CaptureUnsupported);
  stream->capture = std::make_unique<Graph>();
  isCapturing = true;
  ++fakeCuda.counts.captures;
  return Ok;
}
int cuStreamEndCapture(Stream *stream, Graph **graph) {
  REFUSE_IF(!stream->capture, CaptureUnsupported);
  *graph = stream->capture.release();
  isCapturing = false;
  graphs.insert(*graph);
  fakeCuda.counts.graphs = int(graphs.size());
  return Ok;
}
int cuGraphInstantiateWithFlags(Graph **executable, Graph *graph,
                                unsigned long long) {
  ENTER();
  *executable = new Graph(*graph);
  executables.insert(*executable);
  fakeCuda.counts.executables = int(executables.size());
  return Ok;
}
int cuGraphLaunch(Graph *executable, Stream *stream) {
  ENTER();
  REFUSE_IF(!executables.count(executable), InvalidHandle);
  ++fakeCuda.counts.graphLaunches;
  for (const Work &work : executable->work)
    if (int error = submit(stream, work))
      return error;
  return Ok;
}
int cuGraphExecDestroy(Graph *executable) {
  REFUSE_IF(!executables.erase(executable), InvalidHandle);
  delete executable;
  fakeCuda.counts.executables = int(executables.size());
  return Ok;
}
int cuGraphDestroy(Graph *graph) {
  REFUSE_IF(!graphs.erase(graph), InvalidHandle);
  delete graph;
  fakeCuda.counts.graphs = int(graphs.size());
  return Ok;
}

int cuLaunchKernel(Function *function, unsigned gx, unsigned gy, unsigned gz,
                   unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   Stream *stream, void **args, void **) {
  return launch(function, gx, gy, gz, bx, by, bz, shared, stream, args);
}
int cuLaunchCooperativeKernel(Function *function, unsigned gx, unsigned gy,
                              unsigned gz, unsigned bx, unsigned by,
                              unsigned bz, unsigned shared, Stream *stream,
                              void **args) {
  int most = fakeCuda.cooperative *
             (fakeCuda.multiprocessors * fakeCuda.residentBlocks);
  REFUSE_IF(int(gx * gy * gz) > most, CooperativeTooLarge);
  ++fakeCuda.counts.cooperative;
  return launch(function, gx, gy, gz, bx, by, bz, shared, stream, args);
}
}
