// The flags of a compilation, for every tool that compiles.
#pragma once

#include "Ligature/Pipelines/Phases.h"
#include "Ligature/Target/CPU/Machine.h"
#include "Ligature/Target/GPU/DeviceCode.h"

#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"

namespace lig {

/// Flags register themselves while one of these lives: a tool has one, static.
class CompileFlags {
public:
  /// `arithmetic` is where help lists what numbers are stored and computed in,
  /// `machine` where it lists what code is made for, `plugins` extensions.
  CompileFlags(llvm::cl::OptionCategory &arithmetic,
               llvm::cl::OptionCategory &machine,
               llvm::cl::OptionCategory &plugins);

  /// Plugins that the command line names add their dialects to `registry`,
  /// which must outlive all parsing. They load while the command line is read,
  /// because --run-after may name their passes.
  void loadPluginsInto(mlir::DialectRegistry &registry);

  /// Fills in what the flags say, for `pipeline.target`; the error names the
  /// flag that makes no sense.
  llvm::Error read(PipelineOptions &pipeline,
                   target::cpu::MachineOptions &machine,
                   target::gpu::DeviceOptions &device) const;

private:
  llvm::Error readMachine(target::cpu::MachineOptions &options) const;

  llvm::cl::opt<std::string> weights, compute;
  llvm::cl::opt<char> level;
  llvm::cl::opt<std::string> cpu;
  llvm::cl::alias march;
  llvm::cl::opt<std::string> features;
  llvm::cl::opt<unsigned> cacheKilobytes;
  llvm::cl::opt<std::string> chip;
  llvm::cl::opt<bool> noRoll, steps, noBatch;
  llvm::cl::opt<std::string> winograd;
  llvm::cl::opt<bool> noWinograd;
  llvm::cl::list<std::string> runAfter, passPlugins, dialectPlugins;
};

} // namespace lig
