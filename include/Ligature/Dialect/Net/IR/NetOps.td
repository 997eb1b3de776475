// Operations of the `net` dialect.
#ifndef LIGATURE_DIALECT_NET_IR_NETOPS_TD
#define LIGATURE_DIALECT_NET_IR_NETOPS_TD

include "Ligature/Dialect/Net/IR/NetDialect.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/IR/OpAsmInterface.td"

class Net_Op<string mnemonic, list<Trait> traits = []>
    : Op<Net_Dialect, mnemonic, traits>;

def Net_ConvOp : Net_Op<"conv", [Pure]> {
  let summary = "Convolution";
  let description = [{
    A cross-correlation of `input` [N, C, X1..Xk] with `filter`
    [F, C/groups, K1..Kk] (k = 1, 2 or 3), as ONNX Conv defines it:

        out[n, f, o] = bias[f] +
          sum over c, t of input[n, g(f)*C/groups + c, o*stride + t*dilation - padBegin]
                           * filter[f, c, t]

    Positions outside the input count as zero. Integers of fewer than 32 bits may
    be summed up in 32 (the result's and the bias' type). `pads` holds the k begins,
    then the k ends. The dimension order is a meaning, not a layout: codegen chooses
    the layout.

    ```mlir
    %y = net.conv %x, %w bias(%b) strides [2, 2] dilations [1, 1]
         pads [1, 1, 1, 1] groups 1
         : tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>
           -> tensor<1x4x4x4xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$filter,
                       Optional<AnyRankedTensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, I64Attr:$groups);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $filter (`bias` `(` $bias^ `)`)? `strides` $strides
    `dilations` $dilations `pads` $pads `groups` $groups attr-dict
    `:` type($input) `,` type($filter) (`,` type($bias)^)? `->` type($result)
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def Net_ConvTransposeOp : Net_Op<"conv_transpose", [Pure]> {
  let summary = "Transposed convolution";
  let description = [{
    The adjoint of `net.conv`: `input` [N, C, X1..Xk], `filter`
    [C, F/groups, K1..Kk], as ONNX ConvTranspose defines it. Every input element
    adds its filter, scaled, to the output at `x*stride + t*dilation - padBegin`;
    what falls outside the result is dropped, and the result's shape says how
    far it reaches.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$filter,
                       Optional<AnyRankedTensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, I64Attr:$groups);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $input `,` $filter (`bias` `(` $bias^ `)`)? `strides` $strides
    `dilations` $dilations `pads` $pads `groups` $groups attr-dict
    `:` type($input) `,` type($filter) (`,` type($bias)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def Net_PoolOp : Net_Op<"pool", [Pure]> {
  let summary = "Pooling";
  let description = [{
    Reduces every window of `input` [N, C, X1..Xk] to one value. Positions
    outside the input never win a maximum and add nothing to a sum; an average
    divides by the number of positions inside the input, or, with
    `count_include_pad`, inside the input and `pads`. `lp` takes the p-norm.

    ```mlir
    %y = net.pool max %x kernel [2, 2] strides [2, 2] dilations [1, 1]
         pads [0, 0, 0, 0] : tensor<1x3x8x8xf32> -> tensor<1x3x4x4xf32>
    ```
  }];
  let arguments = (ins Net_PoolKind:$kind, AnyRankedTensor:$input,
                       DenseI64ArrayAttr:$kernel, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads,
                       UnitAttr:$count_include_pad,
                       DefaultValuedAttr<I64Attr, "2">:$p);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $kind $input `kernel` $kernel `strides` $strides `dilations` $dilations
    `pads` $pads (`count_include_pad` $count_include_pad^)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Net_NormalizeOp : Net_Op<"normalize", [Pure, SameOperandsAndResultType]> {
  let summary = "Normalisation to zero mean and unit variance";
  let description = [{
    `(x - mean) / sqrt(variance + epsilon)` with mean and (biased) variance over
    `axes`. Layer, instance and group normalisation are this and a reshape;
    their scale and bias are ordinary elementwise operations.

    ```mlir
    %y = net.normalize %x axes [1] epsilon 1.0e-5 : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$axes,
                       F64Attr:$epsilon);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat =
      "$input `axes` $axes `epsilon` $epsilon attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Net_AttentionOp : Net_Op<"attention", [DestinationStyleOpInterface,
    SingleBlock, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Softmax of the products of queries and keys, times values";
  let description = [{
    Over the dimensions (batch..., m, n, d, e): queries m, keys n, what is summed
    up in a score d, columns of values e:

        score[batch, m, n]  = sum over d of query[..] * key[..]
        weight[batch, m, n] = softmax over n of region(score, inputs.., m, n)
        result[batch, m, e] = sum over n of weight * value[..]

    `maps` says where each operand's elements are, in that order: query, key,
    value, `inputs`, `init`. An operand may lack a batch dimension, as the keys
    that several heads share, or a mask that is one for all. The region gets a
    score, an element of every one of `inputs`, m and n as `index`, and yields
    what the softmax is of: a scale, a mask. A row whose scores are all minus
    infinity is NaN.

    The scores need not be stored: a lowering may look at keys block by block.
    `init` is only a place; on tensors the result is one, on buffers there is
    none.

    ```mlir
    %o = net.attention %q, %k, %v, %mask into %e
         maps [affine_map<(b, m, n, d, e) -> (b, m, d)>,
               affine_map<(b, m, n, d, e) -> (b, n, d)>,
               affine_map<(b, m, n, d, e) -> (b, n, e)>,
               affine_map<(b, m, n, d, e) -> (m, n)>,
               affine_map<(b, m, n, d, e) -> (b, m, e)>] {
    ^bb0(%score: f32, %masked: f32, %m: index, %n: index):
      %x = arith.addf %score, %masked : f32
      net.yield %x : f32
    } : tensor<2x8x4xf32>, tensor<2x9x4xf32>, tensor<2x9x4xf32>, tensor<8x9xf32>
      into tensor<2x8x4xf32> -> tensor<2x8x4xf32>
    ```
  }];
  let arguments = (ins AnyShaped:$query, AnyShaped:$key, AnyShaped:$value,
                       Variadic<AnyType>:$inputs, AnyShaped:$init,
                       AffineMapArrayAttr:$indexing_maps);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$region);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`,` $inputs^)? `into` $init
    `maps` $indexing_maps attr-dict-with-keyword $region
    `:` type($query) `,` type($key) `,` type($value) (`,` type($inputs)^)?
    `into` type($init) (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }

    /// The map of operand `i`, init last.
    ::mlir::AffineMap getMap(unsigned i) {
      return ::mlir::cast<::mlir::AffineMapAttr>(getIndexingMaps()[i]).getValue();
    }
    unsigned getNumBatch() { return getMap(0).getNumDims() - 4; }
    /// The dimensions m, n, d and e.
    unsigned getRowDim() { return getNumBatch(); }
    unsigned getKeyDim() { return getNumBatch() + 1; }
    unsigned getSumDim() { return getNumBatch() + 2; }
    unsigned getColumnDim() { return getNumBatch() + 3; }
    /// The extent of every dimension.
    ::llvm::SmallVector<int64_t> getExtents();
    YieldOp getYield();
  }];
}

