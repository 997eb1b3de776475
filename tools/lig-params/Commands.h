// lig-params' commands.
#pragma once

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/Error.h"

namespace lig::params {

/// Ends the program on what is no command line, and after --help.
void parseCommandLine(int argc, char **argv);

/// Runs the command; false if it looked for something and found it wrong, and
/// has said so.
llvm::Expected<bool> runCommand(mlir::MLIRContext &context);

} // namespace lig::params
