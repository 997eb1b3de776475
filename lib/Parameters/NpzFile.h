// NumPy's archives of arrays.
#ifndef LIGATURE_LIB_PARAMETERS_NPZFILE_H
#define LIGATURE_LIB_PARAMETERS_NPZFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace lig::parameters {

/// Calls `handle` with the name, less ".npy", and the contents of each file in
/// a .npz archive, in the archive's order, until it fails. Contents are gone
/// after the call.
llvm::Error forEachInNpz(
    llvm::StringRef archive,
    llvm::function_ref<llvm::Error(llvm::StringRef, llvm::StringRef)> handle);

} // namespace lig::parameters

#endif // LIGATURE_LIB_PARAMETERS_NPZFILE_H
