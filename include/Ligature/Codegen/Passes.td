// Passes that make kernels and plan memory.
#ifndef LIGATURE_CODEGEN_PASSES_TD
#define LIGATURE_CODEGEN_PASSES_TD

include "Ligature/Codegen/Contracts.td"
include "Ligature/Codegen/CpuPasses.td"
include "Ligature/Codegen/GpuPasses.td"

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
    With `products-only` also those that anything else reads, such as a table that
    rows are looked up in: then only operands of products are rounded.
    **Refuses**: an unknown format.
  }];
  let options = [
    Option<"format", "format", "std::string", "\"bf16\"",
           "f32 (as they are), bf16, f16, int8 or codebook4">,
    Option<"productsOnly", "products-only", "bool", "false",
           "keep weights that anything but sums of products reads">,
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
           "vnni wants unsigned data in bytes, ssse3 too where sums of two "
           "products fit 16 bits, neon signed ones">];
  let statistics = [
    Statistic<"numWeights", "num-weights", "weights kept as bytes">,
    Statistic<"numData", "num-data", "data kept as bytes">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect",
                           "::lig::share::ShareDialect"];
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

def PlaceReshapesPass : Pass<"lig-place-reshapes"> {
  let summary = "Write what is reshaped where the reshape is inserted";
  let description = [{
    An empty tensor in which a value is made that is reshaped and then inserted
    becomes the place of the insertion, in the shape before. So a transposed
    convolution writes into a concatenation or a padded image.

    **Before**: producers on `tensor.empty`, reshapes, `tensor.insert_slice`.
    **After**: the producers write into a slice of the tensor inserted into.
    **Keeps**: values that others read, too; places whose strides do not allow
    the shape before.
    **Refuses**: nothing.
  }];
  let statistics = [Statistic<"numPlaced", "placed",
                              "values made where they are inserted">];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
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
    the destination, and kernels write into it without a copy. Where a result is
    a reshape, what was reshaped is written into a view of the buffer.

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
    A pad becomes a fill and an insertion, a concatenation becomes insertions, a
    padded concatenation insertions into the padded tensor.
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

#endif
