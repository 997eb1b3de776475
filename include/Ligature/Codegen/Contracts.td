// The passes that check what each phase promises the next.
#ifndef LIGATURE_CODEGEN_CONTRACTS_TD
#define LIGATURE_CODEGEN_CONTRACTS_TD

include "mlir/Pass/PassBase.td"

def VerifyImportPass : Pass<"lig-verify-import", "::mlir::ModuleOp"> {
  let summary = "Check that the import phase kept its contract";
  let description = [{
    Functions on tensors in `share`, `net` and the tensor dialects; entry points
    have static shapes.

    **Before**: the end of the phase.
    **After**: the same module.
    **Keeps**: everything.
    **Refuses**: a module that breaks the contract; the first operation that
    does is named.
  }];
}

def VerifySharePass : Pass<"lig-verify-share", "::mlir::ModuleOp"> {
  let summary = "Check that the share phase kept its contract";
  let description = [{
    The language of the import phase. Parameters are merged: their values are at
    hand or come at run time, and views read parameters, not other views.

    **Before**: the end of the phase.
    **After**: the same module.
    **Keeps**: everything.
    **Refuses**: a module that breaks the contract; the first operation that
    does is named.
  }];
}

def VerifyNetPass : Pass<"lig-verify-net", "::mlir::ModuleOp"> {
  let summary = "Check that the net phase kept its contract";
  let description = [{
    Like the share phase, but of `net` only `net.scan` is left, and no operation
    that linalg would still have to decompose.

    **Before**: the end of the phase.
    **After**: the same module.
    **Keeps**: everything.
    **Refuses**: a module that breaks the contract; the first operation that
    does is named.
  }];
}

def VerifyKernelPass : Pass<"lig-verify-kernel", "::mlir::ModuleOp"> {
  let summary = "Check that the kernel phase kept its contract";
  let description = [{
    Functions on buffers: no tensors, no structured operations; parameters are
    `share.address`.

    **Before**: the end of the phase.
    **After**: the same module.
    **Keeps**: everything.
    **Refuses**: a module that breaks the contract; the first operation that
    does is named.
  }];
}

def VerifyMemoryPass : Pass<"lig-verify-memory", "::mlir::ModuleOp"> {
  let summary = "Check that the memory phase kept its contract";
  let description = [{
    No allocation is left, and entry points have the signature that native code
    is called by.

    **Before**: the end of the phase.
    **After**: the same module.
    **Keeps**: everything.
    **Refuses**: a module that breaks the contract; the first operation that
    does is named.
  }];
}

#endif
