// Passes that write kernels for a GPU.
#ifndef LIGATURE_CODEGEN_GPUPASSES_TD
#define LIGATURE_CODEGEN_GPUPASSES_TD

include "mlir/Pass/PassBase.td"

def GpuEmitLoopsPass : Pass<"lig-gpu-emit-loops", "::mlir::func::FuncOp"> {
  let summary = "Make parallel loops of what no strategy took";
  let description = [{
    A structured operation becomes one `scf.parallel` over the elements of its
    result, with loops over what is reduced inside; a copy becomes one over what
    it copies.

    **Before**: structured operations on buffers.
    **After**: loops.
    **Keeps**: everything else.
    **Refuses**: a structured operation without a form as loops.
  }];
  let statistics = [Statistic<"numLoops", "num-loops", "loops emitted">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def GpuSpreadLoopsPass
    : Pass<"lig-gpu-spread-loops", "::mlir::func::FuncOp"> {
  let summary = "Make one parallel loop of steps that write apart";
  let description = [{
    A loop whose step writes only the slice of each buffer that has the step's
    number as its index, and reads no other slice of those, becomes parallel. A
    parallel loop that is all its body writes by becomes one with it.

    **Before**: `scf.for` around loads, stores and loops, as a gather leaves it.
    **After**: `scf.parallel`.
    **Keeps**: loops that carry values; loops in kernels.
    **Refuses**: nothing.
  }];
  let statistics = [Statistic<"numLoops", "num-loops", "loops made parallel">];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
}

def GpuSeparateKernelsPass
    : Pass<"lig-gpu-separate-kernels", "::mlir::func::FuncOp"> {
  let summary = "Leave only memory between kernels";
  let description = [{
    What one kernel computes from memory and another uses is computed again in
    the other, if nothing in between wrote what it was read from. Otherwise it
    is stored in a buffer of one element and loaded again. So are numbers that
    loops and branches carry which the host steps through. Kernels in a branch that
    data decide about are taken out of it and ask themselves whether it is taken.

    **Before**: loops and launches; loads among them.
    **After**: no value that comes from memory is used by two kernels, and no
    branch that depends on data has launches in it.
    **Keeps**: loops that depend on data, with what is in them, and branches
    without kernels or whose kernels need what only the branch may load.
    **Refuses**: a view that data choose by control flow, used by several
    kernels.
  }];
  let statistics = [
    Statistic<"numCarried", "num-carried", "carried values kept in memory">,
    Statistic<"numCopies", "num-copies", "operations done again">,
    Statistic<"numPlaces", "num-places", "values kept in memory">];
  let dependentDialects = ["::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def GpuFormLaunchesPass
    : Pass<"lig-gpu-form-launches", "::mlir::func::FuncOp"> {
  let summary = "Let kernels do what touches device memory";
  let description = [{
    A parallel loop whose bounds the host knows becomes a kernel of one thread a
    step. A load and everything that depends on it, control flow included, become
    a kernel of one block, whose threads share the steps of parallel loops; of one
    thread, if there are none. A status that depends on data is stored at the
    beginning of the arena.

    **Before**: planned entry points that end in params, arena and dims; loops.
    **After**: launches. No load or store is left outside of one.
    **Keeps**: launches that are there already, loops of the host around them.
    **Refuses**: a launch among what depends on data.
  }];
  let statistics = [Statistic<"numLaunches", "num-launches", "launches">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::gpu::GPUDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def GpuPersistScansPass
    : Pass<"lig-gpu-persist-scans", "::mlir::func::FuncOp"> {
  let summary = "Let one kernel live through all steps of a scan";
  let description = [{
    A loop whose steps multiply a few rows by weights that do not change, and
    compute the rest element by element, becomes one cooperative launch. Each
    block has some units of the state, keeps their weights in shared memory and
    goes through all steps; blocks wait for each other where a step needs what
    others have computed. How many steps there are may be a number in memory.

    **Before**: structured operations on buffers, in loops.
    **After**: `gpu.launch` marked `lig.cooperative`, and an allocation marked
    `lig.device_header` for the counter of its barriers.
    **Keeps**: values up to the order in which sums of floats are added. Loops
    with other operations, with products of more than 16 rows (the layers of a
    transformer), with weights that change, of two steps, or in a branch.
    **Refuses**: nothing.
  }];
  let options = [
    Option<"multiprocessors", "multiprocessors", "unsigned", "132",
           "most blocks of a launch; the runtime takes no more than the GPU "
           "has">,
    Option<"sharedBytes", "shared-bytes", "unsigned", "232448",
           "of a block">];
  let statistics = [
    Statistic<"numScans", "num-scans", "loops that became one launch">,
    Statistic<"residentBytes", "resident-bytes",
              "of weights that one block alone keeps on chip">,
    Statistic<"streamedBytes", "streamed-bytes",
              "of weights that one block alone reads every step">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::gpu::GPUDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def GpuRoundWeightsPass : Pass<"lig-gpu-round-weights", "::mlir::ModuleOp"> {
  let summary = "Round weights that only tensor cores of tf32 multiply";
  let description = [{
    A kernel that multiplies in tf32 rounds what it reads, each time it reads it. A
    parameter whose every use is such a product is rounded here, once for all runs;
    kernels then read it as it stands, and the machine's own copies bring it from
    where it lies. To be run in front of `lig-gpu-emit-strategies` with
    `compute=tf32`, and nowhere else.

    **Before**: structured operations on buffers.
    **After**: parameters with `share.rounding_error`, and `share.address` of them
    marked `lig.tf32`.
    **Keeps**: results, bit by bit. Parameters that are trained, mutable, stored in
    another type, or of which anything else has an element: an operation on
    elements, a product with few rows, columns or steps, a scan's kernel, control
    flow that depends on data.
    **Refuses**: nothing.
  }];
  let statistics = [
    Statistic<"numRounded", "num-rounded", "parameters that hold tf32">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def GpuExpandMathPass : Pass<"lig-gpu-expand-math"> {
  let summary = "Compute functions that a GPU has no instruction for";
  let description = [{
    Exponentials, logarithms, angles, hyperbolic functions, powers and remainders
    of floats of up to 64 bits, numbers or vectors, by f64 arithmetic. With this
    no library is needed to make PTX.

    **Before**: `math` operations, `arith.remf`.
    **After**: `arith`, and what has an instruction: `math.fma`, `math.sqrt`,
    `math.absf`, `math.copysign`, `math.trunc`.
    **Keeps**: everything else, the error function of f64 included.
    **Refuses**: nothing.
  }];
  let statistics = [
    Statistic<"numExpanded", "num-expanded", "functions written out">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def GpuEmitStrategiesPass
    : Pass<"lig-gpu-emit-strategies", "::mlir::func::FuncOp"> {
  let summary = "Write products, reductions and what is around them as kernels";
  let description = [{
    Each operation that a strategy suits becomes one launch, together with
    neighbours that need of it, or prepare for it, the same element or row: what a
    sum starts from, a bias, an activation, a residual; all of a softmax or of a
    normalisation. Sums of
    products of f32, or of narrower floats widened to it, matrix products and
    convolutions alike, are computed in tiles of shared memory with blocks of
    results in registers, on tensor cores where less than f32 is asked for: then
    inputs are rounded to that precision, sums stay f32. Large ones go to
    warpgroups where there are any, convolutions with whole slices of channels
    among them; inputs that they cannot read where they lie are copied first. Rows of other reductions
    are shared by the lanes of a warp, or where they are long by all threads of a
    block, which keep what they have of a row in registers; rows that lie side by
    side have a thread, or a few, each. Operations on elements that follow each
    other become one launch, too. Threads of these kernels load and store 16 bytes
    at once where elements or rows lie side by side and work is not small.

    Attention becomes one launch without scores in memory, a block of queries for
    each block of threads; blocks of keys that a constant mask hides are passed
    over.

    **Before**: linalg operations and `net.attention` on buffers.
    **After**: `gpu.launch` with constant grid and block sizes; in it `scf`,
    `vector`, `memref`, `arith`, `nvgpu`, `nvvm`. Shared memory is a launch's own,
    48 KB at most; warpgroups, and attention of long lines, have dynamic memory.
    A tensor map that a launch begins with is for the host to make. What is copied
    first is a `linalg` operation without reduction.
    **Keeps**: values up to the order in which sums of floats are added, and the
    precision asked for; operations of dynamic shape, those on single elements that
    stand alone, and what is in a kernel.
    **Refuses**: an unknown precision; attention of sizes that are not known or
    too large for shared memory, or in control flow that depends on data.
  }];
  let options = [
    Option<"multiprocessors", "multiprocessors", "unsigned", "132",
           "of the GPU, which tiles are chosen to keep busy">,
    Option<"compute", "compute", "std::string", "\"f32\"",
           "precision of products: f32, tf32, bf16 or f16">,
    Option<"warpgroups", "warpgroups", "bool", "false",
           "groups of four warps multiply from shared memory, as on sm_90a">,
    Option<"sharedBytes", "shared-bytes", "unsigned", "227 << 10",
           "shared memory of a block that asks for all">,
    Option<"groupWork", "group-work", "uint64_t", "uint64_t(1) << 27",
           "products from which warpgroups are worth it">];
  let statistics = [
    Statistic<"numGroupContractions", "num-group-contractions",
              "sums of products by warpgroups">,
    Statistic<"numTensorContractions", "num-tensor-contractions",
              "sums of products on tensor cores">,
    Statistic<"numContractions", "num-contractions", "sums of products">,
    Statistic<"numAttentions", "num-attentions", "attentions">,
    Statistic<"numRowKernels", "num-row-kernels",
              "other reductions, with what is around them">,
    Statistic<"numElementKernels", "num-element-kernels",
              "operations on elements that became one kernel">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::gpu::GPUDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::nvgpu::NVGPUDialect",
                           "::mlir::NVVM::NVVMDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif
