// The text lies in a fixed buffer of each thread: saying that memory ran out
// must not need memory, and one thread's failure is not another's.

#include "Error.h"

#include <cstdarg>
#include <cstdio>

namespace {
thread_local char lastError[512];
} // namespace

lig_status lig::runtime::fail(lig_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(lastError, sizeof(lastError), format, arguments);
  va_end(arguments);
  return status;
}

const char *lig_last_error(void) { return lastError; }

const char *lig_status_string(lig_status status) {
  switch (status) {
  case LIG_OK:
    return "ok";
  case LIG_INVALID_ARGUMENT:
    return "invalid argument";
  case LIG_NO_SUCH_ENTRY:
    return "no such entry point";
  case LIG_INDEX_OUT_OF_RANGE:
    return "an index is out of range";
  case LIG_FILE_MISSING:
    return "file cannot be opened";
  case LIG_FILE_BROKEN:
    return "file is broken";
  case LIG_PARAMS_MISMATCH:
    return "parameters are not the model's";
  case LIG_OUT_OF_MEMORY:
    return "out of memory";
  case LIG_UNSUPPORTED_VERSION:
    return "compiled for another version of the runtime";
  case LIG_NOT_A_MODEL:
    return "not a compiled model";
  case LIG_INVALID_DATA:
    return "the data has no valid result";
  case LIG_INTERNAL_ERROR:
    return "internal error";
  case LIG_NO_DEVICE:
    return "no GPU that can run the model";
  case LIG_DEVICE_ERROR:
    return "the GPU or its driver failed";
  }
  return "unknown status";
}
