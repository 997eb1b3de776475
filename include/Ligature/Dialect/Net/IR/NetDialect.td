// The `net` dialect: what tensor dialects cannot say without losing structure.
#ifndef LIGATURE_DIALECT_NET_IR_NETDIALECT_TD
#define LIGATURE_DIALECT_NET_IR_NETDIALECT_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Net_Dialect : Dialect {
  let name = "net";
  let cppNamespace = "::lig::net";
  let summary = "Structured network operations and the one recurrence";
  let description = [{
    Only what `linalg`, `tensor`, `arith` and `math` cannot say without losing
    structure: convolution, pooling and normalisation with a layout-free
    meaning, and `net.scan`, a region applied N times over shared weights.

    Attributes on functions: `net.entry` (unit) marks an entry point; on its
    arguments and results, `net.name` is the name of the model's input or
    output, and `net.unsigned` (unit) marks integers without a sign. On a `net.scan`, `net.rolled` (unit) says that the
    model had written its steps out.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def Net_PoolKind : I32EnumAttr<"PoolKind", "how a window becomes one value", [
    I32EnumAttrCase<"Max", 0, "max">, I32EnumAttrCase<"Average", 1, "average">,
    I32EnumAttrCase<"Lp", 2, "lp">]> {
  let cppNamespace = "::lig::net";
}

def Net_DotKind : I32EnumAttr<"DotKind", "what words are made of", [
    I32EnumAttrCase<"Pairs", 0, "pairs">, I32EnumAttrCase<"Bytes", 1, "bytes">,
    I32EnumAttrCase<"MixedBytes", 2, "mixed_bytes">,
    I32EnumAttrCase<"BF16", 3, "bf16">]> {
  let cppNamespace = "::lig::net";
}

#endif
