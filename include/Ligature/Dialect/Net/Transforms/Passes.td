// Passes of the net phase that keep the network's language.
#ifndef LIGATURE_DIALECT_NET_TRANSFORMS_PASSES_TD
#define LIGATURE_DIALECT_NET_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def PropagateLayoutPass : Pass<"net-propagate-layout"> {
  let summary = "Move transposes towards the results until they cancel";
  let description = [{
    A transpose moves past elementwise operations, pads, slices and
    concatenations, through the states of a loop whose body undoes it,
    disappears in reductions, and cancels with its inverse. So
    the channels-last data of one convolution reaches the next as it is.

    A layer that begins and ends channels-first then is turned to that order
    where a cost model says that its transposes take longer than what is lost:
    a pool, a depthwise convolution, or a product of pixels whose filter nobody
    else reads. A convolution of few channels reads them as they come.

    **Before**: `linalg.transpose` between operations.
    **After**: transposes where layouts really change: at the network's own
    inputs and outputs and around reshapes.
    **Keeps**: values and the order of arithmetic in each element.
    **Refuses**: nothing; an operation whose operands come in different layouts
    keeps its own unless most of them agree on another.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "unsigned", "256",
           "bits of a vector register, for the cost model; 0 turns no layer">];
  let statistics = [
    Statistic<"numKept", "num-kept", "layers kept channels-first">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def RollLayersPass : Pass<"net-roll-layers", "::mlir::ModuleOp"> {
  let summary = "Make loops of layers and steps that were unrolled";
  let description = [{
    Regions that occur several times and differ only in what they read become
    one `net.scan`. What a step gives to the next is a state. Parameters that
    differ by step become one parameter with a leading dimension of steps, and
    views of it under their old names; regular slices of one tensor are sliced
    by the scan; other values are stacked by a concatenation. Values that are
    read outside are final states or stacked results, and a concatenation of
    all steps is the stacked result itself. A concatenation of what the steps
    read is what it was cut from.

    **Before**: layers over the same or corresponding parameters, in any order.
    **After**: `net.scan`, one copy of the layer in its body.
    **Keeps**: values, bit for bit; a first or last step that differs, and
    bodies below the thresholds. The last step may lack what only a next one
    would read, as long as running it does no harm.
    **Refuses**: nothing.
  }];
  let options = [
    Option<"minSteps", "min-steps", "unsigned", "3",
           "steps from which a loop is made">,
    Option<"minCost", "min-cost", "unsigned", "10",
           "cost of a step from which a loop is made: 8 for each product, "
           "reduction or convolution, 1 for each elementwise operation">];
  let statistics = [
    Statistic<"numRolled", "num-rolled", "loops made">,
    Statistic<"numOperations", "num-operations",
              "operations that others stand for now">,
    Statistic<"numStacked", "num-stacked", "stacked parameters made">];
  let dependentDialects = ["::lig::net::NetDialect",
                           "::lig::share::ShareDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def HoistSlicesPass : Pass<"net-hoist-slices"> {
  let summary = "Move what a scan does to slices of parameters before it";
  let description = [{
    Transposes, reshapes and arithmetic that a body applies to its slice of a
    stacked parameter are applied to all slices before the loop, where they
    depend on parameters alone and are computed when the model is compiled.

    **Before**: `net.scan` over parameters, whose body rearranges its slices.
    **After**: `net.scan` over rearranged parameters.
    **Keeps**: slices that the body also reads as they are, since a second form
    would be a second copy; what repeats elements, such as a broadcast.
    **Refuses**: nothing.
  }];
  let statistics = [Statistic<"numHoisted", "num-hoisted",
                              "inputs that scans read in another form">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def StackScansPass : Pass<"net-stack-scans"> {
  let summary = "Let one loop run stacked layers and pairs of directions";
  let description = [{
    Scans of as many steps become one, whose step is a step of each: where the
    later one reads nothing of the earlier one, as the two directions of a
    layer, or what the same step of it made, as a layer on another. What was
    computed between them for all steps at once, such as the product with the
    weights of the later one's input, is computed step by step again. For
    targets that keep weights on chip through all steps of one kernel.

    **Before**: `net.scan` of known counts in one block.
    **After**: fewer of them, with more states.
    **Keeps**: scans with few steps or products of more than 16 rows, those that
    may end early, and those whose weights together have no room on chip.
    **Refuses**: nothing.
  }];
  let options = [
    Option<"chipBytes", "chip-bytes", "uint64_t", "30000000",
           "room for weights on chip">,
    Option<"weightBits", "weight-bits", "unsigned", "32",
           "bits that a weight takes there">];
  let statistics = [Statistic<"numStacked", "num-stacked",
                              "loops that became part of another">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseElementwisePass : Pass<"net-fuse-elementwise"> {
  let summary = "Make one operation of each group of elementwise ones";
  let description = [{
    Upstream's elementwise fusion with a rule of when it pays: a producer is
    fused into its only consumer, or, if it is nothing but a broadcast or a
    conversion, into each of them, and never where the consumer would compute
    one element of it twice.

    **Before**: elementwise `linalg` operations, named or generic.
    **After**: fewer `linalg.generic`; constants of one repeated element are
    scalars in their bodies, where small powers are products and roots, and a
    number that is quantized and taken back stays a float.
    **Keeps**: reductions, contractions and windows as they are.
    **Refuses**: nothing.
  }];
  let options = [Option<"maxBody", "max-body", "unsigned", "64",
                        "operations in the body of a fused operation">];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FormAttentionPass : Pass<"net-form-attention"> {
  let summary = "Make one operation of products, softmax and products";
  let description = [{
    `softmax(Q K^T) V` becomes `net.attention`, with what happens to the scores
    before the softmax (a scale, a mask) as its region. Transposes of the
    operands and of the result, and keys and values that were repeated for
    several heads, are read and written in place by its maps.

    **Before**: sums of products with a softmax of rows between them, elementwise
    operations fused.
    **After**: `net.attention` where the scores of a head are many.
    **Keeps**: the chain where scores are few, where options say that a target
    cannot take it, where something else reads the
    scores or the weights, and where they are no f32.
    **Refuses**: nothing.
  }];
  let options = [
    Option<"minScores", "min-scores", "int64_t", "16384",
           "scores of a head (queries times keys) from which it pays">,
    Option<"minRows", "min-rows", "int64_t", "16",
           "queries from which it pays">,
    Option<"maxSize", "max-size", "int64_t", "0",
           "most elements of a key or a value, 0 for any">,
    Option<"steady", "steady", "bool", "false",
           "leave chains in branches and in loops of unknown length">];
  let statistics = [
    Statistic<"numFormed", "num-formed", "attentions made">,
    Statistic<"numKept", "num-kept", "chains that were left as they are">];
  let dependentDialects = ["::lig::net::NetDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FormQuantizedPass : Pass<"net-form-quantized", "::mlir::ModuleOp"> {
  let summary = "Add up integers where floats were made of integers";
  let description = [{
    Convolutions and products of matrices whose data and weights are bytes less a
    zero point, times a scale, become sums of integers times one scale. A bias in
    that unit joins the sum; a rectifier and a quantization after it become a
    multiplication of the sum and a rounding, as in ONNX's QLinearConv.

    **Before**: what DequantizeLinear and QuantizeLinear were imported as, around
    `net.conv` and sums of products of f32.
    **After**: the same of i16 in i32, in a form that kernels take in bytes.
    **Keeps**: results up to the rounding of floats, which sums of integers do not
    need; products whose weights are not parameters, and scales that differ along
    what is summed up.
    **Refuses**: nothing.
  }];
  let statistics = [
    Statistic<"numFormed", "num-formed", "sums of integers made">];
  let dependentDialects = ["::lig::net::NetDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def NarrowStatesPass : Pass<"net-narrow-states", "::mlir::func::FuncOp"> {
  let summary = "Hand narrow elements from step to step, and widen what is read";
  let description = [{
    A state whose first value and whose next value are made of narrower elements
    by equal elementwise operations, as bytes less a zero point are, becomes the
    narrower elements. Each step and what reads the last state make the wide ones.

    **Before**: quantized layers that were rolled between a widening and the
    product that reads it.
    **After**: scans whose states are bytes, which products read as they are.
    **Keeps**: values, bit for bit; states that are not widened alike.
    **Refuses**: nothing.
  }];
  let statistics = [
    Statistic<"numNarrowed", "num-narrowed", "states that became narrower">];
  let dependentDialects = ["::lig::net::NetDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def HoistScanInputsPass : Pass<"net-hoist-scan-inputs", "::mlir::func::FuncOp"> {
  let summary = "Multiply the inputs of all steps of a scan at once, before it";
  let description = [{
    Convolutions and products in a scan's body that read parameters and whose
    data depend on slices of the scan's inputs alone become one on the inputs of
    all steps, and the scan slices its result. What depends on no step at all is
    computed once, before the scan.

    **Before**: scans made of unrolled steps, of ONNX Scan and Loop, or written
    so.
    **After**: bodies whose products wait for the state, and products that the
    cost model (Analysis/CallCost) says are as cheap in the loop.
    **Keeps**: the order of sums in each element; scans that may end early or
    whose number of steps is known only at run time keep their products.
    **Refuses**: nothing; remarks name the products and the times that were
    compared.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "unsigned", "256",
           "bits of a vector register, for the cost model">];
  let statistics = [
    Statistic<"numProducts", "num-products", "products moved out of loops">,
    Statistic<"numInvariants", "num-invariants",
              "values that are computed once">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BatchUsesPass : Pass<"net-batch-uses", "::mlir::func::FuncOp"> {
  let summary = "Make one call of independent uses of one weight";
  let description = [{
    The branches of a siamese network, the steps of a recurrence before its
    state is needed, the elements of a group: they read one weight for data that
    do not wait for each other. Their data are laid one after another along the
    outermost dimension, and the weight is read once. What follows on all parts
    alike, a bias, an activation, a pool, a reshape, follows on the joint tensor.
    Loops over the same weights, two sequences through one recurrence, become one
    loop whose states hold the states of all.
    Convolutions of images that differ in size become one of a larger image that
    holds the smallest of them side by side, or one product of all their pixels,
    as far as reading the filter again would cost more.

    **Before**: convolutions and products that read parameters, and `net.scan` of
    them, after equal parameters and equal `share.get` have become one.
    **After**: of independent ones that do the same to other data, one, where
    the cost model (Analysis/CallCost) says that it gains; slices of its result
    where the parts go their own ways.
    **Keeps**: the order of sums in each element, unless a tile of Winograd's
    transform lies elsewhere in the larger image; uses that wait for each other,
    and those that differ in an attribute, a type or another operand; loops that
    may end early, and those whose body mixes what is in its leading dimension.
    **Refuses**: nothing; remarks name what was joined, what was not, and the
    times that were compared.
  }];
  let options = [
    Option<"force", "force", "bool", "false",
           "join independent uses without asking what it gains">,
    Option<"vectorBits", "vector-bits", "unsigned", "256",
           "bits of a vector register, for the cost model">,
    Option<"cacheBytes", "cache-bytes", "int64_t", "1048576",
           "bytes of the cache that a core has for itself">,
    Option<"winograd", "winograd", "std::string", "\"auto\"",
           "how filters of three by three taps will be transformed: auto, f4, f2 or none">];
  let statistics = [
    Statistic<"numGroups", "num-groups", "joint uses made">,
    Statistic<"numJoined", "num-joined", "uses that became part of one">,
    Statistic<"numTaken", "num-taken", "joint operations made behind them">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FactorFiltersPass : Pass<"net-factor-filters", "::mlir::ModuleOp"> {
  let summary = "Convolve with the parts of a filter that has a delta of low rank";
  let description = [{
    A filter that is a shared one and a product of two narrow matrices, as LoRA
    adapts it, would have to be stored beside the shared one. Convolution is
    linear in its filter, so the input is convolved with the shared filter, and
    with the few filters of one factor, whose results the other factor mixes.

    **Before**: `net.conv` with one group, whose filter is a parameter that
    something else reads too, plus a product of two parameters: of matrices, or
    a convolution with filters of one pixel; maybe scaled by a constant.
    **After**: three convolutions and an addition.
    **Keeps**: results up to rounding; filters whose base nothing else reads
    (the sum takes its place), and factors that are together no smaller than the
    filter.
    **Refuses**: nothing; remarks name the filters and ranks.
  }];
  let statistics = [Statistic<"numFactored", "num-factored",
                              "convolutions that were taken apart">];
  let dependentDialects = ["::lig::net::NetDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def MixFiltersPass : Pass<"net-mix-filters"> {
  let summary = "Mix filters first and convolve once";
  let description = [{
    A sum of convolutions of one input, each multiplied by one number of run
    time, becomes one convolution with the mixed filter (and bias): the filters
    are read once, by an elementwise operation, and only the mixture is laid out
    for the convolution. Where each sample of a batch has numbers of its own, so
    it is for each sample. Done where the multiplications that are saved are
    more than those of mixing.

    **Before**: `net.conv` of one input, multiplied by tensors of one element,
    or of one for each sample, and added up.
    **After**: one `net.conv` whose filter is computed; for samples of their own
    numbers, in a `net.scan` over them.
    **Keeps**: results up to rounding; convolutions that differ in anything but
    filter and bias, and those that something else reads.
    **Refuses**: nothing.
  }];
  let statistics = [Statistic<"numMixed", "num-mixed",
                              "convolutions that became part of another">];
  let dependentDialects = ["::lig::net::NetDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def GroupExpertsPass : Pass<"net-group-experts", "::mlir::func::FuncOp"> {
  let summary = "Group rows by the experts whose weights they choose";
  let description = [{
    In a mixture of experts the data choose the weights: each row goes through
    some experts of many. A loop over blocks of rows of one expert, as many as
    turn out when the model runs, reads every weight where it lies. All between
    the first product and the last is done in the loop.

    **Before**: products of rows with slices of a stacked parameter that were
    gathered by an index for each row; or a sum over all experts of results that
    are multiplied by gates, most of which are zero because they were scattered
    into zeros.
    **After**: a `net.scan` whose count is known at run time, and the tables of
    which rows each block has.
    **Keeps**: the order of sums in each element; layers where the cost model
    (Analysis/CallCost) says that grouping does not gain, and sums whose gates
    may all differ from zero. What an expert computes for a row whose gate is
    zero is not computed and adds nothing, even were it infinite.
    **Refuses**: nothing; remarks name the layers and the times that were
    compared.
  }];
  let options = [
    Option<"vectorBits", "vector-bits", "unsigned", "256",
           "bits of a vector register, for the cost model">];
  let statistics = [
    Statistic<"numLayers", "num-layers", "loops over blocks made">,
    Statistic<"numRows", "num-rows", "rows and experts that meet in them">];
  let dependentDialects = ["::lig::net::NetDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def MergeEntriesPass : Pass<"net-merge-entries", "::mlir::ModuleOp"> {
  let summary = "Make one entry point that evaluates all of them";
  let description = [{
    Two heads on one backbone, or two models that look at one picture, become
    one function; what both compute is then found by common subexpression
    elimination, as soon as equal parameters are one.

    **Before**: several entry points on tensors.
    **After**: one, with the outputs of all. Inputs of equal name, type and sign
    are one; other inputs, and outputs, that share a name are `ENTRY.NAME`. It
    returns the first status that is not 0.
    **Keeps**: values, and a module with one entry point.
    **Refuses**: an entry point that is called by a function or branches between
    blocks, and a name that something else has.
  }];
  let options = [Option<"name", "name", "std::string", "\"main\"",
                        "what the merged entry point is called">];
  let statistics = [
    Statistic<"numMerged", "num-merged", "entry points that became one">];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def AddStepsPass : Pass<"net-add-steps", "::mlir::ModuleOp"> {
  let summary = "Add entry points that run one step of a recurrence";
  let description = [{
    Beside each entry point that runs recurrences over T steps comes one that
    runs one step, `ENTRY_step`, on the same parameters. Of each input and output
    that has a part for each step it takes and gives one part.

    States become inputs: those that were inputs before keep their names, others
    are `state0`, `state1`, ... in the order of the recurrences. What they are
    after the step comes out as `next_NAME`, before the status, if there is one.

    **Before**: entry points with scans over one number of steps.
    **After**: one more entry point for each of them.
    **Keeps**: the entry points that were there, and those without recurrences.
    **Refuses**: recurrences that run backwards, ask for the number of the step,
    differ in their number of steps or begin with what is computed from inputs;
    outputs that depend on more steps than those up to their own (a convolution
    or a mean over time), or whose shapes depend on data; a module without any
    recurrence.
  }];
  let statistics = [
    Statistic<"numSteps", "num-steps", "entry points added">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif
