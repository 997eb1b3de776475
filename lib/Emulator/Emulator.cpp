// Launches: which blocks run together, and kernels whose threads never meet.

#include "Ligature/Emulator/Emulator.h"

#include "Functions.h"

#include <cmath>
#include <cstring>

using namespace lig::emulator;

struct Emulator::Implementation {
  lig_device device;                   // first: what compiled code calls
  std::vector<const Kernel *> kernels; ///< by their number in the code
  const lig_device_code *code;
  Options options;
  std::mt19937_64 random;
  Stacks stacks;
  Grid grid;
  std::string error;

  Implementation(const Kernel *table, const lig_device_code &code,
                 const Options &options);
  static Implementation *of(const lig_device *device) {
    return reinterpret_cast<Implementation *>(const_cast<lig_device *>(device));
  }
  int32_t fail(const std::string &what) {
    error = what;
    return 11; // LIG_INTERNAL_ERROR
  }
  int32_t launch(const lig_launch &launch);
  int32_t check(const lig_launch &launch);
  void runAlone(const Kernel &kernel, const lig_launch &launch);
};

Emulator::Implementation::Implementation(const Kernel *table,
                                         const lig_device_code &code,
                                         const Options &given)
    : kernels(code.kernel_count), code(&code), options(given),
      random(given.seed), grid(stacks, options, random) {
  device = {[](const lig_device *self, const lig_launch *launch) -> int32_t {
              return of(self)->launch(*launch);
            },
            [](const lig_device *, void *to, const void *from,
               uint64_t bytes) -> int32_t {
              memcpy(to, from, bytes);
              return 0;
            },
            options.multiprocessors, options.multiprocessors,
            [](const lig_device *self, const lig_tensor_map *tensor,
               const void *data, void *map) -> int32_t {
              std::string problem = encodeMap(*tensor, data, map);
              return problem.empty() ? 0 : of(self)->fail(problem);
            }};
  for (uint32_t i = 0; i < code.kernel_count; ++i)
    for (const Kernel *kernel = table; kernel->name; ++kernel)
      if (strcmp(kernel->name, code.kernels[i].name) == 0)
        kernels[i] = kernel;
}

/// What a driver would refuse.
int32_t Emulator::Implementation::check(const lig_launch &launch) {
  if (launch.kernel >= kernels.size() || !kernels[launch.kernel])
    return fail("no kernel " + std::to_string(launch.kernel));
  std::string name = kernels[launch.kernel]->name;
  const lig_kernel_desc &described = code->kernels[launch.kernel];
  uint64_t threads = 1, blocks = 1;
  for (int d = 0; d < 3; ++d) {
    threads *= launch.block[d];
    blocks *= launch.grid[d];
  }
  if (!threads || threads > 1024 || threads > described.max_block)
    return fail("kernel '" + name + "' is launched with blocks of " +
                std::to_string(threads) + " threads, at most " +
                std::to_string(described.max_block) + " were announced");
  if (!blocks || launch.grid[1] > 65535 || launch.grid[2] > 65535 ||
      launch.grid[0] > 0x7fffffff)
    return fail("kernel '" + name + "' is launched with a grid of " +
                std::to_string(blocks) + " blocks");
  uint64_t shared =
      uint64_t(kernels[launch.kernel]->sharedBytes) + launch.shared_bytes;
  if (launch.shared_bytes > described.max_shared || shared > (227 << 10))
    return fail("kernel '" + name + "' is launched with " +
                std::to_string(launch.shared_bytes) +
                " bytes of dynamic shared memory, at most " +
                std::to_string(described.max_shared) + " were announced");
  if ((launch.flags & LIG_LAUNCH_COOPERATIVE) &&
      blocks > options.multiprocessors)
    return fail("kernel '" + name + "' is launched cooperatively with " +
                std::to_string(blocks) + " blocks on " +
                std::to_string(options.multiprocessors) + " multiprocessors");
  return 0;
}

/// Threads that never meet run one after the other.
void Emulator::Implementation::runAlone(const Kernel &kernel,
                                        const lig_launch &launch) {
  Thread thread = {};
  memcpy(thread.blockSize, launch.block, sizeof(launch.block));
  memcpy(thread.gridSize, launch.grid, sizeof(launch.grid));
  thread.dynamicShared = launch.shared_bytes;
  std::vector<uint8_t> shared(kernel.sharedBytes + launch.shared_bytes + 1024);
  uint8_t *base = reinterpret_cast<uint8_t *>(
      (reinterpret_cast<uintptr_t>(shared.data()) + 1023) / 1024 * 1024);
  thread.shared = base;
  uint32_t(&block)[3] = thread.block, (&at)[3] = thread.thread;
  for (block[2] = 0; block[2] < launch.grid[2]; ++block[2])
    for (block[1] = 0; block[1] < launch.grid[1]; ++block[1])
      for (block[0] = 0; block[0] < launch.grid[0]; ++block[0]) {
        memset(base, 0xff, kernel.sharedBytes + launch.shared_bytes);
        uint32_t index = 0;
        for (at[2] = 0; at[2] < launch.block[2]; ++at[2])
          for (at[1] = 0; at[1] < launch.block[1]; ++at[1])
            for (at[0] = 0; at[0] < launch.block[0]; ++at[0], ++index) {
              thread.lane = index % 32;
              thread.warp = index / 32;
              kernel.run(launch.args, &thread);
            }
      }
}

int32_t Emulator::Implementation::launch(const lig_launch &launch) {
  if (int32_t status = check(launch))
    return status;
  const Kernel &kernel = *kernels[launch.kernel];
  if (!kernel.meets) {
    runAlone(kernel, launch);
    return 0;
  }
  uint32_t blocks = launch.grid[0] * launch.grid[1] * launch.grid[2];
  uint32_t together = launch.flags & LIG_LAUNCH_COOPERATIVE ? blocks : 1;
  for (uint32_t first = 0; first < blocks; first += together)
    if (!grid.run(kernel, launch, first, together))
      return fail(grid.getError());
  return 0;
}

Emulator::Emulator(const Kernel *kernels, const lig_device_code &code,
                   const Options &options)
    : implementation(std::make_unique<Implementation>(kernels, code, options)) {
}
Emulator::~Emulator() = default;

const lig_device *Emulator::getDevice() const {
  return &implementation->device;
}
const std::string &Emulator::getError() const { return implementation->error; }
uint64_t Emulator::getSwitches() const {
  return implementation->grid.getSwitches();
}

static float reciprocal(float value) { return 1 / value; }
static float reciprocalRoot(float value) { return 1 / std::sqrt(value); }

std::vector<std::pair<const char *, void *>> lig::emulator::getSymbols() {
  Symbols symbols = {{"lig_emu_rcpf", (void *)reciprocal},
                     {"lig_emu_rsqrtf", (void *)reciprocalRoot}};
  addMeetings(symbols);
  addMatrices(symbols);
  addCopies(symbols);
  addBulkCopies(symbols);
  addWarpgroups(symbols);
  return symbols;
}
