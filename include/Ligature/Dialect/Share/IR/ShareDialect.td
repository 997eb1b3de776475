// The `share` dialect: parameters as symbols, and how they are related.
#ifndef LIGATURE_DIALECT_SHARE_IR_SHAREDIALECT_TD
#define LIGATURE_DIALECT_SHARE_IR_SHAREDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def Share_Dialect : Dialect {
  let name = "share";
  let cppNamespace = "::lig::share";
  let summary = "Parameters that are stored once, however often they are used";
  let description = [{
    A parameter of a network is a symbol of its module. It is stored once,
    named once and packed once; layers, time steps, branches and models that
    use it refer to the symbol. A view is a symbol whose value is a pure
    function of other parameters: a transposed, sliced or scaled weight that
    owns no bytes.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::mlir::memref::MemRefDialect"];
}

class Share_Attr<string name, string mnemonic_> : AttrDef<Share_Dialect, name> {
  let mnemonic = mnemonic_;
}

def Share_FileAttr : Share_Attr<"File", "file"> {
  let summary = "A tensor in a safetensors file";
  let description = [{
    Names one tensor of a safetensors file. The path is relative to the file
    that holds the module and may not leave its folder; the tensor's type is
    checked against the parameter's when the file is read.

    Example: `#share.file<"model.safetensors", "encoder.weight">`
  }];
  let parameters = (ins StringRefParameter<"path below the module's folder">:$path,
                        StringRefParameter<"name of the tensor">:$name);
  let assemblyFormat = "`<` $path `,` $name `>`";
  let genVerifyDecl = 1;
}

def Share_BrokenTieAttr : Share_Attr<"BrokenTie", "broken_tie"> {
  let summary = "Why a parameter is stored beside another that it was tied to";
  let description = [{
    Stands on a parameter, as `share.broken_tie`, that holds once more what the
    network had in one parameter: the name of that one, the pass that made two
    of it, and the reason in words. It goes with the copy: if a later pass
    stores only one of the two again, the tie is whole.

    Example: `#share.broken_tie<of "encoder", by "share-untie", "asked for">`
  }];
  let parameters = (ins StringRefParameter<"the parameter of the network">:$of,
                        StringRefParameter<"the pass, by its flag">:$pass,
                        StringRefParameter<"why, in words">:$reason);
  let assemblyFormat = "`<` `of` $of `,` `by` $pass `,` $reason `>`";
}

#endif
