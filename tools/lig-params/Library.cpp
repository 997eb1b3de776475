// The runtime opens libraries here as it does in users' programs, so that what
// it refuses there is refused here.

#include "Library.h"

#include "llvm/BinaryFormat/Magic.h"

using namespace lig::params;

bool lig::params::isLibrary(llvm::StringRef path) {
  llvm::file_magic magic;
  return !llvm::identify_magic(path, magic) &&
         magic == llvm::file_magic::elf_shared_object;
}

llvm::Expected<std::unique_ptr<Library>>
Library::open(const std::string &path, const std::string &parameterFile) {
  auto library = std::make_unique<Library>();
  library->path = path;
  if (lig_library_open(path.c_str(), &library->code) ||
      lig_weights_open(library->code,
                       parameterFile.empty() ? nullptr : parameterFile.c_str(),
                       &library->weights))
    return llvm::createStringError(lig_last_error());
  return library;
}

Library::~Library() {
  lig_weights_close(weights);
  lig_library_close(code);
}

lig::parameters::ParameterSet Library::describe() const {
  return parameters::describeLibrary(path, lig_library_model(code)->params,
                                     lig_weights_data(weights));
}

bool Library::readsFile() const {
  const lig_params_desc *params = lig_library_model(code)->params;
  return params && params->file;
}
