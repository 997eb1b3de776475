/// Files that appear whole or not at all.
#ifndef LIGATURE_TARGET_OUTPUTFILE_H
#define LIGATURE_TARGET_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace lig::target {

/// Runs `write` on a temporary file beside `path` and renames it to `path` when
/// all of it has reached the disk. "-" is standard output; devices and pipes
/// are written directly. The error names `path`.
llvm::Error writeFile(llvm::StringRef path,
                      llvm::function_ref<void(llvm::raw_ostream &)> write);

} // namespace lig::target

#endif // LIGATURE_TARGET_OUTPUTFILE_H
