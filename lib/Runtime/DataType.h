// What the runtime knows of element types, and the one checked product.
#ifndef LIGATURE_LIB_RUNTIME_DATATYPE_H
#define LIGATURE_LIB_RUNTIME_DATATYPE_H

#include "Ligature/ABI/Runtime.h"

namespace lig::runtime {

/// The lig_dtype that safetensors calls `name` ("F32", "BOOL", ...), or 0.
int32_t dtypeOfSafetensors(const char *name);

/// The bytes of a dense tensor, in `bytes`. False if the type is unknown, a
/// dimension negative, or the product beyond 2^63.
bool tensorBytes(int32_t dtype, const int64_t *dims, int32_t rank,
                 uint64_t &bytes);

} // namespace lig::runtime

#endif // LIGATURE_LIB_RUNTIME_DATATYPE_H
