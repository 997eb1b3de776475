// The threads of a context, behind the `lig_parallel` that compiled code calls.
#ifndef LIGATURE_LIB_RUNTIME_POOL_H
#define LIGATURE_LIB_RUNTIME_POOL_H

#include "Ligature/ABI/Model.h"

namespace lig::runtime {

struct Pool;

/// Starts `threads` - 1 workers; the caller of a task is the last thread. Fewer
/// start where the system allows no more. Null without memory.
Pool *createPool(uint32_t threads);
void closePool(Pool *pool);
/// What an entry point gets; valid until the pool is closed.
const lig_parallel *getParallel(const Pool *pool);

} // namespace lig::runtime

#endif // LIGATURE_LIB_RUNTIME_POOL_H
