// NumPy's .npy files, as far as a compiled model reads and writes them.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#ifndef LIGATURE_LIB_RUNTIME_PROGRAM_NPYFILE_H
#define LIGATURE_LIB_RUNTIME_PROGRAM_NPYFILE_H

#include "Ligature/ABI/Runtime.h"

namespace lig::program {

/// Reads the elements of an array of `tensor`'s type and shape into `data`.
/// Null, or what is wrong with the file.
const char *readNpy(const char *path, const lig_tensor_desc &tensor,
                    void *data);

/// Writes the elements of an array. Null, or what went wrong.
const char *writeNpy(const char *path, int32_t dtype, const int64_t *dims,
                     int32_t rank, const void *data);

} // namespace lig::program

#endif // LIGATURE_LIB_RUNTIME_PROGRAM_NPYFILE_H
