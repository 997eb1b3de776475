// The models of a command line, with what it says about each.
#pragma once

#include "Ligature/Driver/ModelFiles.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"

namespace lig::ligc {

llvm::cl::OptionCategory &getInputCategory();

/// Paths as they were given.
llvm::ArrayRef<std::string> getModelPaths();

/// The name of the entry point that all become, or nothing.
std::string getMergedEntry();

/// Reads the tensors that inputs are to have; the error names the option that
/// is wrong.
llvm::Expected<ModelFiles> readModels(mlir::MLIRContext &context);

} // namespace lig::ligc
