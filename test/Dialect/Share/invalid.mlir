// Every verifier names the operation and the two facts that clash.
// RUN: lig-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{'share.param' op @w has type 'tensor<2xf32>' but a value of type 'tensor<3xf32>'}}
share.param @w : tensor<2xf32> = dense<1.0> : tensor<3xf32>

// -----

// expected-error @below {{'share.param' op @w has type 'tensor<2xf32>' but a value of type 'tensor<2xi32>'}}
share.param @w : tensor<2xf32> = dense<1> : tensor<2xi32>

// -----

// expected-error @below {{'share.param' op value of @w is neither elements nor a #share.file}}
share.param @w : tensor<2xf32> = "text"

// -----

// expected-error @below {{'share.param' op attribute 'type' failed to satisfy constraint: type attribute of ranked tensor of static shape}}
share.param @w : tensor<?xf32>

// -----

// expected-error @below {{'share.param' op @w has type 'tensor<3xf32>' but a resource of 8 bytes}}
share.param @w : tensor<3xf32> = dense_resource<short> : tensor<3xf32>

{-# dialect_resources: { builtin: { short: "0x040000000000803F00000040" } } #-}

// -----

// expected-error @below {{#share.file has no path for the tensor 'w'}}
share.param @w : tensor<2xf32> = #share.file<"", "w">

// -----

// expected-error @below {{#share.file names no tensor of 'm.safetensors'}}
share.param @w : tensor<2xf32> = #share.file<"m.safetensors", "">

// -----

share.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
// expected-error @below {{'share.view' op @v has type 'tensor<3xf32>' but yields 'tensor<2xf32>'}}
share.view @v : tensor<3xf32> {
  %w = share.get @w : tensor<2xf32>
  share.yield %w : tensor<2xf32>
}

// -----

share.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
share.view @v : tensor<2xf32> {
  %w = share.get @w : tensor<2xf32>
  %b = memref.alloc() : memref<2xf32>
  // expected-error @above {{'memref.alloc' op has side effects, but a view (@v) is a pure function of parameters}}
  share.yield %w : tensor<2xf32>
}

// -----

// expected-error @below {{'share.view' op @v has block arguments, but a view reads only parameters}}
"share.view"() <{sym_name = "v", type = tensor<2xf32>}> ({
^bb0(%x: tensor<2xf32>):
  "share.yield"(%x) : (tensor<2xf32>) -> ()
}) : () -> ()

// -----

// expected-error @below {{'share.view' op @v does not end in share.yield}}
share.view @v : tensor<2xf32> {
  ub.unreachable
}

// -----

share.view @v : tensor<2xf32> {
  // expected-error @below {{'share.get' op reads @v inside the view that defines it}}
  %v = share.get @v : tensor<2xf32>
  share.yield %v : tensor<2xf32>
}

// -----

func.func @main() {
  // expected-error @below {{'share.get' op names @nobody, which no symbol has}}
  %w = share.get @nobody : tensor<2xf32>
  return
}

// -----

func.func @main() {
  // expected-error @below {{'share.get' op names @main, which is a func.func and neither a share.param nor a share.view}}
  %w = share.get @main : tensor<2xf32>
  return
}

// -----

share.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
func.func @main() {
  // expected-error @below {{'share.get' op has type 'tensor<2xi32>' but @w has type 'tensor<2xf32>'}}
  %w = share.get @w : tensor<2xi32>
  return
}

// -----

func.func @main() {
  // expected-error @below {{'share.get_strided' op names @nobody, which no symbol has}}
  %w = share.get_strided @nobody offset 0 strides [1] : tensor<2xf32>
  return
}

// -----

share.param @w : tensor<2x3xf32>
func.func @main() {
  // expected-error @below {{'share.get_strided' op has type 'tensor<2xi32>' but @w has type 'tensor<2x3xf32>'}}
  %w = share.get_strided @w offset 0 strides [1] : tensor<2xi32>
  return
}

// -----

share.param @w : tensor<2x3xf32>
func.func @main() {
  // expected-error @below {{'share.get_strided' op has 1 strides for 2 dimensions}}
  %w = share.get_strided @w offset 0 strides [1] : tensor<3x2xf32>
  return
}

// -----

// One element too far.
share.param @w : tensor<2x3xf32>
func.func @main() {
  // expected-error @below {{'share.get_strided' op reads beyond the 6 elements of @w}}
  %w = share.get_strided @w offset 1 strides [1, 3] : tensor<3x2xf32>
  return
}

// -----

// Before the first.
share.param @w : tensor<2x3xf32>
func.func @main() {
  // expected-error @below {{'share.get_strided' op reads beyond the 6 elements of @w}}
  %w = share.get_strided @w offset 4 strides [-1] : tensor<6xf32>
  return
}

// -----

// No number of 64 bits says where this ends.
share.param @w : tensor<2x3xf32>
func.func @main() {
  // expected-error @below {{'share.get_strided' op reads beyond the 6 elements of @w}}
  %w = share.get_strided @w offset 0 strides [9223372036854775807] : tensor<3xf32>
  return
}

// -----

share.param @w : tensor<2xf32> = dense<1.0> : tensor<2xf32>
func.func @main() {
  // expected-error @below {{'share.address' op has type 'memref<4xf32>' but @w has type 'tensor<2xf32>'}}
  %w = share.address @w : memref<4xf32>
  return
}

// -----

func.func @main() {
  // expected-error @below {{'share.address' op names @nobody, which no symbol has}}
  %w = share.address @nobody : memref<2xf32>
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @below {{'share.yield' op expects parent op 'share.view'}}
  share.yield %x : tensor<2xf32>
}
