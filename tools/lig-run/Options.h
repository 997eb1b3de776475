// lig-run's command line.
#pragma once

#include "Compare.h"

#include "Ligature/Emulator/Emulator.h"
#include "Ligature/Pipelines/Phases.h"
#include "Ligature/Target/CPU/Machine.h"
#include "Ligature/Target/GPU/DeviceCode.h"

#include "llvm/ADT/StringMap.h"

#include <map>
#include <optional>

namespace lig::run {

struct Options {
  /// One library, or models that become one package.
  std::vector<std::string> models;
  std::string entry;         ///< empty where the model has one
  std::string parameterFile; ///< empty for the file beside the library

  /// Files of the entry point's inputs, by name.
  std::map<std::string, std::string> inputFiles;
  /// Shapes and extents by [MODEL:]NAME.
  llvm::StringMap<llvm::SmallVector<int64_t>> inputShapes;
  llvm::StringMap<int64_t> dims;
  /// Inputs that become parameters; all if the list is empty.
  std::optional<std::vector<std::string>> constantInputs;
  /// Run all models as one entry point.
  bool mergeInputs = false;
  /// Fills in inputs that have no value.
  std::optional<uint64_t> seed;

  /// Files of outputs, by name.
  std::map<std::string, std::string> outputFiles;
  std::string outputFolder;

  std::string testData;
  Tolerance tolerance;
  bool info = false, bench = false;
  uint32_t threads = 1;
  double warmupSeconds = 0.2, minSeconds = 1;

  std::string batch;
  unsigned batchSeconds = 60;

  /// Where models run; those compiled in memory are compiled for it.
  enum class Device { Cpu, Emulate, Cuda } device = Device::Cpu;
  emulator::Options emulation;
  uint32_t ordinal = 0; ///< the GPU's
  bool graph = false;

  target::cpu::MachineOptions machine;
  target::gpu::DeviceOptions gpu;
  PipelineOptions pipeline;

  /// The file of the model that has the entry point.
  std::string getModelOfEntry() const;
};

/// Plugins that the command line names add their dialects to `registry`, which
/// must outlive all parsing.
void registerPlugins(mlir::DialectRegistry &registry);

/// Reads a command line; argv[0] is not looked at. May be called again.
llvm::Expected<Options> parseOptions(llvm::ArrayRef<const char *> argv);

} // namespace lig::run
