// Passes that turn planned kernels into the LLVM dialect.
#ifndef LIGATURE_TARGET_PASSES_TD
#define LIGATURE_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

def CpuOutlineTasksPass : Pass<"lig-cpu-outline-tasks", "::mlir::ModuleOp"> {
  let summary = "Make a function of each parallel loop";
  let description = [{
    The body of an `scf.parallel` becomes a function of what it reads and a part
    [begin, end) of the loop's steps, so that threads can take parts of it; where
    begin > end, the part is done from begin - 1 down to end. What
    only shows memory in another way is computed in the function again.

    **Before**: functions on buffers in one arena.
    **After**: functions marked `net.task`, whose last two arguments are the
    part, called once for all steps.
    **Keeps**: parallel loops inside others, with results or with more than one
    dimension, which run in sequence; what was outlined before.
    **Refuses**: nothing.
  }];
  let statistics = [Statistic<"numTasks", "num-tasks", "functions made">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::scf::SCFDialect"];
}

def CpuFormTeamsPass : Pass<"lig-cpu-form-teams", "::mlir::ModuleOp"> {
  let summary = "Let threads run a loop of many steps together";
  let description = [{
    A loop over steps with parallel loops inside, or in the kernels that it calls,
    becomes a function that all threads run at once, so that they are called once
    for all steps. What else reads or writes in it becomes a parallel loop of one
    step, which one of them does.

    **Before**: functions on buffers in one arena.
    **After**: functions marked `net.team`, called where the loops were.
    **Keeps**: loops with results, with few steps, or of which a branch or a bound
    depends on what is read in them; what other functions call.
    **Refuses**: nothing.
  }];
  let options = [Option<"minSteps", "min-steps", "unsigned", "16",
                        "fewest steps of a loop that is worth a team">];
  let statistics = [Statistic<"numTeams", "num-teams", "functions made">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::scf::SCFDialect"];
}

def CpuKeepMaximaPass : Pass<"lig-cpu-keep-maxima"> {
  let summary = "Leave maxima and minima to the machine";
  let description = [{
    `arith.maximumf` and `arith.minimumf` become intrinsics of LLVM before other
    passes make comparisons of them: three instructions on x86 where the signs
    of zeros do not matter, instead of four, and one elsewhere.

    **Before**: `arith` operations on numbers or vectors of f32 and f64.
    **After**: `llvm.intr.maximum`, `llvm.intr.minimum`, with the same flags.
    **Keeps**: other types, which are computed in f32 later, and vectors of
    several dimensions.
    **Refuses**: nothing.
  }];
  let statistics = [Statistic<"numKept", "num-kept", "maxima and minima left">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def CpuCallTasksPass : Pass<"lig-cpu-call-tasks", "::mlir::ModuleOp"> {
  let summary = "Let the context's threads run tasks and teams";
  let description = [{
    Gives every entry point, and every function on the way to a task, one more
    argument, a `lig_parallel` (Ligature/ABI/Model.h). Where it is null a task
    or a team is called as before; else its arguments go into a struct on the
    stack, and the threads call `<task>_part(args, begin, end)`, or
    `<team>_part(args, member)`, in which tasks are shared through `member`.

    **Before**: LLVM functions, tasks marked `net.task`, teams `net.team`.
    **After**: the same with calls through `lig_parallel`.
    **Keeps**: bodies of tasks and teams.
    **Refuses**: a task that does not end in two i64 arguments, and one that
    calls a task; a team that anything but an entry point calls.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def CpuWrapEntriesPass : Pass<"lig-cpu-wrap-entries", "::mlir::ModuleOp"> {
  let summary = "Give every entry point the signature that the runtime calls";
  let description = [{
    Adds `<entry>_run(inputs, outputs, params, arena, dims, parallel) -> i32`, of the type
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

def GpuOutlineKernelsPass
    : Pass<"lig-gpu-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Make kernels of launches, and calls of the queue";
  let description = [{
    The body of every `gpu.launch` becomes a kernel in the module's one
    `gpu.module`; views of buffers are computed in it again. Where the launch
    was, its arguments go into a `lig_launch` (Ligature/ABI/Device.h) and the
    entry point's last argument, a `lig_device`, is called. It also makes the
    tensor maps that a launch begins with, which the kernel takes as parameters. The first status that
    is not LIG_OK ends the launches and is what the entry point returns.

    **Before**: entry points on buffers that end in params, arena and dims.
    **After**: the same with one argument more; kernels numbered in their order.
    **Keeps**: control flow around launches.
    **Refuses**: a launch that takes a buffer of unknown layout, or maps one.
  }];
  let statistics = [Statistic<"numKernels", "num-kernels", "kernels">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::gpu::GPUDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def GpuUseInstructionsPass
    : Pass<"lig-gpu-use-instructions", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Call no library for what is an instruction";
  let description = [{
    Calls of libdevice for roots, absolute values, roundings, signs and products
    that are added become intrinsics of LLVM, and its declarations go.

    **Before**: kernels in the LLVM and NVVM dialects.
    **After**: PTX of them needs no library, if nothing else calls it.
    **Keeps**: calls of other functions.
    **Refuses**: nothing.
  }];
  let statistics = [Statistic<"numCalls", "num-calls", "calls replaced">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def GpuAlignSharedPass : Pass<"lig-gpu-align-shared", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Align shared memory to the widest access";
  let description = [{
    Outlining forgets how a kernel's shared memory is aligned; vectors of 16
    bytes are loaded from it. A global without a size is dynamic memory, which a
    launch brings, and nothing that a kernel defines.

    **Before**: kernels in LLVM and NVVM.
    **After**: globals of shared memory are aligned to 16 bytes at least; those
    of no elements are external.
    **Keeps**: everything else.
    **Refuses**: nothing.
  }];
}

def GpuPassMapsPass : Pass<"lig-gpu-pass-maps", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Hand tensor maps to kernels by value";
  let description = [{
    A kernel that takes tensor maps has them in its own parameters, where the
    machine's copies read them.

    **Before**: kernels in LLVM and NVVM; `lig.tensor_maps` numbers the pointers
    that are to maps.
    **After**: those are parameters of 128 bytes that no one writes.
    **Keeps**: everything else.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::NVVM::NVVMDialect"];
}

def GpuEmulatePass : Pass<"lig-gpu-emulate", "::mlir::ModuleOp"> {
  let summary = "Make host code of kernels, for the emulator";
  let description = [{
    The functions of every `gpu.module` move into the module as host code. Each
    gets one more argument, the emulator's `Thread`
    (Ligature/Emulator/Emulator.h), from which it reads what special registers
    hold and where shared memory lies; barriers, shuffles, matrix instructions
    and asynchronous copies become calls of the emulator, and so does what comes
    before an atomic load, because a thread that spins must let others run.

    **Before**: `gpu.module`s of the LLVM and NVVM dialects.
    **After**: host functions, and the table `lig_emulated_kernels`.
    **Keeps**: all other functions.
    **Refuses**: operations and inline assembly that the emulator does not know,
    and names that the module has already.
  }];
  let options = [Option<"drop", "drop", "int", "-1",
                        "leave out the barrier, fence or wait of this number">];
  let statistics = [Statistic<"numKernels", "num-kernels", "kernels emulated">,
                    Statistic<"numSynchronizations", "num-synchronizations",
                              "barriers, fences and waits">];
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
