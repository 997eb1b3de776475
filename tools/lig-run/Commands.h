// What lig-run does: each takes a command line that names a model.
#pragma once

#include "Model.h"

namespace lig::run {

/// Decides which given values become parameters: those that --constant-inputs
/// names, and those of inputs that the model has defaults for, which are no
/// inputs of the compiled code. Fails if --constant-inputs names others.
llvm::Error markConstants(const Options &options,
                          std::map<std::string, Given> &given);

/// Does what the options ask for; false if outputs differ from references.
llvm::Expected<bool> execute(const Options &options,
                             mlir::MLIRContext &context);

/// Runs on given or random inputs and prints or writes the outputs.
llvm::Error runOnce(const Options &options, mlir::MLIRContext &context);

/// Runs on test data and compares; prints one line a data set.
llvm::Expected<bool> runTestData(const Options &options,
                                 mlir::MLIRContext &context);

/// Measures `runner`, whose inputs are set, and prints one JSON object.
llvm::Error measure(const Options &options, const Model &model, Runner &runner);

/// Runs the lines of a file, each in a process of its own; false if one fails.
llvm::Expected<bool> runBatch(const Options &options,
                              mlir::MLIRContext &context);

} // namespace lig::run
