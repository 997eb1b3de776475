// A context of a model for a GPU: what a lig_context has behind it there.
#ifndef LIGATURE_LIB_RUNTIME_CUDACONTEXT_H
#define LIGATURE_LIB_RUNTIME_CUDACONTEXT_H

#include "Ligature/ABI/Runtime.h"

namespace lig::runtime {

struct CudaContext;

/// Opens the GPU, loads the code, brings the parameters and makes all memory
/// that runs need. `boundDims` are the upper bounds of the dims of all outputs
/// of all entry points, `dimStarts` where those of each entry point begin.
lig_status createCudaContext(const lig_weights &weights,
                             const lig_context_options &options,
                             const int64_t *boundDims, uint64_t dimCount,
                             const uint64_t *dimStarts, CudaContext **context);

void closeCudaContext(CudaContext *context);

/// Puts a run into the stream; with host pointers also waits for it, so that
/// outputs may be read.
lig_status runOnCuda(CudaContext &context, uint32_t entry,
                     const void *const *inputs, void *const *outputs);

/// Whether runs wait by themselves.
bool isSynchronous(const CudaContext &context);

/// Waits for all runs; `result` is the status that the last one left, `dims`
/// the dims of its outputs, which are written if some are dynamic, and `entry`
/// its entry point. Before the first run `result` is LIG_OK and nothing else is
/// set.
struct CudaResult {
  int32_t result;
  uint32_t entry;
  const int64_t *dims; ///< null if all are fixed
  bool ran;
};
lig_status synchronizeCuda(CudaContext &context, CudaResult &result);

uint64_t getArenaBytes(const CudaContext &context);
void describeUsage(const CudaContext &context, lig_device_usage &usage);

} // namespace lig::runtime

#endif // LIGATURE_LIB_RUNTIME_CUDACONTEXT_H