def Net_DotOp : Net_Op<"dot", [Pure, AllTypesMatch<["acc", "result"]>,
                              AllTypesMatch<["a", "b"]>]
                              # ElementwiseMappable.traits> {
  let summary = "Adds up products of the small numbers in two words";
  let description = [{
    `acc` plus the products of the numbers that `a` and `b`, words of 32 bits,
    hold at the same places: two of 16 bits, both signed (`pairs`) or bf16
    (`bf16`), four of 8 bits, signed (`bytes`) or unsigned in `a` and signed in
    `b` (`mixed_bytes`). It is what machines do in one or two instructions.
    Integers are exact unless the sum itself overflows; `acc` is an f32 for bf16.

    ```mlir
    %s = net.dot pairs %acc, %a, %b : i32, i32
    ```
  }];
  let arguments = (ins Net_DotKind:$kind, AnyType:$acc,
                       SignlessIntegerLike:$a, SignlessIntegerLike:$b);
  let results = (outs AnyType:$result);
  let assemblyFormat =
      "$kind $acc `,` $a `,` $b attr-dict `:` type($acc) `,` type($a)";
  let hasVerifier = 1;
}

def Net_WidenOp : Net_Op<"widen", [Pure] # ElementwiseMappable.traits> {
  let summary = "Two signed bytes as two numbers of 16 bits";
  let description = [{
    ```mlir
    %w = net.widen %b : i16 to i32
    ```
  }];
  let arguments = (ins SignlessIntegerLike:$bytes);
  let results = (outs SignlessIntegerLike:$result);
  let assemblyFormat = "$bytes attr-dict `:` type($bytes) `to` type($result)";
  let hasVerifier = 1;
}

