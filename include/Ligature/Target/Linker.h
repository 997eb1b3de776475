/// Links object files and the runtime by the system's linker.
#ifndef LIGATURE_TARGET_LINKER_H
#define LIGATURE_TARGET_LINKER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace lig::target {

enum class LinkKind { SharedLibrary, Executable };

struct LinkOptions {
  LinkKind kind = LinkKind::SharedLibrary;
  std::vector<std::string> objects;
  std::string output;
  /// Of the machine the objects are for; empty means this one.
  std::string triple;
  /// libLigatureRuntime.a; empty means findRuntime(). A program also gets the
  /// main of libLigatureProgram.a, which lies beside it.
  std::string runtime;
  /// A C compiler, or an ELF linker (a name that begins with "ld"); empty means
  /// LIGATURE_LINKER of the environment, else a C compiler on PATH, else
  /// ld.lld.
  std::string linker;
};

/// Links by way of a temporary file: `output` is whole or untouched. The error
/// holds what the linker said.
llvm::Error link(const LinkOptions &options);

/// Joins object files into one, which also appears whole or not at all. Needs
/// no runtime.
llvm::Error joinObjects(llvm::ArrayRef<std::string> objects,
                        llvm::StringRef output);

/// libLigatureRuntime.a: LIGATURE_RUNTIME of the environment, or the one beside
/// this library.
llvm::Expected<std::string> findRuntime();

} // namespace lig::target

#endif // LIGATURE_TARGET_LINKER_H
