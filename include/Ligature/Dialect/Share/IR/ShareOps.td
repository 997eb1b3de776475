// Operations of the `share` dialect.
#ifndef LIGATURE_DIALECT_SHARE_IR_SHAREOPS_TD
#define LIGATURE_DIALECT_SHARE_IR_SHAREOPS_TD

include "Ligature/Dialect/Share/IR/ShareDialect.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class Share_Op<string mnemonic, list<Trait> traits = []>
    : Op<Share_Dialect, mnemonic, traits>;

def Share_StaticTensor : Type<
    And<[AnyRankedTensor.predicate,
         CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).hasStaticShape()">]>,
    "ranked tensor of static shape", "::mlir::RankedTensorType">;

def Share_ParamOp : Share_Op<"param", [Symbol]> {
  let summary = "A parameter: storage that uses share";
  let description = [{
    Declares one parameter and its value. The value is an elements attribute,
    a `dense_resource`, or a `#share.file`; without one the parameter is
    external, and its value comes with the parameter file at run time.

    A parameter is frozen unless it says otherwise: `trainable` ones are updated
    by training and `mutable` ones by the program, so neither is ever merged
    with an equal one.

    ```mlir
    share.param @w : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
    share.param trainable @e : tensor<8x4xf32> = #share.file<"m.safetensors", "e">
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Share_StaticTensor>:$type,
                       OptionalAttr<AnyAttr>:$value, UnitAttr:$trainable,
                       UnitAttr:$is_mutable);
  let assemblyFormat = [{
    (`trainable` $trainable^)? (`mutable` $is_mutable^)? $sym_name
    attr-dict `:` $type (`=` $value^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// True if no one can change the value after compile time.
    bool isFrozen() { return !getTrainable() && !getIsMutable(); }
    /// The parameter's type as a tensor.
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
    /// The value as elements, or null if it is external or still in a file.
    ::mlir::ElementsAttr getElements() {
      return ::llvm::dyn_cast_or_null<::mlir::ElementsAttr>(getValueAttr());
    }
    bool isDeclaration() { return false; }
  }];
}

def Share_ViewOp : Share_Op<"view", [Symbol, IsolatedFromAbove, SingleBlock]> {
  let summary = "A parameter computed from other parameters";
  let description = [{
    A symbol whose value is a pure function of other parameters, written with
    upstream operations. It owns no bytes: consumers read the root through the
    view, unless a cost model decides to store it and the report says so.

    ```mlir
    share.view @decoder : tensor<64x784xf32> {
      %w = share.get @encoder : tensor<784x64xf32>
      %e = tensor.empty() : tensor<64x784xf32>
      %t = linalg.transpose ins(%w : tensor<784x64xf32>)
                            outs(%e : tensor<64x784xf32>) permutation = [1, 0]
      share.yield %t : tensor<64x784xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Share_StaticTensor>:$type);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword `:` $type $body";
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// The viewed value inside the region.
    ::mlir::Value getYielded();
    ::mlir::RankedTensorType getTensorType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
    bool isDeclaration() { return false; }
  }];
}

def Share_YieldOp : Share_Op<"yield", [Pure, Terminator, HasParent<"ViewOp">]> {
  let summary = "Ends a view with its value";
  let arguments = (ins Share_StaticTensor:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Share_GetOp : Share_Op<"get", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                  DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Brings a parameter or view into SSA";
  let description = [{
    The value of a parameter or view, as an ordinary tensor. Every use of one
    symbol is the same weight.

    ```mlir
    %w = share.get @w : tensor<2x2xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$source);
  let results = (outs Share_StaticTensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($result)";
}

def Share_GetStridedOp : Share_Op<"get_strided", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
                                  DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "Reads a parameter in another order, in place";
  let description = [{
    Element (i0, i1, ...) of the result is element `offset + i0 * strides[0] +
    i1 * strides[1] + ...` of the parameter's row-major elements. Transposes,
    slices and reversals of a stored parameter take this form in the kernel
    phase: the result is the parameter's own buffer, seen through a strided
    layout, so no consumer can make a copy of it by accident. Strides may be
    negative; no element may lie outside the parameter.

    ```mlir
    %t = share.get_strided @encoder offset 0 strides [1, 64] : tensor<64x784xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$source, I64Attr:$offset,
                       DenseI64ArrayAttr:$strides);
  let results = (outs Share_StaticTensor:$result);
  let assemblyFormat =
      "$source `offset` $offset `strides` $strides attr-dict `:` type($result)";
}

def Share_AddressOp : Share_Op<"address", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The buffer of a parameter";
  let description = [{
    What `share.get` becomes when tensors become buffers: the parameter's
    storage, contiguous and row-major, which no one may write unless it is
    mutable.

    ```mlir
    %w = share.address @w : memref<2x2xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$source);
  let results = (outs AnyStaticShapeMemRef:$result);
  let assemblyFormat = "$source attr-dict `:` type($result)";
}

#endif
