// How the runtime says what went wrong: a status to return, and its text kept
// for lig_last_error.
#ifndef LIGATURE_LIB_RUNTIME_ERROR_H
#define LIGATURE_LIB_RUNTIME_ERROR_H

#include "Ligature/ABI/Runtime.h"

namespace lig::runtime {

/// Keeps the formatted text as this thread's last error; returns `status`.
lig_status fail(lig_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

} // namespace lig::runtime

#endif // LIGATURE_LIB_RUNTIME_ERROR_H