def Net_ScanOp : Net_Op<"scan", [AttrSizedOperandSegments,
    RecursiveMemoryEffects, SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "A region applied N times over shared weights";
  let description = [{
    The one recurrence. The body runs `count` times (a run-time value; weights
    are captured from outside). It carries `inits` as state, reads a slice of
    every one of `inputs` along the leading dimension in each step, and stacks
    a value of every one of the stacked results.

    The body's arguments are the step number (from 0, always upwards), the
    states, and the slices. It ends in `net.yield` of the new states, then the
    values to stack, then, with `conditional`, an `i1`: false ends the loop
    after this step. `reverse_inputs[i]` reads input i from its last slice to
    its first; `reverse_outputs[j]` fills stacked result j from the end.

    Results are the final states, then the stacked values. A stacked result has
    room for its type's leading dimension; slices after the last step run are
    zero. With `conditional`, one more result of type `index` counts the steps.

    ```mlir
    %h, %ys = net.scan %n init(%h0 : tensor<1x4xf32>)
                       over(%xs : tensor<9x1x4xf32>) -> (tensor<9x1x4xf32>) {
    ^bb0(%i: index, %hp: tensor<1x4xf32>, %x: tensor<1x4xf32>):
      %s = linalg.add ins(%hp, %x : tensor<1x4xf32>, tensor<1x4xf32>)
                      outs(%hp : tensor<1x4xf32>) -> tensor<1x4xf32>
      net.yield %s, %s : tensor<1x4xf32>, tensor<1x4xf32>
    }
    ```
  }];
  let arguments = (ins Index:$count, Variadic<AnyType>:$inits,
                       Variadic<AnyRankedTensor>:$inputs,
                       OptionalAttr<DenseBoolArrayAttr>:$reverse_inputs,
                       OptionalAttr<DenseBoolArrayAttr>:$reverse_outputs,
                       UnitAttr:$conditional);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [
    /// Creates the op with an empty block of the right arguments.
    OpBuilder<(ins "::mlir::Value":$count, "::mlir::ValueRange":$inits,
                   "::mlir::ValueRange":$inputs,
                   "::mlir::TypeRange":$stackedTypes,
                   CArg<"::llvm::ArrayRef<bool>", "{}">:$reverseInputs,
                   CArg<"::llvm::ArrayRef<bool>", "{}">:$reverseOutputs,
                   CArg<"bool", "false">:$conditional)>
  ];
  let extraClassDeclaration = [{
    unsigned getNumStates() { return getInits().size(); }
    unsigned getNumStacked() {
      return getNumResults() - getNumStates() - (getConditional() ? 1 : 0);
    }
    ::mlir::Value getStepNumber() { return getBody().front().getArgument(0); }
    ::mlir::Block::BlockArgListType getStateArgs() {
      return getBody().front().getArguments().slice(1, getNumStates());
    }
    ::mlir::Block::BlockArgListType getSliceArgs() {
      return getBody().front().getArguments().drop_front(1 + getNumStates());
    }
    ::mlir::ResultRange getStates() {
      return getResults().take_front(getNumStates());
    }
    ::mlir::ResultRange getStacked() {
      return getResults().slice(getNumStates(), getNumStacked());
    }
    YieldOp getYield();
    ::mlir::OperandRange getYieldedStates();
    ::mlir::OperandRange getYieldedSlices();
    /// The continue flag, or null without `conditional`.
    ::mlir::Value getYieldedCondition();
    bool isInputReversed(unsigned i) {
      return getReverseInputs() && (*getReverseInputs())[i];
    }
    bool isOutputReversed(unsigned i) {
      return getReverseOutputs() && (*getReverseOutputs())[i];
    }
    /// The type of one slice along the leading dimension.
    static ::mlir::RankedTensorType getSliceType(::mlir::Type stacked);
  }];
}

def Net_YieldOp : Net_Op<"yield", [Pure, ReturnLike, Terminator,
                                   ParentOneOf<["ScanOp", "AttentionOp"]>]> {
  let summary = "Ends a step with its new states and slices, or a score";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

#endif
