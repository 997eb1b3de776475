// Values in files become values at hand.
// RUN: rm -rf %t && mkdir -p %t/below && %python %S/Inputs/write_safetensors.py %t/m.safetensors
// RUN: %python %S/Inputs/write_safetensors.py %t/below/cut.safetensors 200
// RUN: %python %S/Inputs/write_safetensors.py %t/below/short.safetensors 5
// RUN: ln -s ../m.safetensors %t/below/link.safetensors
// RUN: split-file %s %t/texts
// RUN: cp %t/texts/loads.mlir %t/loads.mlir
// RUN: lig-opt %t/loads.mlir -share-load-files | FileCheck %s
// RUN: lig-opt %t/texts/loads.mlir -share-load-files=folder=%t | FileCheck %s
// RUN: lig-opt %t/texts/refuses.mlir -split-input-file -verify-diagnostics -share-load-files=folder=%t/below
// RUN: lig-opt %t/texts/clashes.mlir -split-input-file -verify-diagnostics -share-load-files=folder=%t

//--- loads.mlir
// CHECK: share.param @w : tensor<2x3xf32> = dense_resource<w>
// CHECK: share.param @flags : tensor<4xi1> = dense_resource<flags>
// CHECK: share.param @external : tensor<4xf32>
// CHECK: share.param @written : tensor<1xf32> = dense<1.0
// CHECK: w: "0x{{[0-9]+}}0000000000803F00000040000040400000804
module {
  share.param @w : tensor<2x3xf32> = #share.file<"m.safetensors", "w">
  share.param @flags : tensor<4xi1> = #share.file<"m.safetensors", "flags">
  share.param @external : tensor<4xf32>
  share.param @written : tensor<1xf32> = dense<1.0> : tensor<1xf32>
}

//--- refuses.mlir
// expected-error @below {{parameter @w cannot be loaded: '../m.safetensors' leads out of the model's folder}}
share.param @w : tensor<2x3xf32> = #share.file<"../m.safetensors", "w">

// -----

// expected-error @below {{'/m.safetensors' leads out of the model's folder}}
share.param @w : tensor<2x3xf32> = #share.file<"/m.safetensors", "w">

// -----

// expected-error @below {{'link.safetensors' leads out of the model's folder}}
share.param @w : tensor<2x3xf32> = #share.file<"link.safetensors", "w">

// -----

// expected-error-re @below {{parameter @w cannot be loaded: cannot read '{{.*}}none.safetensors': No such file}}
share.param @w : tensor<2x3xf32> = #share.file<"none.safetensors", "w">

// -----

// expected-error-re @below {{cut.safetensors' is no safetensors file: tensor '{{w|flags}}' lies outside the file}}
share.param @w : tensor<2x3xf32> = #share.file<"cut.safetensors", "w">

// -----

// expected-error @below {{short.safetensors' is no safetensors file: it has 5 bytes}}
share.param @w : tensor<2x3xf32> = #share.file<"short.safetensors", "w">

//--- clashes.mlir
// expected-error @below {{parameter @w cannot be loaded: it has type tensor<3x2xf32> but 'w' in 'm.safetensors' is F32 [2, 3]}}
share.param @w : tensor<3x2xf32> = #share.file<"m.safetensors", "w">

// -----

// expected-error @below {{'m.safetensors' has no tensor 'v'}}
share.param @w : tensor<2x3xf32> = #share.file<"m.safetensors", "v">
