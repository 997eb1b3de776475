// The flags, and how they become options of the library.

#include "CompileFlags.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Support/FormatVariadic.h"

using namespace lig;
namespace cl = llvm::cl;
using llvm::StringRef;

CompileFlags::CompileFlags(cl::OptionCategory &arithmetic,
                           cl::OptionCategory &machine,
                           cl::OptionCategory &plugins)
    : weights("weights",
              cl::desc("Store weights as f32, bf16, f16, int8 or codebook4 "
                       "(rounded; arithmetic stays f32)"),
              cl::value_desc("FORMAT"), cl::init("f32"), cl::cat(arithmetic)),
      compute("compute",
              cl::desc("Compute sums of products in f32, bf16, vnni (integers "
                       "of 8 bits), tf32 or f16, as far as the target has it"),
              cl::value_desc("ARITHMETIC"), cl::init("f32"),
              cl::cat(arithmetic)),
      level("O", cl::desc("Optimization level, 0 to 3"), cl::Prefix,
            cl::init('2'), cl::cat(machine)),
      cpu("mcpu", cl::desc("CPU to make code for"), cl::value_desc("NAME"),
          cl::cat(machine)),
      march("march", cl::desc("Same as -mcpu"), cl::aliasopt(cpu),
            cl::value_desc("NAME"), cl::cat(machine)),
      features("mattr", cl::desc("CPU features"), cl::value_desc("+a,-b"),
               cl::cat(machine)),
      cacheKilobytes("l2-cache",
                     cl::desc("Second cache of a core, in KiB, that kernels "
                              "are cut for (default: that of the CPU)"),
                     cl::value_desc("N"), cl::init(0), cl::cat(machine)),
      chip("cuda-arch", cl::desc("GPU to make code for"),
           cl::value_desc("NAME"), cl::init("sm_90a"), cl::cat(machine)),
      noRoll("no-roll",
             cl::desc("Leave layers and steps that were unrolled as they are"),
             cl::cat(machine)),
      steps("step",
            cl::desc("Add an entry point NAME_step that runs one step of the "
                     "recurrences, with their states as inputs and outputs"),
            cl::cat(machine)),
      noBatch("no-batch",
              cl::desc("Leave independent uses of one weight as they are"),
              cl::cat(machine)),
      winograd("winograd",
               cl::desc("Compute convolutions of 3x3 taps by Winograd's "
                        "F(4x4, 3x3) or F(2x2, 3x3), which rounds less, or tap "
                        "by tap"),
               cl::value_desc("auto|f4|f2|none"), cl::init("auto"),
               cl::cat(machine)),
      noWinograd("no-winograd", cl::desc("Same as --winograd=none"),
                 cl::cat(machine)),
      runAfter("run-after", cl::desc("Passes to run at the end of a phase"),
               cl::value_desc("PHASE:PIPELINE"), cl::cat(plugins)),
      passPlugins("load-pass-plugin", cl::desc("Load passes"),
                  cl::value_desc("LIBRARY"), cl::cat(plugins)),
      dialectPlugins("load-dialect-plugin", cl::desc("Load dialects"),
                     cl::value_desc("LIBRARY"), cl::cat(plugins)) {}

template <typename... Args>
static llvm::Error wrong(const char *format, Args &&...args) {
  return llvm::createStringError(
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

void CompileFlags::loadPluginsInto(mlir::DialectRegistry &registry) {
  passPlugins.setCallback([](const std::string &library) {
    auto plugin = mlir::PassPlugin::load(library);
    if (!plugin)
      llvm::report_fatal_error(plugin.takeError(), /*gen_crash_diag=*/false);
    plugin->registerPassRegistryCallbacks();
  });
  dialectPlugins.setCallback([&](const std::string &library) {
    auto plugin = mlir::DialectPlugin::load(library);
    if (!plugin)
      llvm::report_fatal_error(plugin.takeError(), /*gen_crash_diag=*/false);
    plugin->registerDialectRegistryCallbacks(registry);
  });
}

/// Sizes that a second cache may have, in KiB.
static constexpr unsigned kLeastCache = 16, kMostCache = 1 << 20;

llvm::Error
CompileFlags::readMachine(target::cpu::MachineOptions &options) const {
  if (level < '0' || level > '3')
    return wrong("-O{0}: the levels are 0 to 3", level.getValue());
  if (cacheKilobytes.getNumOccurrences() &&
      (cacheKilobytes < kLeastCache || cacheKilobytes > kMostCache))
    return wrong("--l2-cache={0}: expected {1} to {2} KiB",
                 cacheKilobytes.getValue(), kLeastCache, kMostCache);
  options.cpu = cpu;
  options.features = features;
  options.cacheBytes = int64_t(cacheKilobytes) << 10;
  options.optimization = level - '0';
  return llvm::Error::success();
}

llvm::Error CompileFlags::read(PipelineOptions &pipeline,
                               target::cpu::MachineOptions &machine,
                               target::gpu::DeviceOptions &device) const {
  if (std::string reason = refuseCompute(compute, pipeline.target);
      !reason.empty())
    return llvm::createStringError(reason);
  for (StringRef text : runAfter) {
    auto [phase, passes] = text.split(':');
    std::optional<Phase> found = findPhase(phase);
    if (!found || passes.empty())
      return wrong("--run-after={0}: expected PHASE:PIPELINE", text);
    pipeline.runAfter[*found] = passes.str();
  }
  pipeline.weights = weights;
  pipeline.compute = compute;
  pipeline.roll = !noRoll;
  pipeline.steps = steps;
  pipeline.batchUses = !noBatch;
  pipeline.winograd = noWinograd ? "none" : winograd.getValue();
  device.chip = chip;
  return readMachine(machine);
}
