// The code of a model, found by dlopen or linked in, and where it lies on disk:
// its parameter file lies beside it.

#include "Error.h"
#include "Handles.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

using namespace lig::runtime;

namespace {

/// "./" + path, or a copy: dlopen searches elsewhere for names without a slash.
char *makeExplicit(const char *path) {
  size_t length = strlen(path);
  auto *result = static_cast<char *>(malloc(length + 3));
  if (!result)
    return nullptr;
  const char *prefix = strchr(path, '/') ? "" : "./";
  memcpy(result, prefix, strlen(prefix));
  memcpy(result + strlen(prefix), path, length + 1);
  return result;
}

/// The folder of the object file that holds `address`; null if unknown.
char *findDirectory(const void *address) {
  Dl_info info;
  if (!dladdr(address, &info) || !info.dli_fname)
    return nullptr;
  const char *name = info.dli_fname;
  // A program found on PATH knows itself by a name without a folder.
  char program[4096];
  if (!strchr(name, '/')) {
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length <= 0)
      return nullptr;
    program[length] = '\0';
    name = program;
  }
  const char *slash = strrchr(name, '/');
  // The root is its own folder.
  return slash ? strndup(name, slash == name ? 1 : size_t(slash - name))
               : nullptr;
}

/// Takes over `handle` and `directory`, also on failure.
lig_status makeLibrary(const lig_model_desc *model, void *handle,
                       char *directory, lig_library **library) {
  lig_status status = checkModel(model);
  lig_library *made = nullptr;
  if (status == LIG_OK) {
    made = static_cast<lig_library *>(malloc(sizeof(lig_library)));
    if (!made)
      status = fail(LIG_OUT_OF_MEMORY, "no memory for a library");
  }
  if (status != LIG_OK) {
    free(directory);
    if (handle)
      dlclose(handle);
    return status;
  }
  *made = {1, model, handle, directory};
  *library = made;
  return LIG_OK;
}

} // namespace

lig_status lig_library_open(const char *path, lig_library **library) {
  if (!path || !library)
    return fail(LIG_INVALID_ARGUMENT, "lig_library_open: a pointer is null");
  *library = nullptr;
  char *file = makeExplicit(path);
  if (!file)
    return fail(LIG_OUT_OF_MEMORY, "no memory for a path");
  void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  free(file);
  if (!handle) {
    const char *reason = dlerror();
    return fail(LIG_FILE_MISSING, "%s", reason ? reason : path);
  }
  void *symbol = dlsym(handle, LIG_MODEL_SYMBOL);
  if (!symbol) {
    dlclose(handle);
    return fail(LIG_NOT_A_MODEL, "%s: exports no model", path);
  }
  lig_model_fn getModel;
  memcpy(&getModel, &symbol, sizeof(getModel));
  return makeLibrary(getModel(), handle, findDirectory(symbol), library);
}

lig_status lig_library_from_model(const lig_model_desc *model,
                                  const char *directory,
                                  lig_library **library) {
  if (!model || !library)
    return fail(LIG_INVALID_ARGUMENT,
                "lig_library_from_model: a pointer is null");
  *library = nullptr;
  return makeLibrary(model, nullptr,
                     directory ? strdup(directory) : findDirectory(model),
                     library);
}

void lig_library_close(lig_library *library) {
  if (!library || !release(library->references))
    return;
  void *handle = library->handle;
  free(library->directory);
  free(library);
  if (handle)
    dlclose(handle);
}
