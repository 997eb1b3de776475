// Passes that turn planned kernels into the LLVM dialect.
#ifndef LIGATURE_TARGET_PASSES_TD
#define LIGATURE_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

def CpuWrapEntriesPass : Pass<"lig-cpu-wrap-entries", "::mlir::ModuleOp"> {
  let summary = "Give every entry point the signature that the runtime calls";
  let description = [{
    Adds `<entry>_run(inputs, outputs, params, arena, dims) -> i32`, of the type
    `lig_entry_fn` in `Ligature/ABI/Model.h`, which loads the pointers and calls
    the entry point. That becomes private, and its pointers `noalias`, because
    the runtime promises that outputs overlap nothing.

    **Before**: entry points as LLVM functions of bare pointers.
    **After**: one public function per entry point.
    **Keeps**: bodies.
    **Refuses**: an entry point whose arguments are no pointers.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def VerifyNativePass : Pass<"lig-verify-native", "::mlir::ModuleOp"> {
  let summary = "Check that the native phase kept its contract";
  let description = [{
    The LLVM dialect alone, whose public functions are entry points.

    **Before**: the end of the phase.
    **After**: the same module.
    **Keeps**: everything.
    **Refuses**: a module that breaks the contract; the first operation that
    does is named.
  }];
}

#endif
