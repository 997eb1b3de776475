/// Files in, artefacts out: what `ligc` and `lig-run` do, as a library.
///
/// Errors are diagnostics of the context, or an llvm::Error where a file cannot
/// be written. Nothing is written before all of it could be made, and files
/// appear whole or not at all.
#ifndef LIGATURE_DRIVER_DRIVER_H
#define LIGATURE_DRIVER_DRIVER_H

#include "Ligature/Analysis/Sharing.h"
#include "Ligature/Driver/ModelFiles.h"
#include "Ligature/Pipelines/Phases.h"
#include "Ligature/Target/CPU/NativeCode.h"
#include "Ligature/Target/GPU/DeviceCode.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

#include <functional>

namespace lig {

struct CompileOptions {
  /// The machine decides the vector width and what follows from it.
  PipelineOptions pipeline;
  target::cpu::MachineOptions machine;
  /// The GPU, where pipeline.target is "cuda"; `machine` is then the host.
  target::gpu::DeviceOptions device;
  /// Make host code of kernels, for the emulator, and none for a GPU.
  bool emulate = false;
  /// NAME in the exported NAME_model; empty takes it from the first model.
  std::string modelName;
  /// A file name without a folder to keep parameters in, beside the artefact;
  /// empty embeds them.
  std::string parameterFile;
  /// A folder for the module after each phase; empty writes nothing.
  std::string dumpFolder;
  /// Look at what is shared on the way (Compilation::getSharing).
  bool watchSharing = false;
  /// Called before each phase with its name.
  std::function<void(llvm::StringRef)> onPhase;
  /// Called for each pass manager before it runs.
  std::function<void(mlir::PassManager &)> configure;
};

/// One or several models on their way from files to machine code.
class Compilation {
public:
  /// `context` must know Ligature's dialects (registerAllDialects).
  Compilation(mlir::MLIRContext &context, CompileOptions options);

  /// Reads ONNX, MLIR text or MLIR bytecode, told apart by their contents. MLIR
  /// that says it went through a phase (net.phase) is taken up after that one.
  /// Several models become one module (see linkModels) and must have come to
  /// the same phase, at most `kernel`.
  llvm::LogicalResult load(llvm::ArrayRef<ModelFile> models);

  /// Runs the phases up to and including `last`; those that ran before are not
  /// repeated.
  llvm::LogicalResult runTo(Phase last);

  /// What the network shares, as the share phase left it, and what has become
  /// of it so far. Needs `watchSharing`.
  const SharingReport &getSharing();

  mlir::ModuleOp getModule() { return *module; }
  const target::cpu::Machine &getMachine() const { return *machine; }

  /// Prints the module: text, or bytecode. Parameters print in full only as
  /// bytecode; text elides large ones if `elide` is set.
  llvm::Error writeMlir(llvm::StringRef path, bool bytecode, bool elide);

  /// What the artefacts say about the model. Runs all phases.
  llvm::Expected<const target::ModelInfo &> getModel();
  /// LLVM IR of the host after optimization; runs all phases.
  llvm::Expected<std::unique_ptr<llvm::Module>>
  makeLLVM(llvm::LLVMContext &context);
  /// An object file of the code, without embedded parameters.
  llvm::Expected<std::string> makeCode(target::cpu::CodeKind kind);
  /// The kernels of a model for a GPU; runs all phases.
  llvm::Expected<const target::DeviceInfo &> getKernels();
  /// The layout of the parameters; runs all phases.
  llvm::Expected<const target::ParameterFile &> getParameters();

private:
  llvm::LogicalResult findMachine();
  mlir::OwningOpRef<mlir::ModuleOp> loadOne(const ModelFile &model,
                                            std::optional<Phase> &reached);
  mlir::OwningOpRef<mlir::ModuleOp>
  loadSeveral(llvm::ArrayRef<ModelFile> models);
  llvm::LogicalResult runPhase(Phase phase);
  llvm::LogicalResult dump(Phase phase);
  llvm::LogicalResult describe();
  /// Adds what is known about sharing after the phase that was reached.
  void watchSharing();
  /// Runs all phases; fails if that leaves the model without a description.
  llvm::Error finish();
  /// Moves kernels out of the module, to where the model describes them.
  llvm::Error takeKernels();

  mlir::MLIRContext &context;
  CompileOptions options;
  std::optional<target::cpu::Machine> machine;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::optional<Phase> reached;
  std::optional<SharingReport> sharing;
  std::optional<int64_t> codeBytes;
  std::optional<target::ModelInfo> model;
  std::optional<target::ParameterFile> parameters;
  /// Keeps bytes alive that `model` refers to.
  std::vector<std::shared_ptr<std::vector<char>>> contents;
  std::vector<mlir::Attribute> attributes;
};

/// The gate for sharing: an error for each tie that was broken, with the pass
/// and its reason, at the parameter that was stored once more. `names` are
/// parameters, merged ones or views; without any, all ties count. A name that
/// the model does not have is an error, too.
llvm::LogicalResult checkTies(const SharingReport &report,
                              llvm::ArrayRef<std::string> names,
                              mlir::MLIRContext &context);

enum class Artefact {
  Mlir,
  Llvm,
  Assembly,
  Object,
  Library,
  Executable,
  Ptx,
  Cubin
};

struct OutputOptions {
  Artefact artefact = Artefact::Library;
  std::string path;
  /// The C header; empty writes none.
  std::string header;
  /// Other artefacts may read the parameter file, too: one that is there is
  /// replaced only if the artefact at `path` reads it.
  bool sharesParameterFile = false;
  /// For Mlir: the phase to stop after.
  Phase last = Phase::Share;
};

/// Compiles a loaded model to files.
llvm::Error writeArtefact(Compilation &compilation,
                          const OutputOptions &options);

} // namespace lig

#endif // LIGATURE_DRIVER_DRIVER_H
