// Passes that make kernels and plan memory.
#ifndef LIGATURE_CODEGEN_PASSES_TD
#define LIGATURE_CODEGEN_PASSES_TD

include "mlir/Pass/PassBase.td"

def CarryInPlacePass : Pass<"lig-carry-in-place"> {
  let summary = "Give every tensor that a loop carries one buffer";
  let description = [{
    Writes what a loop yields into the tensor that it carried into the step, so
    that bufferization gives the loop one buffer per carried tensor and no
    buffer leaves a step.

    **Before**: `scf.for` and `scf.while` that carry tensors.
    **After**: the same, each carried tensor yielded from its own destination.
    **Keeps**: values; a state that becomes another state is copied first.
    **Refuses**: nothing; loops that permute what they carry through
    `scf.condition` stay as they are.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def PassOutputsPass : Pass<"lig-pass-outputs", "::mlir::ModuleOp"> {
  let summary = "Write every result into a buffer that the caller hands in";
  let description = [{
    Gives a function one more argument for each tensor it returns and writes the
    result there, while the body is still on tensors: bufferization then knows
    the destination, and kernels write into it without a copy.

    **Before**: functions from tensors to tensors, maybe with scalar results.
    **After**: output buffers follow the inputs, marked `net.output` beside the
    attributes of the result they stand for; scalar results remain.
    **Keeps**: inputs are never written (`bufferization.writable = false`).
    **Refuses**: a result whose shape is not static.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect"];
}

def WriteSlicesPass : Pass<"lig-write-slices"> {
  let summary = "Write pads and concatenations as insertions into one tensor";
  let description = [{
    A pad becomes a fill and an insertion, a concatenation becomes insertions.
    Empty-tensor elimination then lets producers write their slice in place.

    **Before**: `tensor.pad` and `tensor.concat` on static tensors.
    **After**: `linalg.fill` and `tensor.insert_slice`.
    **Keeps**: everything else.
    **Refuses**: nothing; a pad whose value differs per position stays.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def PlanMemoryPass : Pass<"lig-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Place every buffer in one arena and every parameter in one block";
  let description = [{
    Buffers whose lifetimes do not meet share bytes of the arena. Lifetimes are
    intervals over the operations in program order; a buffer used inside a loop
    that it outlives is live for the whole loop. Parameters are laid out once
    for the module, in its order.

    **Before**: entry points on buffers, with `memref.alloc`, `share.address`.
    **After**: `func @name(inputs, outputs, params, arena, dims) -> i32`; every
    buffer is a `memref.view`, 64-byte aligned; `share.offset` on parameters,
    `share.params_bytes` on the module, `net.arena_bytes` on entry points.
    **Keeps**: inputs and outputs in order with their attributes.
    **Refuses**: buffers of dynamic size, and a buffer that a loop carries to
    its own next step, which would need two places.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
  let statistics = [
    Statistic<"numBuffers", "num-buffers", "buffers placed in arenas">,
    Statistic<"arenaBytes", "arena-bytes", "bytes of all arenas">,
    Statistic<"liveBytes", "live-bytes",
              "least bytes that any placement needs">];
}

#endif
