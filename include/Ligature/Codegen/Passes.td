// Passes that make kernels and plan memory.
#ifndef LIGATURE_CODEGEN_PASSES_TD
#define LIGATURE_CODEGEN_PASSES_TD

include "Ligature/Codegen/Contracts.td"

include "mlir/Pass/PassBase.td"

def InlineViewsPass : Pass<"share-inline-views", "::mlir::ModuleOp"> {
  let summary = "Show every use of a view the expression behind it";
  let description = [{
    Replaces `share.get` of a view by a copy of the view's body, so that later
    passes see parameters and how they are moved.

    **Before**: `share.get` of parameters and views.
    **After**: `share.get` of parameters; views are gone.
    **Keeps**: parameters.
    **Refuses**: a view that reads itself, by whatever way.
  }];
}

def OutlineConstantsPass : Pass<"share-outline-constants", "::mlir::ModuleOp"> {
  let summary = "Turn constant tensors into parameters";
  let description = [{
    A constant tensor is a parameter that nobody named. Equal constants (bit for
    bit, of one type) become one parameter; a constant that repeats one element
    becomes a fill.

    **Before**: `arith.constant` of tensor type in functions.
    **After**: `share.get` of frozen parameters, `linalg.fill`.
    **Keeps**: parameters that exist; merging with them is the share phase's.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::lig::share::ShareDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let options = [Option<"minBytes", "min-bytes", "int64_t", "0",
                        "smaller constants stay, and so do fills if this is "
                        "not 0">];
  let statistics = [
    Statistic<"numOutlined", "num-outlined", "constants made parameters">,
    Statistic<"numMerged", "num-merged", "constants that were there already">];
}

def PackParametersPass : Pass<"lig-pack-parameters", "::mlir::ModuleOp"> {
  let summary = "Compute what depends on parameters alone, once";
  let description = [{
    The largest expressions of frozen parameters (pads, scales, products, ...)
    are evaluated and become parameters of their own, in the form their
    consumers read. Equal ones are one, however many uses asked. Expressions
    that share parameters are packed together, and only if all results and the
    parameters that something else still reads need no more bytes than there
    were; results of at most 256 bytes are packed in any case. A result that is
    looked up in a table and has at most 256 different elements counts as codes
    and a table, and is marked (`share.codes`) for `lig-narrow-weights` to store
    it so; lookups may cost a 32nd of all parameters. A result that is read in
    several orders is stored in one. What only moves a parameter's elements is left to
    `lig-order-parameters`.

    **Before**: expressions over `share.get`.
    **After**: `share.get` of packed parameters, which say in
    `share.packed_from` what they were made of and, where they are second
    copies, in `share.broken_tie` why.
    **Keeps**: a parameter that anything still reads as it was; expressions
    that would cost bytes, such as two scales of one weight.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::lig::share::ShareDialect"];
  let statistics = [
    Statistic<"numPacked", "num-packed", "packed parameters made">,
    Statistic<"numShared", "num-shared", "uses served by one made before">,
    Statistic<"numKept", "num-kept",
              "expressions left because packing them costs bytes">,
    Statistic<"numDropped", "num-dropped", "parameters nothing reads now">];
}

def FactorViewsPass : Pass<"lig-factor-views", "::mlir::func::FuncOp"> {
  let summary = "Multiply by the parts of a computed weight, not by the weight";
  let description = [{
    A sum of products is linear in its weight. Where that is computed from
    parameters and was not packed, because they are shared, the sum is
    taken with each of its parts: a scale that is the same for all that is
    summed up multiplies the sums, another one joins the product; a sum of
    weights becomes two sums of products; a product of low rank, as LoRA's
    `base + B A`, becomes two narrow ones.

    **Before**: sums of two inputs' products, one computed by linalg operations
    from parameters.
    **After**: the same with parameters as their inputs; what computed the
    weight is gone.
    **Keeps**: results up to rounding; weights that are no sum of scaled
    parameters, and products that are not of low rank.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numFactored", "num-factored",
                              "sums of products that were taken apart">];
}

def SplitConcatenationsPass
    : Pass<"lig-split-concatenations", "::mlir::ModuleOp"> {
  let summary = "Multiply by the parts of a concatenated weight";
  let description = [{
    Weights that lie one after another in a concatenation were stored apart
    because something else reads one of them, and would be copied together in
    every run. What is summed up with them is taken apart instead: along a
    dimension of the result into the parts of the result, along a dimension that
    is summed over into sums that begin with one another.

    **Before**: reductions that read a `tensor.concat` of parameters.
    **After**: one for each part, which reads its parameter; a concatenation of
    results.
    **Keeps**: the order of all sums, hence every bit; concatenations with parts
    narrower than 8 or of more than 16 parts, along a dimension in which an
    operand is read through windows, and those that are read otherwise, too.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numSplit", "num-split",
                              "reductions that were taken apart">];
}

def SplitDecodingsPass : Pass<"lig-split-decodings", "::mlir::ModuleOp"> {
  let summary = "Tell what turns integers into floats from what scales them";
  let description = [{
    A quantised weight, `(q - z) * s`, is a scale of a weight of whole numbers.
    Written as two operations, `lig-factor-views` multiplies the sums by the
    scale, and `lig-decode-in-place` is left with the numbers. Zero points that
    are all zero are gone.

    **Before**: elementwise operations that convert a parameter's numbers to a
    float and go on to compute with it.
    **After**: two, the first of which ends with the conversion.
    **Keeps**: operations that convert more than one tensor of their size, and
    whose result anything but sums and embeddings reads.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numSplit", "num-split",
                              "operations that were split">];
}

def DecodeInPlacePass : Pass<"lig-decode-in-place", "::mlir::ModuleOp"> {
  let summary = "Decode a weight where it is read";
  let description = [{
    A weight that is stored as narrower numbers, or as codes of a small table,
    and was not packed because that would take more bytes, is decoded by the
    kernels that read it: element by element in matrix products of at most 64
    rows, where a register that was decoded serves several rows, and row by row
    in an embedding. No buffer holds it, and no run decodes it as a whole. More
    rows are served better by floats; so are more than 8 where the weight is
    read in two orders and cannot be packed for both.

    **Before**: elementwise operations of few steps on parameters, read by
    reductions of products and `tensor.extract`.
    **After**: the readers read the parameters.
    **Keeps**: what anything else reads, because it has to be there in any case,
    filters of windows, and weights that no parameter of their size lies behind.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numDecoded", "num-decoded",
                              "weights that their readers decode">];
}

def OrderParametersPass : Pass<"lig-order-parameters", "::mlir::ModuleOp"> {
  let summary = "Store each parameter in one order and read it in any";
  let description = [{
    Transposes, slices, reversals and reshapes of a parameter are one strided
    view of it. If all views that are read are together no larger than the
    parameter, each is stored as it is read. Otherwise the order of the whole
    that most consumers read is stored, and all others read that in place, by
    `share.get_strided`; where the views are not slices of that order, the
    parameter stays as it is.

    **Before**: moves of `share.get`.
    **After**: `share.get` of parameters in their new order, which say in
    `share.packed_from` what they were and, where they are second copies, in
    `share.broken_tie` why; `share.get_strided`.
    **Keeps**: the order of a parameter whose value is not known or may change,
    and of one that is read as it is. Slices of its leading dimension stay
    slices.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::lig::share::ShareDialect"];
  let statistics = [
    Statistic<"numPacked", "num-packed", "parameters stored in a new order">,
    Statistic<"numShared", "num-shared", "orders that were stored already">,
    Statistic<"numRead", "num-read-strided", "values read through strides">,
    Statistic<"numDropped", "num-dropped", "parameters nothing reads now">];
}

def NarrowWeightsPass : Pass<"lig-narrow-weights", "::mlir::ModuleOp"> {
  let summary = "Store weights as narrower numbers";
  let description = [{
    On request: the result is no longer that of the model's own weights. Weights
    of sums of products are rounded to bf16 or f16, to 8-bit integers with a
    scale per output channel (of a group, where there are several), or to codes
    that count the 16 entries of a table, found by k-means, with the same scales;
    what reads them computes in f32 as before. A scale is multiplied to sums
    where it is the same for all their products.

    Unasked, and exactly: weights that the model itself looks up in a table
    (`share.codes`, as lig-pack-parameters left it) become codes of a byte and a
    table of their distinct values; kernels put two codes of 4 bits in a byte.

    **Before**: frozen f32 parameters, read by linalg operations, maybe by way of
    reshapes, slices and scans.
    **After**: the same parameters of the narrower type, with the greatest
    rounding error, in parts of the greatest magnitude, as
    `share.rounding_error`; scales are parameters called `<name>.scales`, tables
    `<name>.table`, equal ones once. Readers that cannot take codes read
    decoded elements.
    **Keeps**: parameters that no sum of products reads, such as biases; small
    ones; those with infinities or NaNs, or with readers that cannot convert.
    **Refuses**: an unknown format.
  }];
  let options = [
    Option<"format", "format", "std::string", "\"bf16\"",
           "f32 (as they are), bf16, f16, int8 or codebook4">,
    Option<"minElements", "min-elements", "int64_t", "1024",
           "elements below which a weight stays as it is">];
  let statistics = [
    Statistic<"numNarrowed", "num-narrowed", "weights stored narrower">,
    Statistic<"numEncoded", "num-encoded", "weights stored as codes, exactly">,
    Statistic<"bytesSaved", "bytes-saved", "bytes that this saves">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect",
                           "::lig::share::ShareDialect"];
}

def RoundProductsPass : Pass<"lig-round-products", "::mlir::ModuleOp"> {
  let summary = "Multiply numbers of fewer bits";
  let description = [{
    On request: results differ from those of f32 arithmetic. With bf16, data and
    weights of sums of products are rounded to bf16 and summed up in f32. With vnni,
    weights are integers of 8 bits with a scale for each output channel, data are
    such integers with a scale for each row, which is found as the network runs,
    and sums are integers of 32 bits.

    **Before**: sums of products of f32 data and weights that are known.
    **After**: rounded weights as parameters, with the greatest rounding error, in
    parts of the greatest magnitude, as `share.rounding_error`; operations that
    round the data; the sums.
    **Keeps**: small weights, weights with infinities or NaNs, products of two
    operands that are computed from data, and depthwise convolutions with vnni.
    **Refuses**: another arithmetic.
  }];
  let options = [
    Option<"compute", "compute", "std::string", "\"f32\"",
           "f32 (as it is), bf16 or vnni">,
    Option<"minElements", "min-elements", "int64_t", "1024",
           "elements below which a weight's products stay as they are">];
  let statistics = [
    Statistic<"numRounded", "num-rounded", "sums of products rounded">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect",
                           "::lig::share::ShareDialect"];
}

def NarrowIntegersPass : Pass<"lig-narrow-integers", "::mlir::ModuleOp"> {
  let summary = "Keep the operands of integer products as bytes";
  let description = [{
    Products of 16-bit numbers with weights that fit into bytes read bytes; zero
    points of weights are taken off for good. Where the machine multiplies bytes,
    data that are bytes less a zero point are read as such, through pads, reshapes
    and transposes, and sums start from the zero point times the sum of the
    weights.

    **Before**: sums of products of i16 in i32, as quantized models have.
    **After**: the same with i8 weights (`share.packed_from`), and i8 data.
    **Keeps**: every bit of the sums; weights that do not fit, and products of
    two operands that are computed from data.
    **Refuses**: nothing.
  }];
  let options = [
    Option<"dots", "dots", "std::string", "\"none\"",
           "vnni wants unsigned data in bytes, neon signed ones">];
  let statistics = [
    Statistic<"numWeights", "num-weights", "weights kept as bytes">,
    Statistic<"numData", "num-data", "data kept as bytes">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect",
                           "::lig::share::ShareDialect"];
}

def CpuPackDotsPass : Pass<"lig-cpu-pack-dots", "::mlir::ModuleOp"> {
  let summary = "Multiply small integers in words";
  let description = [{
    A sum of products of integers of 16 or 8 bits becomes one over words of 32
    bits (`net.dot`), two or four numbers each. Weights are laid out in words,
    once; data are looked at as words, after a copy that fills up the last.

    **Before**: sums of products of i16 or i8 data, innermost along a reduction,
    and of a frozen parameter of i8 or i16, on buffers.
    **After**: the same sums of `net.dot`; parameters of words.
    **Keeps**: every bit; other products.
    **Refuses**: nothing.
  }];
  let options = [
    Option<"dots", "dots", "std::string", "\"none\"",
           "words of four bytes that the machine multiplies: none, pairs (of "
           "16 bits alone), vnni or neon">,
    Option<"bf16", "bf16", "bool", "false",
           "words of two bf16, which the machine multiplies">];
  let statistics = [
    Statistic<"numProducts", "num-products", "sums of products of words">];
  let dependentDialects = ["::lig::net::NetDialect",
                           "::lig::share::ShareDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect"];
}

def CpuExpandDotsPass : Pass<"lig-cpu-expand-dots", "::mlir::func::FuncOp"> {
  let summary = "Write products of words as the machine's instructions";
  let description = [{
    `vpmaddwd` and `vpdpbusd` on x86-64, `sdot` on AArch64, for vectors of the
    machine's widths; shifts and multiplications otherwise.

    **Before**: `net.dot` and `net.widen` on numbers and vectors.
    **After**: `arith`, `vector` and `llvm.call_intrinsic`.
    **Keeps**: every bit.
    **Refuses**: an unknown machine.
  }];
  let options = [
    Option<"dots", "dots", "std::string", "\"none\"",
           "none, pairs, vnni or neon">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::vector::VectorDialect"];
}

def SeparateDestinationsPass : Pass<"lig-separate-destinations"> {
  let summary = "Give every destination a fill or an empty tensor of its own";
  let description = [{
    Undoes, for destinations, what common-subexpression elimination does to
    `linalg.fill`, `tensor.empty` and the spreading of a bias: each accumulator
    starts where it is, also in a loop's body, and bufferization's analysis sees
    independent places.

    **Before**: fills, broadcasts and empty tensors with any number of uses.
    **After**: one use each, where the use is a destination.
    **Keeps**: fills and broadcasts that are read as values.
    **Refuses**: nothing.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CarryInPlacePass : Pass<"lig-carry-in-place"> {
  let summary = "Give every tensor that a loop carries one buffer";
  let description = [{
    Writes what a loop yields into the tensor that it carried into the step, so
    that bufferization gives the loop one buffer per carried tensor and no
    buffer leaves a step.

    **Before**: `scf.for` and `scf.while` that carry tensors.
    **After**: the same, each carried tensor yielded from its own destination.
    **Keeps**: values; a state that becomes another state is copied first.
    **Refuses**: nothing; an `scf.while` that passes on what it computed before
    its condition stays as it is.
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
    A concatenation of many operands stays one operation: as a long chain of
    insertions it would cost the analysis more than its copies cost a run.

    **Before**: `tensor.pad` and `tensor.concat` on static tensors.
    **After**: `linalg.fill` or `tensor.generate`, `tensor.insert_slice`, long
    `tensor.concat`.
    **Keeps**: everything else.
    **Refuses**: nothing; a pad whose value differs per position is generated.
  }];
  let options = [Option<"maxOperands", "max-operands", "unsigned", "8",
                        "operands of a concatenation that is rewritten">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def PlanMemoryPass : Pass<"lig-plan-memory", "::mlir::ModuleOp"> {
  let options = [Option<"headerBytes", "header-bytes", "int64_t", "0",
                        "bytes at the beginning of arenas to leave alone">];
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
    **Refuses**: buffers of dynamic size, a buffer that a loop carries to its
    own next step, which would need two places, and one that each step of a
    parallel loop allocates.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
  let statistics = [
    Statistic<"numBuffers", "num-buffers", "buffers placed in arenas">,
    Statistic<"arenaBytes", "arena-bytes", "bytes of all arenas">,
    Statistic<"liveBytes", "live-bytes",
              "least bytes that any placement needs">];
}

def MarkPhasePass : Pass<"lig-mark-phase", "::mlir::ModuleOp"> {
  let summary = "Write down which phase a module went through";
  let description = [{
    Whoever reads the module later goes on with the next phase.

    **Before**: a module at the end of a phase.
    **After**: the same with `net.phase` as an attribute.
    **Keeps**: everything else.
    **Refuses**: nothing.
  }];
  let options = [Option<"phase", "phase", "std::string", "",
                        "the name of the phase">];
}

def DropParametersPass : Pass<"lig-drop-parameters", "::mlir::ModuleOp"> {
  let summary = "Leave parameters to the parameter file";
  let description = [{
    Removes parameters from the module, once code reaches them through a pointer
    and whoever stores them has read them: weights never travel through printed
    code.

    **Before**: parameters that no code names.
    **After**: none.
    **Keeps**: functions.
    **Refuses**: a parameter that code still names.
  }];
}

def CpuTileAttentionPass
    : Pass<"lig-cpu-tile-attention", "::mlir::func::FuncOp"> {
  let summary = "Compute attention a few queries and keys at a time";
  let description = [{
    Scores of a block of queries and a block of keys are computed, made weights
    by what is known of their rows so far, and multiplied with the values, before
    the next block of keys is looked at. Blocks of queries of all heads are
    independent. Keys are laid out in blocks first, once for all heads that share
    them.

    **Before**: `net.attention` on buffers.
    **After**: a parallel loop over blocks of queries with `linalg` operations in
    it, whose buffers are the thread's own (`memref.alloca`).
    **Keeps**: results up to the order of sums; a row of scores that are all minus
    infinity is NaN.
    **Refuses**: extents that are not known.
  }];
  let options = [
    Option<"rows", "rows", "int64_t", "32", "queries of a block">,
    Option<"keys", "keys", "int64_t", "96", "keys of a block">];
  let statistics = [Statistic<"numTiled", "num-tiled", "attentions written">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def CpuEmitKernelsPass
    : Pass<"lig-cpu-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "Write structured operations on buffers as vector loops";
  let description = [{
    One strategy per operation, chosen by facts of it: sums of products with a
    register tile, reductions along the lanes, other reductions with
    accumulators in registers, elementwise work along contiguous data. A bias
    before a reduction and an activation after it become part of it, and so does
    what combines equal parts of a product, the gates of a recurrence; kernels
    that hand each other rows (softmax, norms) take a few rows at a time. A frozen
    parameter that only contractions read, no element of it in two orders, is
    packed: panels of a few vectors, each step of the reduction one contiguous
    piece, padded to whole vectors. Codes of 4 bits are packed two to a byte and
    looked up in a register, larger ones gathered. Filters of three by three taps become the
    36 of Winograd's F(4x4, 3x3) where the products that saves outweigh the
    transforms; results then differ by some 1e-5 of the largest.
    Operations with run-time extents or indices that are not linear become
    scalar loops. Kernels are functions of their buffers, and equal ones are
    one function.

    **Before**: linalg operations on buffers, `memref.copy`.
    **After**: packed parameters (`share.packed_from`) beside those they take
    the place of, which nothing reads any more; calls of private functions, and
    in them and for small kernels in their place `scf`, `vector`, `memref`, `arith`, `math`; vectors have the
    machine's width or less.
    **Keeps**: values up to the order in which sums of floats are added.
    **Refuses**: nothing.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "int64_t", "256",
           "bits of a vector register">,
    Option<"registers", "registers", "int64_t", "0",
           "vector registers; 0 takes the usual count for the width">,
    Option<"cacheBytes", "cache-bytes", "int64_t", "1048576",
           "bytes of the cache that a core has for itself">,
    Option<"fma", "fma", "bool", "true",
           "multiply and add in one instruction">,
    Option<"permute", "permute", "bool", "false",
           "lanes may be picked by a vector, as on AVX2 and AVX-512">,
    Option<"threads", "threads", "bool", "true",
           "make parallel loops of long kernels, for threads to share">,
    Option<"join", "join", "bool", "true",
           "join elementwise neighbours to reductions">,
    Option<"group", "group", "bool", "true",
           "take rows through several kernels in one loop">,
    Option<"pack", "pack", "bool", "true",
           "pack parameters in the order in which kernels read them">,
    Option<"winograd", "winograd", "bool", "true",
           "transform filters of three by three taps">,
    Option<"outline", "outline", "bool", "true",
           "make kernels functions, and equal ones one function">];
  let statistics = [
    Statistic<"numPacked", "num-packed", "parameters packed">,
    Statistic<"numWinograd", "num-winograd",
              "convolutions by Winograd's transform">,
    Statistic<"numOutlined", "num-outlined", "kernels that became functions">,
    Statistic<"numReused", "num-reused", "kernels that call another's function">,
    Statistic<"numContractions", "num-contractions", "sums of products">,
    Statistic<"numReductions", "num-reductions", "other reductions">,
    Statistic<"numElementwise", "num-elementwise", "elementwise operations">,
    Statistic<"numGated", "num-gated",
              "contractions joined to what combines parts of their result">,
    Statistic<"numJoined", "num-joined",
              "elementwise operations that became part of a reduction">,
    Statistic<"numGrouped", "num-grouped",
              "operations that share a loop over rows with others">,
    Statistic<"numFallbacks", "num-fallbacks", "plain scalar loops">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect",
                           "::lig::share::ShareDialect"];
}

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
    loops and branches carry which the host steps through.

    **Before**: loops and launches; loads among them.
    **After**: no value that comes from memory is used by two kernels.
    **Keeps**: control flow that depends on data, with what is in it.
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

def CpuExpandMathPass : Pass<"lig-cpu-expand-math", "::mlir::func::FuncOp"> {
  let summary = "Compute exponentials and their kin without calls";
  let description = [{
    Polynomials for exp, expm1, tanh, erf, log, log1p and log2 of f32 scalars
    and vectors, within a few units in the last place. For a machine that
    cannot multiply and add in one instruction, `math.fma` becomes two.

    **Before**: `math` operations.
    **After**: `arith` and `vector` in their place.
    **Keeps**: other types and functions, which a library computes.
    **Refuses**: nothing.
  }];
  let options = [Option<"fma", "fma", "bool", "true",
                        "multiply and add in one instruction">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def GpuPersistScansPass
    : Pass<"lig-gpu-persist-scans", "::mlir::func::FuncOp"> {
  let summary = "Let one kernel live through all steps of a scan";
  let description = [{
    A loop whose steps multiply a few rows by weights that do not change, and
    compute the rest element by element, becomes one cooperative launch. Each
    block has some units of the state, keeps their weights in shared memory and
    goes through all steps; blocks wait for each other where a step needs what
    others have computed.

    **Before**: structured operations on buffers, in loops.
    **After**: `gpu.launch` marked `lig.cooperative`, and an allocation marked
    `lig.device_header` for the counter of its barriers.
    **Keeps**: values up to the order in which sums of floats are added. Loops
    with other operations, with products of more than 16 rows (the layers of a
    transformer), with weights that change, of two steps.
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
  let summary = "Write sums of products and reductions as tiled GPU kernels";
  let description = [{
    Each operation that a strategy suits becomes one launch of its own. Sums of
    products of f32, or of narrower floats widened to it, matrix products and
    convolutions alike, are computed in tiles of shared memory with blocks of
    results in registers, on tensor cores where less than f32 is asked for: then
    inputs are rounded to that precision, sums stay f32. Other reductions along
    contiguous data are shared by the lanes of a warp, or where rows are long by
    all threads of a block.

    **Before**: linalg operations on buffers.
    **After**: `gpu.launch` with constant grid and block sizes; in it `scf`,
    `vector`, `memref`, `arith`, `nvgpu`, `nvvm`. Shared memory is a launch's own,
    48 KB at most.
    **Keeps**: values up to the order in which sums of floats are added, and the
    precision asked for; operations of dynamic shape, without reduction, or in a
    kernel.
    **Refuses**: an unknown precision.
  }];
  let options = [
    Option<"multiprocessors", "multiprocessors", "unsigned", "132",
           "of the GPU, which tiles are chosen to keep busy">,
    Option<"compute", "compute", "std::string", "\"f32\"",
           "precision of products: f32, tf32, bf16 or f16">];
  let statistics = [
    Statistic<"numTensorContractions", "num-tensor-contractions",
              "sums of products on tensor cores">,
    Statistic<"numContractions", "num-contractions", "sums of products">,
    Statistic<"numRowReductions", "num-row-reductions", "other reductions">];
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
