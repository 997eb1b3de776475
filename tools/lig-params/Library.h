// Compiled libraries as a source of parameters.
#pragma once

#include "Ligature/ABI/Runtime.h"
#include "Ligature/Parameters/ParameterSet.h"

namespace lig::params {

/// A compiled library with its parameters open.
class Library {
public:
  /// Runs the library's initialisers: a library is code. `parameterFile` is its
  /// parameters' file; empty takes the one beside it. What does not fit the
  /// library is an error in the runtime's words.
  static llvm::Expected<std::unique_ptr<Library>>
  open(const std::string &path, const std::string &parameterFile);
  ~Library();

  parameters::ParameterSet describe() const;
  /// Its parameters are not embedded.
  bool readsFile() const;

private:
  std::string path;
  lig_library *code = nullptr;
  lig_weights *weights = nullptr;
};

/// By the first bytes.
bool isLibrary(llvm::StringRef path);

} // namespace lig::params
