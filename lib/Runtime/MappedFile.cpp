// A file is known by device and inode, so that links and different spellings
// of a path meet in one mapping. Size and time of change are compared too: who
// overwrites a file in place gets a new mapping with the size of the new file.

#include "MappedFile.h"
#include "Error.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lig::runtime {
namespace {

struct Mapping {
  MappedFile file; // first, so that a MappedFile * is a Mapping *
  dev_t device;
  ino_t inode;
  timespec changed;
  uint64_t references;
  Mapping *next;
};

pthread_mutex_t registryMutex = PTHREAD_MUTEX_INITIALIZER;
Mapping *registry = nullptr;

struct Lock {
  Lock() { pthread_mutex_lock(&registryMutex); }
  ~Lock() { pthread_mutex_unlock(&registryMutex); }
};

bool isSame(const Mapping &mapping, const struct stat &status) {
  return mapping.device == status.st_dev && mapping.inode == status.st_ino &&
         mapping.file.bytes == static_cast<uint64_t>(status.st_size) &&
         mapping.changed.tv_sec == status.st_mtim.tv_sec &&
         mapping.changed.tv_nsec == status.st_mtim.tv_nsec;
}

lig_status mapDescriptor(int descriptor, const char *path,
                         const MappedFile **file) {
  struct stat status;
  if (fstat(descriptor, &status) != 0)
    return fail(LIG_FILE_MISSING, "%s: %s", path, strerror(errno));
  if (!S_ISREG(status.st_mode))
    return fail(LIG_FILE_MISSING, "%s: not a regular file", path);
  if (status.st_size == 0)
    return fail(LIG_FILE_BROKEN, "%s: empty file", path);

  Lock lock;
  for (Mapping *mapping = registry; mapping; mapping = mapping->next)
    if (isSame(*mapping, status)) {
      ++mapping->references;
      *file = &mapping->file;
      return LIG_OK;
    }
  auto *mapping = static_cast<Mapping *>(malloc(sizeof(Mapping)));
  if (!mapping)
    return fail(LIG_OUT_OF_MEMORY, "%s: no memory for a mapping", path);
  auto bytes = static_cast<uint64_t>(status.st_size);
  void *data = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) {
    int error = errno;
    free(mapping);
    return fail(error == ENOMEM ? LIG_OUT_OF_MEMORY : LIG_FILE_MISSING,
                "%s: %s", path, strerror(error));
  }
  *mapping = {{static_cast<const uint8_t *>(data), bytes},
              status.st_dev,
              status.st_ino,
              status.st_mtim,
              1,
              registry};
  registry = mapping;
  *file = &mapping->file;
  return LIG_OK;
}

} // namespace

lig_status openMappedFile(const char *path, const MappedFile **file) {
  *file = nullptr;
  // Without O_NONBLOCK a path that names a pipe would wait for a writer.
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return fail(LIG_FILE_MISSING, "%s: %s", path, strerror(errno));
  lig_status status = mapDescriptor(descriptor, path, file);
  close(descriptor);
  return status;
}

void closeMappedFile(const MappedFile *file) {
  if (!file)
    return;
  Lock lock;
  for (Mapping **link = &registry; *link; link = &(*link)->next) {
    Mapping *mapping = *link;
    if (&mapping->file != file)
      continue;
    if (--mapping->references == 0) {
      *link = mapping->next;
      munmap(const_cast<uint8_t *>(mapping->file.data), mapping->file.bytes);
      free(mapping);
    }
    return;
  }
}

} // namespace lig::runtime
