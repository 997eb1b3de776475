// ligc's command line as the options of the library.
#pragma once

#include "Ligature/Driver/Driver.h"

#include "mlir/IR/DialectRegistry.h"

namespace lig::ligc {

class Options {
public:
  /// Plugins add their dialects to `registry`.
  explicit Options(mlir::DialectRegistry &registry);

  /// Reads the command line; the error names what contradicts itself.
  llvm::Error parse(int argc, char **argv);

  bool listOperators() const;
  bool measuresTime() const;
  llvm::Expected<CompileOptions> makeCompileOptions() const;
  OutputOptions makeOutputOptions() const;
  /// Ends the line that shows progress on a terminal.
  void finishProgress() const;
};

} // namespace lig::ligc
