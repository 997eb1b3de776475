// Which storage a buffer shows, and which operations may write it. Buffers of
// one entry point are allocations, arguments and parameters; two of these never
// overlap, and everything else is a view of one.
#ifndef LIGATURE_CODEGEN_GPU_MEMORYROOTS_H
#define LIGATURE_CODEGEN_GPU_MEMORYROOTS_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"

namespace lig::codegen::gpu {

/// Equal for buffers of one storage, null where it is not known.
using MemoryRoot = const void *;

MemoryRoot getRoot(mlir::Value buffer);

/// Whether the storage that a buffer shows begins at a multiple of 16 bytes, as
/// the compiler's does and a caller's on a device has to (LIG_DEVICE_ALIGNMENT).
/// What the buffer's type says of its offset comes on top.
bool beginsAligned(mlir::Value buffer);

/// Whether an operation, or one inside it, may write this storage.
bool mayWrite(mlir::Operation *op, MemoryRoot root);

/// Whether an operation, or one inside it, may read or write this storage.
bool mayAccess(mlir::Operation *op, MemoryRoot root);

} // namespace lig::codegen::gpu

#endif // LIGATURE_CODEGEN_GPU_MEMORYROOTS_H
