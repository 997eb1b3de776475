// Parameters of a model, embedded or from a file.
//
// The file comes from outside and is compared with the model before its data
// is used: where the data begins, how long it is, the digest the header
// carries, and name, type, shape and place of every parameter. The data itself
// is not hashed, or opening would read what mapping reads late.

#include "Error.h"
#include "Handles.h"
#include "Safetensors.h"

#include <cstdlib>
#include <cstring>

using namespace lig::runtime;

namespace {

/// Whether `text` is `digest` in lower-case hexadecimal.
bool isDigest(const char *text, const uint8_t (&digest)[32]) {
  static const char digits[] = "0123456789abcdef";
  if (!text || strlen(text) != 64)
    return false;
  for (size_t i = 0; i < 32; ++i)
    if (text[2 * i] != digits[digest[i] >> 4] ||
        text[2 * i + 1] != digits[digest[i] & 15])
      return false;
  return true;
}

bool isSame(const SafetensorsTensor &tensor, const lig_param_desc &param) {
  return tensor.dtype == param.dtype && tensor.rank == param.rank &&
         tensor.begin == param.offset &&
         tensor.end - tensor.begin == param.bytes &&
         (param.rank == 0 ||
          memcmp(tensor.dims, param.dims,
                 static_cast<size_t>(param.rank) * sizeof(int64_t)) == 0);
}

lig_status compare(const SafetensorsHeader &header,
                   const lig_params_desc &params, const char *path) {
  if (!isDigest(header.getDigest(), params.digest))
    return fail(LIG_PARAMS_MISMATCH,
                "%s: holds the parameters of another model or compilation",
                path);
  if (header.getDataOffset() != params.data_offset ||
      header.getDataBytes() != params.data_bytes)
    return fail(LIG_PARAMS_MISMATCH, "%s: the data has another place or size",
                path);
  for (uint32_t i = 0; i < params.count; ++i) {
    const SafetensorsTensor *tensor = header.find(params.params[i].name);
    if (!tensor || !isSame(*tensor, params.params[i]))
      return fail(LIG_PARAMS_MISMATCH, "%s: parameter '%s' is %s", path,
                  params.params[i].name,
                  tensor ? "not as the model expects it" : "missing");
  }
  if (params.data_offset % LIG_ALIGNMENT)
    return fail(LIG_PARAMS_MISMATCH, "%s: the data is misaligned", path);
  return LIG_OK;
}

lig_status openFile(const lig_params_desc &params, const char *path,
                    const MappedFile **file) {
  const MappedFile *opened;
  if (lig_status status = openMappedFile(path, &opened))
    return status;
  SafetensorsHeader header;
  lig_status status = header.read(opened->data, opened->bytes);
  if (status == LIG_OK) {
    status = compare(header, params, path);
  } else {
    // The reader knows the place in the file, not the file.
    char reason[384];
    strncpy(reason, lig_last_error(), sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    fail(status, "%s: %s", path, reason);
  }
  if (status != LIG_OK)
    closeMappedFile(opened);
  else
    *file = opened;
  return status;
}

lig_status openBeside(const lig_library &library, const lig_params_desc &params,
                      const MappedFile **file) {
  if (!library.directory)
    return fail(LIG_FILE_MISSING,
                "%s: cannot tell where it lies, a path is needed", params.file);
  size_t head = strlen(library.directory), tail = strlen(params.file);
  auto *path = static_cast<char *>(malloc(head + tail + 2));
  if (!path)
    return fail(LIG_OUT_OF_MEMORY, "no memory for a path");
  memcpy(path, library.directory, head);
  path[head] = '/';
  memcpy(path + head + 1, params.file, tail + 1);
  lig_status status = openFile(params, path, file);
  free(path);
  return status;
}

} // namespace

lig_status lig_weights_open(lig_library *library, const char *path,
                            lig_weights **weights) {
  if (!library || !weights)
    return fail(LIG_INVALID_ARGUMENT, "lig_weights_open: a pointer is null");
  *weights = nullptr;
  const lig_params_desc *params = library->model->params;
  const MappedFile *file = nullptr;
  if (params && params->file) {
    lig_status status = path ? openFile(*params, path, &file)
                             : openBeside(*library, *params, &file);
    if (status != LIG_OK)
      return status;
  }
  auto *made = static_cast<lig_weights *>(malloc(sizeof(lig_weights)));
  if (!made) {
    closeMappedFile(file);
    return fail(LIG_OUT_OF_MEMORY, "no memory for weights");
  }
  const uint8_t *data = file     ? file->data + params->data_offset
                        : params ? params->embedded
                                 : nullptr;
  retain(library->references);
  *made = {1, library, file, data};
  *weights = made;
  return LIG_OK;
}

void lig_weights_close(lig_weights *weights) {
  if (!weights || !release(weights->references))
    return;
  lig_library *library = weights->library;
  closeMappedFile(weights->file);
  free(weights);
  lig_library_close(library);
}

const uint8_t *lig_weights_data(const lig_weights *weights) {
  return weights ? weights->data : nullptr;
}

uint64_t lig_weights_bytes(const lig_weights *weights) {
  if (!weights || !weights->library->model->params)
    return 0;
  return weights->library->model->params->data_bytes;
}
