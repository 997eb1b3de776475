// Which loop of a kernel threads share.
#ifndef LIGATURE_CODEGEN_CPU_SHAREDLOOP_H
#define LIGATURE_CODEGEN_CPU_SHAREDLOOP_H

#include "Emitter.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace lig::codegen::cpu {

/// Whether threads finish `cycles` of work sooner than one does, though data of
/// so many bytes then goes from core to core.
bool isWorthSharing(double cycles, int64_t dataBytes, const Machine &machine);

/// Bytes of the data, not of the parameters, that the nest reads and writes.
int64_t dataBytes(const Nest &nest);

/// Cycles of the whole nest on vectors of `lanes`.
double estimateCycles(const Nest &nest, int64_t lanes);

/// The loop of `order` (outermost first) whose steps are handed to threads; -1
/// where the kernel is done before they were told. `tripsOf` gives the steps
/// that a loop really takes.
int chooseSharedLoop(const Nest &nest, llvm::ArrayRef<unsigned> order,
                     int64_t lanes, const Machine &machine,
                     llvm::function_ref<int64_t(unsigned)> tripsOf);

} // namespace lig::codegen::cpu

#endif // LIGATURE_CODEGEN_CPU_SHAREDLOOP_H
