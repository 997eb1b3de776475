// A model that can run: a compiled library, or a file compiled in memory.
#pragma once

#include "DeviceBuffers.h"
#include "Options.h"

#include "Ligature/Driver/JitModel.h"

#include "llvm/ADT/StringSet.h"

namespace lig::run {

/// What a model file is, by its first bytes and its name.
enum class FileKind { Library, Onnx, Mlir };
llvm::Expected<FileKind> readFileKind(llvm::StringRef path);

/// A value for an input, and whether it shall become a parameter.
struct Given {
  const Tensor *value;
  bool isConstant = false;
};

class Model {
public:
  /// Opens or compiles the models of `options`. Values of inputs give their
  /// shapes to the compiler, which also turns constant ones into parameters.
  static llvm::Expected<std::unique_ptr<Model>>
  open(const Options &options, const std::map<std::string, Given> &given,
       mlir::MLIRContext &context);
  ~Model();

  lig_library *library() const { return code; }
  lig_weights *weights() const { return parameters; }
  /// Runs the kernels of a model compiled for it; null for others.
  const emulator::Emulator *emulator() const {
    return compiled ? compiled->getEmulator() : nullptr;
  }
  /// The entry point to run.
  uint32_t entry() const { return entryNumber; }
  /// An input that was compiled in as a parameter.
  bool isFolded(llvm::StringRef name) const { return folded.contains(name); }
  /// From the call of open until the model could run.
  double loadMilliseconds() const { return loadTime; }

  void printInfo(llvm::raw_ostream &out) const;

private:
  Model() = default;
  llvm::Error openLibrary(const Options &options);
  llvm::Error compile(const Options &options,
                      const std::map<std::string, Given> &given,
                      mlir::MLIRContext &context);
  llvm::Error describeInputs(const Options &options,
                             const std::map<std::string, Given> &given,
                             ModelFiles &files);
  llvm::Error give(ModelFile &model, llvm::StringRef input, const Given &value);
  llvm::Error findEntry(llvm::StringRef name);

  std::unique_ptr<JitModel> compiled;
  lig_library *code = nullptr;
  lig_weights *parameters = nullptr;
  uint32_t entryNumber = 0;
  llvm::StringSet<> folded;
  double loadTime = 0;
};

/// What the last failed call of the runtime said.
llvm::Error runtimeError();

/// An entry point with memory to run in.
class Runner {
public:
  /// Of a runner that is `measured` the data stays on the GPU, if it has one:
  /// outputs cannot be read.
  static llvm::Expected<std::unique_ptr<Runner>>
  create(const Model &model, const Options &options, bool measured = false);
  ~Runner();

  /// Takes values by the inputs' names, which stay the caller's. Inputs without
  /// one are filled randomly if there is a seed.
  llvm::Error setInputs(const std::map<std::string, Given> &given,
                        std::optional<uint64_t> seed);
  /// Runs once, without looking at the result; on a GPU also waits for it.
  lig_status run() {
    lig_status status = lig_run(context, model.entry(), inputPointers.data(),
                                outputPointers.data());
    return status == LIG_OK && deviceBuffers ? lig_synchronize(context)
                                             : status;
  }
  /// Runs once and gives the outputs the shapes they have now.
  llvm::Error runChecked();

  llvm::ArrayRef<Tensor> outputs() const { return outputTensors; }
  uint64_t arenaBytes() const { return lig_context_arena_bytes(context); }
  /// What the context holds on a GPU.
  lig_device_usage usage() const;

private:
  explicit Runner(const Model &model) : model(model) {}
  /// Puts copies of the inputs, and the outputs, into the GPU's memory.
  llvm::Error moveToDevice();

  const Model &model;
  lig_context *context = nullptr;
  std::vector<Tensor> random, outputTensors;
  std::vector<const void *> inputPointers;
  std::vector<void *> outputPointers;
  /// Of a measured run on a GPU, whose data stays there.
  std::unique_ptr<DeviceBuffers> deviceBuffers;
};

} // namespace lig::run
