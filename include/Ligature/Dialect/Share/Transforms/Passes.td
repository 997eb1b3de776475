// Passes over parameters: merging, tying, verifying.
#ifndef LIGATURE_DIALECT_SHARE_TRANSFORMS_PASSES_TD
#define LIGATURE_DIALECT_SHARE_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def LoadFilesPass : Pass<"share-load-files", "::mlir::ModuleOp"> {
  let summary = "Map the files that hold parameters";
  let description = [{
    A value `#share.file<...>` becomes a resource that lies in the mapped file.

    **Before**: parameters with values in safetensors files.
    **After**: parameters with values at hand; no byte was copied.
    **Keeps**: values, and parameters whose values are elsewhere.
    **Refuses**: a path that leads out of the folder, a file that is missing or
    broken, a tensor that is missing or of another type than the parameter.
  }];
  let options = [Option<"folder", "folder", "std::string", "",
                        "what paths start from; the module's own by default">];
  let statistics = [Statistic<"numLoaded", "num-loaded", "parameters loaded">];
}

def ApplyTiesPass : Pass<"share-apply-ties", "::mlir::ModuleOp"> {
  let summary = "Make views of parameters that are declared to be tied";
  let description = [{
    Ties come from a JSON file and from the module's attribute `share.ties`:
    `{"decoder.weight": {"of": "encoder.weight", "view": "transpose"}}`. A view
    is `"same"`, `"transpose"`, an object with one of `"transpose"`,
    `"reshape"`, `"reverse"` (lists of numbers), `"slice"` (`"offsets"`,
    `"sizes"`, `"strides"`) and `"scale"`, or a list of these.

    **Before**: parameters and the declaration.
    **After**: the tied parameters are views under their old names.
    **Keeps**: values: the view is computed and compared bit for bit, or within
    the tie's `"tolerance"`; a parameter without a value is tied on trust.
    **Refuses**: a tie of unequal values, with the first element that differs;
    unknown names, views of another type, cycles, and a frozen parameter tied to
    one that is not.
  }];
  let options = [Option<"file", "file", "std::string", "",
                        "the file that declares ties">];
  let statistics = [Statistic<"numTied", "num-tied", "parameters tied">];
  let dependentDialects = ["::lig::share::ShareDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def MergeParametersPass : Pass<"share-merge-parameters", "::mlir::ModuleOp"> {
  let summary = "Leave one parameter of those that hold the same elements";
  let description = [{
    Parameters that hold the same bytes become one. One that holds the elements
    of another in another shape, transposed, or as consecutive rows of it
    becomes a `share.view` of that one under its old name.

    **Before**: parameters with values, as attributes or resources; tensors of
    files count as equal only by their names.
    **After**: the first of equal ones, with the names of the others in
    `share.merged`, and views.
    **Keeps**: all values, bit for bit: -0.0 is not 0.0, and NaNs with other
    payloads are other values. Equal bytes of another element type stay.
    **Refuses**: nothing; trainable and mutable parameters stay as they are, and
    say in `share.broken_tie` which parameter they equal now. So does one that
    holds another's numbers in another float type.
  }];
  let options = [
    Option<"views", "views", "bool", "true",
           "find reshapes, transposes and slices, too">,
    Option<"minViewBytes", "min-view-bytes", "int64_t", "256",
           "bytes below which only whole equal parameters are merged, and "
           "nothing is said about those that may not be">,
    Option<"hashBits", "hash-bits", "unsigned", "64",
           "bits of the hashes that are used; few make collisions">];
  let statistics = [
    Statistic<"numMerged", "num-merged", "parameters that became another">,
    Statistic<"numViews", "num-views", "parameters that became views">,
    Statistic<"bytesSaved", "bytes-saved", "bytes no longer stored">,
    Statistic<"numRefused", "num-refused",
              "parameters that equal another and may not be merged">];
  let dependentDialects = ["::lig::share::ShareDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def OutlineViewsPass : Pass<"share-outline-views", "::mlir::ModuleOp"> {
  let summary = "Name the transposes and slices of parameters as views";
  let description = [{
    A chain of moves of one parameter (transposes, slices, reshapes) in a
    function becomes a `share.view`; equal chains become one.

    **Before**: moves of `share.get` in functions.
    **After**: `share.get` of views; what only reshapes stays where it is,
    because no one would copy for it.
    **Keeps**: views that are there.
    **Refuses**: nothing.
  }];
  let statistics = [
    Statistic<"numOutlined", "num-outlined", "views made">,
    Statistic<"numReused", "num-reused", "moves that a view showed already">];
  let dependentDialects = ["::lig::share::ShareDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SimplifyViewsPass : Pass<"share-simplify-views", "::mlir::ModuleOp"> {
  let summary = "Let every view read parameters, in few moves, once";
  let description = [{
    Views of views become views of parameters, moves that cancel go, a view
    that shows a parameter as it is gives way to it, and so does one that
    repeats another view.

    **Before**: views of parameters and views.
    **After**: views of parameters, all different.
    **Keeps**: parameters; names of views that remain.
    **Refuses**: a view that reads itself, by whatever way.
  }];
  let statistics = [
    Statistic<"numInlined", "num-inlined", "reads of views within views">,
    Statistic<"numReplaced", "num-replaced", "views that something else is">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def DropUnreadPass : Pass<"share-drop-unread", "::mlir::ModuleOp"> {
  let summary = "Drop parameters and views that nothing reads";
  let description = [{
    **Before**: any module with parameters.
    **After**: each frozen parameter and each view is read, from outside of
    views or by a view that is.
    **Keeps**: trainable and mutable parameters.
    **Refuses**: nothing.
  }];
  let statistics = [
    Statistic<"numParameters", "num-parameters", "parameters dropped">,
    Statistic<"numViews", "num-views", "views dropped">];
}

def UntiePass : Pass<"share-untie", "::mlir::ModuleOp"> {
  let summary = "Give every use of a parameter a copy of its own";
  let description = [{
    The opposite of sharing, to measure what sharing gains or to let uses go
    their own ways. A remark on the module says what it cost.

    **Before**: parameters and views with any number of uses.
    **After**: the first use reads what it read; a parameter of its own, called
    `<name>.untied`, stands behind every other use, and behind every use of a
    view, and says so in `share.broken_tie`.
    **Keeps**: values; parameters and views that are not named.
    **Refuses**: a name that no parameter or view has, and a value that is not
    known at compile time.
  }];
  let options = [ListOption<"names", "names", "std::string",
                            "parameters and views to untie; all if empty">];
  let statistics = [
    Statistic<"numCopies", "num-copies", "parameters made">,
    Statistic<"bytesAdded", "bytes-added", "bytes of these">];
  let dependentDialects = ["::lig::share::ShareDialect"];
}

def CountUsesPass : Pass<"share-count-uses", "::mlir::ModuleOp"> {
  let summary = "Note on each parameter how many uses it has";
  let description = [{
    Later phases read a parameter as often as kernels like it; what a user wants
    to know is how often the network does, which is counted here.

    **Before**: any module with parameters.
    **After**: the attribute `share.uses` on each parameter.
    **Keeps**: everything else.
    **Refuses**: nothing.
  }];
}

def PrintReportPass : Pass<"share-print-report", "::mlir::ModuleOp"> {
  let summary = "Print which parameters are stored and who shares them";
  let description = [{
    Writes the sharing report to the standard output.

    **Before**: any module with parameters.
    **After**: the same module.
    **Keeps**: everything.
    **Refuses**: nothing.
  }];
  let options = [Option<"json", "json", "bool", "false",
                        "write JSON instead of text">];
}

#endif
