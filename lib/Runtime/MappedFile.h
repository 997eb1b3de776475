// Parameter files in memory: mapped once per process, shared by count.
#ifndef LIGATURE_LIB_RUNTIME_MAPPEDFILE_H
#define LIGATURE_LIB_RUNTIME_MAPPEDFILE_H

#include "Ligature/ABI/Runtime.h"

namespace lig::runtime {

/// A whole file, read-only. Made and released by the functions below only.
struct MappedFile {
  const uint8_t *data;
  uint64_t bytes;
};

/// Maps the regular file at `path`, or takes one more reference to a mapping
/// that another call made of the same file. Any thread may call.
lig_status openMappedFile(const char *path, const MappedFile **file);

/// Gives a reference back; the last one unmaps. Null does nothing.
void closeMappedFile(const MappedFile *file);

} // namespace lig::runtime

#endif // LIGATURE_LIB_RUNTIME_MAPPEDFILE_H
