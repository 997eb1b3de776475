/// The road from tensors to buffers.
#ifndef LIGATURE_CODEGEN_BUFFERIZE_H
#define LIGATURE_CODEGEN_BUFFERIZE_H

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace lig::codegen {
/// Appends the passes that turn entry points on tensors into entry points on
/// buffers: inputs and outputs are identity-layout memrefs, results are gone
/// but for scalars, and temporaries are `memref.alloc` without deallocation.
void buildBufferizePipeline(mlir::OpPassManager &pm);
/// Makes the same passes known to the opt tool as `lig-bufferize`.
void registerBufferizePipeline();
} // namespace lig::codegen

#endif // LIGATURE_CODEGEN_BUFFERIZE_H
